"""Heads of responses that never end, are too large, or are not HTTP."""

import logging
import sys
from contextlib import suppress

import anyio
import httpx
import pytest
from quick import QUICK
from server import ME, Drain, Drip, Flood, Request, Reset, Silence, Sleep, answer, failure

from useresponse_async import APIConnectionError, APIStatusError, APITimeoutError, Attachment

pytestmark = pytest.mark.anyio

KEY = "evil-key"

EARLY_HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
UNUSUAL = {
    "byte by byte": (Drip(answer(), 0.001),),
    "after 500 others": (Flood(EARLY_HINT, times=500), answer()),
}


@pytest.mark.parametrize("how", UNUSUAL)
async def test_a_slow_or_late_head_is_read(server, connect, how):
    server.play(Request(), *UNUSUAL[how])
    async with connect(server) as client:
        with anyio.fail_after(10):
            assert (await client.users.me()).name == "Ada Lovelace"


TOO_LARGE = {
    "100,000 headers": b"HTTP/1.1 200 OK\r\n"
    + b"".join(b"X-%d: y\r\n" % n for n in range(100_000)),
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 10_000_000,
    "a long status": b"H" * 10_000_000,
    "a long reason": b"HTTP/1.1 200 " + b"O" * 10_000_000,
}


@pytest.mark.parametrize("head", TOO_LARGE.values(), ids=TOO_LARGE)
async def test_a_head_that_is_too_large_is_a_connection_error(server, connect, head):
    server.play(Request(), head, Silence())
    async with connect(server, timeout=3) as client:
        assert not isinstance(await failure(client.users.me()), APITimeoutError)
    assert server.sent < 10_000_000  # the rest of it was never taken


NO_HTTP = [
    b"\x00\x01\x02\x03\r\n\r\n", b"SSH-2.0-OpenSSH_9.6\r\n", b"220 mail.example ESMTP\r\n\r\n",
    b"{}\r\n\r\n", b"HTTP/9.9 200 OK\r\n\r\n{}", b"HTTP/1.1 OK\r\n\r\n{}",
    b"HTTP/1.1 2000 OK\r\n\r\n{}", b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: nonsense\r\n\r\n{}",
    b"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 2\r\n\r\n{}", b"\r\n" * 100_000,
]  # fmt: skip


async def test_a_response_that_is_not_http_raises_a_typed_error(server, connect):
    async with connect(server, timeout=2) as client:
        for head in NO_HTTP:
            server.play(Request(), head)
            # Each library forgives something else, but what it raises is ours.
            with anyio.fail_after(5), suppress(APIConnectionError, APIStatusError):
                assert await client.request("GET", "/x.json") == {}
            await anyio.sleep(0.01)  # the connection closes


UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"


@pytest.mark.every_loop
async def test_a_head_that_stalls_or_upgrades_raises_a_typed_error(server, connect):
    async with connect(server) as client:
        server.play(Request(), Drip(answer()[:30], 0.001), Silence())
        await failure(client.users.me(), APITimeoutError)
        server.play(Request(), UPGRADE, Silence())
        await failure(client.users.me(), (APIStatusError, APIConnectionError))


@pytest.mark.parametrize("answered", [True, False])
async def test_an_upload_to_a_server_that_does_not_read_ends(server, connect, answered):
    early = [answer(b"{}", status=b"413 Too Large")] if answered else []
    server.play(Request(body=False), *early, Sleep(0.6), Drain())
    upload = Attachment.from_bytes("a", bytes(20_000_000))
    kinds = (APIStatusError, APIConnectionError) if answered else APITimeoutError
    async with connect(server) as client:
        error = await failure(client.files.upload(upload), kinds)
    assert getattr(error, "status_code", 413) == 413
    assert server.drained < 10_000_000  # no task continued to send


# The key, echoed


ECHO = answer(
    ME,
    b"X-Echo: " + KEY.encode(),
    b"X-Echo: other",
    b"X-" + KEY.encode() + b": in a name",
    b"Set-Cookie: a=1",
    b"Set-Cookie: b=" + KEY.encode(),
)


@pytest.mark.parametrize("status", [b"200 ", b"403 "])
async def test_a_key_echoed_in_the_head_is_redacted(server, connect, caplog, status):
    caplog.set_level(logging.DEBUG)
    server.play(Request(), ECHO.replace(b"200 OK", status + KEY.encode()))
    shown: list[str] = []
    async with connect(server) as client:
        with client.capture_responses() as responses:
            try:
                await client.users.me()
            except APIStatusError as error:
                shown += [repr(error), str(error), str(vars(error))]
                responses.append(error.response)
        for response in responses:
            shown += [str(response.headers.raw), str(response.extensions), repr(response)]
            shown += [response.reason_phrase]
            assert response.headers.get_list("X-Echo") == ["***", "other"]
            assert response.headers.get_list("Set-Cookie") == ["a=1", "b=***"]
    shown += [record.getMessage() for record in caplog.records]
    assert responses
    assert [text for text in shown if KEY in text] == []


async def test_thousands_of_headers_that_echo_the_key_cost_no_more_than_others(
    server, connect, wire
):
    """Counts calls and not seconds: a search for each header would be millions of them."""
    if wire == "aiohttp":
        pytest.skip("aiohttp takes few headers")
    count = 4_000
    server.play(Request(), answer(ME, *(b"x%x: evil-key" % n for n in range(count))))
    calls = 0

    def count_call(frame: object, event: str, argument: object) -> None:
        nonlocal calls
        calls += 1

    async with connect(server) as client:
        with client.capture_responses() as responses:
            before = sys.getprofile()
            sys.setprofile(count_call)
            try:
                assert (await client.users.me()).id == 1
            finally:
                sys.setprofile(before)
    assert isinstance(responses[0], httpx.Response)
    assert set(responses[0].headers.values()) - {str(len(ME))} == {"***"}
    assert calls < 500 * count


async def test_invalid_heads_are_retried(server, connect):
    server.play(Request(), b"nonsense\r\n\r\n")
    server.play(Request(), answer()[:20], Reset())
    server.play(Request(), answer(status=b"503 Busy"))
    async with connect(server, retry=QUICK) as client:
        with anyio.fail_after(5):
            assert (await client.users.me()).id == 1
    assert server.connections == 4
