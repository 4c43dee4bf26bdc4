"""The memory, descriptors, tasks and threads of this process, and whether they stay constant."""

import asyncio
import ctypes
import gc
import os
import sys
import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate, combinations, pairwise
from pathlib import Path
from statistics import median

import trio

LEAST_READINGS = 6

_LIBC = ctypes.CDLL(None)
_M_ARENA_MAX = -8  # of the GNU C library

# Both backends keep some threads for work on files, and let go of them when they please.
_POOL_THREADS = ("AnyIO worker thread", "Trio thread")

# Where nothing leaks, caches that still fill add some hundreds to some 300,000 blocks, and a
# reading is off by 4,000 at times. What is in RAM depends on how the heaps happen to be cut up as
# well, of which some 80 MiB grow by up to 2 in some minutes, ever more slowly.
_GROWTH_THAT_IS_NO_LEAK = {
    "MiB RSS": 0.05,
    "thousand Python blocks": 0.015,
    "MiB from malloc": 0.05,
}


@dataclass(frozen=True)
class Reading:
    """One look at this process."""

    memory: dict[str, float]
    counts: dict[str, Counter[str]]


def read() -> Reading:
    """Look at this process, once the unused is given back."""
    for _ in range(3):  # what a finalizer let go of is found by the next
        gc.collect()
    if hasattr(_LIBC, "malloc_trim"):  # it keeps freed memory, more or less of it as it happens
        _LIBC.malloc_trim(0)
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    memory = {
        "MiB RSS": pages * os.sysconf("SC_PAGE_SIZE") / 2**20,
        "thousand Python blocks": sys.getallocatedblocks() / 1000,
        "MiB from malloc": _allocated() / 2**20,
    }
    names = (thread.name.partition("(")[0] for thread in threading.enumerate())
    threads = Counter(name for name in names if not name.startswith(_POOL_THREADS))
    return Reading(memory, {"descriptors": _descriptors(), "tasks": _tasks(), "threads": threads})


def keep_one_heap() -> None:
    """Have all threads share a heap: how many there were at once is not to be measured."""
    if hasattr(_LIBC, "mallopt"):
        _LIBC.mallopt(_M_ARENA_MAX, 1)


class _MallocInfo(ctypes.Structure):
    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _names.split()]


def _allocated() -> int:
    if not hasattr(_LIBC, "mallinfo2"):
        return 0
    _LIBC.mallinfo2.restype = _MallocInfo
    found = _LIBC.mallinfo2()
    return found.uordblks + found.hblkhd


def _descriptors() -> Counter[str]:
    kinds: Counter[str] = Counter()
    for descriptor in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):  # the one that the list was read through
            kinds[str(descriptor.readlink()).partition(":[")[0]] += 1
    return kinds


def _tasks() -> Counter[str]:
    if trio.lowlevel.in_trio_task():
        waiting = [trio.lowlevel.current_root_task()]
        for task in waiting:
            waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
        return Counter(task.name for task in waiting)
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:  # no loop runs
        return Counter()
    return Counter(getattr(task.get_coro(), "__qualname__", "?") for task in tasks)


def differences(now: Reading, before: Reading) -> list[str]:
    """Return what there is more or less of than there was, in words."""
    found: list[str] = []
    for what, has in now.counts.items():
        had = before.counts[what]
        found += [f"{n} more {what}: {name}" for name, n in (has - had).items()]
        found += [f"{n} fewer {what}: {name}" for name, n in (had - has).items()]
    return found


def trends(readings: Sequence[Reading]) -> list[tuple[bool, str]]:
    """Return for each quantity whether it stayed flat, and its growth in words.

    The first third of the readings is for warming up. The growth is the median of the slopes
    between every two readings (Theil and Sen's): a leak shows in nearly all of them, a reading that
    met the heap in pieces in few. The largest step is left out: a heap that is full takes megabytes
    at once.
    """
    found = []
    for what, share in _GROWTH_THAT_IS_NO_LEAK.items():
        values = [reading.memory[what] for reading in readings[len(readings) // 3 :]]
        steps = [after - before for before, after in pairwise(values)]
        steps[steps.index(max(steps))] = 0
        warm = list(accumulate(steps, initial=values[0]))
        slopes = [(b - a) / (j - i) for (i, a), (j, b) in combinations(enumerate(warm), 2)]
        level, growth = median(warm), median(slopes) * len(steps)
        is_flat = growth <= share * level
        text = f"{level:,.1f} {what}, grew by {growth:.2f} (at most {share * level:.2f})"
        found.append((is_flat, text if is_flat else f"{text} NOT FLAT"))
    return found
