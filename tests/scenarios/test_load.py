"""A thousand tasks on one client: fairness, memory and the cost of waiting."""

import gc
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import anyio
import anyio.lowlevel
import httpx
import pytest
from quick import QUICK, client_of
from tasks import until

from useresponse_async import (
    APITimeoutError,
    AsyncClient,
    QueueTimeoutError,
    RetryEvent,
    RetryPolicy,
)
from useresponse_async.cli._sandbox import running_sandbox
from useresponse_async.sandbox import DEFAULT_API_KEY, Sandbox

pytestmark = pytest.mark.anyio

TASKS = 1000
AT_ONCE = 10

# What all thousand may hold together, in bytes: each that waits has its task, its coroutines and
# its request, some 14 kilobytes. And what may be left of them: less than 300 bytes each.
MOST_MEMORY = 24 * 1024 * 1024
LEFT_OVER = 256 * 1024


@pytest.fixture
def busy(start_sandbox) -> Sandbox:
    return start_sandbox(users=TASKS, latency=0.002)


@pytest.fixture
async def client(busy) -> AsyncIterator[AsyncClient]:
    async with client_of(busy, max_in_flight=AT_ONCE) as client:
        yield client


async def together(call: Callable[[int], Awaitable[None]], count: int = TASKS) -> None:
    """Start so many tasks, which call in the order of their numbers."""
    async with anyio.create_task_group() as tasks:
        for number in range(1, count + 1):
            tasks.start_soon(call, number)
            if number % 50 == 0:
                # trio shuffles the tasks that are ready at the same time.
                await anyio.lowlevel.checkpoint()


async def settled(client: AsyncClient, sandbox: Sandbox) -> None:
    """Check that nothing is under way, and that a call works."""
    assert client.in_flight == 0
    await until(lambda: not sandbox.in_flight)
    assert (await client.users.me()).id == 1


async def test_a_thousand_calls_succeed_with_ten_in_flight(client, busy):
    came: dict[int, int | None] = {}

    async def call(number: int) -> None:
        came[number] = (await client.users.get(number)).id

    await together(call)
    assert came == {number: number for number in range(1, TASKS + 1)}
    assert 2 <= busy.peak_in_flight <= AT_ONCE
    assert busy.arrivals == TASKS
    # Each request found a connection to spare: none was made in vain, and none waited for one.
    assert busy.connections_opened <= AT_ONCE + 2
    await settled(client, busy)


class Noting(httpx.AsyncHTTPTransport):
    """Notes whom the requests that are sent ask for."""

    def __init__(self) -> None:
        super().__init__(limits=httpx.Limits(max_connections=AT_ONCE))
        self.sent: list[int] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent.append(int(request.url.path.rpartition("/")[2].removesuffix(".json")))
        return await super().handle_async_request(request)


@pytest.mark.long
async def test_calls_are_sent_in_their_order(busy):
    asked: list[int] = []
    noting = Noting()
    async with AsyncClient(
        busy.url, api_key=busy.api_key, max_in_flight=AT_ONCE, transport=noting
    ) as client:

        async def call(number: int) -> None:
            asked.append(number)
            await client.users.get(number)

        await together(call)
    places = {number: place for place, number in enumerate(asked)}
    moved = [abs(places[number] - place) for place, number in enumerate(noting.sent)]
    # Calls whose slots are free at the same moment may swap places; trio shuffles them.
    assert len(moved) == TASKS
    assert max(moved) < AT_ONCE


@pytest.fixture
def address_of_another_process() -> Iterator[str]:
    """Start a sandbox whose memory is not the client's."""
    with running_sandbox("--users", "20") as address:
        yield address


@pytest.fixture
def traced() -> Iterator[Callable[[], tuple[int, int]]]:
    """Give a function that returns the memory held now, and the peak since its last call."""

    def held() -> tuple[int, int]:
        gc.collect()
        memory = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        return memory

    tracemalloc.start()
    try:
        yield held
    finally:
        tracemalloc.stop()


@pytest.mark.long
async def test_a_thousand_calls_take_little_memory(address_of_another_process, traced):
    async with AsyncClient(
        address_of_another_process, api_key=DEFAULT_API_KEY, max_in_flight=AT_ONCE, retry=QUICK
    ) as client:

        async def call(number: int) -> None:
            await client.users.get(number % 20 + 1)

        await together(call, 100)  # what is made on first use is there
        before, _ = traced()
        await together(call)
        after, most = traced()
    assert most - before < MOST_MEMORY
    assert after - before < LEFT_OVER


@pytest.mark.long
async def test_a_thousand_calls_that_are_cancelled_leave_nothing(client, busy, traced):
    busy.set_latency(60)

    async def cancelled() -> None:
        waiting = 0

        async def call(number: int) -> None:
            nonlocal waiting
            waiting += 1
            await client.users.get(number)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(together, call)
            await until(lambda: waiting == TASKS and client.in_flight == AT_ONCE)
            tasks.cancel_scope.cancel()

    await cancelled()
    before, _ = traced()
    await cancelled()
    after, most = traced()
    assert most - before < MOST_MEMORY
    assert after - before < LEFT_OVER
    busy.set_latency(0)
    assert client.in_flight == 0
    assert (await client.users.me()).id == 1


