"""Connections that close, stall or never end their response, and early refusals."""

import time
from contextlib import suppress

import anyio
import anyio.lowlevel
import pytest
from quick import QUICK
from server import (
    CALLS,
    DRAIN,
    ME,
    ONCE,
    RESET,
    SILENCE,
    Flood,
    Request,
    Sleep,
    Step,
    answer,
    chunked,
    create,
    drip,
    failure,
)
from tasks import live_tasks, until

from useresponse_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncClient,
    Attachment,
)

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]


@pytest.mark.parametrize("end", [(), (RESET,)], ids=["close", "reset"])
async def test_reads_survive_a_server_that_closes_after_every_response(server, connect, end):
    server.play(Request(), answer(), *end, times=60)
    async with connect(server, retry=QUICK) as client:
        for _ in range(30):
            assert (await client.users.me()).id == 1
    server.play(Request(), answer(ME, b"Connection: close"), SILENCE)
    server.connections = 0
    async with connect(server) as client:
        assert (await client.users.me()).id == 1
    assert server.connections == 2


@pytest.mark.parametrize("late", [0, 0.03])
async def test_a_connection_that_closed_while_idle_is_not_used(server, connect, late):
    server.play(Request(), answer(), Sleep(late), times=3)
    async with connect(server) as client:
        for _ in range(3):
            assert (await client.users.me()).id == 1
            await until(lambda: not server.open_connections)
            await anyio.sleep(0.01)  # the event loop sees that it has closed
        assert (await create(client)).id == 1
    assert [head.split()[0] for head in server.heads] == [b"GET"] * 3 + [b"POST", b"GET"]


@pytest.mark.parametrize("proxied", [False, True])
async def test_a_408_on_an_idle_connection_is_discarded(server, connect, proxied):
    late = answer(b"", b"Connection: close", status=b"408 Request Timeout")
    server.play(Request(), answer(), Sleep(0.05), late)
    async with connect(server, proxy=server.url if proxied else None) as client:
        assert (await client.users.me()).id == 1
        await until(lambda: server.sent >= len(answer()) + len(late))
        for _ in range(3):  # the event loop reads what has arrived
            await anyio.lowlevel.checkpoint()
        assert (await client.users.me()).id == 1


@pytest.mark.parametrize("answered_before", [True, False])
async def test_a_get_that_is_not_idempotent_is_sent_once_by_each_transport(
    server, connect, answered_before
):
    """An archive is a GET, which a transport that looks at methods alone would send again."""
    server.play(*([Request(), answer()] if answered_before else []), Request())
    async with connect(server, retry=QUICK) as client:
        if answered_before:
            await client.users.me()
        with pytest.raises(APIConnectionError):
            await client.objects.archive(7)
    paths = [head.split()[1].partition(b"?")[0] for head in server.heads]
    assert paths.count(b"/api/3.0/objects/7/archive.json") == 1


async def test_a_connection_that_is_reset_at_once_raises_a_connection_error(server, connect):
    resets = 50  # so many, since it is a matter of chance what the client has seen by then
    server.play(RESET, times=resets)
    async with connect(server) as client:
        for _ in range(resets):
            await failure(create(client))


@pytest.mark.parametrize(
    ("status", "times"), [(b"407 Proxy Authentication Required", 1), (b"502 Bad Gateway", 6)]
)
async def test_a_refusal_by_a_proxy_is_not_retried_and_a_failure_is(server, wire, status, times):
    server.otherwise = answer(b"", status=status)
    url, proxy = "https://support.example", server.url
    async with AsyncClient(url, proxy=proxy, retry=QUICK, transport=wire) as client:
        error = await failure(create(client), match=status[:3].decode())
    assert not error.request_sent
    asked = [head.split()[:2] for head in server.heads]
    assert asked == [[b"CONNECT", b"support.example:443"]] * times


SILENCES = {
    "no head": (Request(), SILENCE),
    "no body": (Request(), answer()[:-30], SILENCE),
    "no last chunk": (Request(), chunked(b"{}")[:-5], SILENCE),
}


@pytest.mark.parametrize("how", SILENCES)
@pytest.mark.parametrize("call", CALLS)
async def test_a_cancelled_call_leaves_no_connection_open(server, connect, how, call, tmp_path):
    server.play(*SILENCES[how])
    async with connect(server, timeout=60) as client:
        tasks = live_tasks()
        async with anyio.create_task_group() as group:
            group.start_soon(CALLS[call], client, tmp_path)
            await until(lambda: server.heads)
            await anyio.sleep(0.02)
            group.cancel_scope.cancel()
        assert client.in_flight == 0
        await until(lambda: not server.open_connections)
        await until(lambda: live_tasks() == tasks)
    assert list(tmp_path.iterdir()) == []


