"""What is measured of a walk over all users, in the process that walks?"""

import resource
import time
from typing import Any

import anyio
import httpx

from useresponse_async import AsyncClient
from useresponse_async.sandbox.options import DEFAULT_API_KEY

PAGE_SIZE = 50


async def walk(url: str, *, max_in_flight: int, sharded: bool = True) -> tuple[float, list[int]]:
    """Walk all users; return the seconds it took and the ids in the order of their arrival."""
    one_pool = None
    if not sharded:
        one_pool = httpx.AsyncHTTPTransport(
            limits=httpx.Limits(
                max_connections=max_in_flight, max_keepalive_connections=max_in_flight
            )
        )
    ids: list[int] = []
    async with AsyncClient(
        url, api_key=DEFAULT_API_KEY, max_in_flight=max_in_flight, transport=one_pool
    ) as client:
        await client.users.me()
        started = time.perf_counter()
        async with client.users.search() as users:
            async for user in users:
                ids.append(user.id or 0)  # noqa: PERF401 - the loop is what is measured
        return time.perf_counter() - started, ids


def run(backend: str, url: str, **options: Any) -> tuple[float, list[int]]:
    """Walk on ``asyncio``, ``uvloop`` or ``trio``."""
    uvloop = {"use_uvloop": True} if backend == "uvloop" else {}

    async def main() -> tuple[float, list[int]]:
        return await walk(url, **options)

    name = "asyncio" if backend == "uvloop" else backend
    return anyio.run(main, backend=name, backend_options=uvloop)


def peak_memory(url: str) -> float:
    """Walk all users without keeping them; return the process's peak memory in megabytes."""

    async def stream() -> None:
        async with AsyncClient(url, api_key=DEFAULT_API_KEY) as client:
            async for _ in client.users.search():
                pass

    anyio.run(stream)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
