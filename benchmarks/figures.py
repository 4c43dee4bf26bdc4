"""Figures, how they are computed from rounds, and their goals."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import attrs

__all__ = ["Figure", "Goal", "Section", "Table", "median_table", "ratio", "single", "spread"]


@attrs.frozen
class Goal:
    """A goal for a figure: ``at least`` or ``at most`` the bound."""

    direction: Literal["at least", "at most"]
    bound: float

    def met_by(self, value: float) -> bool:
        """Return whether ``value`` meets the goal."""
        return value >= self.bound if self.direction == "at least" else value <= self.bound


@attrs.frozen
class Figure:
    """A number, with the spread of its rounds.

    Attributes:
        name: What it is.
        value: The number: a median, or a ratio of medians.
        unit: What it counts; empty for a ratio.
        low: The lowest of the rounds.
        high: The highest of the rounds.
        rounds: How many rounds there were.
        goal: What it should be, if anything.
    """

    name: str
    value: float
    unit: str
    low: float
    high: float
    rounds: int
    goal: Goal | None = None

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; ``None`` without a goal."""
        return None if self.goal is None else self.goal.met_by(self.value)


def spread(name: str, samples: Sequence[float], unit: str, *, goal: Goal | None = None) -> Figure:
    """Return the median of ``samples``, with the lowest and the highest."""
    return Figure(
        name, statistics.median(samples), unit, min(samples), max(samples), len(samples), goal
    )


def ratio(
    name: str,
    over: Sequence[float],
    under: Sequence[float],
    *,
    goal: Goal | None = None,
    of: Callable[[Sequence[float]], float] = statistics.median,
) -> Figure:
    """Return the ratio of two medians, with the lowest and the highest ratio of a round.

    Args:
        name: What the ratio is.
        over: What is divided, by round.
        under: What it is divided by, in the same rounds.
        goal: What it should be.
        of: What makes one number of the rounds; ``min`` where anything else on the machine can
            only add to them.
    """
    by_round = [one / other for one, other in zip(over, under, strict=True)]
    value = of(over) / of(under)
    return Figure(name, value, "", min(by_round), max(by_round), len(by_round), goal)


def single(name: str, value: float, unit: str, *, goal: Goal | None = None) -> Figure:
    """Return a number that was measured once."""
    return Figure(name, value, unit, value, value, 1, goal)


@attrs.frozen
class Table:
    """Rows of text under headings, the first column to the left."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


def median_table(unit: str, samples: Mapping[str, Sequence[float]], *, digits: int = 1) -> Table:
    """Return a table of the median of each of ``samples``."""
    rows = [[name, f"{statistics.median(found):,.{digits}f}"] for name, found in samples.items()]
    return Table(["", unit], rows)


@attrs.frozen(kw_only=True)
class Section:
    """The results of one part of the suite.

    Attributes:
        title: What it is about, with the unit.
        tables: For reading.
        figures: For comparing with goals.
        data: Everything, for ``latest.json``; keys end in their unit.
    """

    title: str
    tables: Sequence[Table] = ()
    figures: Sequence[Figure] = ()
    data: Any = None
