"""The sandbox without a socket, on both event loops."""

import anyio
import httpx
import pytest

from useresponse_async.sandbox import Options, create_app

BASE = "http://sandbox/api/3.0"


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_application_can_be_called_directly(backend):
    app = create_app(Options(users=3, latency=0.001))

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            return await client.get(f"{BASE}/users/search.json", params={"apiKey": app.api_key})

    assert anyio.run(ask, backend=backend).json()["totalObjects"] == 3
    assert app.arrivals == 1


def test_a_reset_without_a_socket_is_raised():
    app = create_app()
    app.reset_next()

    async def ask():
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
            with pytest.raises(ConnectionResetError):
                await client.get(f"{BASE}/me.json")

    anyio.run(ask)
