"""A thousand tasks on one client: order, time limits and cancellation."""

from collections.abc import AsyncIterator, Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest
from quick import client_of
from tasks import until

from useresponse_async import AsyncClient, QueueTimeoutError
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

TASKS = 1000
AT_ONCE = 10


@pytest.fixture
def busy(start_sandbox) -> Sandbox:
    return start_sandbox(users=TASKS, latency=0.002)


@pytest.fixture
async def client(busy) -> AsyncIterator[AsyncClient]:
    async with client_of(busy, max_in_flight=AT_ONCE) as client:
        yield client


async def together(call: Callable[[int], Awaitable[object]], count: int = TASKS) -> None:
    """Start so many tasks, which call in the order of their numbers."""
    async with anyio.create_task_group() as tasks:
        for number in range(1, count + 1):
            tasks.start_soon(call, number)
            if number % 50 == 0:
                # trio shuffles the tasks that are ready at the same time.
                await anyio.lowlevel.checkpoint()


async def no_slot_is_lost(client: AsyncClient, sandbox: Sandbox) -> None:
    assert client.in_flight == 0
    await until(lambda: not sandbox.in_flight)
    sandbox.set_latency(300)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(together, client.users.get, 3 * AT_ONCE)
        await until(lambda: sandbox.in_flight == AT_ONCE)
        tasks.cancel_scope.cancel()
    assert client.in_flight == 0


async def test_a_thousand_calls_succeed_in_their_order_with_ten_in_flight(client, busy):
    asked: list[int] = []
    came: dict[int, int | None] = {}

    async def call(number: int) -> None:
        asked.append(number)
        came[number] = (await client.users.get(number)).id

    await together(call)
    assert came == {number: number for number in range(1, TASKS + 1)}
    assert 2 <= busy.peak_in_flight <= AT_ONCE
    # Each request found a connection to spare: none was made in vain, and none waited for one.
    assert busy.connections_opened <= AT_ONCE + 2
    # Calls whose slots are free at the same moment may swap places; trio shuffles them.
    paths = [request.path for request in busy.requests]
    places = [paths.index(f"/api/3.0/users/{number}.json") for number in asked]
    assert len(paths) == TASKS
    assert max(abs(place - wanted) for wanted, place in enumerate(places)) < 3 * AT_ONCE
    await no_slot_is_lost(client, busy)


async def test_a_queue_timeout_ends_calls_that_wait_too_long_and_no_others(busy):
    reached: list[object] = []
    served: list[int] = []
    failed: list[QueueTimeoutError] = []
    busy.set_latency(0.05)
    client = client_of(busy, max_in_flight=AT_ONCE, on_request=reached.append)
    impatient = client.with_options(queue_timeout=0.3)

    async def call(number: int) -> None:
        try:
            await (client if number <= 40 else impatient).users.get(number)
            served.append(number)
        except QueueTimeoutError as error:
            failed.append(error)

    async with client:
        await together(call)
        # Each reached the hook once, none was retried, and those without a slot were not sent.
        assert (len(reached), busy.arrivals) == (TASKS, len(served))
        await no_slot_is_lost(client, busy)
    assert len(served) + len(failed) == TASKS
    assert len(failed) >= AT_ONCE
    assert set(range(1, 41)) <= set(served)
    assert {(error.method, error.request_sent, error.attempt) for error in failed} == {
        ("GET", False, 1)
    }
    assert busy.peak_in_flight <= AT_ONCE


@pytest.mark.long
async def test_cancelling_waiting_calls_does_not_affect_the_others(client, busy):
    came: list[int] = []
    scopes = {number: anyio.CancelScope() for number in range(1, TASKS + 1)}
    waiting = 0

    async def call(number: int) -> None:
        nonlocal waiting
        with scopes[number]:
            waiting += 1
            await client.users.get(number)
            came.append(number)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(together, call)
        while waiting < TASKS:
            await anyio.lowlevel.checkpoint()
        for number in range(2, TASKS + 1, 2):
            scopes[number].cancel()
    caught = {number for number, scope in scopes.items() if scope.cancelled_caught}
    assert caught
    assert all(number % 2 == 0 for number in caught)
    assert sorted(came) == sorted(set(scopes) - caught)
    await no_slot_is_lost(client, busy)


async def test_a_view_with_its_own_limit_counts_its_own_calls(client, busy):
    busy.set_latency(0.02)
    views = [client, client.with_options(max_in_flight=3), client.with_options(timeout=20)]
    most = [0, 0, 0]

    async def call(number: int) -> None:
        await views[number % 3].users.get(number)
        for place, view in enumerate(views):
            most[place] = max(most[place], view.in_flight)

    await together(call, 300)
    assert busy.peak_in_flight <= AT_ONCE + 3
    assert most == [AT_ONCE, 3, AT_ONCE]
    assert [view.in_flight for view in views] == [0, 0, 0]
