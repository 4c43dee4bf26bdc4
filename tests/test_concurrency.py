"""The concurrent map: its limit, order and cancellation."""

import asyncio
import contextvars
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing

import anyio
import anyio.lowlevel
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tasks import until

from useresponse_async import AsyncClient
from useresponse_async._concurrency import concurrent_map

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

CLIENT = AsyncClient("https://help.example.org")

either_order = pytest.mark.parametrize("ordered", [True, False])


class Calls:
    """Calls that are counted, and of which only that for 0 returns."""

    def __init__(self) -> None:
        self.drawn = self.running = self.peak = 0
        self.cancelled: list[int] = []

    def numbers(self) -> Iterator[int]:
        for number in range(1000):
            self.drawn += 1
            yield number

    async def numbers_later(self) -> AsyncIterator[int]:
        for number in self.numbers():
            await anyio.lowlevel.checkpoint()
            yield number

    async def __call__(self, item: int) -> int:
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            await (anyio.sleep_forever() if item else anyio.lowlevel.checkpoint())
        except BaseException:
            self.cancelled.append(item)
            raise
        finally:
            self.running -= 1
        return item


@pytest.fixture
def calls() -> Calls:
    return Calls()


async def same(item: int) -> int:
    return item


@pytest.mark.parametrize("limit", [None, 1, 3])
@pytest.mark.parametrize("later", [False, True])
async def test_inputs_are_consumed_only_as_slots_are_free(calls, limit, later):
    inputs = calls.numbers_later() if later else calls.numbers()
    most = limit or 10
    async with aclosing(CLIENT.map(calls, inputs, max_in_flight=limit)) as results:
        assert calls.drawn == 0
        assert await anext(results) == 0
        # Those that were in flight, and perhaps the next, for which 0 made room.
        assert (1 if later else most) <= calls.drawn <= most + 1
    assert calls.peak <= most
    assert calls.running == 0


async def test_failing_inputs_raise_and_end_the_calls(calls):
    def inputs() -> Iterator[int]:
        yield from (1, 2)
        raise LookupError("no more")

    with pytest.raises(LookupError, match="no more"):
        await anext(CLIENT.map(calls, inputs()))
    assert calls.running == 0


@either_order
async def test_a_failure_is_raised_in_order_and_ends_the_other_calls(calls, ordered):
    async def fail(item: int) -> int:
        if item == 3:
            raise LookupError("3")
        for _ in range(10):
            await anyio.lowlevel.checkpoint()
        return item if item < 3 else await calls(item)

    results: list[int] = []
    with pytest.raises(LookupError, match="3"):
        async for result in CLIENT.map(fail, range(20), ordered=ordered):
            results.append(result)
    assert results == ([0, 1, 2] if ordered else [])
    assert calls.running == 0
    if ordered:  # else it is raised before the others wait
        assert set(calls.cancelled) >= {4, 5, 6, 7, 8, 9}


async def test_calls_that_take_time_to_end_are_awaited():
    ended: list[int] = []

    async def call(item: int) -> None:
        if item == 2:
            scope.cancel()
        try:
            await anyio.sleep_forever()
        finally:
            with anyio.CancelScope(shield=True):
                for _ in range(9):
                    await anyio.lowlevel.checkpoint()
            ended.append(item)

    with anyio.CancelScope() as scope:
        await anext(CLIENT.map(call, range(20), max_in_flight=3))
    assert sorted(ended) == [0, 1, 2]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_second_cancellation_on_asyncio_leaves_no_call_behind(calls):
    ended: list[int] = []
    release = asyncio.Event()

    async def call(item: int) -> None:
        try:
            await calls(item)
        finally:
            with anyio.CancelScope(shield=True):
                await release.wait()
            ended.append(item)

    async def consume() -> None:
        await anext(CLIENT.map(call, range(1, 20), max_in_flight=3))

    task = asyncio.create_task(consume())
    await until(lambda: calls.running == 3)
    task.cancel()
    await until(lambda: len(calls.cancelled) == 3)
    task.cancel()
    await asyncio.sleep(0)
    assert not task.done()
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(ended) == [1, 2, 3]


async def test_a_map_may_be_closed_in_another_task(calls):
    results = CLIENT.map(calls, range(20))

    async def step(method: Callable[[], Awaitable[object]]) -> None:
        await method()

    for method in (results.__anext__, results.aclose):
        async with anyio.create_task_group() as group:
            group.start_soon(step, method)
    assert calls.running == 0


async def test_context_variables_reach_the_calls_and_those_set_in_a_call_stay_there():
    tenant: contextvars.ContextVar[str] = contextvars.ContextVar("tenant")

    async def move_in(item: int) -> str:
        before = tenant.get()
        tenant.set(f"{item}")
        await anyio.lowlevel.checkpoint()
        return before

    tenant.set("acme")
    assert [r async for r in CLIENT.map(move_in, range(3), max_in_flight=1)] == ["acme"] * 3
    assert tenant.get() == "acme"


@given(
    delays=st.lists(st.integers(0, 6), max_size=25),
    limit=st.integers(1, 8),
    ahead=st.integers(0, 20),
    ordered=st.booleans(),
    backend=st.sampled_from(["asyncio", "trio"]),
)
@example(delays=[30, *[0] * 20], limit=2, ahead=6, ordered=True, backend="asyncio")
def test_every_input_has_its_result_for_any_delays(delays, limit, ahead, ordered, backend):
    started, ended, results = [], [], []

    async def call(item: tuple[int, int]) -> int:
        started.append(item[0])
        assert len(started) - len(ended) <= limit
        assert len(started) - len(results) <= max(limit, ahead)
        for _ in range(item[1]):
            await anyio.lowlevel.checkpoint()
        ended.append(item[0])
        return item[0]

    async def main() -> None:
        mapped = concurrent_map(call, enumerate(delays), limit=limit, ahead=ahead, ordered=ordered)
        async for result in mapped:
            results.append(result)

    anyio.run(main, backend=backend)
    assert results == (sorted(ended) if ordered else ended)
    assert sorted(ended) == list(range(len(delays)))


async def test_a_result_does_not_wait_for_the_next_input_which_may_be_none():
    got = anyio.Event()

    async def inputs() -> AsyncIterator[int | None]:
        yield 1
        await got.wait()
        yield None

    results: list[int | None] = []
    with anyio.fail_after(30):
        async for result in CLIENT.map(same, inputs()):
            results.append(result)
            got.set()
    assert results == [1, None]
    assert [r async for r in CLIENT.map(same, [None])] == [None]


async def test_an_exit_in_a_call_is_raised_with_its_result():
    async def leave(_item: int) -> None:
        raise SystemExit(3)

    with pytest.raises(SystemExit) as caught:
        await anext(CLIENT.map(leave, [1]))
    assert caught.value.code == 3


@either_order
async def test_results_and_exceptions_are_yielded_with_their_inputs(ordered):
    failed = anyio.Event()
    error = LookupError("999")

    async def get(item: int) -> int:
        if item == 999:
            failed.set()
            raise error
        await failed.wait()
        return -item

    mapped = CLIENT.map(get, [5, 999], with_inputs=True, return_exceptions=True, ordered=ordered)
    pairs = [pair async for pair in mapped]
    assert pairs == ([(5, -5), (999, error)] if ordered else [(999, error), (5, -5)])
