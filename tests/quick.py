"""Clients with the default retry policy but short delays, and the pages that they asked for."""

from typing import Any

from useresponse_async import AsyncClient, RetryPolicy
from useresponse_async.sandbox import Sandbox

QUICK = RetryPolicy(attempts=6, initial_delay=0.01, max_delay=0.05, min_retries_per_second=1000)


def client_of(sandbox: Sandbox, **options: Any) -> AsyncClient:
    return AsyncClient(sandbox.url, **{"api_key": sandbox.api_key, "retry": QUICK, **options})


def pages_asked(sandbox: Sandbox) -> list[int]:
    """Return the pages that every request was for, in the order of the requests."""
    return [int(dict(request.query)["page"]) for request in sandbox.requests]