async def test_a_queue_timeout_ends_calls_that_wait_too_long_and_no_others(client, busy):
    requests: list[httpx.Request] = []
    retries: list[RetryEvent] = []
    served: list[int] = []
    failed: list[QueueTimeoutError] = []
    busy.set_latency(0.05)
    async with client_of(
        busy,
        max_in_flight=AT_ONCE,
        queue_timeout=0.3,
        on_request=requests.append,
        on_retry=retries.append,
    ) as impatient:

        async def call(number: int) -> None:
            try:
                await impatient.users.get(number)
            except QueueTimeoutError as error:
                failed.append(error)
            else:
                served.append(number)

        await together(call)
        assert len(served) + len(failed) == TASKS
        assert len(served) >= AT_ONCE
        assert len(failed) >= AT_ONCE
        assert {(e.method, e.request_sent, e.attempt) for e in failed} == {("GET", False, 1)}
        assert all(error.path.startswith("/api/3.0/users/") for error in failed)
        assert all("no slot within 0.3 s" in str(error) for error in failed)
        assert isinstance(failed[0], APITimeoutError)
        # Each reached the hook once, none was retried, and those without a slot were not sent.
        assert len(requests) == TASKS
        assert retries == []
        assert busy.arrivals == len(served)
        assert busy.peak_in_flight <= AT_ONCE
        # No slot was lost with them.
        busy.set_latency(0)
        await settled(impatient, busy)
        busy.set_latency(300)
        async with anyio.create_task_group() as tasks:
            for number in range(1, 3 * AT_ONCE):
                tasks.start_soon(impatient.with_options(queue_timeout=None).users.get, number)
            await until(lambda: busy.in_flight == AT_ONCE)
            tasks.cancel_scope.cancel()
        assert impatient.in_flight == 0


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

    async def cancel_the_even() -> None:
        while waiting < TASKS:
            await anyio.lowlevel.checkpoint()
        for number in range(2, TASKS + 1, 2):
            scopes[number].cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(cancel_the_even)
        tasks.start_soon(together, call)
    odd = set(range(1, TASKS + 1, 2))
    assert odd <= set(came)
    assert len(came) == len(set(came)) < TASKS
    assert {n for n in came if n not in odd} == {
        n for n, scope in scopes.items() if n not in odd and not scope.cancelled_caught
    }
    assert busy.peak_in_flight <= AT_ONCE + len(scopes)  # a cancelled one ends later over there
    await settled(client, busy)


async def test_a_view_with_its_own_limit_counts_its_own_calls(client, busy):
    busy.set_latency(0.02)
    few = client.with_options(max_in_flight=3)
    same = client.with_options(timeout=20)
    most = {"client": 0, "few": 0, "same": 0}
    views = {"client": client, "few": few, "same": same}

    async def call(number: int) -> None:
        name = list(views)[number % 3]
        await views[name].users.get(number)
        for other, view in views.items():
            most[other] = max(most[other], view.in_flight)

    await together(call, 300)
    assert busy.peak_in_flight <= AT_ONCE + 3
    assert most == {"client": AT_ONCE, "few": 3, "same": AT_ONCE}
    assert (client.in_flight, few.in_flight, same.in_flight) == (0, 0, 0)


async def test_a_queue_timeout_on_a_view_is_the_views_own(client, busy):
    busy.set_latency(0.1)
    hasty = client.with_options(queue_timeout=0.05)
    patient_came: list[int] = []
    hasty_failed: list[str] = []

    async def wait(number: int) -> None:
        await client.users.get(number)
        patient_came.append(number)

    async def hurry(number: int) -> None:
        with pytest.raises(QueueTimeoutError):
            await hasty.users.get(number)
        hasty_failed.append(f"{number}")

    async with anyio.create_task_group() as tasks:
        for number in range(1, 41):
            tasks.start_soon(wait, number)
        await until(lambda: client.in_flight >= AT_ONCE)
        for number in range(41, 61):
            tasks.start_soon(hurry, number)
    assert len(patient_came) == 40
    assert len(hasty_failed) == 20
    assert busy.arrivals == 40


@pytest.mark.long
async def test_max_elapsed_counts_from_the_first_failure(start_sandbox):
    # It counts from the first failure: a call that waited far longer than that for its first
    # slot is retried all the same.
    sandbox = start_sandbox(users=30, latency=0.05)
    policy = RetryPolicy(attempts=3, initial_delay=0.01, max_delay=0.02, max_elapsed=0.2)
    async with AsyncClient(
        sandbox.url, api_key=sandbox.api_key, max_in_flight=1, retry=policy, adaptive_pacing=False
    ) as client:
        sandbox.fail_next(500, match=r"/users/20\.json")
        came: list[int | None] = []

        async def call(number: int) -> None:
            came.append((await client.users.get(number)).id)

        await together(call, 20)
        assert sorted(map(int, came)) == list(range(1, 21))
        assert sandbox.faults == {"500": 1}
