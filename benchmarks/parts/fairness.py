"""Response time of single calls while the same client walks."""

import statistics
from typing import Final

from benchmarks.bench import Bench
from benchmarks.control import configure
from benchmarks.figures import Goal, Section, Table, spread
from benchmarks.processes import worker

__all__ = ["measure"]

_IN_FLIGHT: Final = 20
_LATENCY: Final = 0.1
_WALKS: Final = (0, 4)
_GOAL: Final = Goal("at most", 0.2)


def measure(bench: Bench) -> Section:
    """Call alone, then beside walks that would use every slot."""
    plan = bench.plan
    configure(bench.url, users=plan.walk_users, latency=_LATENCY)
    seconds: dict[int, list[float]] = {walks: [] for walks in _WALKS}
    rates: dict[int, list[float]] = {walks: [] for walks in _WALKS}
    for number in range(plan.fairness_rounds):
        bench.note(f"fairness, round {number + 1} of {plan.fairness_rounds}")
        for walks in _WALKS:
            with worker() as process:
                found = process.do(
                    "fairness",
                    url=bench.url,
                    in_flight=_IN_FLIGHT,
                    walks=walks,
                    repeats=plan.fairness_calls,
                )
            seconds[walks].extend(found["seconds"])
            rates[walks].append(found["users_per_second"])
    medians = [
        [
            f"users.get beside {walks} walks",
            f"{statistics.median(seconds[walks]):.3f}",
            f"{statistics.median(rates[walks]):,.0f}",
        ]
        for walks in _WALKS
    ]
    return Section(
        title=f"Single calls beside walks, at {_LATENCY * 1000:.0f} ms and {_IN_FLIGHT} in flight",
        tables=[Table(["", "s", "users/s of the walks"], medians)],
        figures=[
            spread(f"users.get beside {walks} walks", seconds[walks], "s", goal=_GOAL)
            for walks in _WALKS
            if walks
        ],
        data={"seconds": seconds, "users_per_second": rates},
    )
