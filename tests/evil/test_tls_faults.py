"""TLS connections that break after the handshake."""

import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from quick import QUICK
from server import (
    AUTHORITY,
    ONCE,
    EvilServer,
    Request,
    Silence,
    Step,
    answer,
    failure,
    options_of,
    tls_context,
)

from useresponse_async import APIConnectionError, APITimeoutError, AsyncClient

pytestmark = pytest.mark.anyio

GARBAGE = b"\x17\x03\x03\x00\x20" + b"x" * 32
PAGE = b'{"data": [{"id": %d}], "currentPage": %d, "totalPages": 3, "totalObjects": 3}'

Call = Callable[[AsyncClient, Path], Awaitable[object]]
CALLS: dict[str, Call] = {
    "get": lambda client, folder: client.users.me(),
    "post": lambda client, folder: client.users.create("ada@example.com", full_name="Ada"),
    "download": lambda client, folder: client.files.download("/f", folder / "f"),
}


@dataclass
class Raw:
    """Sends bytes below TLS, on the socket itself."""

    data: bytes


class RawServer(EvilServer):
    """Speaks TLS, and can send below it."""

    def _take(self, connection: socket.socket, step: Any) -> None:
        if not isinstance(step, Raw):
            return super()._take(connection, step)
        with socket.socket(fileno=socket.dup(connection.fileno())) as below:
            below.sendall(step.data)
        return None


@pytest.fixture
def server() -> Iterator[RawServer]:
    server = RawServer(tls=tls_context())
    yield server
    server.stop()


@pytest.fixture(params=["its own", pytest.param("transport", marks=pytest.mark.long)])
def options(request, wire, trusting) -> dict[str, Any]:
    """Choose the transport: pools or aiohttp, by the wire, or one of the caller."""
    if request.param == "its own":
        return {"verify": trusting, **options_of(wire)}
    if wire == "aiohttp":
        pytest.skip("a transport of httpx's runs on the same loop without aiohttp")
    return {"transport": httpx.AsyncHTTPTransport(verify=trusting)}


FAULTS: dict[str, tuple[Any, ...]] = {
    "a garbage record": (Request(), Raw(GARBAGE)),
    "an alert": (Request(), Raw(b"\x15\x03\x03\x00\x02\x02\x28")),
    "plain text": (Request(), Raw(answer())),
    "a corrupt record in the head": (Request(), answer()[:20], Raw(GARBAGE)),
    "a corrupt record in the body": (Request(), answer()[:-20], Raw(GARBAGE)),
    "the end without a close": (Request(), answer()[:-20]),
    "garbage ahead of the request": (Raw(GARBAGE), Silence()),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_below_the_request_is_typed(server, options, fault, call, tmp_path):
    server.play(*FAULTS[fault])
    async with AsyncClient(
        server.url, api_key="evil-key", retry=ONCE, timeout=5, **options
    ) as client:
        error = await failure(CALLS[call](client, tmp_path))
        assert not isinstance(error, APITimeoutError)
        assert not error.permanent
        assert error.request_sent
        assert client.in_flight == 0
        assert (await client.users.me()).id == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.every_loop
@pytest.mark.parametrize("call", CALLS)
async def test_a_read_and_a_download_are_retried_and_a_create_is_not(
    server, trusting, wire, call, tmp_path
):
    for fault, steps in FAULTS.items():
        if "ahead" in fault:
            continue  # whether the request was read then is a matter of chance
        server.play(*steps)
        before = len(server.heads)
        async with AsyncClient(
            server.url, retry=QUICK, timeout=5, verify=trusting, **options_of(wire)
        ) as client:
            with anyio.fail_after(5):
                if call == "post":
                    with pytest.raises(APIConnectionError):
                        await CALLS[call](client, tmp_path)
                else:
                    await CALLS[call](client, tmp_path)
                    (tmp_path / "f").unlink(missing_ok=True)
        assert len(server.heads) - before == (1 if call == "post" else 2), fault


async def test_a_walk_survives_corrupt_records(server, options):
    def page(number: int, *faults: Step) -> tuple[Step, ...]:
        return (Request(), answer(PAGE % (number, number), b"Connection: close"), *faults)

    broken: tuple[Any, ...] = (Request(), answer(PAGE % (2, 2))[:-20], Raw(GARBAGE))
    for script in (page(1), broken, broken, page(2), page(3)):
        server.play(*script)
    async with AsyncClient(
        server.url, api_key="k", retry=QUICK, timeout=5, max_in_flight=1, **options
    ) as client:
        with anyio.fail_after(5):
            users = [user.id async for user in client.users.search(count=1)]
    assert users == [1, 2, 3]
    assert len(server.heads) == 5


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("call", CALLS)
async def test_a_certificate_that_is_required_of_the_client_is_typed(
    server, options, call, version, tmp_path
):
    assert server.tls is not None
    server.tls.maximum_version = version
    server.tls.verify_mode = ssl.CERT_REQUIRED
    AUTHORITY.configure_trust(server.tls)
    async with AsyncClient(server.url, api_key="k", retry=QUICK, timeout=5, **options) as client:
        await failure(CALLS[call](client, tmp_path))
        server.tls.verify_mode = ssl.CERT_NONE
        assert (await client.users.me()).id == 1
    posts = [head for head in server.heads if head.startswith(b"POST")]
    assert posts == []
