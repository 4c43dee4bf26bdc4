"""How is the server kept out of the client's way while it is measured?"""

import os
from collections.abc import Generator
from contextlib import contextmanager

from useresponse_async.cli.sandbox_process import running_sandbox


@contextmanager
def pinned_sandbox(*, users: int, latency: float, faults: float = 0.0) -> Generator[str]:
    """Start a sandbox on a core of its own, where the system allows; give its address."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) > 1:
        os.sched_setaffinity(0, cores[1:])
    try:
        with running_sandbox(
            f"--users={users}", f"--latency={latency}", f"--faults={faults}"
        ) as url:
            if len(cores) > 1:
                os.sched_setaffinity(0, cores[:1])
            yield url
    finally:
        if cores:
            os.sched_setaffinity(0, cores)
