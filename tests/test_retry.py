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
    InternalServerError,
    NotFoundError,
    RateLimitError,
    RetryPolicy,
    ServiceUnavailableError,
)
from useresponse_async._retry import RetryBudget, retry_after
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
async def test_a_create_is_retried_after_a_500_if_repeat_unsafe_is_set(client, sandbox):
    sandbox.fail_next(500)
    await create(client.with_options(retry=attrs.evolve(QUICK, repeat_unsafe=True)))
    assert sandbox.arrivals == 2


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
async def test_one_attempt_means_no_retry(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(503)
    with pytest.raises(ServiceUnavailableError, match="disabled in"):
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
        await until(lambda: sandbox.arrivals and not patient.in_flight)
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


def test_the_budget_delays_retries_beyond_it():
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


@anyio_test
async def test_a_503_with_status_200_is_not_retried_for_a_create(client, sandbox):
    sandbox.error_in_200_next(503, times=3)
    with pytest.raises(ServiceUnavailableError):
        await create(client)
    assert sandbox.arrivals == 1


@pytest.mark.every_loop
@pytest.mark.anyio
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
