"""Limits of attempts, delays and retries under any schedule of failures."""

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, NamedTuple

import anyio
import httpx
import pytest
import trio
import trio.testing
from hypothesis import given, settings
from hypothesis import strategies as st

from useresponse_async import AsyncClient, RetryEvent, RetryPolicy, UseResponseError

SLACK = 1e-6


def run_in_no_time(main: Callable[[], Awaitable[None]]) -> None:
    """Run ``main`` with a clock of its own, on which every sleep ends at once."""

    async def with_clock() -> None:
        with pytest.MonkeyPatch.context() as patched:
            clock = SimpleNamespace(monotonic=anyio.current_time, time=time.time)
            patched.setattr("useresponse_async._retry.time", clock)
            await main()

    trio.run(with_clock, clock=trio.testing.MockClock(autojump_threshold=0))


class Turn(NamedTuple):
    """What the server does with one request, after so many seconds."""

    kind: str
    seconds: float = 0.0
    retry_after: str | None = None


FAILED = ["500", "502", "503", "504", "429"]
ERRORS = {"reset": httpx.ReadError, "refused": httpx.ConnectError, "silence": httpx.ReadTimeout}
BAD = [*FAILED, *ERRORS, "cut"]
UNPROCESSED = {"429", "503", "refused"}
FINAL = ["200", "404"]

turns = st.builds(
    Turn,
    kind=st.sampled_from([*BAD, *BAD, *FINAL]),
    seconds=st.floats(0, 3),
    retry_after=st.sampled_from(
        [None, None, "0", "2", "7.5", "3600", "9" * 400, "-1", "soon", "\xb2",
         "Thu, 01 Jan 1970 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT"]
    ),
)  # fmt: skip

policies = st.builds(
    RetryPolicy,
    attempts=st.integers(1, 7),
    initial_delay=st.floats(0, 3),
    max_delay=st.floats(0, 20),
    max_elapsed=st.one_of(st.floats(0, 60), st.just(1e9)),
    min_retries_per_second=st.floats(0.1, 20),
    max_retry_ratio=st.floats(0, 1),
    repeat_unsafe=st.booleans(),
)

CALLS: dict[str, Callable[[AsyncClient, int], Awaitable[Any]]] = {
    "get": lambda client, number: client.users.get(number),
    "update": lambda client, number: client.users.update(number, phone="1"),
    "delete": lambda client, number: client.users.delete(number),
    "create": lambda client, number: client.users.create(f"{number}@x.example", full_name="A"),
    "archive": lambda client, number: client.objects.archive(number),
}


@dataclass
class Arrival:
    """A request, when it came, and what the server did with it until when."""

    at: float
    turn: Turn
    answered_at: float = 0.0


class Day:
    """A server that follows its script, and notes what comes for each call."""

    def __init__(self, script: list[Turn]) -> None:
        self.script = script
        self.arrivals: dict[int, list[Arrival]] = defaultdict(list)
        self.good_at: list[float] = []
        self.events: list[RetryEvent] = []

    async def answer(self, request: httpx.Request) -> httpx.Response:
        body = (await request.aread()).decode()
        digits = "".join(filter(str.isdigit, request.url.path.removeprefix("/api/3.0/")))
        number = int(digits or body.partition("@")[0].rpartition('"')[2])
        turn = self.script.pop(0) if self.script else Turn("200")
        arrival = Arrival(anyio.current_time(), turn)
        self.arrivals[number].append(arrival)
        await anyio.sleep(turn.seconds)
        arrival.answered_at = anyio.current_time()
        if turn.kind in ERRORS:
            raise ERRORS[turn.kind](turn.kind, request=request)
        headers = [(b"Retry-After", turn.retry_after.encode("latin-1"))] if turn.retry_after else []
        if turn.kind == "200":
            self.good_at.append(arrival.answered_at)
        status = 200 if turn.kind == "cut" else int(turn.kind)
        content = b'{"success": {"id": 1}}'[: 16 if turn.kind == "cut" else None]
        return httpx.Response(status, content=content, headers=headers)


def live_through(
    day: Day, policy: RetryPolicy, calls: list[tuple[str, float]], **options: Any
) -> dict[int, BaseException | None]:
    """Make the calls, each after so many seconds; return how each of them ended."""
    outcomes: dict[int, BaseException | None] = {}

    async def main() -> None:
        transport = httpx.MockTransport(day.answer)
        settings = {"transport": transport, "retry": policy, "on_retry": day.events.append}
        async with AsyncClient("http://localhost", **settings, **options) as client:

            async def call(number: int, kind: str, after: float) -> None:
                await anyio.sleep(after)
                outcomes[number] = None
                try:
                    await CALLS[kind](client, number)
                except UseResponseError as error:
                    outcomes[number] = error

            async with anyio.create_task_group() as tasks:
                for number, (kind, after) in enumerate(calls, 1):
                    tasks.start_soon(call, number, kind, after)
            assert client.in_flight == 0

    run_in_no_time(main)
    return outcomes


