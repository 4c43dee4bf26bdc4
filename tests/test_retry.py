"""What is retried, how often and after which delay, and what is sent once."""

import logging
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import anyio
import attrs
import httpx
import pytest
from quick import QUICK
from tasks import until

from useresponse_async import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    AsyncClient,
    DecodeError,
    InternalServerError,
    NotFoundError,
    RetryPolicy,
    ServerError,
    ServiceUnavailableError,
)
from useresponse_async._retry import RetryBudget, retry_after
from useresponse_async.sandbox import Sandbox

anyio_test = pytest.mark.anyio
every_loop = pytest.mark.every_loop


async def create(client: AsyncClient) -> object:
    return await client.users.create("new@example.com", full_name="New")


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
@anyio_test
async def test_a_read_is_retried_until_it_succeeds(client, sandbox, status):
    sandbox.fail_next(status, times=5)
    assert (await client.users.me()).id == 1
    assert sandbox.arrivals == 6


@every_loop
@anyio_test
async def test_a_read_is_retried_after_a_timeout_and_a_broken_connection(client, sandbox):
    sandbox.delay_next(2)
    sandbox.reset_next()
    sandbox.reset_in_body_next()
    sandbox.cut_next()
    timeout = httpx.Timeout(30, read=0.5)
    assert (await client.with_options(timeout=timeout).users.me()).id == 1
    assert sandbox.arrivals == 5


@pytest.mark.parametrize(
    ("misbehave", "kind", "request_sent"),
    [
        (lambda s: s.fail_next(500, after_effect=True), InternalServerError, None),
        (lambda s: s.fail_next(502, after_effect=True), ServerError, None),
        (lambda s: s.fail_next(504, after_effect=True), ServerError, None),
        (lambda s: s.error_in_200_next(503, times=3), ServiceUnavailableError, None),
        (lambda s: s.cut_next(after_effect=True), DecodeError, None),
        (lambda s: s.reset_next(after_effect=True), APIConnectionError, True),
        (lambda s: s.reset_in_body_next(after_effect=True), APIConnectionError, True),
        (lambda s: s.delay_next(0.5), APITimeoutError, True),
    ],
    ids=["500", "502", "504", "503 in 200", "cut", "reset", "reset in body", "timeout"],
)
@every_loop
@anyio_test
async def test_a_create_that_may_have_been_processed_is_sent_once(
    client, sandbox, misbehave, kind, request_sent
):
    misbehave(sandbox)
    with pytest.raises(kind) as caught:
        await create(client.with_options(timeout=0.3))
    assert (type(caught.value), caught.value.attempt, caught.value.method) == (kind, 1, "POST")
    assert getattr(caught.value, "request_sent", None) is request_sent
    assert sandbox.arrivals == 1


@pytest.mark.parametrize(
    ("status", "options"), [(429, {}), (503, {}), (500, {"repeat_unsafe": True})]
)
@anyio_test
async def test_a_create_is_retried_when_it_was_refused_or_the_policy_allows_it(
    client, sandbox, status, options
):
    sandbox.fail_next(status, times=5)
    await create(client.with_options(retry=attrs.evolve(QUICK, **options)))
    assert (sandbox.arrivals, sandbox.user_count) == (6, 231)


@anyio_test
async def test_a_delete_whose_response_was_lost_succeeds(client, sandbox):
    sandbox.reset_next(after_effect=True)
    assert await client.users.delete(7) is None
    assert sandbox.arrivals == 2
    with pytest.raises(NotFoundError):
        await client.users.get(7)


@anyio_test
@pytest.mark.parametrize("status", [429, 503])
async def test_a_delete_whose_retry_responds_404_after_a_refusal_raises(client, sandbox, status):
    sandbox.fail_next(status)
    with pytest.raises(NotFoundError):
        await client.users.delete(99_999)


@anyio_test
async def test_the_error_says_how_many_attempts_were_made(client, sandbox):
    for attempts, end in ((1, r"disabled in .*\]"), (2, r"\]; gave up after 2 attempts")):
        sandbox.fail_next(503, times=attempts)
        policy = attrs.evolve(QUICK, attempts=attempts)
        with pytest.raises(ServiceUnavailableError, match=f"{end}$") as caught:
            await client.with_options(retry=policy).users.me()
        assert caught.value.attempt == attempts
    assert sandbox.arrivals == 1 + 2


