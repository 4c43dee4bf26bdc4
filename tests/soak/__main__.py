"""The command that runs a soak and prints its result."""

import argparse
import logging
import secrets
import sys
import tempfile
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from tests.soak import gauges
from tests.soak.sabotage import KINDS, Sabotage
from tests.soak.secrecy import Watch
from tests.soak.server import running_server
from tests.soak.shift import EXPECTED, WRONG, Tally, World
from tests.soak.workload import Run, say

_BACKENDS = ("asyncio", "uvloop", "trio")
_INTERRUPTED = 130
# Seconds after which everything that happens by chance has happened.
_LONG_ENOUGH = 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a soak; return 0 if nothing leaked and nothing failed."""
    options = _parser().parse_args(arguments)
    if not gauges.AVAILABLE:
        sys.stderr.write("the soak reads /proc, which only Linux has\n")
        return 2
    tally = Tally()
    seconds = options.seconds or 60 * options.minutes
    try:
        _soak(options, seconds, tally)
    except KeyboardInterrupt:
        say("interrupted", _figures(tally))
        return _INTERRUPTED
    wrong = [f"{tally[what]:,} {what}" for what in WRONG if tally[what]]
    wrong += [f"{text} ({count:,} times)" for text, count in tally.problems.items()]
    if seconds >= _LONG_ENOUGH:
        wrong += [f"{what}: it never happened" for what in EXPECTED if not tally[what]]
    say(_figures(tally), *(f"WRONG: {text}" for text in wrong), "FAILED" if wrong else "PASSED")
    return 1 if wrong else 0


def _figures(tally: Tally) -> str:
    return ", ".join(f"{tally[what]:,} {what}" for what in EXPECTED + WRONG)


def _soak(options: argparse.Namespace, seconds: float, tally: Tally) -> None:
    """Run on one backend after the other."""
    # What the interpreter only warns of is a problem.
    warnings.simplefilter("error")

    def unraisable(found: Any) -> None:
        tally.problem(f"unraisable: {found.err_msg or ''} {found.exc_value!r} {found.object!r}")

    sys.unraisablehook = unraisable
    gauges.keep_one_heap()
    mark = secrets.token_hex(12)
    key = f"soak+{mark}/="  # its ends are spelled differently in a URL
    watch = Watch(mark, tally.problem, tally)
    logging.getLogger().addHandler(watch)
    served = {"users": options.users, "tickets": 100, "faults": 0.05, "api_key": key}
    with tempfile.TemporaryDirectory() as directory, running_server(**served) as server:
        world = World(
            server=server,
            tally=tally,
            watch=watch,
            sabotage=Sabotage(options.sabotage, key),
            users=options.users,
            api_key=key,
            directory=directory,
        )
        backends = options.backend or [name for name in _BACKENDS if find_spec(name)]
        try:
            for backend in backends:
                Run(world, backend, seconds / len(backends), options.workers).main()
        finally:
            figures = server.figures()
            tally["requests sent"], tally["faults"] = figures["arrivals"], figures["faults"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=10.0, help="total duration")
    length.add_argument("--seconds", type=float, help="total duration")
    add = parser.add_argument
    add("--backend", action="append", choices=_BACKENDS, help="run on this only (default: all)")
    add("--workers", type=int, default=32, help="concurrent tasks")
    add("--users", type=int, default=1000, help="users that always exist")
    add("--sabotage", choices=KINDS, help="make this mistake, which has to be detected")
    return parser


if __name__ == "__main__":
    sys.exit(main())
