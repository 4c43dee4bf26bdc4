"""Does every user arrive once and in order although requests fail, on every backend?"""

import time
from typing import Final

import anyio

from benchmarks.bench import Bench
from benchmarks.figures import Goal, Section, Table, single
from benchmarks.processes import sandbox_server, worker

__all__ = ["measure", "walk_in_order"]

BACKENDS: Final = ("asyncio", "uvloop", "trio")
_FAULTS: Final = 0.05
_LATENCY: Final = 0.005
_IN_FLIGHT: Final = 10


def walk_in_order(*, url: str, backend: str, users: int) -> dict[str, float | bool]:
    """Walk all users of a sandbox on ``asyncio``, ``uvloop`` or ``trio``."""
    from useresponse_async import AsyncClient  # noqa: PLC0415 - only where measured
    from useresponse_async.sandbox import DEFAULT_API_KEY  # noqa: PLC0415

    async def walk() -> list[int | None]:
        async with AsyncClient(url, api_key=DEFAULT_API_KEY, max_in_flight=_IN_FLIGHT) as client:
            return [user.id async for user in client.users.search()]

    started = time.perf_counter()
    if backend == "trio":
        ids = anyio.run(walk, backend="trio")
    else:
        ids = anyio.run(walk, backend_options={"use_uvloop": backend == "uvloop"})
    return {
        "seconds": time.perf_counter() - started,
        "exact": ids == list(range(1, users + 1)),
    }


def measure(bench: Bench) -> Section:
    """Walk at 5 % faults and 5 ms latency against the sandbox."""
    users = bench.plan.order_users
    options = (f"--users={users}", f"--latency={_LATENCY}", f"--faults={_FAULTS}")
    found: dict[str, dict[str, float | bool]] = {}
    for backend in BACKENDS:
        bench.note(f"order, on {backend}")
        with sandbox_server(*options) as url, worker() as process:
            found[backend] = process.do("order", url=url, backend=backend, users=users)
    rows = [
        [backend, f"{walk['seconds']:.1f} s", "yes" if walk["exact"] else "NO"]
        for backend, walk in found.items()
    ]
    exact = sum(bool(walk["exact"]) for walk in found.values())
    return Section(
        title=f"{users:,} users at 5 % faults and 5 ms latency",
        tables=[Table(["", "walk", "each once and in order"], rows)],
        figures=[
            single(
                "backends on which every user came once, in order",
                exact,
                f"of {len(BACKENDS)}",
                goal=Goal("at least", len(BACKENDS)),
            )
        ],
        data=found,
    )
