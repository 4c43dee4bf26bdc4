"""Time until the package is imported, and until the first client is ready."""

import subprocess
import sys
from typing import Final

from benchmarks.bench import Bench
from benchmarks.figures import Goal, Section, median_table, ratio, spread
from benchmarks.processes import CLIENT, environment, pinned

__all__ = ["measure"]

_TIMED: Final = """\
import time
_started = time.perf_counter()
{code}
print(time.perf_counter() - _started)
"""
_URL: Final = "https://mydomain.useresponse.com"
# Loading the certificates of authorities takes longer than everything else. httpx does it when a
# client is created, ours at the first request, so both do it here.
_STARTS: Final = {
    "import httpx": "import httpx",
    "import useresponse_async": "import useresponse_async",
    "httpx.AsyncClient() ready": (
        "import httpx; httpx.AsyncClient(verify=httpx.create_ssl_context())"
    ),
    "AsyncClient() ready": (
        "import httpx, useresponse_async; "
        f"useresponse_async.AsyncClient({_URL!r}, verify=httpx.create_ssl_context())"
    ),
    "httpx.AsyncClient(), as it comes": "import httpx; httpx.AsyncClient()",
    "AsyncClient(), as it comes": (
        f"import useresponse_async; useresponse_async.AsyncClient({_URL!r})"
    ),
}
_IMPORT_GOAL: Final = Goal("at most", 200.0)  # everything public is imported eagerly
_CLIENT_GOAL: Final = Goal("at most", 1.3)


def _milliseconds(code: str) -> float:
    with pinned(CLIENT):
        done = subprocess.run(  # noqa: S603 - our own code
            [sys.executable, "-c", _TIMED.format(code=code)],
            capture_output=True,
            text=True,
            check=True,
            env=environment(),
        )
    return float(done.stdout) * 1000


def measure(bench: Bench) -> Section:
    """Start processes in interleaved rounds; the first of each fills the caches and is left out."""
    bench.note(f"start-up, {bench.plan.startups} processes each")
    times: dict[str, list[float]] = {name: [] for name in _STARTS}
    for number in range(bench.plan.startups + 1):
        for name, code in _STARTS.items():
            taken = _milliseconds(code)
            if number:
                times[name].append(taken)
    return Section(
        title="Start-up, from the import on",
        tables=[median_table("ms", times)],
        figures=[
            spread(
                "import useresponse_async, after import httpx",
                [
                    ours - httpx
                    for ours, httpx in zip(
                        times["import useresponse_async"], times["import httpx"], strict=True
                    )
                ],
                "ms",
                goal=_IMPORT_GOAL,
            ),
            ratio(
                "first client ready / httpx.AsyncClient() ready",
                times["AsyncClient() ready"],
                times["httpx.AsyncClient() ready"],
                goal=_CLIENT_GOAL,
            ),
        ],
        data={"milliseconds": times},
    )
