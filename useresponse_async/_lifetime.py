"""Owned tasks that end in a limited time, and what must not be broken off."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Final

import anyio

from useresponse_async._concurrency import spawn

__all__ = ["CLOSE_SECONDS", "current_loop", "ends_in_time"]

CLOSE_SECONDS: Final = 0.5


def current_loop() -> object:
    """Return what stands for the event loop that runs here."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return sys.modules["trio"].lowlevel.current_trio_token()


async def ends_in_time(
    function: Callable[[], Awaitable[object]], *, seconds: float = CLOSE_SECONDS
) -> bool:
    """Await ``function()`` in a task of its own; a cancellation meanwhile is raised afterwards.

    asyncio's own cancellation knows no shield, so what must run to its end needs a task that
    nobody else cancels. The caller waits for it, but never longer than ``seconds``.

    Args:
        function: What to await.
        seconds: The limit, in seconds.

    Returns:
        Whether it returned within the limit, without an exception.
    """
    ended = anyio.Event()
    well = False

    async def run() -> None:
        nonlocal well
        try:
            with anyio.move_on_after(seconds) as scope:
                await function()
            well = not scope.cancelled_caught
        except Exception:  # noqa: BLE001, S110 - the caller asks only whether it ended well
            pass
        finally:
            ended.set()

    spawn(run)
    deadline = anyio.current_time() + seconds
    cancellation: BaseException | None = None
    while not ended.is_set() and anyio.current_time() < deadline:
        try:
            with anyio.CancelScope(shield=True, deadline=deadline):
                await ended.wait()
        except anyio.get_cancelled_exc_class() as error:  # noqa: PERF203
            cancellation = error
    if cancellation is not None:
        raise cancellation
    return well
