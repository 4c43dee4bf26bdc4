"""Which failure is tried again, and after how long? tenacity does it; this says when."""

from __future__ import annotations

import copy
import email.utils
import itertools
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias, TypeVar

import anyio
import tenacity

from useresponse_async._config import RetryPolicy
from useresponse_async._exceptions import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    DecodeError,
    QueueTimeoutError,
    ServiceUnavailableError,
    UseResponseError,
)
from useresponse_async._hooks import RetryEvent, RetryHook, tell
from useresponse_async._secret import RETRY_LOGGER

__all__ = ["RetryBudget", "call_with_retries", "is_overload", "retry_after", "should_retry"]

T = TypeVar("T")

Pause: TypeAlias = Callable[[float], Awaitable[bool]]

logger: Final[logging.Logger] = logging.getLogger(RETRY_LOGGER)

_RETRYABLE_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
_OVERLOAD_STATUSES: Final = frozenset({429, 503})


def should_retry(error: BaseException, *, repeatable: bool) -> bool:
    """Return whether a call that failed with ``error`` may and should be tried again."""
    if isinstance(error, ServiceUnavailableError) and not error.response.is_success:
        return True
    if isinstance(error, QueueTimeoutError):
        return False
    if isinstance(error, APIConnectionError):
        return not error.permanent and (repeatable or not error.request_sent)
    if isinstance(error, APIStatusError):
        return repeatable and error.status_code in _RETRYABLE_STATUSES
    return repeatable and isinstance(error, DecodeError) and error.malformed


def is_overload(error: BaseException) -> bool:
    """Return whether ``error`` says that the server has more to do than it can."""
    if isinstance(error, APIStatusError):
        return error.status_code in _OVERLOAD_STATUSES
    return isinstance(error, APITimeoutError)


def retry_after(error: BaseException) -> float:
    """Return how long the server's ``Retry-After`` asks to wait, in seconds; 0 if it does not."""
    if not isinstance(error, APIStatusError):
        return 0.0
    header = error.response.headers.get("Retry-After", "").strip()
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError, TypeError):
        return 0.0


class RetryBudget:
    """The retries that all calls of a client may make together: a token bucket.

    It holds a few seconds' worth of ``policy.min_retries_per_second``, fills at that rate,
    and by ``policy.max_retry_ratio`` for each successful answer.
    """

    _SECONDS_HELD: Final = 2.0

    def __init__(self, policy: RetryPolicy) -> None:
        self._rate = policy.min_retries_per_second
        self._ratio = policy.max_retry_ratio
        self._capacity = max(1.0, self._rate * self._SECONDS_HELD)
        self._tokens = self._capacity
        self._filled_at = time.monotonic()

    def reserve(self) -> float:
        """Take one retry from the budget; return how long until it is there, in seconds."""
        self._fill()
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)

    def give_back(self) -> None:
        """Return a retry that was reserved and will not be made."""
        self._tokens += 1

    def forgive(self) -> None:
        """Take note that the server is back: what was lent while it was down is not owed."""
        self._tokens = max(0.0, self._tokens)

    def earn(self) -> None:
        """Take note of a successful answer."""
        self._tokens = min(self._capacity, self._tokens + self._ratio)

    def _fill(self) -> None:
        now = time.monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now


async def call_with_retries(
    attempt: Callable[[int], Awaitable[T]],
    *,
    policy: RetryPolicy,
    budget: RetryBudget,
    repeatable: bool,
    on_retry: RetryHook | None = None,
    pause: Pause | None = None,
) -> T:
    """Return what ``attempt(number)`` returns, tried again as ``policy`` says.

    Args:
        attempt: Makes one try; its number counts from 1.
        policy: What is tried again, how often, and after how long.
        budget: The retries of all calls together.
        repeatable: Whether the call may be repeated when its first try may have worked.
        on_retry: Is told of each try that is made again.
        pause: Waits before the next try, where the server was overloaded, for so many seconds,
            or until it is back; then delays start anew.

    Raises:
        UseResponseError: The last try's failure.
    """
    repeatable = repeatable or policy.repeat_unsafe
    try:
        return await attempt(1)
    except UseResponseError as error:
        if not should_retry(error, repeatable=repeatable):
            raise
        failure = error
    # Entering tenacity costs more than a whole good call, so only a failed one pays for it,
    # and hands it the failure as the outcome of its first try.
    schedule = _Schedule(policy, budget, on_retry, pause)
    retrying = tenacity.AsyncRetrying(
        sleep=schedule.sleep,
        retry=tenacity.retry_if_exception(lambda e: should_retry(e, repeatable=repeatable)),
        wait=schedule.wait,
        stop=schedule.stop,
        before_sleep=schedule.before_sleep,
        reraise=True,
    )
    try:
        return await retrying(_after(failure, attempt))
    finally:
        schedule.abandon()


