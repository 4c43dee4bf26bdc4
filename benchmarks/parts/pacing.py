"""Adaptive pacing against a server whose capacity is limited and changes."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final

import attrs

from benchmarks.bench import Bench
from benchmarks.capacity import BIN_SECONDS, Slots
from benchmarks.control import configure, tally
from benchmarks.figures import Goal, Section, median_table, ratio, single, spread
from benchmarks.processes import worker
from benchmarks.tasks.paced_walk import PAGE_SIZE

__all__ = ["Run", "measure", "refused_share", "seconds_to_follow", "timeline_of"]

_IN_FLIGHT: Final = 50
_LATENCY: Final = 0.05
_SLOTS: Final = 8

_NEAR_CAPACITY: Final = 0.8
_WINDOW: Final = round(0.5 / BIN_SECONDS)
"""Number of spans over which a rate is computed: half a second."""

_TIMELINE_USERS: Final = 100_000


@attrs.frozen
class Run:
    """The course of one walk.

    Attributes:
        schedule: How many requests the server served at once, from when on.
        latency: How long it took over each, in seconds.
        served: Requests served in each span of ``BIN_SECONDS``, from the first request on.
        refused: Requests rejected in each.
        limits: The client's limit: seconds since the first request, and requests.
    """

    schedule: Sequence[Slots]
    latency: float
    served: Sequence[int]
    refused: Sequence[int]
    limits: Sequence[tuple[float, float]] = ()


def timeline_of(data: Mapping[str, Any]) -> Run:
    """Return the course of the walk in a section's data."""
    timeline: dict[str, Any] = dict(data["timeline"])
    schedule = [Slots(**slots) for slots in timeline.pop("schedule")]
    return Run(schedule, **timeline)


def refused_share(run: Run, *, after: float) -> float:
    """Return the share of rejected requests after ``after`` seconds."""
    start = round(after / BIN_SECONDS)
    refused, served = sum(run.refused[start:]), sum(run.served[start:])
    return refused / (refused + served) if refused + served else 0.0


def seconds_to_follow(run: Run) -> list[float]:
    """Return, for each rise of the capacity, how long until the walk makes use of it.

    That is from the rise to the first half second in which at least 0.8 of the new capacity
    was served; if there is none before the next change, the time until that change.
    """
    waits: list[float] = []
    ends = [slots.since for slots in run.schedule[1:]] + [len(run.served) * BIN_SECONDS]
    for before, slots, end in zip(run.schedule, run.schedule[1:], ends[1:], strict=False):
        if slots.count <= before.count:
            continue
        enough = _NEAR_CAPACITY * slots.count / run.latency * _WINDOW * BIN_SECONDS
        first, last = round(slots.since / BIN_SECONDS), round(end / BIN_SECONDS)
        starts = (
            place
            for place in range(first, last - _WINDOW + 1)
            if sum(run.served[place : place + _WINDOW]) >= enough
        )
        waits.append(round((next(starts, last) - first) * BIN_SECONDS, 3))
    return waits


def measure(bench: Bench) -> Section:
    """Compare the adaptive limit with fixed ones, and measure how it follows a changing server."""
    plan = bench.plan
    fixed: dict[int, list[float]] = {number: [] for number in plan.pacing_fixed}
    adaptive: list[float] = []
    shares: list[float] = []
    for number in range(plan.pacing_rounds):
        bench.note(f"pacing, round {number + 1} of {plan.pacing_rounds}")
        for in_flight, rates in fixed.items():
            rates.append(_steady_walk(bench, in_flight, adaptive=False)[0])
        rate, run = _steady_walk(bench, _IN_FLIGHT, adaptive=True)
        adaptive.append(rate)
        shares.append(refused_share(run, after=1.0))
    best = max(fixed, key=lambda number: statistics.median(fixed[number]))
    bench.note("pacing over time")
    timeline = _timeline(bench)
    waits = seconds_to_follow(timeline)
    titled = {f"fixed, {number} in flight": rates for number, rates in fixed.items()}
    titled[f"adaptive, at most {_IN_FLIGHT}"] = adaptive
    titled["what the server can serve"] = [_SLOTS / _LATENCY]
    return Section(
        title=f"Pacing against a server that serves {_SLOTS} at a time and refuses the rest",
        tables=[median_table("pages/s", titled, digits=0)],
        figures=[
            ratio(
                "adaptive / best fixed setting, pages per second",
                adaptive,
                fixed[best],
                goal=Goal("at least", 0.8),
            ),
            spread("share refused after the first second", shares, "", goal=Goal("at most", 0.05)),
            single(
                "until the walk uses 0.8 of a capacity that rose",
                max(waits),
                "s",
                goal=Goal("at most", 2.0),
            ),
        ],
        data={
            "pages_per_second": {**{str(n): r for n, r in fixed.items()}, "adaptive": adaptive},
            "refused_shares": shares,
            "seconds_to_follow": waits,
            "timeline": attrs.asdict(timeline),
            "bin_seconds": BIN_SECONDS,
        },
    )


def _steady_walk(bench: Bench, in_flight: int, *, adaptive: bool) -> tuple[float, Run]:
    """Walk with a constant capacity; return pages per second, and the course."""
    schedule = [Slots(0.0, _SLOTS)]
    users = bench.plan.pacing_pages * PAGE_SIZE
    found, run = _walk(bench, schedule, users, in_flight=in_flight, adaptive=adaptive)
    return found["pages"] / found["seconds"], run


def _timeline(bench: Bench) -> Run:
    phase, phases = bench.plan.phase_seconds, bench.plan.pacing_phases
    schedule = [Slots(number * phase, count) for number, count in enumerate(phases)]
    users = min(_TIMELINE_USERS, bench.plan.users)
    _, run = _walk(
        bench,
        schedule,
        users,
        in_flight=_IN_FLIGHT,
        adaptive=True,
        stop_after=len(phases) * phase,
    )
    return run


def _walk(
    bench: Bench, schedule: list[Slots], users: int, **options: Any
) -> tuple[dict[str, Any], Run]:
    configure(bench.url, users=users, latency=_LATENCY, slots=schedule)
    with worker() as process:
        found = process.do("pace", url=bench.url, **options)
    seen = tally(bench.url)
    limits = [(moment - seen["began"], float(limit)) for moment, limit in found["limits"]]
    return found, Run(schedule, _LATENCY, seen["served"], seen["refused"], limits)
