"""The default retry policy with short delays, and clients that use it."""

from typing import Any

from useresponse_async import AsyncClient, RetryPolicy
from useresponse_async.sandbox import Sandbox

QUICK = RetryPolicy(attempts=6, initial_delay=0.01, max_delay=0.05, min_retries_per_second=1000)


def client_of(sandbox: Sandbox, **options: Any) -> AsyncClient:
    return AsyncClient(sandbox.url, **{"api_key": sandbox.api_key, "retry": QUICK, **options})
