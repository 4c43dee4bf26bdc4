"""Bodies without end, early refusals and long outages."""

import gc
import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import anyio.lowlevel
import httpx
import pytest
from server import ONCE, Drain, Request, Sleep, Step, answer, options_of

from useresponse_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncClient,
    Attachment,
    ResponseTooLargeError,
    RetryEvent,
    RetryPolicy,
)

pytestmark = pytest.mark.anyio


class Endless(httpx.MockTransport):
    """Sends chunk after chunk, although the body is closed."""

    def __init__(self, chunk: bytes) -> None:
        super().__init__(lambda _: httpx.Response(200, content=self.body(chunk)))
        self.taken = 0

    async def body(self, chunk: bytes) -> AsyncIterator[bytes]:
        while True:
            await anyio.lowlevel.checkpoint()
            self.taken += 1
            yield chunk


async def download(client: AsyncClient, folder: Path, limit: int) -> object:
    return await client.files.download("/f", folder / "f", max_bytes=limit)


async def read(client: AsyncClient, folder: Path, limit: int) -> object:
    return await client.with_options(max_response_bytes=limit).users.me()


# The generator of such a body is left to the garbage collector, for httpx stands in between.
@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning", "ignore:Exception ignored")
@pytest.mark.every_loop
@pytest.mark.parametrize("anyio_backend", ["asyncio", "asyncio+uvloop", "trio"], indirect=True)
@pytest.mark.parametrize("call", [read, download])
@pytest.mark.parametrize(
    ("by", "chunk"),
    [("bytes", b"x" * 1000), ("attempt_timeout", b"x"), ("attempt_timeout", b""), ("scope", b"x")],
)
async def test_a_body_that_ignores_its_closing_can_be_left(tmp_path, call, by, chunk):
    sender = Endless(chunk)
    limit = 50_000 if by == "bytes" else 10**9
    seconds = 0.2 if by == "attempt_timeout" else None
    async with AsyncClient(
        "https://help.example", transport=sender, retry=ONCE, attempt_timeout=seconds
    ) as client:
        with anyio.fail_after(1.7):
            if by == "bytes":
                with pytest.raises(ResponseTooLargeError):
                    await call(client, tmp_path, limit)
                assert sender.taken < 200
            elif by == "scope" or call is download:  # a download may last as long as it comes
                with anyio.move_on_after(0.2) as scope:
                    await call(client, tmp_path, limit)
                assert scope.cancelled_caught
            else:
                with pytest.raises(APITimeoutError, match="attempt_timeout"):
                    await call(client, tmp_path, limit)
        assert client.in_flight == 0
    assert list(tmp_path.iterdir()) == []
    gc.collect()  # what warns does so here


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
        server.url, api_key=key, retry=ONCE, timeout=10, **options_of(wire)
    ) as client:
        async with anyio.create_task_group() as group:
            group.start_soon(watch)
            with pytest.raises(APIStatusError) as caught:
                await client.users.get(1)
            group.cancel_scope.cancel()
    assert longest < 0.3  # seconds of this process's time, in one go
    assert len(caught.value.response.content) <= 64 * 1024
    assert key not in str(caught.value)
    assert key.encode() not in caught.value.response.content


# Early refusals

REFUSAL = answer(
    b'{"error": {"code": 413, "message": "too large"}}',
    b"Connection: close",
    status=b"413 Content Too Large",
)


@pytest.mark.parametrize("lingers", [True, False])
async def test_an_early_413_to_a_large_upload_raises(server, wire, anyio_backend, lingers):
    end: tuple[Step, ...] = (Drain(),) if lingers else (Sleep(0.1),)
    server.play(Request(body=False), REFUSAL, *end)
    async with AsyncClient(server.url, retry=ONCE, timeout=10, **options_of(wire)) as client:
        with anyio.fail_after(10):
            with pytest.raises((APIStatusError, APIConnectionError)) as caught:
                await client.files.upload(Attachment.from_bytes("a", bytes(20_000_000)))
        if lingers or isinstance(caught.value, APIStatusError):
            assert isinstance(caught.value, APIStatusError)
            assert caught.value.status_code == 413
            assert caught.value.message == "too large"
        else:  # how far it had come, so that a limit can be guessed
            assert "bytes of the body were sent" in str(caught.value)
        assert client.in_flight == 0
        assert (await client.users.me()).id == 1


# Outages


async def test_an_outage_does_not_end_a_walk(sandbox, wire):
    def repair(event: RetryEvent) -> None:
        if event.attempt > 6:  # more than a call without a success before has
            sandbox.clear_faults()

    policy = RetryPolicy(initial_delay=0.01, max_delay=0.05, min_retries_per_second=1000)
    async with AsyncClient(
        sandbox.url, api_key=sandbox.api_key, retry=policy, on_retry=repair, **options_of(wire)
    ) as client:
        users: list[int] = []
        async for user in client.users.search(count=10):
            users.append(user.id)
            if len(users) == 50:
                sandbox.fail_next(503, times=10**6)
    assert users == list(range(1, 231))
    assert sandbox.faults["503"] > 6


async def test_a_client_without_a_success_makes_six_attempts(server, connect):
    server.play(Request(), answer(b"", status=b"503 Busy"), times=6)
    policy = RetryPolicy(initial_delay=0.01, max_delay=0.01, min_retries_per_second=1000)
    async with connect(server, retry=policy, timeout=5) as client:
        with pytest.raises(APIStatusError) as caught:
            await client.users.me()
    assert caught.value.attempt == 6
