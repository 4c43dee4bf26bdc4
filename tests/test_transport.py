"""Other senders than our own pools: aiohttp, and transports of the caller."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from quick import QUICK

from useresponse_async import (
    APIConnectionError,
    APITimeoutError,
    AsyncClient,
    Attachment,
    ConfigurationError,
    MissingExtraError,
    NotFoundError,
)
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.every_loop

Start = Callable[..., Sandbox]


@pytest.fixture(params=["asyncio", "asyncio+uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    backend, _, loop = request.param.partition("+")
    return backend, {"use_uvloop": True} if loop else {}


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def over_aiohttp(sandbox: Sandbox, **options: Any) -> AsyncClient:
    return AsyncClient(
        sandbox.url, api_key=sandbox.api_key, transport="aiohttp", retry=QUICK, **options
    )


@pytest.mark.anyio
async def test_a_walk_over_aiohttp_is_whole_despite_faults(start_sandbox: Start):
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
async def test_files_go_up_and_come_down_over_aiohttp(sandbox: Sandbox, tmp_path: Path):
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


@pytest.mark.anyio
async def test_a_broken_connection_is_no_failure_to_connect_over_aiohttp(sandbox: Sandbox):
    sandbox.reset_next(match="POST")
    async with over_aiohttp(sandbox) as client:
        with pytest.raises(APIConnectionError) as caught:
            await client.users.create("new@example.com", full_name="New")
    # What creates is not sent again when it may have been done.
    assert caught.value.request_sent
    assert sandbox.arrivals == 1


@pytest.mark.anyio
async def test_nobody_listening_is_a_failure_to_connect_over_aiohttp(closed_port: int):
    policy = QUICK
    async with AsyncClient(
        f"http://127.0.0.1:{closed_port}", api_key="k", transport="aiohttp", retry=policy
    ) as client:
        with pytest.raises(APIConnectionError) as caught:
            await client.users.me()
    assert not caught.value.request_sent
    assert caught.value.attempt == policy.attempts


@pytest.mark.anyio
async def test_a_silent_server_is_a_timeout_over_aiohttp(sandbox: Sandbox):
    sandbox.delay_next(5, times=9)
    async with over_aiohttp(sandbox, timeout=0.05) as client:
        with pytest.raises(APITimeoutError) as caught:
            await client.request("POST", "nothing.json")
    assert caught.value.request_sent


@pytest.mark.anyio
async def test_an_error_over_aiohttp_is_what_the_server_says(sandbox: Sandbox):
    async with over_aiohttp(sandbox) as client:
        with pytest.raises(NotFoundError):
            await client.users.get(10**6)


@pytest.mark.anyio
async def test_leaving_a_walk_over_aiohttp_leaves_nothing_under_way(start_sandbox: Start):
    sandbox = start_sandbox(users=5_000, latency=0.01)
    async with over_aiohttp(sandbox) as client:
        async with client.users.search() as users:
            async for _ in users:
                break
        assert client.in_flight == 0
        assert (await client.users.me()).id


def test_aiohttp_on_trio_is_refused(sandbox: Sandbox):
    async def main() -> None:
        async with over_aiohttp(sandbox) as client:
            with pytest.raises(ConfigurationError, match="asyncio only"):
                await client.users.me()

    anyio.run(main, backend="trio")


def test_a_transport_that_nobody_knows_is_refused():
    with pytest.raises(ConfigurationError, match="transport"):
        AsyncClient("https://example.com", transport="curl")  # type: ignore[arg-type]


def test_a_wire_that_is_not_installed_names_its_extra(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "httpx_aiohttp", None)
    with pytest.raises(MissingExtraError, match=r"useresponse-async\[aiohttp\]"):
        AsyncClient("https://example.com", transport="aiohttp")


@pytest.mark.anyio
async def test_a_transport_that_is_httpx_own_gets_the_key_too(sandbox: Sandbox):
    async with httpx.AsyncHTTPTransport() as transport:
        async with AsyncClient(sandbox.url, api_key=sandbox.api_key, transport=transport) as client:
            assert (await client.users.me()).id
    assert ("apiKey", sandbox.api_key) in sandbox.requests[0].query


@pytest.mark.anyio
async def test_connections_that_nobody_needs_any_more_are_closed(sandbox, monkeypatch):
    monkeypatch.setattr("useresponse_async._transport._UNUSED_SECONDS", 0.05)
    sandbox.set_latency(0.05)
    async with AsyncClient(
        sandbox.url, api_key=sandbox.api_key, max_in_flight=10, retry=QUICK
    ) as client:
        assert [user async for user in client.map(client.users.get, range(1, 11))]
        assert sandbox.connections == 10
        sandbox.set_latency(0)
        await anyio.sleep(0.1)
        for _ in range(9):
            await client.users.me()
        with anyio.fail_after(5):
            while sandbox.connections > 1:
                await anyio.sleep(0.01)