@pytest.mark.parametrize("read", [True, False])
@anyio_test
async def test_only_reads_after_a_success_have_any_number_of_attempts(client, sandbox, read):
    endless = client.with_options(retry=attrs.evolve(QUICK, attempts=None))
    call = endless.users.me if read else lambda: create(endless)
    for succeeded in (False, True):
        sandbox.fail_next(503, times=8)
        if read and succeeded:
            await call()
        else:
            with pytest.raises(ServiceUnavailableError) as caught:
                await call()
            assert caught.value.attempt == 6
        sandbox.clear_faults()
        await endless.users.me()


@every_loop
@anyio_test
async def test_no_attempt_starts_after_max_elapsed(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(503, times=99, headers={"Retry-After": "1"})
    patient = RetryPolicy(attempts=50, max_delay=5, max_elapsed=0.5)
    with anyio.fail_after(0.9), pytest.raises(ServiceUnavailableError):
        await client.with_options(retry=patient).users.me()
    assert sandbox.arrivals == 1


@anyio_test
async def test_retry_after_delays_the_retry(client: AsyncClient, sandbox: Sandbox):
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
    ours = {name: value for name, value in details.items() if name.startswith("useresponse_")}
    assert 0 < ours.pop("useresponse_delay") <= 0.01
    assert ours == {
        "useresponse_method": "GET",
        "useresponse_path": "/api/3.0/me.json",
        "useresponse_status": 500,
        "useresponse_attempt": 1,
    }


@every_loop
@anyio_test
async def test_cancelling_during_the_delay_ends_the_call(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(503, times=99, headers={"Retry-After": "60"})
    patient = client.with_options(retry=RetryPolicy(max_delay=60, max_elapsed=120))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(patient.users.me)
        await until(lambda: sandbox.arrivals and not patient.in_flight)
        tasks.cancel_scope.cancel()
    assert sandbox.arrivals == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7), (" 7 ", 7), ("0", 0), ("-3", 0), ("soon", 0), ("", 0), ("1.5", 0), (None, 0),
        ("\u0663", 0), ("Sun, 06 Nov 1994 08:49:37 GMT", 0),
    ],
)  # fmt: skip
def test_retry_after_is_read_in_seconds(header: str | None, seconds: float):
    headers = {} if header is None else {"Retry-After": header}
    response = httpx.Response(503, headers=httpx.Headers(headers, encoding="utf-8"))
    error = APIStatusError(response=response, method="GET", path="/x", message="no")
    assert retry_after(error) == seconds
    in_30_seconds = datetime.now(timezone.utc) + timedelta(seconds=30)
    response.headers["Retry-After"] = format_datetime(in_30_seconds, usegmt=True)
    assert 28 <= retry_after(error) <= 30


def test_the_budget_delays_retries_beyond_it():
    budget = RetryBudget(RetryPolicy(min_retries_per_second=10))
    delays = [budget.reserve() for _ in range(40)]
    assert delays[:20] == [0] * 20
    assert all(late > early for early, late in pairwise(delays[20:]))
    assert 1.8 <= delays[-1] <= 2.0


def test_successful_responses_earn_retries_up_to_the_budget():
    budget = RetryBudget(RetryPolicy(min_retries_per_second=0.5, max_retry_ratio=0.5))
    assert budget.reserve() == 0
    assert budget.reserve() > 1.5
    for _ in range(4):
        budget.earn()
    assert budget.reserve() == 0
    for _ in range(40):
        budget.earn()
    assert budget.reserve() == 0
    assert budget.reserve() > 1.5


@every_loop
@anyio_test
async def test_a_cancelled_retry_does_not_use_the_budget(sandbox, monkeypatch):
    policy = RetryPolicy(initial_delay=0.01, min_retries_per_second=1, max_retry_ratio=0)
    async with AsyncClient(sandbox.url, api_key=sandbox.api_key, retry=policy) as client:
        sandbox.fail_next(500, times=30)
        with anyio.move_on_after(0.3):
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(client.users.me)
        sandbox.clear_faults()
        # As long as it takes to fill a budget without debts.
        later = SimpleNamespace(monotonic=lambda: time.monotonic() + 2, time=time.time)
        monkeypatch.setattr("useresponse_async._retry.time", later)
        sandbox.fail_next(500)
        with anyio.fail_after(1):
            await client.users.me()
