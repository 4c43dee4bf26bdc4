"""What is retried, how often, after how long, and what is never sent twice."""

import logging
import math
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import anyio
import attrs
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from quick import QUICK

from useresponse_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncClient,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    RetryEvent,
    RetryPolicy,
    ServiceUnavailableError,
    UseResponseError,
)
from useresponse_async._retry import RetryBudget, Retrying, retry_after
from useresponse_async.sandbox import Sandbox

anyio_test = pytest.mark.anyio


async def create(client: AsyncClient) -> object:
    return await client.users.create("new@example.com", full_name="New")


@anyio_test
async def test_a_get_is_retried_until_it_succeeds(client: AsyncClient, sandbox: Sandbox):
    for status in (429, 500, 502, 503, 504):
        sandbox.fail_next(status, times=3)
        assert (await client.users.me()).id == 1
    assert sandbox.arrivals == 4 * 5


@pytest.mark.every_loop
@anyio_test
async def test_a_read_is_retried_after_a_broken_connection(client, sandbox):
    sandbox.reset_next()
    sandbox.reset_in_body_next()
    sandbox.cut_next()
    assert (await client.users.me()).id == 1
    assert sandbox.arrivals == 4


@pytest.mark.every_loop
@anyio_test
async def test_a_read_is_retried_after_a_timeout(client: AsyncClient, sandbox: Sandbox):
    sandbox.delay_next(0.5)
    assert (await client.with_options(timeout=0.1).users.me()).id == 1
    assert sandbox.arrivals == 2