# Responses without end, and early refusals

HEADS: dict[str, tuple[Step, ...]] = {
    "head": (*drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000, 0.02),),
    "1xx flood": (Flood(b"HTTP/1.1 102 Processing\r\n\r\n"),),
    "1xx drip": (Flood(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", seconds=0.01),),
    "error": (answer(bytes(20_000), status=b"404 ")[:-19_990], *drip(b"x" * 10_000, 0.02)),
}
ANSWERS = HEADS | {"body": (answer(bytes(20_000))[:-19_990], *drip(b"x" * 10_000, 0.02))}


@pytest.mark.parametrize("how", ANSWERS)
async def test_it_ends_with_the_attempt_timeout(server, connect, tmp_path, how):
    download = [lambda client: client.files.download("/f", tmp_path / "f")] * (how in HEADS)
    async with connect(server, attempt_timeout=0.3) as client:
        for call in (lambda client: client.users.me(), *download):
            server.play(Request(), *ANSWERS[how])
            error = await failure(call(client), APITimeoutError)
            assert str(error).endswith("no complete response within 0.3 s (attempt_timeout)")
            assert (error.request_sent, error.attempt) == (True, 1)
    assert list(tmp_path.iterdir()) == []


async def test_a_download_may_take_longer(server, connect, tmp_path):
    server.play(Request(), answer(b"x" * 30)[:-30], *drip(b"x" * 30, 0.02))
    async with connect(server, attempt_timeout=0.3) as client:
        assert await client.files.download("/f", tmp_path / "f") == 30


async def test_it_ends_after_five_timeouts_by_default_also_in_a_view(server, connect):
    async def ends(client: AsyncClient, within: str) -> None:
        server.play(Request(), *ANSWERS["1xx drip"])
        await failure(client.users.me(), APITimeoutError, match=rf"within {within} s")

    async with connect(server, timeout=0.3) as client:
        await ends(client, r"1\.5")
        await ends(client.with_options(timeout=0.1), r"0\.5")
        await ends(client.with_options(attempt_timeout=0.1), r"0\.1")
    async with connect(server, timeout=2, attempt_timeout=0.3) as client:
        await ends(client.with_options(timeout=1), r"0\.3")


async def test_a_timeout_at_any_moment_leaves_nothing_behind(server, connect):
    async with connect(server) as client:
        for seconds in (n / 250 for n in range(1, 25)):
            server.play(Request(), *drip(answer(ME, b"Connection: close"), 0.0005))
            with anyio.fail_after(20), suppress(APITimeoutError):
                assert (await client.with_options(attempt_timeout=seconds).users.me()).id == 1
            assert client.in_flight == 0
            await until(lambda: not server.open_connections)


@pytest.mark.parametrize("key", ["evil-key", "ab" * 30, "a" * 64])
async def test_redacting_a_large_error_does_not_block_the_event_loop(server, wire, key):
    size = 63 * 1024 * 1024
    body = (key.encode() * (size // len(key)))[: size - 1]
    server.play(Request(), answer(body, status=b"400 Bad Request"))
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.process_time()
            await anyio.sleep(0.001)
            longest = max(longest, time.process_time() - before)

    async with AsyncClient(
        server.url, api_key=key, retry=ONCE, timeout=10, transport=wire
    ) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            error = await failure(client.users.get(1), APIStatusError)
            group.cancel_scope.cancel()
    assert longest < 0.3  # seconds of this process's time, in one go
    assert len(error.response.content) <= 64 * 1024
    assert key not in str(error)
    assert key.encode() not in error.response.content


@pytest.mark.parametrize("lingers", [True, False])
async def test_an_early_413_to_a_large_upload_raises(server, connect, lingers):
    body = b'{"error": {"code": 413, "message": "too large"}}'
    refusal = answer(body, b"Connection: close", status=b"413 Content Too Large")
    server.play(Request(body=False), refusal, DRAIN if lingers else Sleep(0.1))
    kinds = APIStatusError if lingers else (APIStatusError, APIConnectionError)
    async with connect(server, timeout=10) as client:
        upload = client.files.upload(Attachment.from_bytes("a", bytes(20_000_000)))
        error = await failure(upload, kinds)
    if isinstance(error, APIStatusError):
        assert (error.status_code, error.message) == (413, "too large")
    else:  # how far it had come, so that a limit can be guessed
        assert "bytes of the body were sent" in str(error)
