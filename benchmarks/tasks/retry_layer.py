"""Cost of the retry layer for a call that succeeds at once."""

import time

__all__ = ["calls"]


async def calls(*, batches: int, repeats: int) -> dict[str, list[float]]:
    """Call a coroutine function by itself and through the retry layer, in turns.

    Args:
        batches: How many turns each way has.
        repeats: How many calls are made in a turn.

    Returns:
        The processor time of each turn, in microseconds per call: ``bare`` and ``retried``.
    """
    from useresponse_async import RetryPolicy  # noqa: PLC0415 - only where measured
    from useresponse_async._retry import RetryBudget, call_with_retries  # noqa: PLC0415

    policy = RetryPolicy()
    budget = RetryBudget(policy)

    async def attempt(number: int) -> int:
        return number

    times: dict[str, list[float]] = {"bare": [], "retried": []}
    for _ in range(batches):
        started = time.process_time()
        for _ in range(repeats):
            await attempt(1)
        between = time.process_time()
        for _ in range(repeats):
            await call_with_retries(attempt, policy=policy, budget=budget, repeatable=True)
        ended = time.process_time()
        times["bare"].append((between - started) / repeats * 1e6)
        times["retried"].append((ended - between) / repeats * 1e6)
    return times
