"""The transport over aiohttp, and unused connections."""

import sys
from typing import Any

import anyio
import httpx
import pytest
from quick import client_of
from tasks import until

from useresponse_async import AsyncClient, Attachment, ConfigurationError, MissingExtraError

pytestmark = pytest.mark.every_loop


@pytest.fixture(params=["asyncio", "asyncio+uvloop"])
def anyio_backend(request) -> tuple[str, dict[str, Any]]:
    return "asyncio", {"use_uvloop": request.param.endswith("uvloop")}


@pytest.mark.anyio
async def test_a_walk_over_aiohttp_is_complete_despite_faults(start_sandbox):
    sandbox = start_sandbox(users=3_000, faults=0.05, latency=0.01)
    async with client_of(sandbox, transport="aiohttp", max_in_flight=20) as client:
        ids = [user.id async for user in client.users.search()]
    assert ids == list(range(1, 3_001))
    assert sandbox.peak_in_flight > 5
    # A request without a body has none.
    sent = {name.lower() for request in sandbox.requests for name in request.headers}
    assert not sent & {"transfer-encoding", "content-type", "cookie"}


@pytest.mark.anyio
async def test_files_are_uploaded_and_downloaded_over_aiohttp(sandbox, tmp_path):
    content = bytes(range(256)) * 500
    files = [Attachment.from_bytes("a.bin", content)]
    async with client_of(sandbox, transport="aiohttp") as client:
        ticket = await client.objects.create(
            ownership="helpdesk", object_type="ticket", title="A", content="B", attachments=files
        )
        await client.files.download(ticket.attachments[0], tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == content


def test_a_transport_that_is_unknown_missing_or_of_another_event_loop_raises(monkeypatch):
    with pytest.raises(ConfigurationError, match="transport"):
        AsyncClient("https://example.com", transport="curl")  # type: ignore[arg-type]
    monkeypatch.setitem(sys.modules, "httpx_aiohttp", None)
    with pytest.raises(MissingExtraError, match=r"useresponse-async\[aiohttp\]"):
        AsyncClient("https://example.com", transport="aiohttp")
    monkeypatch.undo()
    aiohttp = AsyncClient("https://example.com", transport="aiohttp")
    with pytest.raises(ConfigurationError, match="asyncio only"):
        anyio.run(aiohttp.users.me, backend="trio")


@pytest.mark.anyio
async def test_the_latest_connection_is_used_and_unused_ones_are_closed(sandbox, monkeypatch):
    async with client_of(sandbox, max_in_flight=10) as client:
        sandbox.set_latency(0.05)
        assert [user async for user in client.map(client.users.get, range(1, 11))]
        assert sandbox.connections == 10
        sandbox.set_latency(0)
        await client.users.me()
        assert sandbox.connections == 10  # none has been unused for long
        monkeypatch.setattr("useresponse_async._transport._UNUSED_SECONDS", 0.05)
        await anyio.sleep(0.1)
        for _ in range(9):
            await client.users.me()
        await until(lambda: sandbox.connections <= 1)


@pytest.mark.anyio
async def test_a_redirected_request_of_a_guest_has_a_body_that_transports_can_read():
    bodies: list[bytes] = []

    class Redirecting(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            bodies.append(request.content)
            if len(bodies) > 1:
                return httpx.Response(200, json={})
            return httpx.Response(302, headers={"Location": "/there"})

    async with AsyncClient("https://a.example", transport=Redirecting()) as client:
        await client.request("GET", "/x.json")
    assert bodies == [b"", b""]
