"""Concurrent map with a limit, and tasks that belong to no task group."""

from __future__ import annotations

import asyncio
import contextvars
import enum
import sys
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
)
from contextlib import suppress
from functools import partial
from typing import Any, Final, Generic, TypeVar

import anyio

CLOSE_SECONDS: Final = 0.5

Input = TypeVar("Input")
T = TypeVar("T")

_asyncio_tasks: Final[set[asyncio.Task[None]]] = set()


class _End(enum.Enum):
    OF_INPUTS = enum.auto()


def current_loop() -> object:
    """Return an object that identifies the running event loop."""
    trio = sys.modules.get("trio")  # it need not be installed
    if trio is not None:
        with suppress(RuntimeError):
            return trio.lowlevel.current_trio_token()
    return asyncio.get_running_loop()


class _Task(Generic[T]):
    """A call in its own task, which keeps the outcome, and runs in a copy of the context.

    It belongs to no task group, since a task group must not be open across a ``yield``, and must
    be exited in the task that entered it; users of a generator need both.
    """

    __slots__ = ("_call", "_error", "_on_end", "_value", "ended", "scope")

    def __init__(
        self,
        call: Callable[[], Awaitable[T]],
        on_end: Callable[[_Task[T]], object],
        *,
        deadline: float = float("inf"),
    ) -> None:
        self.ended = anyio.Event()
        self._call = call
        self._on_end = on_end
        self.scope = anyio.CancelScope(deadline=deadline)
        self._error: BaseException | None = None
        loop = current_loop()
        if isinstance(loop, asyncio.AbstractEventLoop):
            task = loop.create_task(self._run())
            _asyncio_tasks.add(task)
            task.add_done_callback(_asyncio_tasks.discard)
        else:
            trio = sys.modules["trio"]
            trio.lowlevel.spawn_system_task(self._run, context=contextvars.copy_context())

    async def _run(self) -> None:
        try:
            with self.scope:
                self._value = await self._call()
        except BaseException as error:
            # It is raised by outcome(), and here only if it is a cancellation from outside: any
            # other exception would end trio, and asyncio would log it.
            self._error = error
            if isinstance(error, anyio.get_cancelled_exc_class()):
                raise
        finally:
            self.ended.set()
            self._on_end(self)

    def outcome(self) -> T:
        if self._error is not None:
            raise self._error
        return self._value


async def _wait_for(tasks: Iterable[_Task[Any]], *, deadline: float = float("inf")) -> None:
    """Wait until ``tasks`` have ended; a cancellation during the wait is raised afterwards."""
    cancellation: BaseException | None = None
    for task in tasks:
        while not task.ended.is_set() and anyio.current_time() < deadline:
            try:
                with anyio.CancelScope(shield=True, deadline=deadline):
                    await task.ended.wait()
            except anyio.get_cancelled_exc_class() as error:  # noqa: PERF203
                cancellation = error  # asyncio's own, which ignores shields
    if cancellation is not None:
        raise cancellation


async def ends_in_time(
    function: Callable[[], Awaitable[object]], *, seconds: float = CLOSE_SECONDS
) -> None:
    """Await ``function()`` for at most ``seconds``; exceptions that it raises are dropped.

    It runs in a task of its own, since asyncio's own cancellation ignores shields. A cancellation
    of the caller is raised afterwards.

    Args:
        function: The function to await.
        seconds: The limit, in seconds.
    """
    deadline = anyio.current_time() + seconds
    await _wait_for([_Task(function, id, deadline=deadline)], deadline=deadline)


async def concurrent_map(  # noqa: C901, PLR0912 - one loop, straight on
    function: Callable[[Input], Awaitable[T]],
    inputs: Iterable[Input] | AsyncIterable[Input],
    *,
    limit: int,
    ahead: int = 0,
    ordered: bool = True,
) -> AsyncGenerator[T, None]:
    """Yield ``function(item)`` for each of ``inputs``, with several calls running concurrently.

    An input is taken only when its call can start. The exception of a call is raised in place of
    its result. Leaving the generator, also by a cancellation, cancels the running calls and
    waits for them.

    Args:
        function: The function; each call runs in its own task.
        inputs: The arguments; an async generator is closed at the end.
        limit: Maximum number of running calls.
        ahead: Maximum number of calls that are running, or finished and not yet yielded; at
            least ``limit``. A larger number keeps ``limit`` calls running after a slow one.
        ordered: Whether results are yielded in the order of their inputs, or as calls finish.
    """
    source: Iterator[Input] | AsyncIterator[Input] = (
        aiter(inputs) if isinstance(inputs, AsyncIterable) else iter(inputs)
    )
    calls: dict[_Task[T], None] = {}  # not yet yielded, in the order of their inputs
    finished: dict[_Task[T], None] = {}  # the finished ones of them, as they finished
    drawing: _Task[Input | _End] | None = None
    exhausted = False
    ahead = max(limit, ahead)
    changed = anyio.Event()

    def wake(_task: object) -> None:
        changed.set()

    def finish(call: _Task[T]) -> None:
        finished[call] = None
        changed.set()

    try:
        while calls or not exhausted:
            changed = anyio.Event()
            while not exhausted and len(calls) - len(finished) < limit and len(calls) < ahead:
                if isinstance(source, Iterator):
                    item = next(source, _End.OF_INPUTS)
                elif drawing is None:
                    drawing = _Task(partial(anext, source, _End.OF_INPUTS), wake)
                    break
                elif drawing.ended.is_set():
                    item, drawing = drawing.outcome(), None
                else:
                    break
                exhausted = item is _End.OF_INPUTS
                if item is not _End.OF_INPUTS:
                    calls[_Task(partial(function, item), finish)] = None
            call = next(iter(calls if ordered else finished), None)
            if call is not None and call in finished:
                del calls[call], finished[call]
                yield call.outcome()
            elif calls or not exhausted:
                await changed.wait()
    finally:
        tasks: list[_Task[Any]] = [*calls, *([drawing] if drawing else [])]
        for task in tasks:
            task.scope.cancel()
        try:
            await _wait_for(tasks)
        finally:
            # The caller may have no reference to the generator that it passed.
            close = getattr(source, "aclose", None)
            if close is not None:
                await close()
