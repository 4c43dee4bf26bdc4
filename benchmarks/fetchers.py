"""Small clients of other libraries: each fetches the JSON of one path.

The libraries are imported only by the fetcher that uses them.
"""

import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any, Final, Protocol

__all__ = ["API_KEY", "FETCHERS", "Fetch"]

API_KEY: Final = "benchmark-key"
_TIMEOUT: Final = 60.0


class Fetch(Protocol):
    """Fetches a path of the API, for example ``/users/7.json``."""

    async def __call__(self, path: str, /, **query: str | int) -> Any:
        """Return the JSON of the response."""
        ...


@asynccontextmanager
async def _httpx_by_hand(
    url: str, in_flight: int, *, keep_all: bool = False
) -> AsyncGenerator[Fetch, None]:
    """Use one ``httpx.AsyncClient``, with its own limits or with a connection for each request."""
    import httpx  # noqa: PLC0415 - see above

    limits = httpx.Limits(max_connections=100, max_keepalive_connections=20)  # httpx's own
    if keep_all:
        limits = httpx.Limits(max_connections=in_flight, max_keepalive_connections=in_flight)
    async with httpx.AsyncClient(
        base_url=f"{url}/api/3.0", limits=limits, timeout=_TIMEOUT
    ) as client:

        async def fetch(path: str, /, **query: str | int) -> Any:
            response = await client.get(path, params={"apiKey": API_KEY, **query})
            response.raise_for_status()
            return response.json()

        yield fetch


@asynccontextmanager
async def _aiohttp_by_hand(url: str, in_flight: int) -> AsyncGenerator[Fetch, None]:
    """Use one ``aiohttp.ClientSession`` as its documentation shows."""
    import aiohttp  # noqa: PLC0415 - see above

    connector = aiohttp.TCPConnector(limit=in_flight)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def fetch(path: str, /, **query: str | int) -> Any:
            query = {"apiKey": API_KEY, **query}
            async with session.get(f"{url}/api/3.0{path}", params=query) as response:
                response.raise_for_status()
                return await response.json()

        yield fetch


@asynccontextmanager
async def _bare(url: str, in_flight: int) -> AsyncGenerator[Fetch, None]:
    """Use ``httpx.AsyncClient.send`` over a free list of one-connection pools, and no more.

    This is the least that a client costs which keeps httpx and its instrumentation.
    """
    import httpx  # noqa: PLC0415 - see above

    class Pools(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            pool: httpx.AsyncHTTPTransport = request.extensions["pool"]
            return await pool.handle_async_request(request)

    context = httpx.create_ssl_context()  # shared: making one takes longer than many requests
    limits = httpx.Limits(max_connections=1, max_keepalive_connections=1)
    pools = [httpx.AsyncHTTPTransport(verify=context, limits=limits) for _ in range(in_flight)]
    free = pools.copy()
    async with httpx.AsyncClient(transport=Pools()) as client:

        async def fetch(path: str, /, **query: str | int) -> Any:
            parameters = "".join(f"&{name}={value}" for name, value in query.items())
            address = f"{url}/api/3.0{path}?apiKey={API_KEY}{parameters}"
            pool = free.pop()
            request = httpx.Request("GET", address, extensions={"pool": pool})
            response = await client.send(request)
            free.append(pool)
            return json.loads(response.content)

        yield fetch
    for pool in pools:
        await pool.aclose()


@asynccontextmanager
async def _openai_core(url: str, _in_flight: int) -> AsyncGenerator[Fetch, None]:
    """Use the client core of the package ``openai``, which many generated SDKs share."""
    import openai  # noqa: PLC0415 - see above

    async with openai.AsyncOpenAI(
        api_key=API_KEY, base_url=f"{url}/api/3.0", timeout=_TIMEOUT
    ) as client:

        async def fetch(path: str, /, **query: str | int) -> Any:
            parameters = {"apiKey": API_KEY, **query}
            return await client.get(path, cast_to=object, options={"params": parameters})

        yield fetch


FETCHERS: Final[dict[str, Callable[[str, int], AbstractAsyncContextManager[Fetch]]]] = {
    "bare": _bare,
    "httpx": _httpx_by_hand,
    "httpx-keep-all": partial(_httpx_by_hand, keep_all=True),
    "aiohttp": _aiohttp_by_hand,
    "openai": _openai_core,
}
"""Factories, by name, of clients for a URL and a number of concurrent requests."""
