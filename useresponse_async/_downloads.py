"""Where do a downloaded file's bytes go?"""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from inspect import isawaitable
from typing import Protocol, TypeAlias

import anyio

from useresponse_async._lifetime import opened, to_the_end

__all__ = ["AsyncWritable", "ProgressCallback", "Sink", "opened_sink"]

ProgressCallback: TypeAlias = Callable[[int, int | None], Awaitable[None] | None]
"""Is told how many bytes came so far, and how many are to come in all, if that is known."""


class AsyncWritable(Protocol):
    """A file opened for writing bytes, e.g. by :func:`anyio.open_file`."""

    async def write(self, data: bytes, /) -> int:
        """Write ``data``."""
        ...

    async def seek(self, offset: int, whence: int = ..., /) -> int:
        """Go to a place in the file, and return where that is."""
        ...

    async def tell(self) -> int:
        """Return where in the file the next bytes go."""
        ...

    async def truncate(self, size: int | None = ..., /) -> int:
        """Cut the file off."""
        ...


class Sink:
    """Takes a file's bytes, from the first one again at every try.

    Args:
        file: Where they go.
        start: Where in the file the first one goes.
        on_progress: Is told how far it is.
    """

    def __init__(
        self, file: AsyncWritable, *, start: int, on_progress: ProgressCallback | None
    ) -> None:
        self._file = file
        self._start = start
        self._on_progress = on_progress
        self._total: int | None = None
        self.received: int = 0

    async def begin(self, total: int | None) -> None:
        """Get ready for the first byte; what an earlier try wrote is cut off."""
        self._total = total
        self.received = 0
        await self._file.seek(self._start)
        await self._file.truncate()

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes."""
        await self._file.write(chunk)
        self.received += len(chunk)
        if self._on_progress is not None:
            reported = self._on_progress(self.received, self._total)
            if isawaitable(reported):
                await reported


@asynccontextmanager
async def opened_sink(
    to: str | os.PathLike[str] | AsyncWritable, on_progress: ProgressCallback | None
) -> AsyncGenerator[Sink, None]:
    """Give a sink into a path, or into an open file at its present place.

    A path is filled under another name beside it, and takes its own at the end of a block that
    succeeds, so that nobody finds half a file.
    """
    if not isinstance(to, str | os.PathLike):
        yield Sink(to, start=await to.tell(), on_progress=on_progress)
        return
    target = anyio.Path(to)
    partial = target.with_name(f"{target.name}.part")
    try:
        async with opened(partial, "wb") as file:
            yield Sink(file, start=0, on_progress=on_progress)
        await to_the_end(lambda: partial.replace(target))
    except BaseException:
        await to_the_end(lambda: partial.unlink(missing_ok=True))
        raise
