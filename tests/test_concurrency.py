"""The concurrent map: its limit, order and cancellation, and what it leaves behind."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given
from hypothesis import strategies as st

from useresponse_async._concurrency import concurrent_map

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]


class Calls:
    """What is called, and how much of it runs."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.ended: list[int] = []
        self.cancelled: list[int] = []
        self.running = 0
        self.peak = 0

    async def hundredfold(self, item: int) -> int:
        """Answer soon; higher numbers sooner."""
        return await self._run(item, 0.002 * (10 - item % 10))

    async def never(self, item: int) -> int:
        return await self._run(item, 3600)

    async def first_only(self, item: int) -> int:
        """Answer for 0, and for no other."""
        return await self._run(item, 0.01 if item == 0 else 3600)

    async def fails_at_3(self, item: int) -> int:
        if item == 3:
            raise LookupError("3")
        return await self._run(item, 0.01)

    async def _run(self, item: int, seconds: float) -> int:
        self.started.append(item)
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


class Drawn:
    """Inputs that remember how many were drawn."""

    def __init__(self) -> None:
        self.count = 0
        self.closed = False

    def numbers(self, stop: int = 1000) -> Iterator[int]:
        for number in range(stop):
            self.count += 1
            yield number

    async def numbers_later(self, stop: int = 1000) -> AsyncIterator[int]:
        try:
            for number in range(stop):
                await anyio.lowlevel.checkpoint()
                self.count += 1
                yield number
        finally:
            self.closed = True


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def drawn() -> Drawn:
    return Drawn()


async def test_outcomes_come_in_the_order_of_their_inputs(calls):
    results = [r async for r in concurrent_map(calls.hundredfold, range(20), limit=10)]
    assert results == [100 * item for item in range(20)]
    assert calls.ended != sorted(calls.ended)


async def test_unordered_outcomes_come_as_they_finish(calls):
    mapped = concurrent_map(calls.hundredfold, range(20), limit=10, ordered=False)
    results = [r async for r in mapped]
    assert results == [100 * item for item in calls.ended]
    assert sorted(results) == [100 * item for item in range(20)]


@pytest.mark.parametrize("ordered", [True, False])
async def test_the_limit_is_reached_and_kept(ordered):
    for limit, ahead in ((1, 0), (3, 0), (3, 7), (7, 1)):
        calls = Calls()
        mapped = concurrent_map(
            calls.hundredfold, range(20), limit=limit, ahead=ahead, ordered=ordered
        )
        assert len([r async for r in mapped]) == 20
        assert calls.peak == limit


async def test_no_input_means_no_outcome(calls):
    assert [r async for r in concurrent_map(calls.hundredfold, [], limit=3)] == []


async def test_inputs_are_drawn_only_as_there_is_room(calls, drawn):
    async with aclosing(concurrent_map(calls.first_only, drawn.numbers(), limit=3)) as results:
        assert await anext(results) == 0
        # The three that were under way, and perhaps the next, for which 0 made room.
        assert 3 <= drawn.count <= 4
        assert calls.running <= 3


async def test_behind_a_slow_call_no_more_are_kept_than_ahead_says(calls, drawn):
    async def slow_first(item: int) -> int:
        if item == 0:
            await anyio.sleep(0.1)
        return item

    mapped = concurrent_map(slow_first, drawn.numbers(), limit=2, ahead=6)
    async with aclosing(mapped) as results:
        assert await anext(results) == 0
        assert drawn.count == 6


async def test_nothing_is_drawn_or_called_before_the_first_outcome_is_asked_for(calls, drawn):
    mapped = concurrent_map(calls.hundredfold, drawn.numbers(), limit=3)
    await anyio.sleep(0.01)
    assert (drawn.count, calls.started) == (0, [])
    await mapped.aclose()


async def test_inputs_may_be_drawn_from_an_async_iterable(calls, drawn):
    mapped = concurrent_map(calls.hundredfold, drawn.numbers_later(12), limit=4)
    assert [r async for r in mapped] == [100 * item for item in range(12)]
    assert calls.peak == 4


