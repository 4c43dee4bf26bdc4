"""However a walk or a call ends, nothing of it is left behind."""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import anyio
import anyio.lowlevel
import pytest
import trio

from useresponse_async import AsyncClient, ClientClosedError, UseResponseError
from useresponse_async.sandbox import Sandbox

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

Check: TypeAlias = Callable[[], Awaitable[None]]


@pytest.fixture
def slow(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return start_sandbox(users=2000, latency=0.05)


@pytest.fixture
async def walker(slow: Sandbox) -> AsyncIterator[AsyncClient]:
    async with AsyncClient(slow.url, api_key=slow.api_key) as client:
        yield client


def live_tasks() -> int:
    try:
        return trio.lowlevel.current_statistics().tasks_living
    except RuntimeError:  # it is asyncio that runs
        return len(asyncio.all_tasks())


@pytest.fixture
async def nothing_is_left(walker: AsyncClient, slow: Sandbox) -> Check:
    """Nothing is in flight on either side, no task is alive, and the client still works."""
    before = live_tasks()

    async def check() -> None:
        assert walker.in_flight == 0
        gc.collect()
        with anyio.fail_after(5):
            while slow.in_flight:
                await anyio.sleep(0.01)
        assert live_tasks() == before
        assert (await walker.users.me()).id == 1

    return check


async def test_breaking_out_of_the_loop_ends_the_walk(walker, slow, nothing_is_left):
    async with walker.users.search() as users:
        async for user in users:
            if user.id == 120:
                break
    await nothing_is_left()


async def test_an_exception_in_the_loop_ends_the_walk(walker, slow, nothing_is_left):
    with pytest.raises(KeyError, match="mine"):
        async with walker.users.search() as users:
            async for user in users:
                if user.id == 120:
                    raise KeyError("mine")
    await nothing_is_left()


async def test_a_timeout_around_the_loop_ends_the_walk(walker, slow, nothing_is_left):
    with pytest.raises(TimeoutError):
        with anyio.fail_after(0.12):
            async for _ in walker.users.search():
                pass
    await nothing_is_left()


async def test_cancelling_from_another_task_ends_the_walk(walker, slow, nothing_is_left):
    seen: list[int | None] = []

    async def walk() -> None:
        async for user in walker.users.search():
            seen.append(user.id)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(walk)
        while not seen:
            await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()
    assert seen == list(range(1, len(seen) + 1))
    await nothing_is_left()


async def test_closing_the_client_ends_the_walk(slow: Sandbox):
    client = AsyncClient(slow.url, api_key=slow.api_key)
    seen: list[int | None] = []
    with pytest.raises(ClientClosedError):
        async with client.users.search() as users:
            async for user in users:
                seen.append(user.id)
                if user.id == 60:
                    await client.aclose()
    assert seen == list(range(1, len(seen) + 1))
    assert client.in_flight == 0
    with anyio.fail_after(5):
        while slow.in_flight or slow.connections:
            await anyio.sleep(0.01)


async def test_closing_the_client_ends_a_call_in_another_task(slow: Sandbox):
    slow.set_latency(5)
    client = AsyncClient(slow.url, api_key=slow.api_key)
    failures: list[UseResponseError] = []

    async def call() -> None:
        try:
            await client.users.me()
        except UseResponseError as error:
            failures.append(error)

    with anyio.fail_after(3):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            while not slow.in_flight:
                await anyio.sleep(0.01)
            await client.aclose()
    assert [type(error) for error in failures] == [ClientClosedError]
    with anyio.fail_after(5):
        while slow.connections:
            await anyio.sleep(0.01)


async def test_a_cancelled_call_leaves_the_client_usable(walker, slow, nothing_is_left):
    slow.delay_next(0.5)
    with anyio.move_on_after(0.1) as scope:
        await walker.users.me()
    assert scope.cancelled_caught
    await nothing_is_left()


async def test_a_failed_page_stops_the_others(walker, slow, nothing_is_left):
    slow.fail_next(404, times=1, match=r"page=7(&|$)")
    seen: list[int | None] = []
    with pytest.raises(UseResponseError, match="404"):
        async for user in walker.users.search():
            seen.append(user.id)
    assert seen == list(range(1, 301))
    await nothing_is_left()


async def test_a_client_may_be_closed_in_another_task_than_it_was_entered_in(slow: Sandbox):
    client = await AsyncClient(slow.url, api_key=slow.api_key).__aenter__()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.users.me)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(client.aclose)
    with pytest.raises(ClientClosedError):
        await client.users.me()


