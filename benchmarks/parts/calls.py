"""CPU time that a client spends on one small call, by concurrent calls."""

from typing import Final

from benchmarks.bench import Bench
from benchmarks.control import configure
from benchmarks.figures import Figure, Goal, Section, Table, ratio
from benchmarks.pages import PAGE_SIZE
from benchmarks.processes import worker

__all__ = ["goal_figures", "measure"]

_IN_FLIGHT: Final = (1, 10, 50)
_TITLES: Final = {
    "ours": "useresponse-async",
    "ours-aiohttp": "useresponse-async [aiohttp]",
    "bare": "bare: AsyncClient.send, json.loads",
    "httpx": "httpx by hand",
    "aiohttp": "aiohttp by hand",
    "openai": "openai's client core",
}
_GOALS: Final = (
    ("ours", "bare", (1.25, 1.25, 1.25)),
    ("ours", "httpx", (0.88, 0.60, 0.36)),
    ("ours-aiohttp", "httpx", (0.55, 0.38, 0.25)),
)
"""The compared clients, and their maximum cost for each of ``_IN_FLIGHT``."""


def measure(bench: Bench) -> Section:
    """Fetch one user repeatedly, in interleaved rounds; each client has a process to itself.

    The minimum of the rounds counts: other processes can only make a call look more expensive.
    """
    plan = bench.plan
    configure(bench.url, users=PAGE_SIZE, latency=0.0)
    times: dict[str, dict[int, list[float]]] = {
        caller: {number: [] for number in _IN_FLIGHT} for caller in _TITLES
    }
    for number in range(plan.call_rounds):
        bench.note(f"calls, round {number + 1} of {plan.call_rounds}")
        for caller, found in times.items():
            with worker() as process:
                for in_flight, rounds in found.items():
                    rounds.append(
                        process.do(
                            "calls",
                            caller=caller,
                            url=bench.url,
                            in_flight=in_flight,
                            repeats=plan.call_repeats,
                        )
                    )
    rows = [
        [_TITLES[caller], *(f"{min(rounds):,.0f}" for rounds in found.values())]
        for caller, found in times.items()
    ]
    return Section(
        title="CPU µs per small call, the least of the rounds",
        tables=[Table(["", *(f"{number} in flight" for number in _IN_FLIGHT)], rows)],
        figures=goal_figures(times),
        data={"microseconds_per_call": times},
    )


def goal_figures(times: dict[str, dict[int, list[float]]]) -> list[Figure]:
    """Return the ratios that have goals, from microseconds by caller and concurrent calls."""
    return [
        ratio(
            f"CPU of a call, {_TITLES[one]} / {_TITLES[other].partition(':')[0]}, "
            f"{in_flight} in flight",
            times[one][in_flight],
            times[other][in_flight],
            goal=Goal("at most", bound),
            of=min,
        )
        for one, other, bounds in _GOALS
        for in_flight, bound in zip(_IN_FLIGHT, bounds, strict=True)
    ]