async def test_an_async_iterable_of_inputs_is_drawn_only_as_there_is_room(calls, drawn):
    inputs = drawn.numbers_later()
    async with aclosing(inputs), aclosing(concurrent_map(calls.never, inputs, limit=3)) as results:
        with anyio.move_on_after(0.05):
            await anext(results)
        assert drawn.count == 3
    assert calls.running == 0


async def test_inputs_that_fail_raise_and_stop_the_calls(calls):
    def inputs() -> Iterator[int]:
        yield 0
        yield 1
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        async for _ in concurrent_map(calls.never, inputs(), limit=5):
            pass
    assert calls.running == 0


async def test_a_failure_is_raised_in_its_turn(calls):
    results = []
    with pytest.raises(LookupError, match="3"):
        async for result in concurrent_map(calls.fails_at_3, range(20), limit=10):
            results.append(result)
    assert results == [0, 100, 200]
    assert calls.running == 0


async def test_an_unordered_failure_is_raised_as_it_happens(calls):
    async def fails_at_3(item: int) -> int:
        if item == 3:
            raise LookupError("3")
        return await calls.never(item)

    mapped = concurrent_map(fails_at_3, range(20), limit=10, ordered=False)
    with pytest.raises(LookupError, match="3"):
        await anext(mapped)
    assert calls.running == 0
    assert calls.ended == []


async def test_a_failure_stops_the_calls_behind_it(calls):
    async def fail(item: int) -> int:
        if item == 0:
            await anyio.sleep(0.01)
            raise LookupError
        return await calls.never(item)

    with pytest.raises(LookupError):
        await anext(concurrent_map(fail, range(20), limit=4))
    assert sorted(calls.cancelled) == [1, 2, 3]
    assert calls.running == 0


async def test_breaking_out_ends_the_calls_by_the_next_line(calls, drawn):
    async with aclosing(concurrent_map(calls.first_only, drawn.numbers(), limit=5)) as results:
        async for _ in results:
            break
    assert calls.running == 0
    assert sorted(calls.cancelled) == [item for item in sorted(calls.started) if item]


async def test_an_exception_in_the_loop_ends_the_calls(calls, drawn):
    async def consume() -> None:
        async with aclosing(concurrent_map(calls.first_only, drawn.numbers(), limit=5)) as results:
            async for _ in results:
                raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        await consume()
    assert calls.running == 0


async def test_a_timeout_around_the_loop_ends_the_calls(calls):
    with anyio.move_on_after(0.05) as scope:
        async for _ in concurrent_map(calls.never, range(20), limit=5):
            pass
    assert scope.cancelled_caught
    assert sorted(calls.cancelled) == [0, 1, 2, 3, 4]
    assert calls.running == 0


async def test_cancelling_the_consuming_task_ends_the_calls(calls):
    async def consume() -> None:
        async for _ in concurrent_map(calls.never, range(20), limit=5):
            pass

    async with anyio.create_task_group() as group:
        group.start_soon(consume)
        while calls.running < 5:
            await anyio.lowlevel.checkpoint()
        group.cancel_scope.cancel()
    assert calls.running == 0


async def test_cancelling_in_the_loops_body_ends_the_calls(calls):
    with anyio.move_on_after(0.05):
        async with aclosing(concurrent_map(calls.first_only, range(20), limit=5)) as results:
            async for _ in results:
                await anyio.sleep(3600)
    assert calls.running == 0


async def test_calls_that_need_time_to_end_are_waited_for():
    cleaned = []

    async def slow_to_end(item: int) -> int:
        try:
            await anyio.sleep(3600)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.02)
            cleaned.append(item)
        return item

    with anyio.move_on_after(0.02):
        await anext(concurrent_map(slow_to_end, range(20), limit=3))
    assert sorted(cleaned) == [0, 1, 2]