def _after(
    failure: UseResponseError, attempt: Callable[[int], Awaitable[T]]
) -> Callable[[], Awaitable[T]]:
    numbers = itertools.count(1)

    async def run() -> T:
        number = next(numbers)
        if number == 1:
            raise failure
        return await attempt(number)

    return run


class _Schedule:
    """When one call is tried again: what tenacity asks, between its tries."""

    def __init__(
        self,
        policy: RetryPolicy,
        budget: RetryBudget,
        on_retry: RetryHook | None,
        pause: Pause | None,
    ) -> None:
        self._policy = policy
        self._budget = budget
        self._on_retry = on_retry
        self._pause = pause
        self._started = time.monotonic()
        self._failure: UseResponseError | None = None
        self._tries_before_recovery = 0
        self._reserved = False
        self._backoff = tenacity.wait_random_exponential(
            multiplier=policy.initial_delay, max=policy.max_delay
        )

    def wait(self, state: tenacity.RetryCallState) -> float:
        if state.attempt_number >= self._policy.attempts:
            return 0.0
        since_recovery = copy.copy(state)
        since_recovery.attempt_number -= self._tries_before_recovery
        asked = min(retry_after(_failure(state)), self._policy.max_delay)
        self._reserved = True
        return max(self._backoff(since_recovery), asked, self._budget.reserve())

    def stop(self, state: tenacity.RetryCallState) -> bool:
        if state.attempt_number >= self._policy.attempts:
            return True
        elapsed = time.monotonic() - self._started
        return elapsed + state.upcoming_sleep > self._policy.max_elapsed

    def abandon(self) -> None:
        """Give back the retry that was reserved last, if it is not made: cancelled, or too late."""
        if self._reserved:
            self._reserved = False
            self._budget.give_back()

    async def before_sleep(self, state: tenacity.RetryCallState) -> None:
        event = _event(state)
        self._failure = event.error
        self._tries = event.attempt
        _log(event)
        if self._on_retry is not None:
            await tell(self._on_retry, event)

    async def sleep(self, seconds: float) -> None:
        failure = self._failure
        # What the server asks for is never cut short.
        if (
            self._pause is None
            or failure is None
            or not is_overload(failure)
            or retry_after(failure)
        ):
            await anyio.sleep(seconds)
        elif await self._pause(seconds):
            self._tries_before_recovery = self._tries
            self._budget.forgive()
        self._reserved = False  # the retry is made now


def _failure(state: tenacity.RetryCallState) -> UseResponseError:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, UseResponseError):
        raise TypeError("tenacity asked for a delay without a failure") from error
    return error


def _event(state: tenacity.RetryCallState) -> RetryEvent:
    error = _failure(state)
    return RetryEvent(
        method=getattr(error, "method", ""),
        path=getattr(error, "path", ""),
        attempt=state.attempt_number,
        delay=state.upcoming_sleep,
        status_code=getattr(error, "status_code", None),
        error=error,
    )


def _log(event: RetryEvent) -> None:
    logger.warning(
        "retrying %s %s in %.2f s: try %d failed: %s",
        event.method,
        event.path,
        event.delay,
        event.attempt,
        event.error,
        extra={
            "useresponse_method": event.method,
            "useresponse_path": event.path,
            "useresponse_status": event.status_code,
            "useresponse_attempt": event.attempt,
            "useresponse_delay": event.delay,
        },
    )
