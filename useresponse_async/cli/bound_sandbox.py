"""How does a sandbox end with whoever started it, even when that one is killed?"""

from __future__ import annotations

import os
import signal
import sys
import threading

from useresponse_async.sandbox import main

__all__ = ["run"]


def run() -> int:
    """Serve until standard input is closed, SIGINT or SIGTERM; return the exit code."""
    threading.Thread(target=_stop_at_end_of_input, daemon=True).start()
    return main()


def _stop_at_end_of_input() -> None:
    # Past Python's buffer, whose lock the interpreter wants when it ends.
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(run())
