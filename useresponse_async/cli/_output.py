"""Writing to standard output, to pipes and to devices."""

from __future__ import annotations

import errno
import os
import re
import select
import stat
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio

from useresponse_async.cli._errors import OutputClosedError

STANDARD_STREAM: Final = "-"
"""Standard output or input in place of a file's name."""

# As much as a pipe that is writable takes at once, by POSIX.
_PIECE: Final = int(getattr(select, "PIPE_BUF", 4096))

_LOOK_SECONDS: Final = 0.05

# json.dumps escapes the other control characters itself. U+009B begins a command as ESC [ does,
# direction marks reorder text, and halves of surrogate pairs cannot be written at all.
_STEERING: Final = re.compile("[\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def harmless_json(text: str) -> str:
    """Return the same JSON, with characters escaped that would steer a terminal."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def say(text: str) -> None:
    """Write a line to standard output."""
    sys.stdout.flush()
    write_all(sys.stdout.fileno(), f"{text}\n".encode("utf-8", "backslashreplace"))


@asynccontextmanager
async def opened_stream(name: str) -> AsyncGenerator[int, None]:
    """Open a pipe or a device for writing; ``-`` is standard output."""
    if name == STANDARD_STREAM:
        sys.stdout.flush()
        yield sys.stdout.fileno()
        return
    is_pipe = Path(name).is_fifo()  # noqa: ASYNC240 - a local file's status
    while True:
        try:
            descriptor = os.open(name, os.O_WRONLY | (os.O_NONBLOCK if is_pipe else 0))
            break
        except OSError as error:
            if error.errno != errno.ENXIO or not is_pipe:
                raise
            await anyio.sleep(_LOOK_SECONDS)  # the system reports no first reader
    try:
        os.set_blocking(descriptor, True)
        yield descriptor
    finally:
        os.close(descriptor)


async def write_when_taken(descriptor: int, data: bytes) -> None:
    """Write all of ``data``; a slow reader does not block the event loop."""
    mode = os.fstat(descriptor).st_mode
    if sys.platform == "win32" or not (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)):
        write_all(descriptor, data)
        return
    for start in range(0, len(data), _PIECE):
        await anyio.wait_writable(descriptor)
        write_all(descriptor, data[start : start + _PIECE])


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of ``data``, in as many steps as the descriptor needs."""
    rest = memoryview(data)
    try:
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    except BrokenPipeError:
        raise OutputClosedError from None
