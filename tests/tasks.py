"""Live tasks, and waits for a condition, on any event loop."""

import asyncio
from collections.abc import Callable

import anyio
import trio


def live_tasks() -> int:
    if trio.lowlevel.in_trio_task():
        return trio.lowlevel.current_statistics().tasks_living
    return len(asyncio.all_tasks())


async def until(holds: Callable[[], object], *, within: float = 30) -> None:
    with anyio.fail_after(within):
        while not holds():
            await anyio.sleep(0.005)
