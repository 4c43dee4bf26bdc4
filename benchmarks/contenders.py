"""Who walks all users, and how does each of them do it?

Each contender makes a client for an address and a number of requests in flight, and gives a
function that walks: it fetches every user, makes Python objects of them, and notes their ids.
The libraries are imported only by the contender that uses them.
"""

import asyncio
import importlib
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, Protocol, TypeAlias

import attrs

__all__ = ["API_KEY", "COLLECTED", "CONTENDERS", "Contender", "Sink", "Walk"]

API_KEY: Final = "benchmark-key"


class Sink(Protocol):
    """Takes the ids of users as they arrive; a list is one."""

    def append(self, user_id: int, /) -> None:
        """Take one."""
        ...

    def extend(self, user_ids: Iterable[int], /) -> None:
        """Take several."""
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
async def _ours_over_aiohttp(url: str, in_flight: int) -> AsyncGenerator[Walk, None]:
    async with _ours(url, in_flight, transport="aiohttp") as walk:
        yield walk


def _query(page: int) -> dict[str, str | int]:
    return {"apiKey": API_KEY, "page": page, "count": 50}


@asynccontextmanager
async def _httpx_by_hand(url: str, in_flight: int) -> AsyncGenerator[Walk, None]:
    import httpx  # noqa: PLC0415 - see above

    limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(base_url=f"{url}/api/3.0", limits=limits, timeout=60) as client:
        semaphore = asyncio.Semaphore(in_flight)

        async def fetch(page: int) -> Any:
            async with semaphore:
                response = await client.get("/users/search.json", params=_query(page))
            response.raise_for_status()
            return response.json()

        yield _gathering(fetch)


@asynccontextmanager
async def _aiohttp_by_hand(url: str, in_flight: int) -> AsyncGenerator[Walk, None]:
    import aiohttp  # noqa: PLC0415 - see above

    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:
        semaphore = asyncio.Semaphore(in_flight)

        async def fetch(page: int) -> Any:
            address = f"{url}/api/3.0/users/search.json"
            async with semaphore, session.get(address, params=_query(page)) as response:
                response.raise_for_status()
                return await response.json()

        yield _gathering(fetch)


def _gathering(fetch: Callable[[int], Awaitable[Any]]) -> Walk:
    async def walk(ids: Sink) -> None:
        first = await fetch(1)
        rest = await asyncio.gather(*[fetch(n) for n in range(2, first["totalPages"] + 1)])
        for page in (first, *rest):
            ids.extend(user["id"] for user in page["data"])

    return walk


@asynccontextmanager
async def _generated_sdk(url: str, _in_flight: int) -> AsyncGenerator[Walk, None]:
    import httpx  # noqa: PLC0415 - see above

    from benchmarks.models.generated import UserPage  # noqa: PLC0415 - see above

    async with httpx.AsyncClient(base_url=f"{url}/api/3.0", timeout=60) as client:

        async def walk(ids: Sink) -> None:
            number: int | None = 1
            while number is not None:
                response = await client.get("/users/search.json", params=_query(number))
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
    """One way to fetch all users.

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
        open=_ours_over_aiohttp,
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
        open=_ours_over_aiohttp,
        speedups=True,
    ),
    Contender(name="httpx", title="httpx by hand", open=_httpx_by_hand),
    Contender(name="aiohttp", title="aiohttp by hand", open=_aiohttp_by_hand),
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
"""The same walk with every user kept, for its memory."""
