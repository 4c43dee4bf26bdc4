"""Bodies without end, early refusals and long outages."""

import gc
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import anyio
import anyio.lowlevel
import attrs
import httpx
import pytest
from quick import QUICK, client_of
from server import ONCE, Drain, Request, Sleep, answer, failure, options_of

from useresponse_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncClient,
    Attachment,
    ResponseTooLargeError,
    RetryEvent,
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


CALLS: dict[str, Callable[[AsyncClient, Path, int], Awaitable[object]]] = {
    "download": lambda client, to, limit: client.files.download("/f", to / "f", max_bytes=limit),
    "read": lambda client, to, limit: client.with_options(max_response_bytes=limit).users.me(),
}


# The generator of such a body is left to the garbage collector, for httpx stands in between.
@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning", "ignore:Exception ignored")
@pytest.mark.every_loop
@pytest.mark.parametrize("anyio_backend", ["asyncio", "asyncio+uvloop", "trio"], indirect=True)
@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("by", "chunk"),
    [("bytes", b"x" * 1000), ("attempt_timeout", b"x"), ("attempt_timeout", b""), ("scope", b"x")],
)
async def test_a_body_that_ignores_its_closing_can_be_left(tmp_path, call, by, chunk):
    sender = Endless(chunk)
    kind: type[Exception] = ResponseTooLargeError
    message: str | None = "larger than 50000 bytes"
    if by == "attempt_timeout" and call == "read":
        kind, message = APITimeoutError, "attempt_timeout"
    elif by != "bytes":  # a download may last as long as it comes
        kind, message = TimeoutError, None
    seconds = 0.2 if by == "attempt_timeout" else None
    async with AsyncClient(
        "https://help.example", transport=sender, retry=ONCE, attempt_timeout=seconds
    ) as client:
        with anyio.fail_after(1.7), pytest.raises(kind, match=message):
            with anyio.fail_after(0.2 if kind is TimeoutError else 9):
                await CALLS[call](client, tmp_path, 50_000 if by == "bytes" else 10**9)
        assert client.in_flight == 0
    assert sender.taken < 200 or by != "bytes"
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


# Outages


async def test_an_outage_does_not_end_a_walk(sandbox, wire):
    def repair(event: RetryEvent) -> None:
        if event.attempt > 6:  # more than a call without a success before has
            sandbox.clear_faults()

    policy = attrs.evolve(QUICK, attempts=None)
    # So few at once that pages are left when the outage begins.
    options = {"max_in_flight": 2, "on_retry": repair, **options_of(wire)}
    async with client_of(sandbox, retry=policy, **options) as client:
        users: list[int] = []
        async for user in client.users.search(count=10):
            users.append(user.id)
            if len(users) == 50:
                sandbox.fail_next(503, times=10**6)
    assert users == list(range(1, 231))
    assert sandbox.faults["503"] > 6
