"""Time from a new client to its first user."""

from typing import Final

from benchmarks.bench import Bench
from benchmarks.contenders import CONTENDERS
from benchmarks.control import configure
from benchmarks.figures import Section, median_table, spread
from benchmarks.processes import worker

__all__ = ["measure"]

_IN_FLIGHT: Final = 10
_LATENCY: Final = 0.05
_SEQUENTIAL_USERS: Final = 200
"""Page by page, the first user comes after the first page, however many follow."""


def measure(bench: Bench) -> Section:
    """Time the first user of a walk, in interleaved rounds of fresh processes."""
    plan = bench.plan
    samples: dict[str, list[float]] = {name: [] for name in plan.contenders}
    for number in range(plan.first_rounds):
        bench.note(f"first user, round {number + 1} of {plan.first_rounds}")
        for contender in bench.contenders:
            name = contender.name
            users = _SEQUENTIAL_USERS if contender.sequential else plan.first_users
            configure(bench.url, users=users, latency=_LATENCY)
            with worker(speedups=contender.speedups) as process:
                for _ in ("warm-up", "timed"):
                    found = process.do(
                        "walk",
                        contender=name,
                        url=bench.url,
                        in_flight=_IN_FLIGHT,
                        users=users,
                        keep_ids=False,
                    )
            samples[name].append(found["first_user_seconds"] * 1000)
    titled = {CONTENDERS[name].title: found for name, found in samples.items()}
    title = f"First user of {plan.first_users:,}, at 50 ms and {_IN_FLIGHT} in flight"
    return Section(
        title=title,
        tables=[median_table("ms", titled)],
        figures=[
            spread(f"{CONTENDERS[name].title}: time to first user", samples[name], "ms")
            for name in ("ours", "httpx")
            if name in samples
        ],
        data={"first_user_milliseconds": samples},
    )
