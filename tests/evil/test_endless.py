"""Responses without end, early refusals and long outages."""

import time
from contextlib import suppress

import anyio
import anyio.lowlevel
import pytest
from server import (
    ME,
    ONCE,
    Drain,
    Flood,
    Request,
    Sleep,
    Step,
    answer,
    drip,
    failure,
)
from tasks import until

from useresponse_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncClient,
    Attachment,
)

pytestmark = pytest.mark.anyio


HEADS: dict[str, tuple[Step, ...]] = {
    "head": (*drip(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 10_000, 0.02),),
    "1xx flood": (Flood(b"HTTP/1.1 102 Processing\r\n\r\n"),),
    "1xx drip": (Flood(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", seconds=0.01),),
    "error": (answer(bytes(20_000), status=b"404 ")[:-19_990], *drip(b"x" * 10_000, 0.02)),
}
ANSWERS = HEADS | {"body": (answer(bytes(20_000))[:-19_990], *drip(b"x" * 10_000, 0.02))}


@pytest.mark.every_loop
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


@pytest.mark.every_loop
async def test_a_download_may_take_longer(server, connect, tmp_path):
    server.play(Request(), answer(b"x" * 30)[:-30], *drip(b"x" * 30, 0.02))
    async with connect(server, attempt_timeout=0.3) as client:
        assert await client.files.download("/f", tmp_path / "f") == 30


@pytest.mark.every_loop
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


@pytest.mark.every_loop
async def test_a_timeout_at_any_moment_leaves_nothing_behind(server, connect):
    async with connect(server) as client:
        for seconds in (n / 250 for n in range(1, 25)):
            server.play(Request(), *drip(answer(ME, b"Connection: close"), 0.0005))
            with anyio.fail_after(20), suppress(APITimeoutError):
                assert (await client.with_options(attempt_timeout=seconds).users.me()).id == 1
            assert client.in_flight == 0
            await until(lambda: not server.open_connections)


# Redaction


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
            error = await failure(client.users.get(1), APIStatusError, within=60)
            group.cancel_scope.cancel()
    assert longest < 0.3  # seconds of this process's time, in one go
    assert len(error.response.content) <= 64 * 1024
    assert key not in str(error)
    assert key.encode() not in error.response.content


# Early refusals


@pytest.mark.parametrize("lingers", [True, False])
async def test_an_early_413_to_a_large_upload_raises(server, connect, lingers):
    body = b'{"error": {"code": 413, "message": "too large"}}'
    refusal = answer(body, b"Connection: close", status=b"413 Content Too Large")
    server.play(Request(body=False), refusal, Drain() if lingers else Sleep(0.1))
    kinds = APIStatusError if lingers else (APIStatusError, APIConnectionError)
    async with connect(server, timeout=10) as client:
        upload = client.files.upload(Attachment.from_bytes("a", bytes(20_000_000)))
        error = await failure(upload, kinds, within=10)
    if isinstance(error, APIStatusError):
        assert (error.status_code, error.message) == (413, "too large")
    else:  # how far it had come, so that a limit can be guessed
        assert "bytes of the body were sent" in str(error)
