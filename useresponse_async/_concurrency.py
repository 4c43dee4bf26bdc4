"""How does everything concurrent run? As one bounded, ordered, cancellable async map."""

from __future__ import annotations

import asyncio
import contextvars
import enum
import sys
from collections import deque
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
)
from typing import Any, Final, Generic, TypeVar

import anyio

__all__ = ["concurrent_map", "is_in_trio", "spawn", "wait_whatever_comes"]


class _No(enum.Enum):
    MORE = "no input is left"
    INPUT_YET = "the next input is still awaited"


_NO_MORE: Final = _No.MORE
_NOT_YET: Final = _No.INPUT_YET

Input = TypeVar("Input")
T = TypeVar("T")

_asyncio_tasks: Final[set[asyncio.Task[None]]] = set()


def is_in_trio() -> bool:
    """Return whether this runs in a task of trio, which need not be installed."""
    trio = sys.modules.get("trio")
    if trio is None:
        return False
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


def spawn(run: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Start a task that no task group owns, in a copy of the caller's context.

    A task group cannot be held open across a ``yield``, nor entered in one task and left in
    another, and callers of a generator need both.
    """
    if is_in_trio():
        sys.modules["trio"].lowlevel.spawn_system_task(run, context=contextvars.copy_context())
        return
    task = asyncio.get_running_loop().create_task(run())
    _asyncio_tasks.add(task)
    task.add_done_callback(_asyncio_tasks.discard)


class _Call(Generic[T]):
    """One call in a task of its own, with its outcome kept until somebody asks."""

    __slots__ = ("_error", "_finished", "_on_finish", "_scope", "_value")

    def __init__(
        self, call: Callable[[], Awaitable[T]], on_finish: Callable[[_Call[T]], None]
    ) -> None:
        self._scope = anyio.CancelScope()
        self._finished = anyio.Event()
        self._on_finish = on_finish
        self._error: BaseException | None = None
        spawn(lambda: self._run(call))

    async def _run(self, call: Callable[[], Awaitable[T]]) -> None:
        try:
            with self._scope:
                self._value = await call()
        except BaseException as error:
            # It is raised where the outcome is asked for. Only a cancellation from outside
            # goes on: no other exception may leave a task that nobody waits for.
            self._error = error
            if isinstance(error, anyio.get_cancelled_exc_class()):
                raise
        finally:
            self._finished.set()
            self._on_finish(self)

    @property
    def finished(self) -> bool:
        return self._finished.is_set()

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value

    def cancel(self) -> None:
        self._scope.cancel()

    @property
    def end(self) -> anyio.Event:
        return self._finished


async def wait_whatever_comes(events: Iterable[anyio.Event]) -> None:
    """Wait for all of ``events``; a cancellation meanwhile is raised when they are set."""
    cancellation: BaseException | None = None
    for event in events:
        while not event.is_set():
            try:
                with anyio.CancelScope(shield=True):
                    await event.wait()
            except anyio.get_cancelled_exc_class() as error:  # noqa: PERF203
                cancellation = error  # asyncio's own, which knows no shield
    if cancellation is not None:
        raise cancellation


class _Window(Generic[Input, T]):
    """The calls that run now, and the outcomes nobody has taken yet."""

    def __init__(
        self, function: Callable[[Input], Awaitable[T]], *, limit: int, ahead: int
    ) -> None:
        self._function = function
        self._limit = limit
        self._ahead = ahead
        self._running = 0
        self._calls: dict[_Call[T], None] = {}
        self._finished: deque[_Call[T]] = deque()
        self._changed = anyio.Event()

    @property
    def has_room(self) -> bool:
        return self._running < self._limit and len(self._calls) < self._ahead

    @property
    def empty(self) -> bool:
        return not self._calls

    def start(self, item: Input) -> None:
        self._running += 1
        self._calls[_Call(lambda: self._function(item), self._on_finish)] = None

    def _on_finish(self, call: _Call[T]) -> None:
        self._running -= 1
        self._finished.append(call)
        self.wake()

    def wake(self, _call: object = None) -> None:
        """End the wait for a change."""
        self._changed.set()

    def take(self, *, ordered: bool) -> _Call[T] | None:
        """Remove and return a finished call: the oldest of all, or the first to finish."""
        if ordered:
            call = next(iter(self._calls), None)
            if call is None or not call.finished:
                return None
            self._finished.remove(call)
        elif not self._finished:
            return None
        else:
            call = self._finished.popleft()
        del self._calls[call]
        return call

    async def change(self) -> None:
        """Wait until one more call finishes, or an input comes."""
        self._changed = anyio.Event()
        await self._changed.wait()

    async def cancel(self) -> None:
        """Cancel every call, and return when the last of them has ended."""
        for call in self._calls:
            call.cancel()
        await wait_whatever_comes([call.end for call in self._calls])


class _Source(Generic[Input]):
    """Inputs, drawn one by one; an asynchronous one is waited for in a task of its own."""

    def __init__(
        self, inputs: Iterable[Input] | AsyncIterable[Input], on_draw: Callable[[object], None]
    ) -> None:
        self.exhausted = False
        self._on_draw = on_draw
        self._drawing: _Call[Input | _No] | None = None
        self._iterator: Iterator[Input] | None = None
        self._async_iterator: AsyncIterator[Input] | None = None
        self._close: Callable[[], Awaitable[None]] | None = None
        if isinstance(inputs, AsyncIterable):
            self._async_iterator = aiter(inputs)
            # A generator that was written into the call has nobody else to close it.
            self._close = getattr(self._async_iterator, "aclose", None)
        else:
            self._iterator = iter(inputs)

    def draw(self) -> Input | _No:
        """Return the next input, if it is there now."""
        item = self._draw_now()
        self.exhausted = item is _NO_MORE
        return item

    def _draw_now(self) -> Input | _No:
        if self._iterator is not None:
            return next(self._iterator, _NO_MORE)
        if self._drawing is None:
            self._drawing = _Call(self._next, self._on_draw)
        if not self._drawing.finished:
            return _NOT_YET
        drawn, self._drawing = self._drawing, None
        return drawn.outcome()

    async def _next(self) -> Input | _No:
        if self._async_iterator is None:
            return _NO_MORE
        return await anext(self._async_iterator, _NO_MORE)

    async def aclose(self) -> None:
        try:
            if self._drawing is not None:
                self._drawing.cancel()
                await wait_whatever_comes([self._drawing.end])
        finally:
            if self._close is not None:
                await self._close()


async def concurrent_map(
    function: Callable[[Input], Awaitable[T]],
    inputs: Iterable[Input] | AsyncIterable[Input],
    *,
    limit: int,
    ahead: int | None = None,
    ordered: bool = True,
) -> AsyncGenerator[T, None]:
    """Yield ``function(item)`` for each of ``inputs``, with several calls under way at once.

    Inputs are drawn only as there is room for their calls. The first call that fails raises
    its exception in its turn; leaving the generator in whatever way, cancellation included,
    cancels the calls still under way and waits for their end.

    Args:
        function: What to call; each call runs in a task of its own.
        inputs: What to call it with; an async generator is closed in the end.
        limit: The most calls under way, in calls.
        ahead: The most calls under way or finished and not yet taken, in calls; ``limit``
            unless told. A larger one keeps ``limit`` calls busy behind a slow one.
        ordered: Whether outcomes come in the order of their inputs, or as they finish.
    """
    window = _Window(function, limit=limit, ahead=max(limit, ahead or 0))
    source = _Source(inputs, window.wake)
    try:
        while True:
            while window.has_room and not source.exhausted:
                item = source.draw()
                if isinstance(item, _No):
                    break
                window.start(item)
            call = window.take(ordered=ordered)
            if call is not None:
                yield call.outcome()
            elif window.empty and source.exhausted:
                return
            else:
                await window.change()
    finally:
        try:
            await window.cancel()
        finally:
            await source.aclose()
