"""The soak's server: a sandbox in a process of its own, which also counts."""

import itertools
import multiprocessing
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

from useresponse_async.sandbox import Sandbox

_FAULT_EVERY = 0.1


class Server:
    """The sandbox's process, as its clients' process sees it."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self.url: str = pipe.recv()

    def figures(self) -> dict[str, int]:
        """Ask what it has counted so far."""
        self._pipe.send("figures")
        return self._pipe.recv()


@contextmanager
def running_server(**options: Any) -> Iterator[Server]:
    """Start a sandbox with these options; it stops when the block ends, or this process."""
    pipe, its_pipe = multiprocessing.Pipe()
    # The options, and so the key, go through a pipe: every process can see arguments.
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_serve, args=(its_pipe, options), daemon=True)
    # Ctrl-C in a terminal goes to a process group, and the server must not go first.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    process.start()
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    its_pipe.close()
    with pipe:
        yield Server(pipe)


def _serve(pipe: Connection, options: dict[str, Any]) -> None:
    """Respond to every message, and plan faults, until the other end is closed."""
    with Sandbox(**options, record=False) as sandbox, suppress(EOFError):
        # The faults by chance change nothing on the server. Most of these come after the work was
        # done, so that a call which must not be made twice could be.
        done = {"match": r"^(POST|PUT|DELETE) ", "after_effect": True}
        plans = itertools.cycle(
            (
                partial(sandbox.reset_next, **done),
                partial(sandbox.cut_next, **done),
                partial(sandbox.reset_in_body_next, **done),
                partial(sandbox.fail_next, 500, **done),
                partial(sandbox.reset_in_body_next, match=r"^GET "),
                partial(sandbox.slow_next, 0.05, match=r"^GET "),
            )
        )
        pipe.send(sandbox.url)
        while True:
            if pipe.poll(_FAULT_EVERY):
                pipe.recv()
                counted = ("arrivals", "in_flight", "connections")
                figures = {name: getattr(sandbox, name) for name in counted}
                pipe.send(figures | {"faults": sandbox.faults.total()})
            elif not sandbox.pending_faults:
                next(plans)()
