"""The command that runs a soak and prints its result."""

import argparse
import logging
import sys
import tempfile
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from tests.soak import gauges
from tests.soak.sabotage import KINDS, Sabotage
from tests.soak.server import running_server
from tests.soak.shift import EXPECTED, WRONG, Tally, World
from tests.soak.workload import Run, say

_BACKENDS = ("asyncio", "uvloop", "trio")
_INTERRUPTED = 130
# Seconds after which everything that happens by chance has happened.
_LONG_ENOUGH = 60


class _Complaints(logging.Handler):
    """Reports the errors in the log: what a loop never awaited, and hooks that failed."""

    def __init__(self, tally: Tally) -> None:
        super().__init__(logging.ERROR)
        self._tally = tally

    def emit(self, record: logging.LogRecord) -> None:
        self._tally.problem(f"{record.name} complains: {self.format(record)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a soak; return 0 if nothing leaked and nothing failed."""
    options = _parser().parse_args(arguments)
    tally = Tally()
    try:
        _soak(options, tally)
    except KeyboardInterrupt:
        say("interrupted", _figures(tally))
        return _INTERRUPTED
    wrong = [f"{tally[what]:,} {what}" for what in WRONG if tally[what]]
    wrong += [f"{text} ({count:,} times)" for text, count in tally.problems.items()]
    if 60 * options.minutes >= _LONG_ENOUGH:
        wrong += [f"{what}: it never happened" for what in EXPECTED if not tally[what]]
    say(_figures(tally), *(f"WRONG: {text}" for text in wrong), "FAILED" if wrong else "PASSED")
    return 1 if wrong else 0


def _figures(tally: Tally) -> str:
    return ", ".join(f"{tally[what]:,} {what}" for what in EXPECTED + WRONG)


def _soak(options: argparse.Namespace, tally: Tally) -> None:
    """Run on one backend after the other."""
    # What the interpreter only warns of is a problem.
    warnings.simplefilter("error")

    def unraisable(found: Any) -> None:
        tally.problem(f"unraisable: {found.err_msg or ''} {found.exc_value!r} {found.object!r}")

    sys.unraisablehook = unraisable
    logging.getLogger().addHandler(_Complaints(tally))
    gauges.keep_one_heap()
    served = {"users": options.users, "tickets": 100, "faults": 0.05}
    with tempfile.TemporaryDirectory() as directory, running_server(**served) as server:
        sabotage = Sabotage(options.sabotage)
        world = World(server, tally, sabotage, users=options.users, directory=directory)
        backends = options.backend or [name for name in _BACKENDS if find_spec(name)]
        try:
            for backend in backends:
                Run(world, backend, 60 * options.minutes / len(backends), options.workers).main()
        finally:
            figures = server.figures()
            tally["requests sent"], tally["faults"] = figures["arrivals"], figures["faults"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    add = parser.add_argument
    add("--minutes", type=float, default=10.0, help="total duration")
    add("--backend", action="append", choices=_BACKENDS, help="run on this only (default: all)")
    add("--workers", type=int, default=32, help="concurrent tasks")
    add("--users", type=int, default=1000, help="users that always exist")
    add("--sabotage", choices=KINDS, help="make this mistake, which has to be detected")
    return parser


if __name__ == "__main__":
    sys.exit(main())
