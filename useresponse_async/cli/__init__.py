"""The command line, ``useresponse-async``."""

from __future__ import annotations

import os
import signal
import sys

from useresponse_async._config import MissingExtraError, require_extra

__all__ = ["main"]


def main() -> int:
    """Run the command line with the arguments of the process; return the exit code."""
    _open_closed_streams()
    try:
        require_extra("cli")
    except MissingExtraError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    from useresponse_async.cli._app import run  # noqa: PLC0415 - needs the extra

    code = run()
    # After a Ctrl-C during exec() of a text, as in the import of a module with dataclasses, Python
    # ends by SIGINT despite the exit code, until the next exec() of a text.
    exec("")  # noqa: S102
    # While the interpreter exits, Ctrl-C would print a traceback, unless it is ignored.
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    return code


def _open_closed_streams() -> None:
    """Connect closed standard streams to the null device.

    Otherwise a file, a socket or the event loop would get their descriptors, and their data.
    """
    streams = {"stdin": "r", "stdout": "w", "stderr": "w"}
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < len(streams):
        os.set_inheritable(descriptor, True)  # noqa: FBT003 - the sandbox's process needs it too
    os.close(descriptor)
    for number, (name, mode) in enumerate(streams.items()):
        if getattr(sys, name) is None:
            # It stays open to the end of the process.
            stream = open(number, mode, errors="backslashreplace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
