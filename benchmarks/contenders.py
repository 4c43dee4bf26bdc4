"""Clients that fetch all users.

Each contender makes a client for a URL and a number of concurrent requests, and gives a function
that walks: it fetches every user, makes Python objects of them, and notes their ids.
The libraries are imported only by the contender that uses them.
"""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Final, Protocol, TypeAlias

import attrs

from benchmarks.fetchers import API_KEY, FETCHERS

__all__ = ["COLLECTED", "CONTENDERS", "Contender", "Sink", "Walk"]


class Sink(Protocol):
    """Receives the ids of users as they arrive; a list is one."""

    def append(self, user_id: int, /) -> None:
        """Receive one id."""
        ...

    def extend(self, user_ids: Iterable[int], /) -> None:
        """Receive several ids."""
        ...


Walk: TypeAlias = Callable[[Sink], Awaitable[None]]
Opening: TypeAlias = Callable[[str, int], AbstractAsyncContextManager[Walk]]


@asynccontextmanager
async def _ours(url: str, in_flight: int, **options: Any) -> AsyncGenerator[Walk, None]:
    from useresponse_async import AsyncClient  # noqa: PLC0415 - see above

    async with AsyncClient(url, api_key=API_KEY, max_in_flight=in_flight, **options) as client:

        async def walk(ids: Sink) -> None:
            async for user in client.users.search():
                ids.append(user.id)

        yield walk


@asynccontextmanager
async def _ours_collected(url: str, in_flight: int) -> AsyncGenerator[Walk, None]:
    from useresponse_async import AsyncClient  # noqa: PLC0415 - see above

    async with AsyncClient(url, api_key=API_KEY, max_in_flight=in_flight) as client:

        async def walk(ids: Sink) -> None:
            users = await client.users.search().collect()
            ids.extend(user.id for user in users)

        yield walk


@asynccontextmanager
async def _gathered(url: str, in_flight: int, *, fetcher: str) -> AsyncGenerator[Walk, None]:
    semaphore = asyncio.Semaphore(in_flight)
    async with FETCHERS[fetcher](url, in_flight) as fetch:

        async def fetch_page(page: int) -> Any:
            async with semaphore:
                return await fetch("/users/search.json", page=page, count=50)

        async def walk(ids: Sink) -> None:
            first = await fetch_page(1)
            rest = [fetch_page(number) for number in range(2, first["totalPages"] + 1)]
            for page in (first, *await asyncio.gather(*rest)):
                ids.extend(user["id"] for user in page["data"])

        yield walk


@asynccontextmanager
async def _generated_sdk(url: str, _in_flight: int) -> AsyncGenerator[Walk, None]:
    import httpx  # noqa: PLC0415 - see above

    from benchmarks.models.generated import UserPage  # noqa: PLC0415 - see above

    async with httpx.AsyncClient(base_url=f"{url}/api/3.0", timeout=60) as client:

        async def walk(ids: Sink) -> None:
            number: int | None = 1
            while number is not None:
                query: dict[str, str | int] = {"apiKey": API_KEY, "page": number, "count": 50}
                response = await client.get("/users/search.json", params=query)
                response.raise_for_status()
                page = UserPage.model_validate_json(response.content)
                ids.extend(user.id or 0 for user in page.data)
                number = page.next_page

        yield walk


@asynccontextmanager
async def _useresponse(url: str, _in_flight: int) -> AsyncGenerator[Walk, None]:
    api: Any = importlib.import_module("useresponse.api").API(url, API_KEY)

    async def walk(ids: Sink) -> None:
        for user in api.users.search_iter():
            ids.append(user["id"])

    yield walk


@attrs.frozen(kw_only=True)
class Contender:
    """A way to fetch all users.

    Attributes:
        name: What it is called in the results.
        title: What it is called in a table.
        open: Makes its client, and gives the function that walks.
        speedups: Whether it may use orjson and uvloop.
        sequential: Whether it knows but one request in flight.
        page_size: How many users it asks for at once.
    """

    name: str
    title: str
    open: Opening
    speedups: bool = False
    sequential: bool = False
    page_size: int = 50


_ALL = (
    Contender(name="ours", title="useresponse-async", open=_ours),
    Contender(
        name="ours-aiohttp",
        title="useresponse-async [aiohttp]",
        open=partial(_ours, transport="aiohttp"),
    ),
    Contender(
        name="ours-speedups",
        title="useresponse-async [speedups]",
        open=_ours,
        speedups=True,
    ),
    Contender(
        name="ours-both",
        title="useresponse-async [aiohttp,speedups]",
        open=partial(_ours, transport="aiohttp"),
        speedups=True,
    ),
    Contender(
        name="httpx", title="httpx by hand", open=partial(_gathered, fetcher="httpx-keep-all")
    ),
    Contender(name="aiohttp", title="aiohttp by hand", open=partial(_gathered, fetcher="aiohttp")),
    Contender(
        name="generated",
        title="page by page, httpx and pydantic",
        open=_generated_sdk,
        sequential=True,
    ),
    Contender(
        name="useresponse",
        title="useresponse 0.0.7",
        open=_useresponse,
        sequential=True,
        page_size=20,
    ),
)
CONTENDERS: Final = {contender.name: contender for contender in _ALL}

COLLECTED: Final = Contender(
    name="ours-collected", title="useresponse-async, collected", open=_ours_collected
)
"""The same walk, keeping every user, to measure its memory."""
