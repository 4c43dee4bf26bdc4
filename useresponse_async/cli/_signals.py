"""Signals that end a command, after its clean-up."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Generator
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from types import FrameType
from typing import Any, Final, TypeVar

import anyio
import typer

T = TypeVar("T")

# SIGHUP comes when the terminal is closed; Windows has none.
_ENDING: Final = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
_EXIT_CODE_BASE: Final = 128


@contextmanager
def interrupts_held_back() -> Generator[None, None, None]:
    """Delay Ctrl-C until the block has ended."""
    held: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: held.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if held and callable(before):
        before(signal.SIGINT, None)


def is_of_interrupt(error: BaseException | None) -> bool:
    """Return whether ``error`` occurred while Ctrl-C was being handled."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None


def run_async(
    function: Callable[..., Awaitable[T]], *arguments: Any, backend: str = "asyncio"
) -> T:
    """Run ``function`` on an event loop, uvloop if it is installed; every signal can end it."""
    faster = backend == "asyncio" and find_spec("uvloop") is not None
    options = {"use_uvloop": True} if faster else {}
    with termination_like_ctrl_c():
        return anyio.run(function, *arguments, backend=backend, backend_options=options)


@contextmanager
def termination_like_ctrl_c() -> Generator[None, None, None]:
    """End the block on SIGTERM and SIGHUP as Ctrl-C does, clean-up included."""
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        # What handles Ctrl-C now (asyncio, trio, a block that delays it) handles this signal too.
        handler = signal.getsignal(signal.SIGINT)
        if not callable(handler):
            raise KeyboardInterrupt
        handler(signal.SIGINT, frame)

    with ExitStack() as stack:
        if sys.platform != "win32" and signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # Event loops install their handler of Ctrl-C only in place of Python's own. Without it
            # the signals above would raise an exception anywhere in a loop, which may lose it.
            # Ctrl-C itself still does nothing: it is blocked in this thread, and in the threads
            # and processes started from here.
            blocked = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            stack.callback(signal.pthread_sigmask, signal.SIG_SETMASK, blocked)
            handler = signal.signal(signal.SIGINT, signal.default_int_handler)
            stack.callback(signal.signal, signal.SIGINT, handler)
        for number in _ENDING:
            # One that is ignored, as under nohup, stays ignored.
            if signal.getsignal(number) not in (None, signal.SIG_IGN):
                stack.callback(signal.signal, number, signal.signal(number, interrupt))
        try:
            yield
        except (KeyboardInterrupt, asyncio.CancelledError):
            # On Python 3.10 anyio lets out the cancellation that it makes of Ctrl-C.
            if received:
                raise typer.Exit(_EXIT_CODE_BASE + received[0]) from None
            raise KeyboardInterrupt from None
