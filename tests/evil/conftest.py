"""Fixtures of the tests against a hostile server: the server, and a client by each transport."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from quick import QUICK
from server import ONCE, EvilServer
from tasks import until

from useresponse_async import AsyncClient

UVLOOP = pytest.param("asyncio+uvloop", marks=pytest.mark.long)


@pytest.fixture(params=["asyncio", UVLOOP, "trio", "asyncio+aiohttp"])
def anyio_backend(request) -> tuple[str, dict[str, Any]]:
    """The event loop, and the wire: our own pools or aiohttp, which is for asyncio only."""
    backend, *rest = request.param.split("+")
    return backend, {"use_uvloop": True} if "uvloop" in rest else {}


@pytest.fixture
def wire(request, anyio_backend) -> str | None:
    return "aiohttp" if "aiohttp" in request.node.callspec.params["anyio_backend"] else None


@pytest.fixture
def start_server() -> Iterator[Callable[..., EvilServer]]:
    servers: list[EvilServer] = []
    yield lambda **options: servers.append(EvilServer(**options)) or servers[-1]
    for server in servers:
        server.stop()


@pytest.fixture
def server(start_server) -> EvilServer:
    return start_server()


@pytest.fixture
def connect(wire) -> Callable[..., Any]:
    """Give a client that makes one attempt; check after the block that it still works."""

    @asynccontextmanager
    async def connected(server: EvilServer, **options: Any) -> AsyncIterator[AsyncClient]:
        # Generous, as on a busy machine; a test of a timeout gives its own.
        defaults = {"api_key": "evil-key", "retry": ONCE, "timeout": 5}
        async with AsyncClient(server.url, transport=wire, **{**defaults, **options}) as client:
            yield client
            assert client.in_flight == 0
            # A connection that closes just now may still take a request: a read is retried.
            calm = client.with_options(timeout=5, attempt_timeout=5, retry=QUICK)
            assert (await calm.users.me()).id == 1
            assert client.in_flight == 0
        await until(lambda: not server.open_connections)

    return connected
