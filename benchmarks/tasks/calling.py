"""CPU time of small calls."""

import gc
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Final, TypeAlias

import anyio

from benchmarks.fetchers import API_KEY, FETCHERS

__all__ = ["CALLERS", "USER_ID", "calls"]

GetUser: TypeAlias = Callable[[int], Awaitable[int]]
"""Fetches a user by id, and returns the id in the response."""

USER_ID: Final = 7
_WARM_UP_CALLS: Final = 3


@asynccontextmanager
async def _ours(url: str, in_flight: int, **options: Any) -> AsyncGenerator[GetUser, None]:
    from useresponse_async import AsyncClient  # noqa: PLC0415 - only where measured

    async with AsyncClient(url, api_key=API_KEY, max_in_flight=in_flight, **options) as client:

        async def get_user(user_id: int) -> int:
            return (await client.users.get(user_id)).id or 0

        yield get_user


@asynccontextmanager
async def _fetched(url: str, in_flight: int, *, fetcher: str) -> AsyncGenerator[GetUser, None]:
    async with FETCHERS[fetcher](url, in_flight) as fetch:

        async def get_user(user_id: int) -> int:
            user = await fetch(f"/users/{user_id}.json")
            return int(user["id"])

        yield get_user


CALLERS: Final[dict[str, Callable[[str, int], AbstractAsyncContextManager[GetUser]]]] = {
    "ours": _ours,
    "ours-aiohttp": partial(_ours, transport="aiohttp"),
    **{name: partial(_fetched, fetcher=name) for name in FETCHERS},
}
"""Factories, by name, of clients for a URL and a number of concurrent requests."""


async def calls(*, caller: str, url: str, in_flight: int, repeats: int) -> float:
    """Fetch one user repeatedly, with a new client whose connections are open.

    Args:
        caller: A name from ``CALLERS``.
        url: The server's URL.
        in_flight: Number of concurrent calls.
        repeats: Number of calls that are measured.

    Returns:
        The processor time of one call, in microseconds.

    Raises:
        RuntimeError: A call returned another user.
    """
    async with CALLERS[caller](url, in_flight) as get_user:
        others = 0

        async def call_repeatedly(number: int) -> None:
            nonlocal others
            for _ in range(number):
                if await get_user(USER_ID) != USER_ID:
                    others += 1

        async def call_concurrently(number: int) -> None:
            async with anyio.create_task_group() as tasks:
                for _ in range(in_flight):
                    tasks.start_soon(call_repeatedly, number)

        await call_concurrently(_WARM_UP_CALLS)
        gc.collect()
        each = max(1, repeats // in_flight)
        started = time.process_time()
        await call_concurrently(each)
        taken = time.process_time() - started
    if others:
        raise RuntimeError(f"{caller} returned another user than {USER_ID}")
    return taken / each / in_flight * 1e6
