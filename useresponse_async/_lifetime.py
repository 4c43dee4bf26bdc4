"""Which calls must end before the client is closed, and what must itself run to its end?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Generic, Literal, TypeVar, cast

import anyio

from useresponse_async._concurrency import is_in_trio, wait_whatever_comes
from useresponse_async._exceptions import ClientClosedError

__all__ = ["Lifetime", "closed_for_sure", "opened", "to_the_end", "unbroken"]

T = TypeVar("T")


class Lifetime:
    """Knows the calls under way, so that closing can end them."""

    def __init__(self) -> None:
        self._calls: dict[anyio.CancelScope, tuple[anyio.Event, int]] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        return self._closed

    @contextmanager
    def call(self) -> Generator[None]:
        """Return a context in which a call runs until it ends or the client is closed.

        Raises:
            ClientClosedError: The client is closed, or was closed meanwhile.
        """
        if self._closed:
            raise ClientClosedError("the client is closed")
        with anyio.CancelScope() as scope:
            ended = anyio.Event()
            self._calls[scope] = ended, anyio.get_current_task().id
            try:
                yield
            finally:
                del self._calls[scope]
                ended.set()
        if scope.cancelled_caught:
            raise ClientClosedError("the client was closed during the call")

    async def close(self) -> None:
        """End every call under way, and return when the last has ended.

        A call of the closing task itself, as from a callback, ends only after that.
        """
        self._closed = True
        calls = list(self._calls.items())
        for scope, _ in calls:
            scope.cancel()
        own = anyio.get_current_task().id
        await wait_whatever_comes([ended for _, (ended, task) in calls if task != own])


class _Unbroken(Generic[T]):
    """Awaits a coroutine of which asyncio's own cancellations break off no bare checkpoint."""

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, T]:
        steps = self._coroutine
        cancellation: asyncio.CancelledError | None = None
        answer: Any = None
        error: BaseException | None = None
        while True:
            try:
                waited_for = steps.send(answer) if error is None else steps.throw(error)
            except StopIteration as end:
                if cancellation is not None:
                    raise cancellation from None
                return cast("T", end.value)
            answer = error = None
            try:
                answer = yield waited_for
            except asyncio.CancelledError as caught:
                if waited_for is None:
                    cancellation = caught
                else:
                    error = caught  # what is waited for was cancelled, and may be by others
            except BaseException as caught:  # noqa: BLE001 - it is the coroutine's to handle
                error = caught


async def unbroken(coroutine: Coroutine[Any, Any, T]) -> T:
    """Return what ``coroutine`` returns; at a bare checkpoint no cancellation breaks it off.

    One that comes there is raised when it has ended. It costs next to nothing, and is for what
    waits at bare checkpoints only, as closing a connection does: asyncio's own cancellation
    knows no shield, and where it comes then, the connection would be open for ever.

    Args:
        coroutine: What must not be broken off.
    """
    return await _Unbroken(coroutine)


async def closed_for_sure(close: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what ``close()`` returns; a cancellation meanwhile is raised when it has ended.

    On asyncio that is for what waits at bare checkpoints only, see :func:`unbroken`.

    Args:
        close: What must not be broken off.
    """
    with anyio.CancelScope(shield=True):
        return await unbroken(close())
    raise AssertionError("unreachable: a shield swallows nothing")


async def to_the_end(function: Callable[[], Awaitable[T]]) -> T:
    """Return what ``function()`` returns; a cancellation meanwhile is raised when it has ended.

    On asyncio it runs in a task of its own, since a thread that it waits for goes on when it is
    cancelled.

    Args:
        function: What must not be broken off.
    """
    if is_in_trio():
        with anyio.CancelScope(shield=True):
            return await function()

    async def run() -> T:
        return await function()

    ended = anyio.Event()

    def on_end(task: asyncio.Task[T]) -> None:
        ended.set()
        if not task.cancelled():
            task.exception()  # asyncio complains of one that nobody looks at

    task = asyncio.get_running_loop().create_task(run())
    task.add_done_callback(on_end)
    await wait_whatever_comes([ended])
    return task.result()


@asynccontextmanager
async def opened(
    path: anyio.Path, mode: Literal["rb", "wb"]
) -> AsyncGenerator[anyio.AsyncFile[bytes], None]:
    """Give an open file, which is closed in the end, however that comes.

    Args:
        path: Where the file is.
        mode: How to open it, as bytes.
    """
    files: list[anyio.AsyncFile[bytes]] = []

    async def open_file() -> None:
        files.append(await anyio.open_file(path, mode))

    try:
        await to_the_end(open_file)
        yield files[0]
    finally:
        for file in files:
            await to_the_end(file.aclose)
