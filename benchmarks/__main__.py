"""``python -m benchmarks``: measures the contenders side by side and reports the results.

Needs the extra ``bench``. ``--quick`` takes a first look in two or three minutes and keeps nothing
unless ``--output`` says where.
"""

import argparse
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs

from benchmarks import machine, picture, plan, report
from benchmarks.bench import Bench
from benchmarks.contenders import CONTENDERS
from benchmarks.figures import Section
from benchmarks.parts import (
    calls,
    ceiling,
    decode,
    fairness,
    first_user,
    memory,
    order,
    pacing,
    short_walk,
    startup,
    walks,
)
from benchmarks.processes import benchmark_server

__all__ = ["main"]

_PARTS: Final[dict[str, Callable[[Bench], Section]]] = {
    "server": ceiling.measure,
    "throughput": lambda bench: walks.measure(bench, ["throughput"]),
    "latency": lambda bench: walks.measure(bench, ["latency"]),
    "first": first_user.measure,
    "short walk": short_walk.measure,
    "calls": calls.measure,
    "fairness": fairness.measure,
    "decode": decode.measure,
    "startup": startup.measure,
    "memory": memory.measure,
    "pacing": pacing.measure,
    "order": order.measure,
}
_RESULTS: Final = Path(__file__).parent / "results"


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="a first look, in two or three minutes"
    )
    parser.add_argument(
        "--only", metavar="PART,…", help=f"some parts, of {', '.join(_PARTS)}", default=""
    )
    parser.add_argument(
        "--contenders",
        metavar="NAME,…",
        help=f"some contenders, of {', '.join(CONTENDERS)}",
        default=",".join(CONTENDERS),
    )
    parser.add_argument("--rounds", type=int, default=5, help="rounds of a full run")
    parser.add_argument("--users", type=int, default=100_000, help="the most users in a walk")
    parser.add_argument("--output", type=Path, metavar="DIR", help=f"instead of {_RESULTS}")
    parsed = parser.parse_args(arguments)
    parsed.parts = [part for part in parsed.only.split(",") if part] or list(_PARTS)
    parsed.contenders = tuple(parsed.contenders.split(","))
    unknown = {*parsed.parts} - {*_PARTS} | {*parsed.contenders} - {*CONTENDERS}
    if unknown:
        parser.error(f"unknown part or contender: {', '.join(sorted(unknown))}")
    return parsed


def _run(bench: Bench, parts: Sequence[str]) -> dict[str, Section]:
    both = {"throughput", "latency"} <= set(parts)
    sections: dict[str, Section] = {}
    for part in parts:
        if both and part == "latency":
            continue  # is measured together with the throughput, in the same rounds
        if both and part == "throughput":
            sections["walks"] = walks.measure(bench, ["throughput", "latency"])
        else:
            sections[part] = _PARTS[part](bench)
    fastest = max((record["users_per_second"] for record in _records(sections)), default=None)
    if fastest is not None and "server" in sections:
        sections["headroom"] = ceiling.headroom(sections["server"].figures[0].value, fastest)
    return sections


def _records(sections: Mapping[str, Section]) -> list[dict[str, Any]]:
    """Return the data of every walk."""
    names = ("walks", "throughput", "latency")
    return [record for name in names if name in sections for record in sections[name].data]


def _draw(directory: Path, sections: Mapping[str, Section]) -> list[Path]:
    drawn: list[Path] = []
    records = _records(sections)
    if records:
        drawn.append(directory / "latest.svg")
        picture.draw_walks(drawn[-1], records)
    if "pacing" in sections:
        drawn.append(directory / "pacing.svg")
        picture.draw_pacing(drawn[-1], pacing.timeline_of(sections["pacing"].data))
    return drawn


def _keep(directory: Path, sections: Mapping[str, Section], results: Mapping[str, Any]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    report.write_json(directory / "latest.json", results)
    for path in (directory / "latest.json", *_draw(directory, sections)):
        print(f"wrote {path}")


def _is_complete(chosen: argparse.Namespace) -> bool:
    return {*chosen.parts} == {*_PARTS} and {*chosen.contenders} == {*CONTENDERS}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the selected parts, print the report, and save the results."""
    chosen = _arguments(arguments)
    size = (
        plan.quick(contenders=chosen.contenders, users=chosen.users)
        if chosen.quick
        else plan.full(contenders=chosen.contenders, rounds=chosen.rounds, users=chosen.users)
    )
    description = machine.describe()
    started = time.monotonic()
    with benchmark_server() as url:
        sections = _run(Bench(size, url), chosen.parts)
    seconds = time.monotonic() - started
    for paragraph in report.as_text(list(sections.values()), description, seconds=seconds):
        print(f"\n{paragraph}")
    # Partial or quick results must not replace complete ones.
    directory = chosen.output
    if directory is None and not chosen.quick and _is_complete(chosen):
        directory = _RESULTS
    if directory is not None:
        results = report.as_json(sections, description, plan=attrs.asdict(size), seconds=seconds)
        _keep(directory, sections, results)


if __name__ == "__main__":
    main()
