"""Writing to standard output, to pipes and to devices."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import select
import stat
import sys
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio

from useresponse_async.cli._errors import CommandError, OutputClosedError

STANDARD_STREAM: Final = "-"
"""Standard output or input in place of a file's name."""

# As much as a pipe that is writable takes at once, by POSIX.
_PIECE: Final = 4096 if sys.platform == "win32" else select.PIPE_BUF

_LOOK_SECONDS: Final = 0.05

# json.dumps escapes the other control characters itself. U+009B begins a command as ESC [ does;
# the next turn text around; halves of surrogate pairs cannot be written at all.
_STEERING: Final = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless_json(text: str) -> str:
    """Return the same JSON, with characters escaped that would steer a terminal."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say(text: str) -> None:
    """Write a line to standard output."""
    try:
        sys.stdout.flush()
        _write(sys.stdout.fileno(), f"{text}\n".encode("utf-8", "backslashreplace"))
    except OSError as error:
        raise cannot_be_written(error) from error


def cannot_be_written(error: OSError) -> CommandError:
    """Return the error to report when ``error`` came from standard output."""
    return CommandError(f"standard output: {error.strerror or error}")


def was_printing(error: OSError) -> bool:
    """Return whether ``error`` came from a help text or the like, which click or typer prints."""
    return any(frame.name == "echo" for frame in traceback.extract_tb(error.__traceback__))


def drop_buffered() -> None:
    """Drop what standard output holds and cannot write; Python would complain about it."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        sys.stdout.flush()


@asynccontextmanager
async def opened_stream(name: str) -> AsyncGenerator[int, None]:
    """Open a pipe or a device for writing; ``-`` is standard output."""
    if name == STANDARD_STREAM:
        sys.stdout.flush()
        yield sys.stdout.fileno()
        return
    is_pipe = Path(name).is_fifo()  # noqa: ASYNC240 - a local file's status
    # Nothing reports that a named pipe has got a reader.
    while (descriptor := _opened(name, os.O_NONBLOCK if is_pipe else 0)) is None:  # noqa: ASYNC110
        await anyio.sleep(_LOOK_SECONDS)
    try:
        os.set_blocking(descriptor, True)
        yield descriptor
    finally:
        os.close(descriptor)


def _opened(name: str, flags: int) -> int | None:
    try:
        return os.open(name, os.O_WRONLY | flags)
    except OSError as error:
        if error.errno == errno.ENXIO and flags:
            return None  # a named pipe without a reader
        raise


async def write_when_taken(descriptor: int, data: bytes) -> None:
    """Write all of ``data``; a slow reader holds nothing else up."""
    mode = os.fstat(descriptor).st_mode
    if sys.platform == "win32" or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        _write(descriptor, data)
        return
    for start in range(0, len(data), _PIECE):
        await _writable(descriptor)
        _write(descriptor, data[start : start + _PIECE])


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except BrokenPipeError:
        raise OutputClosedError from None


async def _writable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    loop.add_writer(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_writer(descriptor)
