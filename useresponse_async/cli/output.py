"""How is data written to standard output, or to a pipe, whose reader may be slow or gone?"""

from __future__ import annotations

import asyncio
import os
import select
import stat
import sys
import traceback
from typing import Final

from useresponse_async.cli.failures import CommandError

__all__ = [
    "OutputClosedError",
    "cannot_be_written",
    "give_up_buffered",
    "say",
    "was_printing",
    "write",
    "write_when_taken",
]

# As much as a pipe that says it is writable takes at once, by POSIX.
_PIECE: Final = 4096 if sys.platform == "win32" else select.PIPE_BUF


class OutputClosedError(Exception):
    """Whoever read the output has gone: nothing is wrong, and nothing is left to do."""


def say(text: str) -> None:
    """Write a line to standard output.

    Raises:
        CommandError: It cannot be written.
        OutputClosedError: The reader has gone.
    """
    try:
        sys.stdout.flush()
        write(sys.stdout.fileno(), f"{text}\n".encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise cannot_be_written(error) from error


def cannot_be_written(error: OSError) -> CommandError:
    """Return what to tell of standard output when ``error`` came of it."""
    return CommandError(f"standard output: {error.strerror or error}")


def was_printing(error: OSError) -> bool:
    """Return whether ``error`` came of a help text or the like, which click or typer prints."""
    return any(frame.name == "echo" for frame in traceback.extract_tb(error.__traceback__))


def give_up_buffered() -> None:
    """Drop what standard output still holds and cannot be written; Python would complain of it."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        sys.stdout.flush()


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
