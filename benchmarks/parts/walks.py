"""Users per second of each contender, by concurrent requests and latency."""

import statistics
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any, Final

import attrs

from benchmarks.bench import Bench
from benchmarks.contenders import CONTENDERS, Contender
from benchmarks.control import configure
from benchmarks.figures import Figure, Goal, Section, Table, ratio, spread
from benchmarks.plan import Plan
from benchmarks.processes import Worker, worker

__all__ = ["IN_FLIGHT", "LATENCIES", "Cell", "Rates", "goal_figures", "measure", "users_for"]

IN_FLIGHT: Final = (1, 5, 10, 20, 50)
LATENCIES: Final = {"throughput": 0.0, "latency": 0.05}
"""Seconds that the server takes over a request, by the part of the suite."""

_GOAL_CELLS: Final = {(0.0, 20), (0.0, 50), (0.05, 10), (0.05, 20), (0.05, 50)}
_WARM_UP_USERS: Final = 500
_FEWEST_USERS: Final = 200


@attrs.frozen(order=True)
class Cell:
    """One setting: the server's latency, in seconds, and the maximum of concurrent requests."""

    latency: float
    in_flight: int

    @property
    def has_goal(self) -> bool:
        """Whether it has a goal; the others are for the picture."""
        return (self.latency, self.in_flight) in _GOAL_CELLS


@attrs.define
class Rates:
    """Users per second, by contender and cell, round by round."""

    samples: dict[tuple[str, Cell], list[float]] = attrs.Factory(
        dict[tuple[str, Cell], list[float]]
    )

    def add(self, contender: str, cell: Cell, rate: float) -> None:
        """Record one round."""
        self.samples.setdefault((contender, cell), []).append(rate)

    def of(self, contender: str, latency: float, in_flight: int) -> list[float]:
        """Return the rounds of a cell; a sequential contender has only one request in flight."""
        flying = 1 if CONTENDERS[contender].sequential else in_flight
        return self.samples.get((contender, Cell(latency, flying)), [])


def users_for(contender: Contender, cell: Cell, plan: Plan) -> int:
    """Return the number of users: the same for all, unless that takes minutes."""
    if not cell.latency or (cell.has_goal and not contender.sequential):
        return plan.walk_users
    flying = 1 if contender.sequential else cell.in_flight
    seconds = plan.seconds if contender.sequential else plan.seconds / 2
    pages = round(flying / cell.latency * seconds)
    return min(plan.users, max(_FEWEST_USERS, pages * contender.page_size))


def measure(bench: Bench, parts: Iterable[str]) -> Section:
    """Walk in interleaved rounds.

    Args:
        bench: The run.
        parts: ``throughput``, ``latency`` or both.
    """
    cells = [Cell(LATENCIES[part], n) for part in parts for n in IN_FLIGHT]
    rates, costs, records = Rates(), Rates(), list[dict[str, Any]]()
    for number in range(bench.plan.rounds):
        bench.note(f"walks, round {number + 1} of {bench.plan.rounds}")
        with ExitStack() as stack:
            workers = _warmed_workers(bench, stack)
            for cell in cells:
                for contender in _in_turn(bench, number):
                    if not _is_due(contender, cell, picture=number < bench.plan.picture_rounds):
                        continue
                    record = _walk_once(bench, workers[contender.name], contender, cell)
                    records.append({"round": number + 1, **record})
                    rates.add(contender.name, cell, record["users_per_second"])
                    cost = record["cpu_seconds"] / record["users"] * 1e6
                    costs.add(contender.name, cell, cost)
    latencies = sorted({cell.latency for cell in cells})
    return Section(
        title="Users per second, by requests in flight",
        tables=[
            *(_table(bench, rates, f"{latency * 1000:.0f} ms", latency) for latency in latencies),
            _table(bench, costs, "CPU µs per user", latencies[0]),
        ],
        figures=list(goal_figures(rates)),
        data=records,
    )


def _is_due(contender: Contender, cell: Cell, *, picture: bool) -> bool:
    if contender.sequential:
        return cell.in_flight == 1 and (picture or cell.latency > 0)
    return picture or cell.has_goal


def _in_turn(bench: Bench, number: int) -> list[Contender]:
    """Return the contenders, in reverse order in every other round."""
    return bench.contenders if number % 2 == 0 else bench.contenders[::-1]


