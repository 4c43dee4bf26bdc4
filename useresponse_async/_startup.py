"""What the commands need when they start or end: Ctrl-C without a traceback, and output given up.

The package imports this module first, since its other imports take several tenths of a second.
It has no effect if the package is used as a library.
"""

import os
import sys

_PROGRAM = "useresponse-async"
_MODULES = ("useresponse_async", "useresponse_async.cli")
_INTERRUPTED = 130


def end_at_once(*_: object) -> None:
    """End the process: the handler of Ctrl-C until a command runs."""
    try:
        os.write(2, b"interrupted\n")
    finally:
        os._exit(_INTERRUPTED)


def give_up(descriptor: int) -> None:
    """Connect an output that cannot be written to the null device.

    Otherwise Python would fail again to write what is left in its buffer when it exits, and change
    the exit code.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def _is_command() -> bool:
    program = sys.argv[0] if getattr(sys, "argv", None) else ""
    if program == "-m":
        options = sys.orig_argv
        return "-m" in options and options[options.index("-m") + 1] in _MODULES
    return program.replace(os.sep, "/").rpartition("/")[2].removesuffix(".exe") == _PROGRAM


if _is_command():
    # No interrupt is shown: a second Ctrl-C may interrupt the handling of the first.
    _show, _show_unraisable = sys.excepthook, sys.unraisablehook
    sys.excepthook = lambda kind, error, trace: (
        None if kind is KeyboardInterrupt else _show(kind, error, trace)
    )
    sys.unraisablehook = lambda caught: (
        None if caught.exc_type is KeyboardInterrupt else _show_unraisable(caught)
    )
    import signal

    # If Ctrl-C is ignored, as in the background of a script, it remains ignored.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, end_at_once)
