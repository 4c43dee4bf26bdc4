"""Processes of the server and the contenders, pinned to different cores."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

__all__ = [
    "CLIENT",
    "SERVER",
    "Worker",
    "benchmark_server",
    "environment",
    "pinned",
    "sandbox_server",
    "worker",
]

CLIENT: Final = 0
SERVER: Final = -1
"""Index among the cores that this process may use: the first, and the last."""

_STOP_SECONDS: Final = 10.0


def environment() -> dict[str, str]:
    """Return the environment for what is measured.

    It has no proxies, also none of the system's, and lets Python keep compiled modules, as it
    does for users.
    """
    kept = {name: value for name, value in os.environ.items() if "proxy" not in name.lower()}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)
    return kept | {"NO_PROXY": "*", "no_proxy": "*"}


@contextmanager
def pinned(place: int) -> Generator[None, None, None]:
    """Pin processes that start in this block to one core, if the system allows it.

    Args:
        place: ``CLIENT`` or ``SERVER``.
    """
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    if len(cores) < 2:  # noqa: PLR2004 - with one core there is nothing to keep apart
        yield
        return
    os.sched_setaffinity(0, {cores[place]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@contextmanager
def _running(
    module: str, *arguments: str, place: int
) -> Generator[subprocess.Popen[str], None, None]:
    with pinned(place):
        process = subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parent.parent,  # where -m finds them
            env=environment(),
        )
    with process:
        try:
            yield process
        finally:
            if process.stdin is not None:
                process.stdin.close()  # ours end with their standard input
            if module != _WORKER:
                process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()


_WORKER: Final = "benchmarks.worker"


def _address(process: subprocess.Popen[str]) -> str:
    line = process.stdout.readline() if process.stdout else ""
    found = re.search(r"http://\S+", line)
    if found is None:
        raise RuntimeError("the server did not start; its complaint is above")
    return found[0]


@contextmanager
def benchmark_server() -> Generator[str, None, None]:
    """Run the benchmark server; yield its address."""
    with _running("benchmarks.server", place=SERVER) as process:
        yield _address(process)


@contextmanager
def sandbox_server(*options: str) -> Generator[str, None, None]:
    """Run the sandbox with ``options`` of its command; yield its address."""
    with _running("useresponse_async.sandbox", "--port", "0", *options, place=SERVER) as process:
        yield _address(process)


class Worker:
    """A process that runs tasks, one at a time."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def do(self, task: str, **options: Any) -> Any:
        """Return the result of ``task`` in the worker.

        Raises:
            RuntimeError: The worker ended; its complaint is on standard error.
        """
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the worker has no pipes")
        self._process.stdin.write(json.dumps({"task": task, **options}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the worker ended during {task!r}; its complaint is above")
        return json.loads(line)


@contextmanager
def worker(*, speedups: bool = False) -> Generator[Worker, None, None]:
    """Run a worker, with orjson and uvloop or as if they were not installed."""
    arguments: Sequence[str] = ["--speedups"] if speedups else []
    with _running(_WORKER, *arguments, place=CLIENT) as process:
        yield Worker(process)
