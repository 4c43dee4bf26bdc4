"""Child processes, whether they still run, and a wait for what others do."""

import os
import subprocess
import time
from collections.abc import Callable


def child_running(module: str, *, parent: subprocess.Popen | None = None) -> int:
    """Wait for the child of a process, or of this one, that runs ``module``; return its id."""
    parent_id = parent.pid if parent else os.getpid()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        # Libraries may start others: trio asks ldconfig while it is imported.
        for line in _ps("-A", "-ww", "-o", "pid=,ppid=,args=").splitlines():
            pid, its_parent, arguments = line.split(maxsplit=2)
            if int(its_parent) == parent_id and module in arguments:
                return int(pid)
        if parent and parent.poll() is not None:
            ended = f"it ended with {parent.returncode} and {parent.communicate()}"
            raise AssertionError(f"no {module} was started: {ended}")
        time.sleep(0.02)
    raise AssertionError(f"no {module} was started")


def wait_until(holds: Callable[[], object], *, within: float = 60) -> None:
    deadline = time.monotonic() + within
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_alive(pid: int) -> bool:
    """Return whether the process runs; a zombie does not."""
    state = _ps("-o", "stat=", "-p", f"{pid}").strip()
    return bool(state) and not state.startswith("Z")


def _ps(*options: str) -> str:
    command = ["ps", *options]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout  # noqa: S603 - our own
