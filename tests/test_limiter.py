"""Does the limiter lose no turn and let nobody overtake, whatever comes together?"""

import asyncio

import anyio
import anyio.lowlevel
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from useresponse_async._limiter import FairLimiter

STEPS = st.lists(
    st.just(("come",))
    | st.just(("leave",))
    | st.just(("settle",))
    | st.tuples(st.just("cancel"), st.integers(0, 5))
    | st.tuples(st.just("limit"), st.integers(1, 4)),
    max_size=40,
)


class Crowd:
    """Tasks that come to a limiter, go, leave, or are cancelled while they wait."""

    def __init__(self, limit: int, tasks: anyio.abc.TaskGroup, *, natively: bool) -> None:
        self.limiter = FairLimiter(limit)
        self.waiting: list[int] = []
        self.going: list[int] = []
        self._most = limit
        self._came = 0
        self._tasks = tasks
        self._natively = natively
        self._cancel = {}

    async def do(self, step: str, *value: int) -> None:
        await getattr(self, f"_{step}_")(*value)

    async def _come_(self) -> None:
        self.waiting.append(self._came)
        self._tasks.start_soon(self._go, self._came)
        self._came += 1
        await self._settle_()  # who comes first must be certain

    async def _go(self, number: int) -> None:
        with anyio.CancelScope() as scope:
            task = asyncio.current_task() if self._natively else None
            self._cancel[number] = task.cancel if task else scope.cancel
            try:
                await self.limiter.acquire()
            except asyncio.CancelledError:
                if task is None:
                    raise
                return
            finally:
                self.waiting.remove(number)
            self.going.append(number)

    async def _leave_(self) -> None:
        if self.going:
            self.going.pop(0)
            self.limiter.release()

    async def _limit_(self, limit: int) -> None:
        self._most = max(self._most, limit)
        self.limiter.limit = limit

    async def _cancel_(self, place: int) -> None:
        if place < len(self.waiting):
            self._cancel[self.waiting[place]]()

    async def _settle_(self) -> None:
        await rounds()
        self.check()

    def check(self) -> None:
        assert self.limiter.taken == len(self.going)
        assert len(self.going) <= self._most
        # Where the limit shrank, those who went already go on.
        self._most = max(self.limiter.limit, len(self.going))
        if self.waiting:
            assert self.limiter.taken >= self.limiter.limit
            assert not self.going or max(self.going) < min(self.waiting)


async def rounds() -> None:
    """Let every task go on as far as it gets."""
    for _ in range(6):
        await anyio.lowlevel.checkpoint()


@settings(deadline=None, max_examples=200)
@given(
    steps=STEPS,
    limit=st.integers(1, 4),
    kind=st.sampled_from(["asyncio", "asyncio, natively", "trio"]),
)
@example(steps=[("come",), ("come",), ("limit", 2), ("limit", 1)], limit=1, kind="trio")
def test_no_turn_is_lost_and_nobody_overtakes_whatever_comes_together(steps, limit, kind):
    backend, _, natively = kind.partition(", ")

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            crowd = Crowd(limit, tasks, natively=bool(natively))
            for step in steps:
                await crowd.do(*step)
            await crowd.do("settle")
            while crowd.going:
                await crowd.do("leave")
                await crowd.do("settle")
            assert not crowd.waiting
            assert crowd.limiter.taken == 0

    anyio.run(main, backend=backend)


def test_a_turn_that_comes_together_with_a_cancellation_passes_on():
    async def main() -> None:
        limiter = FairLimiter(1)
        await limiter.acquire()
        first = asyncio.create_task(limiter.acquire())
        second = asyncio.create_task(limiter.acquire())
        await asyncio.sleep(0)
        limiter.release()
        first.cancel()
        await asyncio.wait_for(second, 5)
        assert first.cancelled()
        assert limiter.taken == 1

    asyncio.run(main())


def test_where_one_more_may_go_nobody_waits():
    going = FairLimiter(1).acquire()
    with pytest.raises(StopIteration):
        going.send(None)


@pytest.mark.anyio
async def test_many_who_wait_may_be_cancelled_together():
    limiter = FairLimiter(1)
    await limiter.acquire()
    async with anyio.create_task_group() as tasks:
        for _ in range(2_000):
            tasks.start_soon(limiter.acquire)
        await rounds()
        tasks.cancel_scope.cancel()
    limiter.release()
    assert limiter.taken == 0
    assert limiter.acquire_nowait()