async def test_a_deadline_inside_a_call_is_that_calls_own(calls):
    async def patient(item: int) -> bool:
        with anyio.move_on_after(0.01) as scope:
            await calls.never(item)
        return scope.cancelled_caught

    assert [r async for r in concurrent_map(patient, range(4), limit=2)] == [True] * 4


async def test_maps_may_be_nested(calls):
    async def inner(item: int) -> list[int]:
        return [r async for r in concurrent_map(calls.hundredfold, range(item), limit=2)]

    outer = [r async for r in concurrent_map(inner, range(4), limit=2)]
    assert outer == [[], [0], [0, 100], [0, 100, 200]]
    assert calls.peak <= 4


async def test_a_map_may_be_closed_in_another_task_than_it_was_begun_in(calls):
    results = concurrent_map(calls.first_only, range(20), limit=3)

    async def begin() -> None:
        await anext(results)

    async def end() -> None:
        await results.aclose()

    async with anyio.create_task_group() as group:
        group.start_soon(begin)
    async with anyio.create_task_group() as group:
        group.start_soon(end)
    assert calls.running == 0


async def test_context_variables_reach_the_calls():
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant")

    async def whose(item: int) -> str:
        await anyio.lowlevel.checkpoint()
        return f"{tenant.get()} {item}"

    token = tenant.set("acme")
    try:
        results = [r async for r in concurrent_map(whose, range(3), limit=2)]
    finally:
        tenant.reset(token)
    assert results == ["acme 0", "acme 1", "acme 2"]


async def test_context_variables_set_in_a_call_stay_in_it():
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant", default="nobody")

    async def move_in(item: int) -> str:
        before = tenant.get()
        tenant.set(str(item))
        return before

    assert [r async for r in concurrent_map(move_in, range(3), limit=1)] == ["nobody"] * 3
    assert tenant.get() == "nobody"


@pytest.mark.parametrize("by", ["cancel", "wait_for"])
def test_asyncios_own_cancellation_ends_the_calls(calls, by):
    async def consume() -> None:
        async for _ in concurrent_map(calls.never, range(20), limit=5):
            pass

    async def main() -> int:
        if by == "wait_for":
            with pytest.raises(asyncio.TimeoutError):
                await asyncio.wait_for(consume(), 0.05)
        else:
            task = asyncio.create_task(consume())
            while calls.running < 5:
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        return calls.running

    assert asyncio.run(main()) == 0


def test_a_second_cancel_by_asyncio_does_not_leave_calls_behind():
    ended = []

    async def slow_to_end(item: int) -> None:
        try:
            await asyncio.sleep(3600)
        finally:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.03)
            ended.append(item)

    async def consume() -> None:
        async for _ in concurrent_map(slow_to_end, range(20), limit=3):
            pass

    async def main() -> list[int]:
        task = asyncio.create_task(consume())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0.05)
        return ended

    assert sorted(asyncio.run(main())) == [0, 1, 2]


@given(
    delays=st.lists(st.integers(0, 6), max_size=25),
    limit=st.integers(1, 8),
    ahead=st.integers(0, 20),
    ordered=st.booleans(),
    backend=st.sampled_from(["asyncio", "trio"]),
)
def test_every_input_has_its_outcome_whatever_the_delays(delays, limit, ahead, ordered, backend):
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

    async def inputs():
        yield 1
        await got.wait()
        yield 2

    async def same(item: int) -> int:
        return item

    results = []
    with anyio.fail_after(3):
        async for result in concurrent_map(same, inputs(), limit=4):
            results.append(result)
            got.set()
    assert results == [1, 2]


async def test_an_input_may_be_none():
    async def same(item: None) -> None:
        return item

    async def inputs():
        yield None
        yield None

    assert [result async for result in concurrent_map(same, inputs(), limit=1)] == [None, None]
    assert [result async for result in concurrent_map(same, [None], limit=1)] == [None]


async def test_an_exit_in_a_call_is_raised_where_its_result_is_asked_for():
    async def leave(_item: int) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit) as caught:
        async for _ in concurrent_map(leave, [1], limit=1):
            pass
    assert caught.value.code == 3
