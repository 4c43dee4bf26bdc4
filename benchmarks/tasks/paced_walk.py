"""A walk against a server that rejects requests above its capacity."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import anyio

from benchmarks.fetchers import API_KEY
from useresponse_async import AsyncClient

__all__ = ["PAGE_SIZE", "paced_walk"]

PAGE_SIZE: Final = 10
"""Small pages, so that the server's capacity is the limit and not the client's decoding."""

_SAMPLE_SECONDS: Final = 0.05


@asynccontextmanager
async def _sampled_limit(client: AsyncClient) -> AsyncGenerator[list[tuple[float, int]], None]:
    """Yield a list of times, by the monotonic clock, and the client's limit at each."""
    samples: list[tuple[float, int]] = []
    pacing = client._session.pacing  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

    async def sample() -> None:
        while True:
            samples.append((time.monotonic(), pacing.limit))
            await asyncio.sleep(_SAMPLE_SECONDS)

    sampling = asyncio.create_task(sample())
    try:
        yield samples
    finally:
        sampling.cancel()
        with suppress(asyncio.CancelledError):
            await sampling


async def paced_walk(
    *, url: str, in_flight: int, adaptive: bool, stop_after: float | None = None
) -> dict[str, Any]:
    """Walk all users.

    Args:
        url: The server's address.
        in_flight: The most requests in flight, in requests.
        adaptive: Whether the client may stay below that.
        stop_after: When to leave the walk, in seconds; default: at its end.
    """
    async with (
        AsyncClient(
            url, api_key=API_KEY, max_in_flight=in_flight, adaptive_pacing=adaptive
        ) as client,
        _sampled_limit(client) as samples,
    ):
        pages = client.users.search(count=PAGE_SIZE)
        started = time.monotonic()
        with anyio.move_on_after(stop_after):
            async with pages as users:
                async for _ in users:
                    pass
        ended = time.monotonic()
    return {
        "began": started,
        "seconds": ended - started,
        "pages": pages.report.pages,
        "limits": samples,
    }