def asked_seconds(turn: Turn, policy: RetryPolicy) -> float:
    """Return the least that a retry must wait, by what the server asks."""
    text = turn.retry_after or ""
    if turn.kind not in FAILED:
        return 0.0
    if text.isascii() and text.isdigit():
        return min(float(text), policy.max_delay)
    return policy.max_delay if "9999" in text else 0.0


def check_each_call(day: Day, policy: RetryPolicy, calls: list[tuple[str, float]]) -> None:
    for number, (kind, _) in enumerate(calls, 1):
        arrivals = day.arrivals[number]
        assert 1 <= len(arrivals) <= policy.attempts
        once_only = kind in ("create", "archive") and not policy.repeat_unsafe
        kinds = {arrival.turn.kind for arrival in arrivals[:-1]}
        assert kinds <= (UNPROCESSED if once_only else {*BAD})
        for failed, again in pairwise(arrivals):
            assert again.at - failed.answered_at >= asked_seconds(failed.turn, policy) - SLACK


def check_delays(day: Day, policy: RetryPolicy) -> None:
    capacity = max(1.0, 2 * policy.min_retries_per_second)
    for event in day.events:
        backoff = min(policy.max_delay, policy.initial_delay * 2 ** (event.attempt - 1))
        # All that were reserved before it may have to be made before it.
        queue = len(day.events) + len(day.arrivals)
        budgeted = max(0.0, (queue - capacity) / policy.min_retries_per_second)
        asks = "Retry-After" in getattr(getattr(event.error, "response", None), "headers", ())
        assert 0 <= event.delay <= max(backoff, policy.max_delay * asks, budgeted) + SLACK
    for first, *others in day.arrivals.values():
        begun = [arrival.at - first.answered_at for arrival in others]
        assert all(seconds <= policy.max_elapsed + SLACK for seconds in begun)


def check_retry_budget(day: Day, policy: RetryPolicy) -> None:
    capacity = max(1.0, 2 * policy.min_retries_per_second)
    retries = sorted(it.at for arrivals in day.arrivals.values() for it in arrivals[1:])
    for made, at in enumerate(retries, 1):
        earned = policy.max_retry_ratio * sum(good <= at + SLACK for good in day.good_at)
        assert made <= capacity + policy.min_retries_per_second * at + earned + SLACK


NO_LIMITS = {"max_in_flight": 100, "adaptive_pacing": False}
limits = {
    "max_in_flight": st.integers(1, 4),
    "queue_timeout": st.one_of(st.none(), st.floats(0.1, 20)),
}


@settings(deadline=None, max_examples=250)
@given(
    script=st.lists(turns, max_size=60),
    policy=policies,
    calls=st.lists(
        st.tuples(st.sampled_from(sorted(CALLS)), st.floats(0, 5)), min_size=1, max_size=12
    ),
    options=st.one_of(st.just(NO_LIMITS), st.fixed_dictionaries(limits)),
)
def test_any_schedule_of_failures_keeps_every_limit(script, policy, calls, options):
    day = Day(list(script))
    outcomes = live_through(day, policy, calls, **options)
    for number in [number for number in outcomes if not day.arrivals[number]]:  # without a slot
        assert options["queue_timeout"] is not None
        assert outcomes[number] is not None
        day.arrivals[number].append(Arrival(0, Turn("refused")))
    # Pacing and queueing add no attempts; what they add to delays is their own.
    check_each_call(day, policy, calls)
    if options is not NO_LIMITS:
        return
    check_delays(day, policy)
    check_retry_budget(day, policy)
    for number, outcome in outcomes.items():
        last = day.arrivals[number][-1].turn.kind
        if last == "200":
            assert outcome is None
        elif outcome is None:
            # The first try of a delete worked, though it was not heard of.
            assert (calls[number - 1][0], last) == ("delete", "404")
        else:
            assert getattr(outcome, "attempt", None) == len(day.arrivals[number])


def test_max_elapsed_counts_from_the_first_failure_and_not_from_the_wait_for_a_slot():
    day = Day([Turn("200", seconds=100), Turn("500")])
    policy = RetryPolicy(max_elapsed=2)
    outcomes = live_through(day, policy, [("get", 0), ("get", 0)], max_in_flight=1)
    assert outcomes == {1: None, 2: None}
    assert sorted(map(len, day.arrivals.values())) == [1, 2]
