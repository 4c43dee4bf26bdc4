"""The report as text and as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from benchmarks.figures import Figure, Section, Table

__all__ = ["as_json", "as_text", "goal_table", "table_text", "write_json"]

_MET = {True: "yes", False: "NO", None: ""}


def table_text(table: Table) -> str:
    """Return ``table`` with its columns aligned: the first to the left, others to the right."""
    lines = [table.headings, *table.rows]
    widths = [max(len(line[place]) for line in lines) for place in range(len(table.headings))]

    def aligned(line: Sequence[str]) -> str:
        first = line[0].ljust(widths[0])
        rest = (cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True))
        return "  ".join((first, *rest)).rstrip()

    rule = "  ".join("-" * width for width in widths)
    return "\n".join([aligned(table.headings), rule, *map(aligned, table.rows)])


def goal_table(figures: Sequence[Figure]) -> Table:
    """Return the figures with their spread, their goal, and whether it is met."""
    return Table(
        ["figure", "measured", "from", "to", "rounds", "goal", "met"],
        [
            [
                figure.name,
                f"{_number(figure.value)} {figure.unit}".rstrip(),
                _number(figure.low),
                _number(figure.high),
                str(figure.rounds),
                "" if figure.goal is None else _goal(figure),
                _MET[figure.met],
            ]
            for figure in figures
        ],
    )


def _goal(figure: Figure) -> str:
    return f"{figure.goal.direction} {figure.goal.bound:g}" if figure.goal else ""


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - digits shown


def as_text(
    sections: Sequence[Section], machine: Mapping[str, Any], *, seconds: float
) -> Iterator[str]:
    """Yield the report's paragraphs.

    Args:
        sections: What was found.
        machine: What it was measured on.
        seconds: How long all of it took.
    """
    for section in sections:
        yield "\n".join([section.title, *(f"\n{table_text(table)}" for table in section.tables)])
    figures = [figure for section in sections for figure in section.figures]
    yield table_text(goal_table(figures))
    goals = [figure for figure in figures if figure.goal]
    met = sum(bool(figure.met) for figure in goals)
    libraries = ", ".join(
        f"{name} {version}" for name, version in machine["libraries"].items() if version
    )
    yield (
        f"{met} of {len(goals)} goals met, in {seconds:.0f} s.\n"
        f"{machine['processor']}, {machine['cores']} cores, "
        f"{'server and client pinned apart' if machine['pinned_apart'] else 'not pinned'}, "
        f"load {machine['load_average'] or 0:.1f} at the start; {machine['python']}.\n"
        f"{libraries}."
    )


def as_json(
    sections: Mapping[str, Section],
    machine: Mapping[str, Any],
    *,
    plan: Mapping[str, Any],
    seconds: float,
) -> dict[str, Any]:
    """Return all results as data that can be serialized as JSON."""
    return {
        "machine": dict(machine),
        "plan": dict(plan),
        "total_seconds": round(seconds, 1),
        "figures": [
            {**attrs.asdict(figure), "met": figure.met}
            for section in sections.values()
            for figure in section.figures
        ],
        "parts": {name: section.data for name, section in sections.items()},
    }


def write_json(path: Path, results: Mapping[str, Any]) -> None:
    """Write ``results`` to ``path``."""
    path.write_text(
        json.dumps(results, indent=1, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8"
    )
