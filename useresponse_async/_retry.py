"""Retry rules, retry loop and retry budget."""

from __future__ import annotations

import copy
import email.utils
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import timezone
from http import HTTPStatus
from inspect import isawaitable
from typing import Any, Final, TypeAlias, cast

import tenacity

from useresponse_async._config import RetryEvent, RetryHook, RetryPolicy
from useresponse_async._exceptions import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    CallError,
    DecodeError,
    QueueTimeoutError,
    UseResponseError,
)
from useresponse_async._secret import RETRY_LOGGER

Wait: TypeAlias = Callable[[float, bool], Awaitable[bool]]
"""Waits for some seconds before a retry, or only until a server that was down responds again.

Returns whether the server responds again.
"""

logger: Final[logging.Logger] = logging.getLogger(RETRY_LOGGER)
hooks_logger: Final = logging.getLogger("useresponse_async.hooks")

OVERLOAD_STATUSES: Final = frozenset({429, 503})
"""The statuses that say that the server did not process the request."""

_RETRYABLE_STATUSES: Final = frozenset({500, 502, 504}) | OVERLOAD_STATUSES
_CAUTIOUS_ATTEMPTS: Final = 6


def may_have_happened(error: UseResponseError) -> bool:
    """Return whether a call that failed with ``error`` may have been processed."""
    if isinstance(error, APIConnectionError):
        return error.request_sent
    if isinstance(error, APIStatusError):
        return error.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR and not _is_refused(error)
    return True


def _is_refused(error: APIStatusError) -> bool:
    # An error in the body of a response with status 200 does not say that nothing was done.
    return error.response.status_code in OVERLOAD_STATUSES


def is_overload(error: BaseException) -> bool:
    """Return whether ``error`` shows that the server is overloaded."""
    if isinstance(error, APIStatusError):
        return error.status_code in OVERLOAD_STATUSES
    # A call without a slot in time was not sent, and says nothing about the server.
    return isinstance(error, APITimeoutError) and not isinstance(error, QueueTimeoutError)


def retry_after(error: BaseException) -> float:
    """Return the delay of the server's ``Retry-After``, in seconds, or 0."""
    if not isinstance(error, APIStatusError):
        return 0.0
    header = error.response.headers.get("Retry-After", "").strip()
    if header.isascii() and header.isdigit():
        return float(header)
    try:
        moment = email.utils.parsedate_to_datetime(header)
        # Without a time zone, as in the oldest of HTTP's formats, it is UTC.
        moment = moment.replace(tzinfo=moment.tzinfo or timezone.utc)
        return max(0.0, moment.timestamp() - time.time())
    except (ValueError, OverflowError, TypeError):
        return 0.0


class RetryBudget:
    """The retry budget that all calls of a client share: a token bucket.

    It holds the tokens of a few seconds, fills by ``policy.min_retries_per_second``, and by
    ``policy.max_retry_ratio`` for each successful response. A token is a retry.

    Attributes:
        succeeded: Whether the client has had a successful response.
    """

    _SECONDS_HELD: Final = 2.0

    def __init__(self, policy: RetryPolicy) -> None:
        self._rate = policy.min_retries_per_second
        self._ratio = policy.max_retry_ratio
        self._capacity = max(1.0, self._rate * self._SECONDS_HELD)
        self._tokens = self._capacity
        self._filled_at = time.monotonic()
        self.succeeded: bool = False

    def reserve(self) -> float:
        """Take a token; return the time until it is available, in seconds."""
        now = time.monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._filled_at) * self._rate)
        self._filled_at = now
        self._tokens -= 1
        return max(0.0, -self._tokens / self._rate)

    def give_back(self) -> None:
        """Put back the token of a retry that was not made."""
        self._tokens += 1

    def forgive(self) -> None:
        """Cancel the debt from an outage that is over."""
        self._tokens = max(0.0, self._tokens)

    def earn(self) -> None:
        """Record a successful response."""
        self.succeeded = True
        self._tokens += self._ratio


