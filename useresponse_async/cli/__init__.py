"""What does ``useresponse-async`` run, and what does it say when its extra is not installed?"""

from __future__ import annotations

import signal
import sys

from useresponse_async._config import MissingExtraError, require_extra
from useresponse_async.cli.standard_streams import open_closed_streams

__all__ = ["main"]


def main() -> int:
    """Run the command line with the process's own arguments, and return the exit code."""
    open_closed_streams()
    try:
        require_extra("cli")
    except MissingExtraError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    from useresponse_async.cli.app import run  # noqa: PLC0415 - needs the extra that was just checked

    code = run()
    # The interpreter takes a moment to end, and would answer Ctrl-C with a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    return code
