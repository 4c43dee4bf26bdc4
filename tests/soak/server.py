"""The soak's server: a sandbox in a process of its own, which also counts."""

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

from useresponse_async.cli._sandbox import stop_process
from useresponse_async.cli._signals import interrupts_held_back
from useresponse_async.sandbox import Sandbox

_AFTER_EFFECT_EVERY = 0.1
_CHANGES = r"^(POST|PUT|DELETE) "


class Server:
    """The sandbox's process, as its clients' process sees it."""

    def __init__(self, process: subprocess.Popen[str], options: dict[str, Any]) -> None:
        self._process = process
        self.url: str = self._ask(options)
        self.port = urlsplit(self.url).port or 0

    def figures(self) -> dict[str, int]:
        """Ask what it has counted so far."""
        return self._ask("figures")

    def _ask(self, question: object) -> Any:
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the sandbox has ended with {self._process.wait(5)}")
        return json.loads(line)


@contextmanager
def running_server(**options: Any) -> Iterator[Server]:
    """Start a sandbox with these options; stop it when the block ends."""
    with ExitStack() as stack:
        with interrupts_held_back():
            process = _start()
            stack.callback(stop_process, process)
        # The key goes through the pipe: every process can see arguments.
        yield Server(process, options)


def _start() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.soak.server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C in a terminal goes to a process group, and the server must not go first.
        start_new_session=True,
        env={n: value for n, value in os.environ.items() if n != "USERESPONSE_API_KEY"},
    )


def _plan_faults(sandbox: Sandbox) -> None:
    # The faults by chance change nothing on the server. Most of these come after the work was
    # done, so that a call which must not be made twice could be.
    done = {"match": _CHANGES, "after_effect": True}
    plans = itertools.cycle(
        (
            lambda: sandbox.reset_next(**done),
            lambda: sandbox.cut_next(**done),
            lambda: sandbox.reset_in_body_next(**done),
            lambda: sandbox.fail_next(500, **done),
            lambda: sandbox.reset_in_body_next(match=r"^GET "),
            lambda: sandbox.slow_next(0.05, match=r"^GET "),
        )
    )
    while True:
        time.sleep(_AFTER_EFFECT_EVERY)
        if not sandbox.pending_faults:
            next(plans)()


def _serve() -> None:
    """Respond to each line of standard input, until it ends."""
    options = json.loads(sys.stdin.readline())
    with Sandbox(**options, record=False) as sandbox:
        threading.Thread(target=_plan_faults, args=(sandbox,), daemon=True).start()
        _say(sandbox.url)
        for _ in sys.stdin:
            counted = {it: getattr(sandbox, it) for it in ("arrivals", "in_flight", "connections")}
            _say(counted | {"faults": sandbox.faults.total()})


def _say(answer: object) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    _serve()