def _warmed_workers(bench: Bench, stack: ExitStack) -> Mapping[str, Worker]:
    workers: dict[str, Worker] = {}
    configure(bench.url, users=_WARM_UP_USERS, latency=0.0)
    for contender in bench.contenders:
        name = contender.name
        workers[name] = stack.enter_context(worker(speedups=contender.speedups))
        workers[name].do("walk", contender=name, url=bench.url, in_flight=5, users=_WARM_UP_USERS)
    return workers


def _walk_once(bench: Bench, worker: Worker, contender: Contender, cell: Cell) -> dict[str, Any]:
    users = users_for(contender, cell, bench.plan)
    configure(bench.url, users=users, latency=cell.latency)
    found = worker.do(
        "walk", contender=contender.name, url=bench.url, in_flight=cell.in_flight, users=users
    )
    return {
        "contender": contender.name,
        "latency_seconds": cell.latency,
        "in_flight": cell.in_flight,
        "users": users,
        "seconds": found["seconds"],
        "cpu_seconds": found["cpu_seconds"],
        "event_loop": found["event_loop"],
        "orjson": found["orjson"],
        "users_per_second": users / found["seconds"],
    }


def _table(bench: Bench, rates: Rates, title: str, latency: float) -> Table:
    rows: list[list[str]] = []
    for contender in bench.contenders:
        row = [contender.title]
        for in_flight in IN_FLIGHT:
            if contender.sequential and in_flight > IN_FLIGHT[0]:
                row.append("")
                continue
            found = rates.of(contender.name, latency, in_flight)
            row.append(_with_spread(found) if found else "-")
        rows.append(row)
    return Table([title, *(f"{n} in flight" for n in IN_FLIGHT)], rows)


def _with_spread(samples: list[float]) -> str:
    middle = statistics.median(samples)
    return f"{middle:,.0f} ±{(max(samples) - min(samples)) / 2 / middle:.0%}"


def goal_figures(rates: Rates) -> Iterator[Figure]:
    """Yield the ratios and shares that can be computed from the rates."""
    yield from _ratios(rates)
    yield from _latency_shares(rates)
    for name in ("ours", "ours-aiohttp"):
        over, under = rates.of(name, 0.0, 50), rates.of(name, 0.0, 20)
        if over and len(over) == len(under):
            title = f"{CONTENDERS[name].title}: 50 over 20 in flight, 0 ms"
            yield ratio(title, over, under, goal=Goal("at least", 0.9))


_RATIOS: Final = (
    ("ours", "httpx", 0.0, 20, 1.7),
    ("ours", "httpx", 0.05, 50, 3.0),
    ("ours-aiohttp", "aiohttp", 0.0, 20, 0.5),
    ("ours", "generated", 0.05, 10, 8.0),
    ("ours", "generated", 0.05, 50, 25.0),
    ("ours", "useresponse", 0.05, 10, 20.0),
    ("ours", "useresponse", 0.05, 50, 60.0),
)


def _ratios(rates: Rates) -> Iterator[Figure]:
    for one, other, latency, in_flight, bound in _RATIOS:
        over, under = rates.of(one, latency, in_flight), rates.of(other, latency, in_flight)
        shared = min(len(over), len(under))
        if shared:
            titles = f"{CONTENDERS[one].title} / {CONTENDERS[other].title}"
            yield ratio(
                f"{titles}, {latency * 1000:.0f} ms, {in_flight} in flight",
                over[:shared],
                under[:shared],
                goal=Goal("at least", bound),
            )


_SHARES: Final = {
    "ours": {10: 0.9, 20: 0.8, 50: 0.72},
    "ours-aiohttp": {10: 0.95, 20: 0.9, 50: 0.75},
}


def _latency_shares(rates: Rates) -> Iterator[Figure]:
    latency = LATENCIES["latency"]
    for name, bounds in _SHARES.items():
        contender = CONTENDERS[name]
        for in_flight, bound in bounds.items():
            limit = in_flight * contender.page_size / latency
            shares = [rate / limit for rate in rates.of(name, latency, in_flight)]
            if shares:
                yield spread(
                    f"{contender.title}: share of the limit at 50 ms, {in_flight} in flight",
                    shares,
                    "",
                    goal=Goal("at least", bound),
                )
