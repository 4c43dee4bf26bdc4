"""Duration of one contender's walk, and a check that every user arrived."""

import asyncio
import gc
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.contenders import COLLECTED, CONTENDERS, Sink

__all__ = ["peak_bytes", "walk"]


class _Deliveries:
    """Counts users without keeping their ids, and records the time of the first one."""

    def __init__(self) -> None:
        self.count = 0
        self.first_at: float | None = None

    def append(self, _user_id: int, /) -> None:
        if self.first_at is None:
            self.first_at = time.perf_counter()
        self.count += 1

    def extend(self, user_ids: Iterable[int], /) -> None:
        for user_id in user_ids:
            self.append(user_id)


async def walk(
    *, contender: str, url: str, in_flight: int, users: int, keep_ids: bool = True
) -> dict[str, Any]:
    """Walk once, with a new client; the clock runs from the first request to the last user.

    Args:
        contender: Who walks.
        url: The server's address.
        in_flight: The most requests in flight, in requests.
        users: How many must arrive.
        keep_ids: Whether to see that each arrived once; else they are counted, the first is
            timed, and nothing is kept.

    Returns:
        The time it took and the processor's share of it, in seconds; how long the first user
        took, in seconds, if it was timed; the process's peak memory, in bytes; which event loop
        ran, and whether orjson was loaded.

    Raises:
        RuntimeError: A user is missing, or came twice.
    """
    chosen = {**CONTENDERS, COLLECTED.name: COLLECTED}[contender]
    ids: list[int] = []
    deliveries = _Deliveries()
    sink: Sink = ids if keep_ids else deliveries
    async with chosen.open(url, in_flight) as walk_all:
        gc.collect()
        cpu, started = time.process_time(), time.perf_counter()
        await walk_all(sink)
        ended, cpu = time.perf_counter(), time.process_time() - cpu
    exact = sorted(ids) == list(range(1, users + 1)) if keep_ids else deliveries.count == users
    if not exact:
        raise RuntimeError(f"{contender} delivered something else than {users} users, each once")
    first = None if deliveries.first_at is None else deliveries.first_at - started
    return {
        "seconds": ended - started,
        "cpu_seconds": cpu,
        "first_user_seconds": first,
        "peak_bytes": peak_bytes(),
        "event_loop": type(asyncio.get_running_loop()).__module__,
        "orjson": sys.modules.get("orjson") is not None,
    }


def peak_bytes() -> int | None:
    """Return the peak memory of this process, if the system reports it."""
    status = Path("/proc/self/status")
    if status.exists():
        # On Linux, getrusage() begins with the peak of the parent process.
        peak = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024
    if sys.platform == "win32":
        return None
    import resource  # noqa: PLC0415 - Windows lacks it

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
