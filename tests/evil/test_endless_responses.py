"""Responses that never pause for long, and never end."""

from contextlib import suppress

import anyio
import pytest
from quick import QUICK
from server import ME, Drip, Flood, Request, Step, answer, create, failure
from tasks import until

from useresponse_async import APITimeoutError, AsyncClient

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

HEADS: dict[str, tuple[Step, ...]] = {
    "head": (Drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000, 0.02),),
    "1xx flood": (Flood(b"HTTP/1.1 102 Processing\r\n\r\n"),),
    "1xx drip": (Flood(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", seconds=0.01),),
    "error": (answer(bytes(20_000), status=b"404 ")[:-19_990], Drip(b"x" * 10_000, 0.02)),
}
ANSWERS = HEADS | {"body": (answer(bytes(20_000))[:-19_990], Drip(b"x" * 10_000, 0.02))}


@pytest.mark.parametrize("how", ANSWERS)
async def test_it_ends_with_the_attempt_timeout(server, connect, tmp_path, how):
    download = [lambda client: client.files.download("/f", tmp_path / "f")] * (how in HEADS)
    async with connect(server, attempt_timeout=0.3) as client:
        for call in (lambda client: client.users.me(), *download):
            server.play(Request(), *ANSWERS[how])
            error = await failure(call(client), APITimeoutError, within=20)
            assert str(error).endswith("no complete response within 0.3 s (attempt_timeout)")
            assert (error.request_sent, error.attempt) == (True, 1)
    assert list(tmp_path.iterdir()) == []


async def test_a_download_may_take_longer(server, connect, tmp_path):
    server.play(Request(), answer(b"x" * 30)[:-30], Drip(b"x" * 30, 0.02))
    async with connect(server, attempt_timeout=0.3) as client:
        assert await client.files.download("/f", tmp_path / "f") == 30


@pytest.mark.parametrize("repeatable", [True, False])
async def test_only_idempotent_calls_are_retried(server, connect, repeatable):
    server.play(Request(), *ANSWERS["1xx drip"], times=2 if repeatable else 1)
    async with connect(server, attempt_timeout=0.3, retry=QUICK) as client:
        if repeatable:
            with anyio.fail_after(5):
                assert (await client.users.me()).id == 1
        else:
            await failure(create(client), APITimeoutError)
        assert server.connections == (3 if repeatable else 1)


async def test_it_ends_after_five_timeouts_by_default_also_in_a_view(server, connect):
    async def ends(client: AsyncClient, within: str) -> None:
        server.play(Request(), *ANSWERS["1xx drip"])
        await failure(client.users.me(), APITimeoutError, match=rf"within {within} s", within=20)

    async with connect(server, timeout=0.3) as client:
        await ends(client, r"1\.5")
        await ends(client.with_options(timeout=0.1), r"0\.5")
        await ends(client.with_options(attempt_timeout=0.1), r"0\.1")
    async with connect(server, timeout=2, attempt_timeout=0.3) as client:
        await ends(client.with_options(timeout=1), r"0\.3")


async def test_a_timeout_at_any_moment_leaves_nothing_behind(server, connect):
    async with connect(server) as client:
        for seconds in (n / 250 for n in range(1, 25)):
            server.play(Request(), Drip(answer(ME, b"Connection: close"), 0.0005))
            with anyio.fail_after(20), suppress(APITimeoutError):
                assert (await client.with_options(attempt_timeout=seconds).users.me()).id == 1
            assert client.in_flight == 0
            await until(lambda: not server.open_connections)
