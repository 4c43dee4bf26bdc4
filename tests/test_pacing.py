"""Pacing: the concurrency limit follows the server's capacity."""

import logging
from collections import deque
from contextlib import aclosing

import anyio
import httpx
import pytest
from gate import Gate
from memory import Memory
from quick import client_of

from useresponse_async import AsyncClient, NotFoundError
from useresponse_async._pacing import Pacing, Slot

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]


def good_responses(pacing: Pacing, number: int) -> None:
    for _ in range(number):
        pacing.increase(seen=pacing.decreases, full=True)


def test_the_limit_starts_low_and_doubles_with_each_round_of_successes():
    pacing = Pacing(64)
    for limit in (20, 40, 64):
        assert pacing.limit == limit
        good_responses(pacing, pacing.limit)


def test_concurrent_failures_reduce_the_limit_once_and_never_below_one():
    pacing = Pacing(10)
    for _ in range(3):
        pacing.decrease(seen=0)
    assert pacing.limit == 7
    for _ in range(20):
        pacing.decrease(seen=pacing.decreases)
    assert pacing.limit == 1


def test_a_limit_that_was_too_high_is_probed_late_and_then_in_steps_to_the_maximum():
    pacing = Pacing(50)
    good_responses(pacing, 20)
    pacing.decrease(seen=0)
    for _ in range(8):
        good_responses(pacing, pacing.limit)
        assert pacing.limit <= 39
    limits = [39]
    while pacing.limit < 50:
        good_responses(pacing, 1)
        if pacing.limit != limits[-1]:
            limits.append(pacing.limit)
    assert limits == list(range(39, 51))


async def test_an_idle_client_does_not_grow_its_limit():
    pacing = Pacing(50)
    for _ in range(200):
        slot = Slot(pacing, bulk=False)
        async with slot:
            pass
        slot.succeeded()
    assert pacing.limit == 20


async def test_responses_to_requests_from_before_a_decrease_are_ignored():
    pacing = Pacing(10)
    early, slot = Slot(pacing, bulk=False), Slot(pacing, bulk=False)
    async with early:
        async with slot:
            slot.overloaded()
        assert pacing.limit == 7
        early.overloaded()
    early.succeeded()
    assert pacing.limit == 7


async def test_a_pause_ends_early_only_when_a_server_that_was_down_responds_again():
    pacing = Pacing(4)
    good_responses(pacing, 4)
    assert await pacing.pause(0.01) is False
    for _ in range(3):
        pacing.decrease(seen=pacing.decreases)
    outcomes = []

    async def wait() -> None:
        outcomes.append(await pacing.pause(60))

    with anyio.fail_after(30):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            assert await pacing.pause(0.01, until_back=False) is False
            good_responses(pacing, 1)
    assert outcomes == [True]


async def test_single_calls_overtake_a_map_which_keeps_a_quarter_of_the_slots():
    waiting: deque[tuple[str, anyio.Event]] = deque()

    class Held(Memory):
        async def reach(self, step: str, target: str) -> None:
            if step == "head":
                waiting.append((target, anyio.Event()))
                await waiting[-1][1].wait()

    async def draw() -> None:
        await anext(mapped)

    single: list[int] = []
    options = {"transport": Held(), "max_in_flight": 8, "adaptive_pacing": False}
    async with (
        AsyncClient("https://a.example", **options) as client,
        aclosing(client.map(client.users.get, range(1, 41), max_in_flight=40)) as mapped,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(draw)
        await anyio.wait_all_tasks_blocked()
        for _ in range(30):
            tasks.start_soon(client.users.get, 100)
        for _ in range(20):
            await anyio.wait_all_tasks_blocked()
            assert len(waiting) == 8
            single.append(sum("/100." in target for target, _ in waiting))
            waiting.popleft()[1].set()
        tasks.cancel_scope.cancel()
    assert single == [0, 1, 2, 3, 4, 5, *[6] * 14]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_a_walk_over_an_overloaded_server_is_seldom_refused(start_sandbox, caplog):
    sandbox = start_sandbox(users=3_000, latency=0.01, capacity=4)
    caplog.set_level(logging.INFO, logger="useresponse_async.pacing")
    async with client_of(sandbox, max_in_flight=50) as client:
        ids = [user.id async for user in client.users.search(count=10)]
    assert ids == list(range(1, 3_001))
    # A fixed limit of 50 is refused thousands of times; this one less than once for each page.
    assert 0 < sandbox.faults["overload"] < 300
    assert any("overloaded" in record.message for record in caplog.records)


@pytest.mark.parametrize(("fault", "argument", "expected"), [
    ("fail_next", 503, 1), ("error_in_200_next", 503, 1), ("delay_next", 300, 1),
    ("fail_next", 500, 0),
])  # fmt: skip
async def test_an_overload_is_a_503_or_a_timeout(sandbox, caplog, fault, argument, expected):
    getattr(sandbox, fault)(argument)
    caplog.set_level(logging.INFO, logger="useresponse_async.pacing")
    read = 1 if fault == "delay_next" else 60
    async with client_of(sandbox, timeout=httpx.Timeout(60, read=read)) as client:
        await client.users.me()
    assert sum(record.name == "useresponse_async.pacing" for record in caplog.records) == expected


async def test_a_rejected_call_raises_the_limit_as_a_success_does(sandbox):
    gate = Gate(30, first=40)
    async with client_of(sandbox, transport=gate, max_in_flight=40) as client:
        with anyio.fail_after(60):
            errors = client.map(client.users.get, range(9001, 9101), return_exceptions=True)
            assert {type(error) async for error in errors} == {NotFoundError}
