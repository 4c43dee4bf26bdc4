"""Capacity of the benchmark server, and counts of requests served and rejected."""

import asyncio
import time
from collections.abc import Callable
from typing import Any, Final

import attrs

__all__ = ["BIN_SECONDS", "Capacity", "Slots", "parse_slots", "slots_text"]

BIN_SECONDS: Final = 0.1
"""The span over which responses are counted together, in seconds."""


@attrs.frozen
class Slots:
    """A capacity of ``count`` concurrent requests, from ``since`` seconds after the first request.

    A ``count`` of 0 sets no limit.
    """

    since: float
    count: int


def parse_slots(text: str) -> list[Slots]:
    """Parse a schedule: ``8@0,24@4`` means 8 at once from the start, 24 after four seconds."""
    parts = (part.partition("@") for part in text.split(",") if part)
    return [Slots(float(since or 0), int(count)) for count, _, since in parts]


def slots_text(schedule: list[Slots]) -> str:
    """Return ``schedule`` as :func:`parse_slots` takes it."""
    return ",".join(f"{slots.count}@{slots.since:g}" for slots in schedule)


class Capacity:
    """Limits concurrent requests, and counts those served and those rejected."""

    def __init__(self, schedule: list[Slots]) -> None:
        self._schedule = schedule
        self._slots = schedule[0].count if schedule else 0
        self._serving = 0
        self._began: float | None = None
        self._changes: list[asyncio.TimerHandle] = []
        self._served: list[int] = []
        self._refused: list[int] = []

    def enter(self) -> bool:
        """Return whether one more request is served; if so, :meth:`leave` must follow."""
        if self._began is None:
            self._begin()
        if self._slots and self._serving >= self._slots:
            self._count(self._refused)
            return False
        self._serving += 1
        return True

    def leave(self) -> None:
        """Count a served request."""
        self._serving -= 1
        self._count(self._served)

    def end(self) -> None:
        """Stop changing the capacity."""
        for change in self._changes:
            change.cancel()

    def tally(self) -> dict[str, Any]:
        """Return what was counted, by spans of ``BIN_SECONDS`` from the first request on.

        ``began`` is the moment of the first request by the system's monotonic clock.
        """
        length = max(len(self._served), len(self._refused))
        return {
            "began": self._began,
            "served": self._served + [0] * (length - len(self._served)),
            "refused": self._refused + [0] * (length - len(self._refused)),
        }

    def _begin(self) -> None:
        self._began = time.monotonic()
        loop = asyncio.get_running_loop()
        self._changes = [
            loop.call_later(slots.since, self._set(slots.count)) for slots in self._schedule[1:]
        ]

    def _set(self, count: int) -> Callable[[], None]:
        def change() -> None:
            self._slots = count

        return change

    def _count(self, bins: list[int]) -> None:
        place = int((time.monotonic() - (self._began or 0.0)) / BIN_SECONDS)
        if place >= len(bins):
            bins.extend([0] * (place + 1 - len(bins)))
        bins[place] += 1
