"""The memory, descriptors, tasks and threads of this process."""

import asyncio
import ctypes
import gc
import os
import sys
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import trio

AVAILABLE = Path("/proc/self/statm").exists()

_M_ARENA_MAX = -8  # of the GNU C library

# Both backends keep some threads for work on files, and let go of them when they please.
_POOL_THREADS = ("AnyIO worker thread", "Trio thread")


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One look at this process, the descriptors that go to the server left out."""

    rss: int  # memory in RAM, in bytes
    blocks: int  # Python's own allocations, in blocks
    allocated: int  # what else is in use of the C library's heap, in bytes; 0 where it is unknown
    descriptors: Counter[str] = field(repr=False)
    connections: int  # to the server
    tasks: Counter[str] = field(repr=False)
    threads: Counter[str] = field(repr=False)
    pool_threads: int  # that a backend keeps for work on files


def glance() -> str:
    """Tell what this process has while it works."""
    descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir())
    return (
        f"RSS {_rss() / 2**20:.1f} MiB  {descriptors} fds  {_tasks().total()} tasks  "
        f"{threading.active_count()} threads"
    )


def _rss() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def read(port: int) -> Reading:
    """Look at this process, which has connections to a port, once the unused is given back."""
    for _ in range(3):  # what a finalizer let go of is found by the next
        gc.collect()
    _give_back()
    descriptors, connections = _descriptors(port)
    names = Counter(thread.name.partition("(")[0] for thread in threading.enumerate())
    threads = Counter({n: k for n, k in names.items() if not n.startswith(_POOL_THREADS)})
    return Reading(
        rss=_rss(),
        blocks=sys.getallocatedblocks(),
        allocated=_allocated(),
        descriptors=descriptors,
        connections=connections,
        tasks=_tasks(),
        threads=threads,
        pool_threads=names.total() - threads.total(),
    )


def object_types() -> Counter[str]:
    """Count the objects that the garbage collector knows, by type."""
    kinds = (type(thing) for thing in gc.get_objects())
    return Counter(f"{kind.__module__}.{kind.__qualname__}" for kind in kinds)


def keep_one_heap() -> None:
    """Have all threads share a heap: how many there were at once is not to be measured."""
    options = getattr(ctypes.CDLL(None), "mallopt", None)
    if options is not None:
        options(_M_ARENA_MAX, 1)


def _give_back() -> None:
    # The C library keeps freed memory, more or less of it as it happens.
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


class _MallocInfo(ctypes.Structure):
    _names = "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost"
    _fields_ = [(name, ctypes.c_size_t) for name in _names.split()]


def _allocated() -> int:
    ask = getattr(ctypes.CDLL(None), "mallinfo2", None)
    if ask is None:
        return 0
    ask.restype = _MallocInfo
    found = ask()
    return found.uordblks + found.hblkhd


def _descriptors(port: int) -> tuple[Counter[str], int]:
    found: Counter[str] = Counter()
    for descriptor in list(Path("/proc/self/fd").iterdir()):
        with suppress(FileNotFoundError):  # the one that the list was read through
            found[str(descriptor.readlink())] += 1
    ours = [target for target in found if target in _sockets_to(port)]
    connections = sum(found.pop(target) for target in ours)
    kinds: Counter[str] = Counter()
    for target, count in found.items():
        kinds[target.partition(":[")[0]] += count
    return kinds, connections


def _sockets_to(port: int) -> set[str]:
    lines = Path("/proc/self/net/tcp").read_text().splitlines()[1:]
    rows = (line.split() for line in lines)
    return {f"socket:[{row[9]}]" for row in rows if int(row[2].partition(":")[2], 16) == port}


def _tasks() -> Counter[str]:
    if trio.lowlevel.in_trio_task():
        return _trio_tasks()
    try:
        tasks = asyncio.all_tasks()
    except RuntimeError:  # no loop runs
        return Counter()
    return Counter(getattr(task.get_coro(), "__qualname__", "?") for task in tasks)


def _trio_tasks() -> Counter[str]:
    root = trio.lowlevel.current_root_task()
    waiting = [root] if root else []
    names: Counter[str] = Counter()
    while waiting:
        task = waiting.pop()
        names[task.name] += 1
        waiting += [child for nursery in task.child_nurseries for child in nursery.child_tasks]
    return names
