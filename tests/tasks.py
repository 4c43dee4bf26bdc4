"""How many tasks live, on whichever event loop?"""

import asyncio

import trio


def live_tasks() -> int:
    if trio.lowlevel.in_trio_task():
        return trio.lowlevel.current_statistics().tasks_living
    return len(asyncio.all_tasks())
