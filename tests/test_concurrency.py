"""The concurrent map: its limit, order and cancellation."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing

import anyio
import anyio.lowlevel
import pytest
from gate import Gate
from hypothesis import given
from hypothesis import strategies as st
from tasks import until

from useresponse_async import ArgumentError, AsyncClient, NotFoundError
from useresponse_async._concurrency import concurrent_map
from useresponse_async.sandbox import Sandbox

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]


class Calls:
    """Calls that are recorded; an item is called for a hundredfold result."""

    def __init__(self) -> None:
        self.drawn = 0
        self.ended: list[int] = []
        self.cancelled: list[int] = []
        self.running = 0
        self.peak = 0

    def numbers(self) -> Iterator[int]:
        for number in range(1000):
            self.drawn += 1
            yield number

    async def soon(self, item: int) -> int:
        """Return soon; higher numbers sooner."""
        return await self._run(item, 0.002 * (10 - item % 10))

    async def first_only(self, item: int) -> int:
        """Return for 0, and for no other item."""
        return await self._run(item, 0.01 if item == 0 else 3600)

    async def _run(self, item: int, seconds: float) -> int:
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await anyio.sleep(seconds)
        except BaseException:
            self.cancelled.append(item)
            raise
        finally:
            self.running -= 1
        self.ended.append(item)
        return item * 100


@pytest.fixture
def calls() -> Calls:
    return Calls()


async def same(item: int) -> int:
    return item


async def test_results_are_in_the_order_of_their_inputs(calls):
    results = [r async for r in concurrent_map(calls.soon, range(20), limit=10)]
    assert results == [100 * item for item in range(20)]
    assert calls.ended != sorted(calls.ended)


async def test_unordered_results_are_yielded_as_they_finish(calls):
    mapped = concurrent_map(calls.soon, range(20), limit=10, ordered=False)
    results = [r async for r in mapped]
    assert results == [100 * item for item in calls.ended]
    assert sorted(results) == [100 * item for item in range(20)]


@pytest.mark.parametrize("ordered", [True, False])
async def test_the_limit_is_reached_and_kept(ordered):
    for limit, ahead in ((1, 0), (3, 0), (3, 7), (7, 1)):
        calls = Calls()
        mapped = concurrent_map(calls.soon, range(20), limit=limit, ahead=ahead, ordered=ordered)
        assert len([r async for r in mapped]) == 20
        assert calls.peak == limit


async def test_inputs_are_consumed_only_as_slots_are_free(calls):
    mapped = concurrent_map(calls.first_only, calls.numbers(), limit=3)
    assert calls.drawn == 0
    async with aclosing(mapped) as results:
        assert await anext(results) == 0
        # The three that were in flight, and perhaps the next, for which 0 made room.
        assert 3 <= calls.drawn <= 4
    assert calls.running == 0


async def test_ahead_limits_the_results_behind_a_slow_call(calls):
    async def slow_first(item: int) -> int:
        if item == 0:
            await until(lambda: calls.drawn >= 6)
            await anyio.sleep(0.02)  # in which a seventh would be drawn
        return item

    async with aclosing(concurrent_map(slow_first, calls.numbers(), limit=2, ahead=6)) as results:
        assert await anext(results) == 0
        assert calls.drawn == 6


async def test_inputs_may_be_an_async_iterable(calls):
    async def numbers() -> AsyncIterator[int]:
        for number in range(12):
            await anyio.lowlevel.checkpoint()
            yield number

    mapped = concurrent_map(calls.soon, numbers(), limit=4)
    assert [r async for r in mapped] == [100 * item for item in range(12)]
    assert calls.peak == 4


async def test_failing_inputs_raise_and_end_the_calls(calls):
    def inputs() -> Iterator[int]:
        yield from (1, 2)
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        async for _ in concurrent_map(calls.first_only, inputs(), limit=5):
            pass
    assert calls.running == 0


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_failure_is_raised_in_order_and_ends_the_other_calls(calls, ordered):
    async def fail(item: int) -> int:
        if item == 3:
            raise LookupError("3")
        return await calls.soon(item) if item < 3 else await calls.first_only(item)

    results: list[int] = []
    with pytest.raises(LookupError, match="3"):
        async for result in concurrent_map(fail, range(20), limit=10, ordered=ordered):
            results.append(result)
    assert results == ([0, 100, 200] if ordered else [])
    assert calls.running == 0
    if ordered:  # else it may be raised before the others have begun
        assert set(calls.cancelled) >= {4, 5, 6, 7, 8, 9}


def slow_to_end(ended: list[int]) -> Callable[[int], Awaitable[None]]:
    """Return a function that needs time to end when it is cancelled, and then records its item."""

    async def call(item: int) -> None:
        try:
            await anyio.sleep(3600)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.03)
            ended.append(item)

    return call


async def test_calls_that_take_time_to_end_are_awaited():
    ended: list[int] = []
    with anyio.move_on_after(0.02):
        await anext(concurrent_map(slow_to_end(ended), range(20), limit=3))
    assert sorted(ended) == [0, 1, 2]


def test_a_second_cancellation_on_asyncio_leaves_no_call_behind():
    ended: list[int] = []

    async def consume() -> None:
        async for _ in concurrent_map(slow_to_end(ended), range(20), limit=3):
            pass

    async def main() -> None:
        task = asyncio.create_task(consume())
        for _ in range(2):
            await asyncio.sleep(0.01)
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while len(ended) < 3:
            await asyncio.sleep(0.001)

    asyncio.run(main())
    assert sorted(ended) == [0, 1, 2]


async def test_a_map_may_be_closed_in_another_task(calls):
    results = concurrent_map(calls.first_only, range(20), limit=3)

    async def begin() -> None:
        await anext(results)

    async def end() -> None:
        await results.aclose()

    for step in (begin, end):
        async with anyio.create_task_group() as group:
            group.start_soon(step)
    assert calls.running == 0


async def test_context_variables_reach_the_calls_and_those_set_in_a_call_stay_there():
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant")

    async def move_in(item: int) -> str:
        before = tenant.get()
        tenant.set(f"{item}")
        await anyio.lowlevel.checkpoint()
        return before

    tenant.set("acme")
    assert [r async for r in concurrent_map(move_in, range(3), limit=1)] == ["acme"] * 3
    assert tenant.get() == "acme"


@given(
    delays=st.lists(st.integers(0, 6), max_size=25),
    limit=st.integers(1, 8),
    ahead=st.integers(0, 20),
    ordered=st.booleans(),
    backend=st.sampled_from(["asyncio", "trio"]),
)
def test_every_input_has_its_result_for_any_delays(delays, limit, ahead, ordered, backend):
    running = peak = 0

    async def call(item: tuple[int, int]) -> int:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        for _ in range(item[1]):
            await anyio.lowlevel.checkpoint()
        running -= 1
        return item[0]

    async def main() -> list[int]:
        mapped = concurrent_map(call, enumerate(delays), limit=limit, ahead=ahead, ordered=ordered)
        return [r async for r in mapped]

    results = anyio.run(main, backend=backend)
    assert (results if ordered else sorted(results)) == list(range(len(delays)))
    assert peak <= limit
    assert running == 0


async def test_a_result_does_not_wait_for_the_next_input():
    got = anyio.Event()

    async def inputs() -> AsyncIterator[int]:
        yield 1
        await got.wait()
        yield 2

    results: list[int] = []
    with anyio.fail_after(30):
        async for result in concurrent_map(same, inputs(), limit=4):
            results.append(result)
            got.set()
    assert results == [1, 2]


async def test_an_input_may_be_none():
    async def inputs() -> AsyncIterator[None]:
        yield None

    for nothing in (inputs(), [None]):
        assert [r async for r in concurrent_map(same, nothing, limit=1)] == [None]


async def test_an_exit_in_a_call_is_raised_with_its_result():
    async def leave(_item: int) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit) as caught:
        async for _ in concurrent_map(leave, [1], limit=1):
            pass
    assert caught.value.code == 3


# AsyncClient.map


async def test_map_calls_with_every_input_in_order(sandbox: Sandbox):
    gate = Gate(10)
    async with AsyncClient(sandbox.url, api_key=sandbox.api_key, transport=gate) as client:
        ids = [user.id async for user in client.map(client.users.get, range(1, 61))]
    assert ids == list(range(1, 61))
    assert gate.peak == 10


@pytest.mark.parametrize("ordered", [True, False])
async def test_map_yields_results_and_exceptions_with_their_inputs(client, sandbox, ordered):
    sandbox.delay_next(0.1, match=r"users/5\.json")
    mapped = client.map(
        client.users.get, [5, 999, 4], with_inputs=True, return_exceptions=True, ordered=ordered
    )
    pairs = [pair async for pair in mapped]
    numbers = [number for number, _ in pairs]
    assert numbers == [5, 999, 4] if ordered else numbers[-1] == 5
    found = dict(pairs)
    assert (found[5].id, found[4].id) == (5, 4)
    assert isinstance(found[999], NotFoundError)


async def test_map_consumes_an_async_iterable_lazily(client: AsyncClient):
    drawn: list[int] = []

    async def ids() -> AsyncIterator[int]:
        for user_id in range(1, 101):
            drawn.append(user_id)
            yield user_id

    users = client.map(client.users.get, ids(), max_in_flight=3)
    assert (await anext(users)).id == 1
    await users.aclose()
    assert len(drawn) <= 4


async def test_an_invalid_limit_of_map_raises(client: AsyncClient):
    with pytest.raises(ArgumentError, match="max_in_flight"):
        client.map(client.users.get, [1], max_in_flight=0)
