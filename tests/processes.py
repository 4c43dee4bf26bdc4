"""Which process did another one start, and does it still run?"""

import subprocess
import time


def child_running(module: str, *, parent: int) -> int:
    """Wait for the child of a process that runs ``module``, and return its id."""
    # Libraries may start others: trio asks ldconfig while it is imported.
    for _ in range(500):
        for line in _ps("-A", "-o", "pid=,ppid=,args=").splitlines():
            pid, its_parent, arguments = line.split(maxsplit=2)
            if int(its_parent) == parent and module in arguments:
                return int(pid)
        time.sleep(0.02)
    raise AssertionError(f"no {module} was started")


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and that nobody waited for does not."""
    state = _ps("-o", "stat=", "-p", f"{pid}").strip()
    return bool(state) and not state.startswith("Z")


def _ps(*options: str) -> str:
    return subprocess.run(  # noqa: S603 - our own words and a number
        ["ps", *options],  # noqa: S607
        capture_output=True,
        text=True,
        check=False,
    ).stdout
