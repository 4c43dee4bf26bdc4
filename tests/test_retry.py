"""What is retried, how often and after which delay, and what is sent once."""

import logging
import re
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from types import SimpleNamespace

import anyio
import attrs
import httpx
import pytest
from quick import QUICK, client_of
from tasks import until

import useresponse_async as ur
from useresponse_async._retry import RetryBudget, retry_after

pytestmark = pytest.mark.anyio
every_loop = pytest.mark.every_loop


async def create(client):
    return await client.users.create("new@example.com", full_name="New")


@every_loop
async def test_a_read_is_retried_after_a_timeout_and_a_broken_connection(client, sandbox):
    sandbox.delay_next(300)
    sandbox.reset_next()
    sandbox.reset_in_body_next()
    sandbox.cut_next()
    timeout = httpx.Timeout(30, read=1)
    assert (await client.with_options(timeout=timeout).users.me()).id == 1
    assert sandbox.arrivals == 5


LOST = {
    "500": (lambda s: s.fail_next(500, after_effect=True), ur.InternalServerError, None),
    "502": (lambda s: s.fail_next(502, after_effect=True), ur.ServerError, None),
    "504": (lambda s: s.fail_next(504, after_effect=True), ur.ServerError, None),
    "503 in 200": (lambda s: s.error_in_200_next(503, times=3), ur.ServiceUnavailableError, None),
    "cut": (lambda s: s.cut_next(after_effect=True), ur.DecodeError, None),
    "reset": (lambda s: s.reset_next(after_effect=True), ur.APIConnectionError, True),
    "in body": (lambda s: s.reset_in_body_next(after_effect=True), ur.APIConnectionError, True),
    "timeout": (lambda s: s.delay_next(300), ur.APITimeoutError, True),
}


@every_loop
@pytest.mark.parametrize("how", LOST)
async def test_a_create_that_may_have_been_processed_is_sent_once(client, sandbox, how):
    misbehave, kind, request_sent = LOST[how]
    misbehave(sandbox)
    timeout = httpx.Timeout(30, read=0.3 if kind is ur.APITimeoutError else 30)
    with pytest.raises(kind) as caught:
        await create(client.with_options(timeout=timeout))
    assert (type(caught.value), caught.value.attempt, caught.value.method) == (kind, 1, "POST")
    assert getattr(caught.value, "request_sent", None) is request_sent
    assert str(caught.value).endswith("; the request may have been processed")
    assert sandbox.arrivals == 1


@pytest.mark.parametrize(
    ("status", "options"), [(429, {}), (503, {}), (500, {"repeat_unsafe": True})]
)
async def test_a_create_is_retried_when_it_was_refused_or_the_policy_allows_it(
    client, sandbox, status, options
):
    sandbox.fail_next(status, times=5)
    await create(client.with_options(retry=attrs.evolve(QUICK, **options)))
    assert (sandbox.arrivals, sandbox.user_count) == (6, 231)


async def test_a_delete_whose_response_was_lost_succeeds_if_its_retry_responds_404(client, sandbox):
    sandbox.reset_next(after_effect=True)
    assert await client.users.delete(7) is None
    assert sandbox.arrivals == 2
    for status in (429, 503):  # by which the delete was refused
        sandbox.fail_next(status)
        with pytest.raises(ur.NotFoundError):
            await client.users.delete(7)


async def test_the_error_says_how_many_attempts_were_made(client, sandbox):
    for attempts, end in ((1, r"disabled in .*\]"), (2, r"\]; gave up after 2 attempts")):
        sandbox.fail_next(503, times=attempts)
        policy = attrs.evolve(QUICK, attempts=attempts)
        with pytest.raises(ur.ServiceUnavailableError, match=f"{end}$") as caught:
            await client.with_options(retry=policy).users.me()
        assert caught.value.attempt == attempts
    assert sandbox.arrivals == 1 + 2


async def test_only_reads_after_a_success_have_any_number_of_attempts(client, sandbox):
    endless = client.with_options(retry=attrs.evolve(QUICK, attempts=None))
    for call in (endless.users.me, lambda: create(endless)):
        sandbox.fail_next(503, times=8)
        with pytest.raises(ur.ServiceUnavailableError) as caught:
            await call()
        assert caught.value.attempt == 6
        sandbox.clear_faults()
        await endless.users.me()
    sandbox.fail_next(503, times=8)
    await endless.users.me()


async def test_retry_after_delays_the_retry_by_max_delay_at_most(client, sandbox):
    sandbox.fail_next(429, headers={"Retry-After": "1"})
    await client.with_options(retry=attrs.evolve(QUICK, max_delay=5)).users.me()
    first, second = sandbox.requests
    assert second.at - first.at >= 1
    sandbox.fail_next(503, headers={"Retry-After": "3600"})
    with anyio.fail_after(30):
        await client.users.me()


@every_loop
async def test_calls_resume_when_an_outage_ends_but_not_before_retry_after(sandbox):
    events: list[ur.RetryEvent] = []
    hour = attrs.evolve(QUICK, initial_delay=3600, max_delay=3600, max_elapsed=36_000)
    second = attrs.evolve(QUICK, max_delay=5)
    async with client_of(sandbox, retry=hour, on_retry=events.append) as client:
        sandbox.fail_next(503, headers={"Retry-After": "1"}, match=r"users/1\.json")
        sandbox.fail_next(503, times=5, match=r"users/[2-6]\.json")
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.with_options(retry=second).users.get, 1)
                for user_id in range(2, 7):
                    tasks.start_soon(client.users.get, user_id)
                await until(lambda: len(events) == 6)
                await client.users.me()
    refused, repeated = (it.at for it in sandbox.requests if it.path.endswith("users/1.json"))
    assert repeated - refused >= 1