async def test_closing_twice_does_no_harm(walker: AsyncClient):
    await walker.aclose()
    await walker.aclose()


async def test_a_closed_client_cannot_be_entered(walker: AsyncClient):
    await walker.aclose()
    with pytest.raises(ClientClosedError):
        async with walker:
            pass


async def test_closing_a_view_leaves_the_client_open(walker: AsyncClient):
    async with walker.with_options(timeout=5) as view:
        await view.users.me()
    assert (await walker.users.me()).id == 1


async def test_nothing_is_sent_before_the_first_call(slow: Sandbox):
    async with AsyncClient(slow.url, api_key=slow.api_key) as client:
        client.users.search(role="user")
    assert slow.connections_opened == 0


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_on_asyncio_a_bare_break_is_cleaned_up_by_the_loop(walker, slow, nothing_is_left):
    async for _ in walker.users.search():
        break
    with anyio.fail_after(2):
        while walker.in_flight:
            await anyio.sleep(0.01)
    await nothing_is_left()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_on_asyncio_the_walk_may_be_cancelled_by_wait_for(walker, slow, nothing_is_left):
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(walker.users.search().collect(), 0.12)
    await nothing_is_left()


@pytest.mark.parametrize("anyio_backend", ["trio"])
@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning")
async def test_on_trio_a_bare_break_is_cleaned_up_as_trio_does(walker, slow, nothing_is_left):
    async for _ in walker.users.search():
        break
    gc.collect()
    with anyio.fail_after(2):
        while walker.in_flight:
            await anyio.sleep(0.01)
    await nothing_is_left()


async def test_two_tasks_may_walk_the_same_pages(walker: AsyncClient, slow: Sandbox):
    slow.set_latency(0)
    pages = walker.users.search()
    counted: list[int] = []

    async def walk(stop: int) -> None:
        seen = 0
        async with pages as users:
            async for _ in users:
                seen += 1
                if seen == stop:
                    break
                if seen % 50 == 0:
                    await anyio.lowlevel.checkpoint()
        counted.append(seen)

    async with anyio.create_task_group() as tasks:
        for stop in (60, 900, 2000, 130):
            tasks.start_soon(walk, stop)
    assert sorted(counted) == [60, 130, 900, 2000]


async def test_a_callback_may_close_the_client(walker: AsyncClient, slow: Sandbox, tmp_path: Path):
    slow.set_latency(0)
    slow.answer_next(b"hello", media_type="text/plain")

    async def close(received: int, total: int | None) -> None:
        await walker.aclose()

    with anyio.fail_after(3):
        assert await walker.files.download("/x", tmp_path / "x", on_progress=close) == 5
        with pytest.raises(ClientClosedError):
            await walker.users.me()


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_on_asyncio_a_cancelled_close_closes_all_the_same(walker: AsyncClient, slow: Sandbox):
    await walker.users.me()
    call = asyncio.create_task(walker.users.search().collect())
    await asyncio.sleep(0.02)
    closing = asyncio.create_task(walker.aclose())
    await asyncio.sleep(0)
    closing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await closing
    with pytest.raises(ClientClosedError):
        await call
    with anyio.fail_after(5):
        while slow.connections:
            await anyio.sleep(0.01)
