"""The default retry policy, with delays that a test can wait for."""

from useresponse_async import RetryPolicy

QUICK = RetryPolicy(attempts=6, initial_delay=0.01, max_delay=0.05, min_retries_per_second=1000)
