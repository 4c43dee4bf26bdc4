"""Cost of typed decoding beside other libraries, and beside no types at all."""

import statistics
from typing import Final

from benchmarks.bench import Bench
from benchmarks.control import configure
from benchmarks.figures import Goal, Section, Table, ratio
from benchmarks.pages import PAGE_SIZE
from benchmarks.processes import worker
from benchmarks.tasks.decoding import DECODERS

__all__ = ["measure"]

_TITLES: Final = {
    "ours": "useresponse-async",
    "dict": "plain dict",
    "cattrs": "attrs with stock cattrs",
    "pydantic": "pydantic",
    "msgspec": "msgspec",
}
_READERS: Final = {"json.loads": (False, 1.6), "orjson": (True, 2.4)}
"""By JSON reader: whether the extra is used, and our goal over plain dictionaries."""


def measure(bench: Bench) -> Section:
    """Decode in interleaved rounds, a fresh process for each reader and round."""
    plan = bench.plan
    configure(bench.url, users=PAGE_SIZE, latency=0.0)
    times: dict[str, dict[str, list[float]]] = {
        reader: {name: [] for name in DECODERS} for reader in _READERS
    }
    for number in range(plan.rounds):
        bench.note(f"decoding, round {number + 1} of {plan.rounds}")
        for reader, (speedups, _) in _READERS.items():
            with worker(speedups=speedups) as process:
                found = process.do(
                    "decode",
                    url=bench.url,
                    batches=plan.decode_batches,
                    repeats=plan.decode_repeats,
                )
            for name, turns in found.items():
                times[reader][name].append(statistics.median(turns))
    medians = [
        {name: statistics.median(rounds) for name, rounds in found.items()}
        for found in times.values()
    ]
    rows = [
        [
            title,
            *(f"{found[name]:.2f} ({found[name] / found['dict']:.2f})" for found in medians),
        ]
        for name, title in _TITLES.items()
    ]
    return Section(
        title="Decoding a page of 50 users: µs per user (times plain dict)",
        tables=[Table(["", *_READERS], rows)],
        figures=[
            ratio(
                f"typed decode / {reader} to dict",
                times[reader]["ours"],
                times[reader]["dict"],
                goal=Goal("at most", bound),
            )
            for reader, (_, bound) in _READERS.items()
        ],
        data={"microseconds_per_user": times},
    )
