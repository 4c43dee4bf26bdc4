"""Cost of the retry layer for a call that succeeds."""

import statistics

from benchmarks.bench import Bench
from benchmarks.figures import Goal, Section, median_table, spread
from benchmarks.processes import worker

__all__ = ["measure"]

_BATCHES = 5


def measure(bench: Bench) -> Section:
    """Call with and without the layer in turns, a fresh process each round."""
    bench.note("the retry layer")
    times: dict[str, list[float]] = {"bare": [], "retried": []}
    for _ in range(bench.plan.rounds):
        with worker() as process:
            found = process.do("retry", batches=_BATCHES, repeats=bench.plan.retry_repeats)
        for name, turns in found.items():
            times[name].append(statistics.median(turns))
    costs = [more - less for less, more in zip(times["bare"], times["retried"], strict=True)]
    titled = {"by itself": times["bare"], "through the retry layer": times["retried"]}
    return Section(
        title="A call that succeeds at once",
        tables=[median_table("µs", titled, digits=3)],
        figures=[
            spread("retry layer on a call that succeeds", costs, "µs", goal=Goal("at most", 5.0))
        ],
        data={"microseconds_per_call": times},
    )
