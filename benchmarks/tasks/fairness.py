"""Response time of single calls beside walks."""

import time
from typing import Any, Final

import anyio

from benchmarks.fetchers import API_KEY
from benchmarks.tasks.calling import USER_ID
from useresponse_async import AsyncClient

__all__ = ["calls_beside_walks"]

_PAGE_SIZE: Final = 50


async def calls_beside_walks(
    *, url: str, in_flight: int, walks: int, repeats: int
) -> dict[str, Any]:
    """Fetch one user repeatedly while walks of the same client run.

    Args:
        url: The server's URL.
        in_flight: Maximum number of concurrent requests.
        walks: Number of walks.
        repeats: Number of calls, one after another.

    Returns:
        ``seconds``, by call, and ``users_per_second`` of all walks during the calls.
    """
    arrived = 0
    warm = walks * in_flight * _PAGE_SIZE  # by then, pacing has found its limit
    is_warm = anyio.Event()
    seconds: list[float] = []
    rate = 0.0
    async with AsyncClient(url, api_key=API_KEY, max_in_flight=in_flight) as client:

        async def walk_repeatedly() -> None:
            nonlocal arrived
            while True:
                async for _ in client.users.search():
                    arrived += 1
                    if arrived == warm:
                        is_warm.set()

        async with anyio.create_task_group() as tasks:
            for _ in range(walks):
                tasks.start_soon(walk_repeatedly)
            if walks:
                await is_warm.wait()
            before, began = arrived, time.perf_counter()
            for _ in range(repeats):
                started = time.perf_counter()
                await client.users.get(USER_ID)
                seconds.append(time.perf_counter() - started)
            rate = (arrived - before) / (time.perf_counter() - began)
            tasks.cancel_scope.cancel()
    return {"seconds": seconds, "users_per_second": rate}
