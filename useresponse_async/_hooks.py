"""Who is told of requests, responses and retries, without being able to break a call?"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from inspect import isawaitable
from typing import Any, Final, TypeAlias

import attrs
import httpx

from useresponse_async._exceptions import UseResponseError

__all__ = ["RequestHook", "ResponseHook", "RetryEvent", "RetryHook", "tell"]

logger: Final = logging.getLogger("useresponse_async._hooks")


@attrs.frozen(kw_only=True)
class RetryEvent:
    """A try that failed, and is made again.

    Attributes:
        method: The request's method.
        path: The request's path, without its query.
        attempt: Which try of the call failed, from 1.
        delay: How long until the next try, in seconds.
        status_code: The status that the server answered; ``None`` if no answer came.
        error: What the call would have raised if it were not tried again.
    """

    method: str
    path: str
    attempt: int
    delay: float
    status_code: int | None
    error: UseResponseError


RequestHook: TypeAlias = Callable[[httpx.Request], Awaitable[None] | None]
"""Is told of a request before it waits for its turn; the request is without the key."""

ResponseHook: TypeAlias = Callable[[httpx.Response], Awaitable[None] | None]
"""Is told of a response once it has come, its body read; its request is without the key."""

RetryHook: TypeAlias = Callable[[RetryEvent], Awaitable[None] | None]
"""Is told of a try that failed, before the delay."""


async def tell(hook: Callable[[Any], Awaitable[None] | None], about: object) -> None:
    """Call ``hook``; what it raises is logged, and does not reach the call."""
    try:
        told = hook(about)
        if isawaitable(told):
            await told
    except Exception:
        logger.exception(
            "a hook for %s failed",
            type(about).__name__,
            extra={"useresponse_hook": getattr(hook, "__qualname__", type(hook).__qualname__)},
        )
