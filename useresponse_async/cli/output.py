"""How is data written to standard output, or to a pipe, whose reader may be slow or gone?"""

from __future__ import annotations

import asyncio
import os
import select
import stat
import sys
from typing import Final

__all__ = ["OutputClosedError", "say", "write", "write_when_taken"]

# As much as a pipe that says it is writable takes at once, by POSIX.
_PIECE: Final = 4096 if sys.platform == "win32" else select.PIPE_BUF


class OutputClosedError(Exception):
    """Whoever read the output has gone: nothing is wrong, and nothing is left to do."""


def say(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.flush()
    write(sys.stdout.fileno(), f"{text}\n".encode("utf-8", "backslashreplace"))


def write(descriptor: int, data: bytes) -> None:
    """Write all of ``data``.

    Raises:
        OutputClosedError: The reader has gone.
        OSError: It cannot be written.
    """
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except BrokenPipeError:
        raise OutputClosedError from None


async def write_when_taken(descriptor: int, data: bytes) -> None:
    """Write all of ``data``; whatever else goes on is not held up by a slow reader.

    Raises:
        OutputClosedError: The reader has gone.
        OSError: It cannot be written.
    """
    if sys.platform == "win32" or not _may_be_slow(descriptor):
        write(descriptor, data)
        return
    for start in range(0, len(data), _PIECE):
        await _writable(descriptor)
        write(descriptor, data[start : start + _PIECE])


def _may_be_slow(descriptor: int) -> bool:
    mode = os.fstat(descriptor).st_mode
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)


async def _writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(descriptor)
