"""Speed of the server, which must not be the limit."""

from typing import Final

from benchmarks.bench import Bench
from benchmarks.control import configure
from benchmarks.figures import Goal, Section, Table, single, spread
from benchmarks.pages import PAGE_SIZE
from benchmarks.processes import worker

__all__ = ["HEADROOM", "headroom", "measure"]

HEADROOM: Final = 3.0
"""Minimum ratio of the server's speed to that of the fastest contender."""

_CONNECTIONS: Final = 10
_LATENCY: Final = 0.05
_LATENCY_PAGES: Final = 20


def measure(bench: Bench) -> Section:
    """Measure the server's maximum speed, and its latency with sequential requests."""
    bench.note("the server itself")
    pages = bench.plan.load_pages
    rates: list[float] = []
    with worker(speedups=True) as process:
        configure(bench.url, users=pages * PAGE_SIZE, latency=0.0)
        for _ in range(bench.plan.rounds + 1):
            found = process.do("load", url=bench.url, pages=pages, connections=_CONNECTIONS)
            rates.append(pages * PAGE_SIZE / found["seconds"])
        rates = rates[1:]
        configure(bench.url, users=_LATENCY_PAGES * PAGE_SIZE, latency=_LATENCY)
        found = process.do("load", url=bench.url, pages=_LATENCY_PAGES, connections=1)
    latency = found["seconds"] / _LATENCY_PAGES * 1000
    speed = spread("the server itself, asked by a bare protocol", rates, "users/s")
    delay = single("the server's 50 ms, as one connection sees them", latency, "ms")
    rows = [[figure.name, f"{figure.value:,.1f}", figure.unit] for figure in (speed, delay)]
    return Section(
        title="The server",
        tables=[Table(["", "median", ""], rows)],
        figures=[speed, delay],
        data={"users_per_second": rates, "latency_milliseconds": latency},
    )


def headroom(server: float, fastest: float) -> Section:
    """Return the ratio of the server's speed to the fastest contender's, in users/s."""
    times = server / fastest
    name = "the server / the fastest contender"
    return Section(
        title=f"The server is {times:.1f} times as fast as the fastest contender."
        if times >= HEADROOM
        else f"WARNING: the server is only {times:.1f} times as fast as the fastest contender, "
        "and may be what limits it.",
        figures=[single(name, times, "", goal=Goal("at least", HEADROOM))],
    )
