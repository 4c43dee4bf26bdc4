"""Duration of a short walk with a new client, relative to the minimum that the latency allows."""

from typing import Final

from benchmarks.bench import Bench
from benchmarks.contenders import CONTENDERS
from benchmarks.control import configure
from benchmarks.figures import Goal, Section, median_table, spread
from benchmarks.pages import PAGE_SIZE
from benchmarks.processes import worker

__all__ = ["ideal_seconds", "measure"]

_IN_FLIGHT: Final = 20
_LATENCY: Final = 0.05
_WALKERS: Final = ("ours", "ours-aiohttp", "httpx", "aiohttp")
_GOAL: Final = Goal("at most", 1.3)


def ideal_seconds(users: int) -> float:
    """Return how long a walk takes whose requests cost nothing but the server's latency.

    The first page says how many there are; the others follow, ``_IN_FLIGHT`` at a time.
    """
    pages = -(-users // PAGE_SIZE)
    return _LATENCY * (1 + -(-(pages - 1) // _IN_FLIGHT))


def measure(bench: Bench) -> Section:
    """Walk in interleaved rounds; in each process an earlier client has loaded the code."""
    plan = bench.plan
    configure(bench.url, users=plan.short_users, latency=_LATENCY)
    ideal = ideal_seconds(plan.short_users)
    times: dict[str, list[float]] = {CONTENDERS[name].title: [] for name in _WALKERS}
    for number in range(plan.short_rounds):
        bench.note(f"short walk, round {number + 1} of {plan.short_rounds}")
        for name in _WALKERS:
            options = {"contender": name, "in_flight": _IN_FLIGHT, "users": plan.short_users}
            with worker() as process:
                process.do("walk", url=bench.url, **options)
                found = process.do("walk", url=bench.url, **options)
            times[CONTENDERS[name].title].append(found["seconds"])
    ours = CONTENDERS["ours"].title
    return Section(
        title=f"A new client's walk of {plan.short_users:,} users, at {_LATENCY * 1000:.0f} ms "
        f"and {_IN_FLIGHT} in flight (ideal: {ideal:.2f} s)",
        tables=[median_table("s", times, digits=3)],
        figures=[
            spread(
                f"{ours}: short walk / ideal",
                [taken / ideal for taken in times[ours]],
                "",
                goal=_GOAL,
            )
        ],
        data={"ideal_seconds": ideal, "seconds": times},
    )