@anyio_test
async def test_a_create_is_not_retried_after_a_500(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(500, after_effect=True)
    with pytest.raises(InternalServerError):
        await create(client)
    assert sandbox.arrivals == 1
    assert sandbox.user_count == 231


@anyio_test
@pytest.mark.parametrize("breakage", ["reset_next", "reset_in_body_next"])
async def test_a_create_whose_connection_breaks_is_sent_once(client, sandbox, breakage):
    getattr(sandbox, breakage)(after_effect=True)
    with pytest.raises(APIConnectionError) as caught:
        await create(client)
    assert caught.value.request_sent
    assert sandbox.arrivals == 1
    assert sandbox.user_count == 231


@pytest.mark.every_loop
@anyio_test
async def test_a_create_that_times_out_is_sent_once(client: AsyncClient, sandbox: Sandbox):
    sandbox.delay_next(0.5)
    with pytest.raises(APITimeoutError):
        await create(client.with_options(timeout=0.1))
    assert sandbox.arrivals == 1


@anyio_test
async def test_a_create_is_retried_after_a_503(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(503, times=2)
    await create(client)
    assert sandbox.arrivals == 3
    assert sandbox.user_count == 231


@anyio_test
async def test_a_create_is_repeated_after_a_500_if_the_caller_says_so(client, sandbox):
    sandbox.fail_next(500)
    await create(client.with_options(retry=attrs.evolve(QUICK, repeat_unsafe=True)))
    assert sandbox.arrivals == 2


@anyio_test
async def test_a_connection_that_was_never_made_is_retried_even_for_a_create():
    tries: list[int] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        tries.append(1)
        if len(tries) < 3:
            raise httpx.ConnectError("refused", request=request)
        return httpx.Response(200, json={"success": {"id": 5}})

    transport = httpx.MockTransport(refuse)
    async with AsyncClient("https://example.com", transport=transport, retry=QUICK) as client:
        assert (await client.users.create("a@example.com", full_name="A")).id == 5
    assert len(tries) == 3


@anyio_test
async def test_a_delete_that_worked_and_was_not_heard_of_is_done(client, sandbox):
    sandbox.reset_next(after_effect=True)
    assert await client.users.delete(7) is None
    assert sandbox.arrivals == 2
    with pytest.raises(NotFoundError):
        await client.users.get(7)


@anyio_test
async def test_a_delete_after_a_503_does_not_take_a_404_for_done(client, sandbox):
    sandbox.fail_next(503)
    with pytest.raises(NotFoundError):
        await client.users.delete(99_999)


@anyio_test
async def test_the_last_failure_is_raised_with_the_number_of_its_try(client, sandbox):
    sandbox.fail_next(503, times=99)
    with pytest.raises(ServiceUnavailableError, match="disabled in") as caught:
        await client.users.me()
    assert caught.value.attempt == sandbox.arrivals == 6


@anyio_test
async def test_one_attempt_means_no_retry(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(503)
    with pytest.raises(ServiceUnavailableError):
        await client.with_options(retry=RetryPolicy(attempts=1)).users.me()
    assert sandbox.arrivals == 1


@pytest.mark.every_loop
@anyio_test
async def test_no_attempt_starts_after_max_elapsed(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(503, times=99, headers={"Retry-After": "1"})
    patient = RetryPolicy(attempts=50, max_delay=5, max_elapsed=0.5)
    with anyio.fail_after(0.9), pytest.raises(ServiceUnavailableError):
        await client.with_options(retry=patient).users.me()
    assert sandbox.arrivals == 1


@pytest.mark.every_loop
@anyio_test
async def test_retry_after_is_waited_for(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(429, headers={"Retry-After": "1"})
    await client.with_options(retry=attrs.evolve(QUICK, max_delay=5)).users.me()
    first, second = sandbox.requests
    assert second.at - first.at >= 1


@anyio_test
async def test_retry_after_is_capped_by_the_policy(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(503, headers={"Retry-After": "3600"})
    with anyio.fail_after(2):
        await client.users.me()


@anyio_test
async def test_every_retry_is_logged(client, sandbox, caplog):
    sandbox.fail_next(500, times=3)
    with caplog.at_level(logging.INFO, logger="useresponse_async"):
        await client.users.me()
    assert {record.name for record in caplog.records} == {"useresponse_async.retry"}
    levels = [record.levelno for record in caplog.records]
    assert levels == [logging.WARNING, logging.INFO, logging.INFO]
    details: dict[str, Any] = vars(caplog.records[0])
    assert details["useresponse_method"] == "GET"
    assert details["useresponse_path"] == "/api/3.0/me.json"
    assert details["useresponse_status"] == 500
    assert details["useresponse_attempt"] == 1
    assert 0 <= details["useresponse_delay"] <= 0.01


@pytest.mark.every_loop
@anyio_test
async def test_cancelling_during_the_delay_ends_the_call(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(503, times=99, headers={"Retry-After": "60"})
    patient = client.with_options(retry=RetryPolicy(max_delay=60, max_elapsed=120))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(patient.users.me)
        with anyio.fail_after(30):
            while not sandbox.arrivals or patient.in_flight:
                await anyio.sleep(0.005)
        tasks.cancel_scope.cancel()
    assert sandbox.arrivals == 1


def refused(status: int, retry_after_header: str | None = None) -> APIStatusError:
    headers = {} if retry_after_header is None else {"Retry-After": retry_after_header}
    error = {429: RateLimitError, 500: InternalServerError, 503: ServiceUnavailableError}[status]
    return error(
        response=httpx.Response(status, headers=headers), method="GET", path="/x", message="no"
    )


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), (" 7 ", 7), ("0", 0), ("-3", 0), ("soon", 0), ("", 0), ("1.5", 0), (None, 0)],
)
def test_retry_after_in_seconds_is_read(header: str | None, seconds: float):
    error = refused(503)
    if header is not None:
        error.response.headers["Retry-After"] = header
    assert retry_after(error) == seconds


def test_retry_after_as_a_date_is_read():
    moment = datetime.now(timezone.utc) + timedelta(seconds=30)
    assert 28 <= retry_after(refused(503, format_datetime(moment, usegmt=True))) <= 30
    assert retry_after(refused(503, "Sun, 06 Nov 1994 08:49:37 GMT")) == 0


def test_the_budget_delays_what_it_has_no_room_for():
    budget = RetryBudget(RetryPolicy(min_retries_per_second=10))
    delays = [budget.reserve() for _ in range(40)]
    assert delays[:20] == [0] * 20
    assert all(late > early for early, late in pairwise(delays[20:]))
    assert 1.8 <= delays[-1] <= 2.0


def test_successful_responses_earn_retries():
    budget = RetryBudget(RetryPolicy(min_retries_per_second=0.5, max_retry_ratio=0.5))
    assert budget.reserve() == 0
    assert budget.reserve() > 1.5
    for _ in range(4):
        budget.earn()
    assert budget.reserve() == 0


Failure = st.sampled_from(["503", "500", "429", "reset", "refused"])


def failure_of(kind: str) -> UseResponseError:
    if kind.isdigit():
        return refused(int(kind))
    return APIConnectionError(kind, method="GET", path="/x", request_sent=kind == "reset")


async def wait_as_told(seconds: float, until_back: bool) -> bool:  # noqa: FBT001 - a callback
    await anyio.sleep(seconds)
    return False


async def call_with_retries(
    attempt: Any, *, policy: RetryPolicy, idempotent: bool, on_retry: Any = None
) -> Any:
    """Make attempts as the session does: tenacity is entered after a first failure."""
    retrying = Retrying(
        policy, RetryBudget(policy), idempotent=idempotent, on_retry=on_retry, wait=wait_as_told
    )
    try:
        return await attempt(1)
    except UseResponseError as error:
        if not retrying.may_retry(error):
            raise
        first = error
    async for tried in retrying.attempts():
        with tried:
            number = tried.retry_state.attempt_number
            if number == 1:
                raise first
            return await attempt(number)
    raise AssertionError("tenacity raises the last failure")


@given(
    failures=st.lists(Failure, max_size=12),
    attempts=st.integers(1, 8),
    repeatable=st.booleans(),
    backend=st.sampled_from(["asyncio", "trio"]),
)
def test_attempts_stay_within_their_limits_for_every_failure(
    failures, attempts, repeatable, backend
):
    arrived: list[str] = []
    policy = RetryPolicy(
        attempts=attempts, initial_delay=0, max_delay=0, min_retries_per_second=1e9
    )

    async def attempt(number: int) -> str:
        assert number == len(arrived) + 1
        arrived.append(failures[number - 1] if number <= len(failures) else "answer")
        if arrived[-1] != "answer":
            raise failure_of(arrived[-1])
        return "answer"

    async def call() -> str:
        return await call_with_retries(attempt, policy=policy, idempotent=repeatable)

    try:
        outcome = anyio.run(call, backend=backend)
    except UseResponseError:
        outcome = "failure"
    doubtful = [kind for kind in arrived if kind in ("500", "reset")]
    assert len(arrived) <= attempts
    assert (outcome == "answer") == (arrived[-1] == "answer")
    if not repeatable:
        assert doubtful == [] or arrived.index(doubtful[0]) == len(arrived) - 1
    elif outcome == "failure":
        assert len(arrived) == attempts


@given(number=st.integers(1, 5), initial=st.floats(0, 0.01), cap=st.floats(0, 0.02))
def test_delays_stay_in_their_bounds(number: int, initial: float, cap: float):
    slept: list[float] = []

    async def attempt(attempt_number: int) -> None:
        if attempt_number <= number:
            raise refused(503)

    async def call(sleep: Callable[[float], None]) -> None:
        policy = RetryPolicy(initial_delay=initial, max_delay=cap, min_retries_per_second=1e9)

        def note(event: RetryEvent) -> None:
            sleep(event.delay)

        await call_with_retries(attempt, policy=policy, idempotent=True, on_retry=note)

    anyio.run(call, slept.append)
    assert len(slept) == number
    for tries, delay in enumerate(slept):
        bound = min(cap, initial * 2**tries)
        assert 0 <= delay <= bound or math.isclose(delay, bound)


@anyio_test
async def test_a_delete_after_a_429_does_not_take_a_404_for_done(client, sandbox):
    sandbox.fail_next(429)
    with pytest.raises(NotFoundError):
        await client.users.delete(99_999)


@anyio_test
async def test_a_503_that_only_a_body_speaks_of_does_not_repeat_a_create(client, sandbox):
    sandbox.error_in_200_next(503, times=3)
    with pytest.raises(ServiceUnavailableError):
        await create(client)
    assert sandbox.arrivals == 1


@pytest.mark.every_loop
@pytest.mark.anyio
async def test_a_retry_that_is_cancelled_before_it_is_made_costs_nothing(sandbox, monkeypatch):
    policy = RetryPolicy(initial_delay=0.01, min_retries_per_second=1, max_retry_ratio=0)
    async with AsyncClient(sandbox.url, api_key=sandbox.api_key, retry=policy) as client:
        sandbox.fail_next(500, times=30)
        with anyio.move_on_after(0.3):
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(client.users.me)
        sandbox.clear_faults()
        # As long as it takes to fill a budget that nobody owes.
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 2, time=time.time)
        monkeypatch.setattr("useresponse_async._retry.time", later)
        sandbox.fail_next(500)
        with anyio.fail_after(1):
            await client.users.me()
