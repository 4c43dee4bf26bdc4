"""Peak memory of a walk, streamed and collected."""

from typing import Final

from benchmarks.bench import Bench
from benchmarks.contenders import COLLECTED, CONTENDERS
from benchmarks.control import configure
from benchmarks.figures import Figure, Goal, Section, median_table, spread
from benchmarks.processes import worker

__all__ = ["measure"]

_IN_FLIGHT: Final = 10
_MEGABYTE: Final = 1e6


def _peak(bench: Bench, contender: str, users: int) -> float | None:
    configure(bench.url, users=users, latency=0.0)
    with worker() as process:
        found = process.do(
            "walk",
            contender=contender,
            url=bench.url,
            in_flight=_IN_FLIGHT,
            users=users,
            keep_ids=False,
        )
    peak = found["peak_bytes"]
    return None if peak is None else peak / _MEGABYTE


def measure(bench: Bench) -> Section:
    """Take the peak memory of fresh processes that walk once."""
    small, large = bench.plan.memory_users
    walks = {
        f"useresponse-async, streamed, {small:,} users": ("ours", small),
        f"useresponse-async, streamed, {large:,} users": ("ours", large),
        f"{COLLECTED.title}, {large:,} users": (COLLECTED.name, large),
        f"{CONTENDERS['httpx'].title} (collects), {large:,} users": ("httpx", large),
    }
    peaks: dict[str, list[float]] = {name: [] for name in walks}
    for number in range(bench.plan.memory_rounds):
        bench.note(f"memory, round {number + 1} of {bench.plan.memory_rounds}")
        for name, (contender, users) in walks.items():
            peak = _peak(bench, contender, users)
            if peak is None:
                return Section(title="Peak memory: this system does not tell")
            peaks[name].append(peak)
    return Section(
        title="Peak memory of a process that walks once",
        tables=[median_table("MB", peaks)],
        figures=[_growth(*list(peaks.values())[:2], small=small, large=large)],
        data={"peak_megabytes": peaks},
    )


def _growth(few: list[float], many: list[float], *, small: int, large: int) -> Figure:
    grown = [more - less for less, more in zip(few, many, strict=True)]
    name = f"peak memory streamed, {large:,} over {small:,} users"
    return spread(name, grown, "MB", goal=Goal("at most", 5.0))