async def test_after_an_outage_the_delays_begin_anew(sandbox, monkeypatch):
    monkeypatch.setattr("tenacity.wait.random.uniform", lambda _low, high: high)
    events: list[ur.RetryEvent] = []
    hours = attrs.evolve(QUICK, initial_delay=3600, max_delay=36_000, max_elapsed=360_000)
    async with client_of(sandbox, retry=hours, on_retry=events.append) as client:
        sandbox.fail_next(503, times=2, match=r"users/2\.json")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.users.get, 2)
            for failures in (1, 2):
                await until(lambda failures=failures: len(events) == failures)
                await client.users.me()
            tasks.cancel_scope.cancel()
    assert [event.delay for event in events] == [3600, 3600]


async def test_every_retry_is_logged_with_the_page_or_id(client, sandbox, caplog):
    sandbox.fail_next(500, times=3, match=r"users/7\.json")
    sandbox.fail_next(503, match=r"page=2\b")
    with caplog.at_level(logging.INFO, logger="useresponse_async.retry"):
        await client.users.get(7)
        await client.users.search().collect()
    records = [record for record in caplog.records if record.name == "useresponse_async.retry"]
    levels = [record.levelno for record in records]
    assert levels == [logging.WARNING, logging.INFO, logging.INFO, logging.WARNING]
    for text, record in (
        (r"users/7\.json in \d\.\d\d s: attempt 1 failed: ", records[0]),
        (r"users/search\.json \(page 2\) in \d\.\d\d s: ", records[3]),
    ):
        assert re.match(rf"retrying GET /api/3\.0/{text}", record.getMessage())
    told = [vars(records[0])[f"useresponse_{it}"] for it in ("method", "path", "status", "attempt")]
    assert told == ["GET", "/api/3.0/users/7.json", 500, 1]
    assert 0 < records[0].useresponse_delay <= 0.01


def test_retry_after_is_read_in_seconds():
    zero = ["0", "-3", "soon", "", "1.5", "\u0663", "Sun, 06 Nov 1994 08:49:37 GMT"]
    for header, seconds in {"7": 7, " 7 ": 7, **dict.fromkeys(zero, 0)}.items():
        headers = httpx.Headers({"Retry-After": header}, encoding="utf-8")
        response = httpx.Response(503, headers=headers)
        error = ur.APIStatusError(response=response, method="GET", path="/x", message="no")
        assert retry_after(error) == seconds
    in_30_seconds = datetime.now(timezone.utc) + timedelta(seconds=30)
    response.headers["Retry-After"] = format_datetime(in_30_seconds, usegmt=True)
    assert 28 <= retry_after(error) <= 30


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the time zone cannot be changed here")
@pytest.mark.parametrize("zone", ["UTC+5", "UTC-5"])
def test_a_date_without_a_zone_in_retry_after_is_utc(monkeypatch, zone):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        in_30_seconds = datetime.now(timezone.utc) + timedelta(seconds=30)
        headers = {"Retry-After": in_30_seconds.ctime()}
        response = httpx.Response(503, headers=headers)
        error = ur.APIStatusError(response=response, method="GET", path="/x", message="no")
        assert 28 <= retry_after(error) <= 30
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.fixture
def clock(monkeypatch):
    clock = SimpleNamespace(now=100.0, monotonic=lambda: clock.now, time=time.time)
    monkeypatch.setattr("useresponse_async._retry.time", clock)
    return clock


def test_the_budget_delays_retries_beyond_it(clock):
    budget = RetryBudget(ur.RetryPolicy(min_retries_per_second=10))
    delays = [budget.reserve() for _ in range(40)]
    assert delays == [0] * 20 + [number / 10 for number in range(1, 21)]


def test_time_and_successful_responses_earn_retries_up_to_the_budget(clock):
    budget = RetryBudget(ur.RetryPolicy(min_retries_per_second=0.5, max_retry_ratio=0.5))
    assert [budget.reserve(), budget.reserve()] == [0, 2]
    budget.earn()
    assert budget.reserve() == 3
    budget.forgive()
    assert budget.reserve() == 2
    for _ in range(40):
        budget.earn()
    assert budget.reserve() == 0
    clock.now += 1
    assert budget.reserve() == 1
    clock.now += 60
    assert [budget.reserve(), budget.reserve()] == [0, 2]


@every_loop
async def test_a_cancelled_retry_does_not_use_the_budget(sandbox, clock):
    policy = ur.RetryPolicy(initial_delay=0.01, min_retries_per_second=1, max_retry_ratio=0)
    async with client_of(sandbox, retry=policy) as client:
        sandbox.fail_next(500, times=30)
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(client.users.me)
            await until(lambda: sandbox.arrivals >= 20 and not client.in_flight)
            tasks.cancel_scope.cancel()
        sandbox.clear_faults()
        clock.now += 2  # as long as it takes to fill a budget without debts
        sandbox.fail_next(500)
        with anyio.fail_after(10):
            await client.users.me()
