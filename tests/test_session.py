"""The end of a call, walk or client, which leaves nothing behind."""

import asyncio
import gc
from contextlib import nullcontext

import anyio
import anyio.lowlevel
import httpx
import pytest
from memory import Memory
from quick import client_of
from tasks import live_tasks, until

import useresponse_async as ur

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]


@pytest.fixture
def slow(start_sandbox):
    return start_sandbox(users=2000, latency=0.05)


@pytest.fixture
async def walker(slow):
    async with client_of(slow) as client:
        yield client


@pytest.fixture
async def nothing_is_left(walker, slow):
    """Nothing is in flight on either side, no task is alive, and the client still works."""
    before = live_tasks()

    async def check() -> None:
        assert walker.in_flight == 0
        gc.collect()
        await until(lambda: not slow.in_flight)
        assert live_tasks() == before
        assert (await walker.users.me()).id == 1

    return check


@pytest.mark.parametrize("raises", [False, True])
async def test_a_loop_that_is_left_ends_the_walk(walker, nothing_is_left, raises):
    with pytest.raises(KeyError, match="mine") if raises else nullcontext():
        async with walker.users.search() as users:
            async for user in users:
                if user.id == 120 and raises:
                    raise KeyError("mine")
                if user.id == 120:
                    break
    assert user.id == 120
    await nothing_is_left()


async def test_closing_the_client_ends_the_walk(walker, slow):
    with pytest.raises(ur.ClientClosedError):
        async for user in walker.users.search():
            if user.id == 60:
                await walker.aclose()
    assert walker.in_flight == 0
    await until(lambda: not (slow.in_flight or slow.connections))


@pytest.mark.parametrize("in_flight", [1, 0], ids=["a request", "the delay before a retry"])
async def test_closing_the_client_ends_a_call_in_another_task(slow, in_flight):
    slow.set_latency(300 * in_flight)
    if not in_flight:
        slow.fail_next(503, headers={"Retry-After": "60"})
    patient = ur.RetryPolicy(max_delay=60, max_elapsed=120)
    client = client_of(slow, retry=patient)

    async def call() -> None:
        with pytest.raises(ur.ClientClosedError, match="the client was closed during the call"):
            await client.users.me()

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            await until(lambda: slow.arrivals and client.in_flight == in_flight)
            await client.aclose()
    await until(lambda: not slow.connections)
    assert slow.arrivals == 1


async def test_a_failed_page_ends_the_walk_after_the_pages_before_it(walker, slow, nothing_is_left):
    slow.fail_next(404, times=1, match=r"page=7(&|$)")
    seen: list[int | None] = []
    with pytest.raises(ur.UseResponseError, match="404"):
        async for user in walker.users.search():
            seen.append(user.id)
    assert seen == list(range(1, 301))
    await nothing_is_left()


async def test_a_client_may_be_closed_in_another_task_and_more_than_once(walker):
    async with walker.with_options(timeout=5) as view:
        await view.users.me()
    # Closing a view leaves the client open.
    for call in (walker.users.me, walker.aclose, walker.aclose):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
    for call in (walker.users.me, walker.__aenter__, view.users.me):
        with pytest.raises(ur.ClientClosedError, match="the client is closed"):
            await call()


@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")  # as trio does
async def test_a_bare_break_is_cleaned_up_by_the_loop(walker, nothing_is_left):
    async for _ in walker.users.search():
        break
    gc.collect()
    await until(lambda: not walker.in_flight)
    await nothing_is_left()


async def test_two_tasks_may_walk_the_same_pages(walker, slow):
    slow.set_latency(0)
    pages = walker.users.search()
    counted: list[int] = []

    async def walk(stop: int) -> None:
        async with pages as users:
            async for user in users:
                if user.id == stop:
                    break
        counted.append(user.id)

    async with anyio.create_task_group() as tasks:
        for stop in (60, 900, 2001, 130):
            tasks.start_soon(walk, stop)
    assert sorted(counted) == [60, 130, 900, 2000]


async def test_blocks_of_the_same_pages_may_be_nested(walker, nothing_is_left):
    pages = walker.users.search()
    async with pages as outer:
        assert (await anext(outer)).id == 1
        async with pages as inner:
            assert (await anext(inner)).id == 1
        assert (await anext(outer)).id == 2
    with pytest.raises(StopAsyncIteration):
        await anext(outer)
    await nothing_is_left()


async def test_a_callback_may_close_the_client(walker, slow, tmp_path):
    slow.set_latency(0)
    slow.answer_next(b"hello", media_type="text/plain")

    async def close(received: int, total: int | None) -> None:
        await walker.aclose()

    with anyio.fail_after(30):
        assert await walker.files.download("/x", tmp_path / "x", on_progress=close) == 5
        with pytest.raises(ur.ClientClosedError, match=r"^the client is closed$"):
            await walker.users.me()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_cancelled_close_on_asyncio_closes_the_client(walker, slow):
    await walker.users.me()
    call = asyncio.create_task(walker.users.search().collect())
    await until(lambda: slow.in_flight)
    closing = asyncio.create_task(walker.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    with pytest.raises(ur.ClientClosedError):
        await call
    await until(lambda: not slow.connections)


@pytest.mark.parametrize("pieces", [1, 2, 3, None])
async def test_the_write_timeout_limits_each_piece_of_a_body_and_ends_when_it_is_sent(pieces):
    class Slow(httpx.AsyncBaseTransport):
        """Takes so many of the body's three pieces, or all; responds after the write timeout."""

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            stream, taken = aiter(request.stream), 0
            while taken != pieces and await anext(stream, None) is not None:
                taken += 1
            await anyio.sleep(0.1)
            return httpx.Response(200, json={"id": 1})

    options = {"timeout": httpx.Timeout(60, write=0.01), "retry": ur.RetryPolicy(attempts=1)}
    late = pytest.raises(ur.APITimeoutError, match=r"response within 0\.01 s \(write timeout\); ")
    async with ur.AsyncClient("https://a.example", transport=Slow(), **options) as client:
        with late if pieces else nullcontext():
            files = [ur.Attachment.from_bytes("a", b"a")]
            await client.tickets.create("a", "b", attachments=files)


async def test_the_read_timeout_limits_each_step_of_a_transport_that_has_none():
    class Stalled(Memory):
        async def reach(self, step: str, target: str) -> None:
            await anyio.sleep(3600 if step == "later" else 0)

    options = {"timeout": httpx.Timeout(60, read=0.05), "retry": ur.RetryPolicy(attempts=1)}
    async with ur.AsyncClient("https://a.example", transport=Stalled(), **options) as client:
        with pytest.raises(ur.APITimeoutError, match=r"response within 0\.05 s \(read timeout\)$"):
            await client.users.me()
