"""What does ``useresponse-async`` run, and what does it say when its extra is not installed?"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from typing import Final

__all__ = ["main"]

_NEEDED: Final = ("typer", "rich")


def main() -> int:
    """Run the command line with the process's own arguments, and return the exit code."""
    if any(find_spec(name) is None for name in _NEEDED):
        sys.stderr.write("the command line needs: pip install 'useresponse-async[cli]'\n")
        return 1
    from useresponse_async.cli.app import run  # noqa: PLC0415 - needs the extra that was just checked

    return run()
