"""The transport over aiohttp, transports of the caller, and unused connections."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from quick import client_of
from tasks import until

from useresponse_async import AsyncClient, Attachment, ConfigurationError, MissingExtraError
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.every_loop

Start = Callable[..., Sandbox]


@pytest.fixture(params=["asyncio", "asyncio+uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    backend, _, loop = request.param.partition("+")
    return backend, {"use_uvloop": True} if loop else {}


def over_aiohttp(sandbox: Sandbox, **options: Any) -> AsyncClient:
    return client_of(sandbox, transport="aiohttp", **options)


@pytest.mark.anyio
async def test_a_walk_over_aiohttp_is_complete_despite_faults(start_sandbox: Start):
    sandbox = start_sandbox(users=3_000, faults=0.05, latency=0.01)
    async with over_aiohttp(sandbox, max_in_flight=20) as client:
        ids = [user.id async for user in client.users.search()]
    assert ids == list(range(1, 3_001))
    assert sandbox.peak_in_flight > 5


@pytest.mark.anyio
async def test_a_request_without_a_body_has_none_over_aiohttp(sandbox: Sandbox):
    async with over_aiohttp(sandbox) as client:
        await client.users.me()
    (received,) = sandbox.requests
    assert "transfer-encoding" not in received.headers
    assert "content-type" not in received.headers
    assert "cookie" not in received.headers


@pytest.mark.anyio
async def test_files_are_uploaded_and_downloaded_over_aiohttp(sandbox: Sandbox, tmp_path: Path):
    content = bytes(range(256)) * 500
    async with over_aiohttp(sandbox) as client:
        ticket = await client.objects.create(
            ownership="helpdesk",
            object_type="ticket",
            title="With a file",
            content="See below",
            attachments=[Attachment.from_bytes("a.bin", content)],
        )
        (file,) = ticket.attachments
        await client.files.download(file, tmp_path / "a.bin")
    assert (tmp_path / "a.bin").read_bytes() == content


def test_aiohttp_on_trio_raises(sandbox: Sandbox):
    async def main() -> None:
        async with over_aiohttp(sandbox) as client:
            with pytest.raises(ConfigurationError, match="asyncio only"):
                await client.users.me()

    anyio.run(main, backend="trio")


def test_an_unknown_transport_raises():
    with pytest.raises(ConfigurationError, match="transport"):
        AsyncClient("https://example.com", transport="curl")  # type: ignore[arg-type]


def test_a_transport_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "httpx_aiohttp", None)
    with pytest.raises(MissingExtraError, match=r"useresponse-async\[aiohttp\]"):
        AsyncClient("https://example.com", transport="aiohttp")


@pytest.mark.anyio
async def test_a_transport_of_httpx_receives_the_key(sandbox: Sandbox):
    async with httpx.AsyncHTTPTransport() as transport:
        async with AsyncClient(sandbox.url, api_key=sandbox.api_key, transport=transport) as client:
            assert (await client.users.me()).id
    assert ("apiKey", sandbox.api_key) in sandbox.requests[0].query


@pytest.mark.anyio
async def test_unused_connections_are_closed(sandbox, monkeypatch):
    monkeypatch.setattr("useresponse_async._transport._UNUSED_SECONDS", 0.05)
    sandbox.set_latency(0.05)
    async with client_of(sandbox, max_in_flight=10) as client:
        assert [user async for user in client.map(client.users.get, range(1, 11))]
        assert sandbox.connections == 10
        sandbox.set_latency(0)
        await anyio.sleep(0.1)
        for _ in range(9):
            await client.users.me()
        await until(lambda: sandbox.connections <= 1)
