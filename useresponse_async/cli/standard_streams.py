"""What if the process was started with its input, its output or its errors closed?"""

from __future__ import annotations

import os
import sys
from typing import Final

__all__ = ["open_closed_streams"]

_STREAMS: Final = {"stdin": "r", "stdout": "w", "stderr": "w"}


def open_closed_streams() -> None:
    """Let every stream that is closed lead nowhere.

    Else a file, a socket or the event loop would get its number, and what is meant for the stream.
    """
    inheritable = True
    while (descriptor := os.open(os.devnull, os.O_RDWR)) < len(_STREAMS):
        os.set_inheritable(descriptor, inheritable)  # the sandbox's process has the same need
    os.close(descriptor)
    for number, (name, mode) in enumerate(_STREAMS.items()):
        if getattr(sys, name) is None:
            # It stays open to the end of the process.
            stream = open(number, mode, errors="backslashreplace", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)