class Retrying:
    """The retry rules for tenacity, and the state of the retries of one call.

    Args:
        policy: Which attempts are retried, and when.
        budget: The retry budget of the client.
        idempotent: Whether the call may be repeated after an attempt that may have been
            processed.
        on_retry: The caller's hook.
        wait: Waits between two attempts.
        label: The page that the call fetches, for the log.
    """

    def __init__(
        self,
        policy: RetryPolicy,
        budget: RetryBudget,
        *,
        idempotent: bool,
        on_retry: RetryHook | None,
        wait: Wait,
        label: str = "",
    ) -> None:
        self._policy = policy
        self._budget = budget
        self._idempotent = idempotent or policy.repeat_unsafe
        self._on_retry = on_retry
        self._wait = wait
        self._label = label
        self._started = time.monotonic()
        self._attempts_before_recovery = 0
        self._event: RetryEvent
        self._backoff = tenacity.wait_random_exponential(
            multiplier=policy.initial_delay, max=policy.max_delay
        )

    def attempts(self) -> tenacity.AsyncRetrying:
        """Return tenacity's iterator over the attempts; the first is the one that failed."""
        return tenacity.AsyncRetrying(
            sleep=self._wait_for_next,
            retry=tenacity.retry_if_exception(self.may_retry),
            wait=self._delay,
            stop=self._is_over,
            before_sleep=self._announce,
            reraise=True,
        )

    def may_retry(self, error: BaseException) -> bool:
        """Return whether an attempt that failed with ``error`` may and should be repeated."""
        if isinstance(error, QueueTimeoutError):
            return False
        if isinstance(error, APIConnectionError):
            return not error.permanent and (self._idempotent or not error.request_sent)
        if isinstance(error, APIStatusError):
            is_retryable = error.status_code in _RETRYABLE_STATUSES
            return _is_refused(error) or (self._idempotent and is_retryable)
        return self._idempotent and isinstance(error, DecodeError) and error.malformed

    def _delay(self, state: tenacity.RetryCallState) -> float:
        since_recovery = copy.copy(state)
        since_recovery.attempt_number -= self._attempts_before_recovery
        asked = min(retry_after(_failure(state)), self._policy.max_delay)
        return max(self._backoff(since_recovery), asked, self._budget.reserve())

    def _is_over(self, state: tenacity.RetryCallState) -> bool:
        attempts = self._policy.attempts
        if attempts is None and not (self._idempotent and self._budget.succeeded):
            attempts = _CAUTIOUS_ATTEMPTS
        is_last = attempts is not None and state.attempt_number >= attempts
        elapsed = time.monotonic() - self._started + state.upcoming_sleep
        is_over = is_last or elapsed > self._policy.max_elapsed
        if is_over:
            self._budget.give_back()
            if state.attempt_number > 1:
                error = _failure(state)
                error.args = (f"{error}; gave up after {state.attempt_number} attempts",)
        return is_over

    def _announce(self, state: tenacity.RetryCallState) -> None:
        error = _failure(state)
        self._event = event = RetryEvent(
            method=error.method,
            path=error.path,
            attempt=state.attempt_number,
            delay=state.upcoming_sleep,
            status_code=getattr(error, "status_code", None),
            error=error,
        )
        # The first retry of a call is enough for a warning; an outage causes many retries.
        logger.log(
            logging.WARNING if event.attempt == 1 else logging.INFO,
            "retrying %s %s%s in %.2f s: attempt %d failed: %s",
            event.method,
            event.path,
            self._label,
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

    async def _wait_for_next(self, seconds: float) -> None:
        event = self._event
        # The server's Retry-After is never shortened.
        until_back = is_overload(event.error) and not retry_after(event.error)
        try:
            if self._on_retry is not None:
                await call_hook(self._on_retry, event)
            back = await self._wait(seconds, until_back)
        except BaseException:
            self._budget.give_back()
            raise
        if back:
            self._attempts_before_recovery = event.attempt
            self._budget.forgive()


def _failure(state: tenacity.RetryCallState) -> CallError:
    # Only these are retried, and tenacity calls the functions above only before a retry.
    return cast("CallError", cast("tenacity.Future", state.outcome).exception())


async def call_hook(hook: Callable[[Any], Awaitable[None] | None], about: object) -> None:
    """Call ``hook``; log its exceptions, which do not affect the call."""
    try:
        result = hook(about)
        if isawaitable(result):
            await result
    except Exception:
        hooks_logger.exception(
            "the hook for %s raised an exception",
            type(about).__name__,
            extra={"useresponse_hook": getattr(hook, "__qualname__", type(hook).__qualname__)},
        )
