"""Whether what was measured stayed constant."""

from collections.abc import Callable, Sequence
from itertools import accumulate, combinations, pairwise
from statistics import median

from tests.soak.gauges import Reading

LEAST_READINGS = 6


class Trend:
    """How much a quantity grew after the first third of the readings, which is for warming up.

    It is the median of the slopes between every two readings (Theil and Sen's): a leak shows in
    nearly all of them, a reading that met the heap in pieces in few. The largest step is left
    out: a heap that is full takes megabytes at once. ``share`` is the growth that is no leak.
    """

    def __init__(self, what: str, values: Sequence[int], *, share: float, unit: float = 1) -> None:
        warm = list(enumerate(_without_largest_step(values[len(values) // 3 :])))
        slopes = [(b - a) / (j - i) for (i, a), (j, b) in combinations(warm, 2)]
        self._level = median(value for _, value in warm)
        self._growth = median(slopes) * (len(warm) - 1)
        self._allowed = share * self._level
        self._what = what
        self._unit = unit

    @property
    def is_flat(self) -> bool:
        """Whether it grew by no more than it may."""
        return self._growth <= self._allowed

    def __str__(self) -> str:
        level, growth, allowed = (
            n / self._unit for n in (self._level, self._growth, self._allowed)
        )
        return f"{level:,.1f} {self._what}, grew by {growth:.2f} (at most {allowed:.2f})"


def trends(readings: Sequence[Reading]) -> list[Trend]:
    """Return how memory went on.

    Python's blocks and the C library's bytes are what is in use. Where nothing leaks, caches
    that still fill add some hundreds to some 300,000 blocks, and a reading is off by 4,000 at
    times. What is in RAM depends on how the heaps happen to be cut up as well, of which some 80
    MiB grow by up to 2 in some minutes, ever more slowly; so more is let pass of it.
    """
    mebibyte = 1024 * 1024
    rss = _each(readings, lambda reading: reading.rss)
    allocated = _each(readings, lambda reading: reading.allocated)
    blocks = _each(readings, lambda reading: reading.blocks)
    return [
        Trend("MiB RSS", rss, share=0.05, unit=mebibyte),
        Trend("thousand Python blocks", blocks, share=0.015, unit=1000),
        Trend("MiB from malloc", allocated, share=0.05, unit=mebibyte),
    ]


def _without_largest_step(values: Sequence[int]) -> list[int]:
    steps = [after - before for before, after in pairwise(values)]
    steps[steps.index(max(steps))] = 0
    return list(accumulate(steps, initial=values[0]))


def _each(readings: Sequence[Reading], value: Callable[[Reading], int]) -> list[int]:
    return [value(reading) for reading in readings]


def differences(now: Reading, before: Reading) -> list[str]:
    """Return what there is more or less of than there was, in words."""
    found: list[str] = []
    for what in ("descriptors", "tasks", "threads"):
        had, has = getattr(before, what), getattr(now, what)
        found += [f"{n} more {what}: {name}" for name, n in (has - had).items()]
        found += [f"{n} fewer {what}: {name}" for name, n in (had - has).items()]
    return found
