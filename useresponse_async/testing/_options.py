"""Options of a test's sandbox and client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from useresponse_async._client import AsyncClient
from useresponse_async._config import RetryPolicy

if TYPE_CHECKING:
    from useresponse_async.sandbox import Sandbox

__all__ = ["QUICK_RETRY", "client_of", "marked_options"]

QUICK_RETRY: Final = RetryPolicy(
    attempts=6, initial_delay=0.01, max_delay=0.05, min_retries_per_second=1000
)
"""The default retry policy, with delays of milliseconds."""


def marked_options(item: pytest.Item) -> dict[str, Any]:
    """Return the options from ``item``'s ``useresponse`` markers; the closest one takes precedence.

    Raises:
        pytest.UsageError: A marker has a positional argument.
    """
    options: dict[str, Any] = {}
    for marker in reversed(list(item.iter_markers("useresponse"))):
        if marker.args:
            raise pytest.UsageError(
                f"{item.nodeid}: pytest.mark.useresponse takes named options only, "
                "such as users=1000"
            )
        options.update(marker.kwargs)
    return options


def client_of(sandbox: Sandbox, options: dict[str, Any]) -> AsyncClient:
    """Return a client for ``sandbox``, by default with the administrator's key.

    Args:
        sandbox: The server to call.
        options: Keyword arguments of :class:`~useresponse_async.AsyncClient`.
    """
    defaults: dict[str, Any] = {
        "base_url": sandbox.url,
        "api_key": sandbox.api_key,
        "retry": QUICK_RETRY,
    }
    return AsyncClient(**{**defaults, **options})
