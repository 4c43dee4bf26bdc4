"""The command that runs a soak and prints its result."""

import argparse
import gc
import logging
import secrets
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

from tests.soak import gauges
from tests.soak.sabotage import KINDS, Sabotage
from tests.soak.secrecy import Watch
from tests.soak.server import running_server
from tests.soak.shift import World
from tests.soak.tally import Tally
from tests.soak.verdict import trends
from tests.soak.workload import Run

_BACKENDS = ("asyncio", "uvloop", "trio")
_TELL_EVERY = 10.0
_SHOWN = 15
_INTERRUPTED = 130
# Seconds after which everything that happens by chance has happened.
_LONG_ENOUGH = 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a soak; return 0 if nothing leaked and nothing failed."""
    options = _parser().parse_args(arguments)
    if not gauges.AVAILABLE:
        sys.stderr.write("the soak reads /proc, which only Linux has\n")
        return 2
    soak = Soak(options)
    try:
        soak.run()
    except KeyboardInterrupt:
        soak.say("interrupted")
        soak.say_figures()
        return _INTERRUPTED
    return soak.verdict()


class Soak:
    """A soak from its start to its verdict."""

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._backends = options.backend or [b for b in _BACKENDS if find_spec(b)]
        self._seconds = options.seconds or 60 * options.minutes
        self._tally = Tally()
        # Its ends are spelled differently in a URL.
        self._mark = secrets.token_hex(12)
        self._watch = Watch(self._mark, self._tally.problem)
        self._started = self._told = time.monotonic()
        self._requests = 0
        self._faults = 0
        self._flat = True
        self._backend = ""

    def run(self) -> None:
        """Run on one backend after the other."""
        options, key = self._options, f"soak+{self._mark}/="
        _be_strict(self._tally)
        gauges.keep_one_heap()
        logging.getLogger().addHandler(self._watch)
        served = {"users": options.users, "tickets": 100, "seed": options.seed, "api_key": key}
        with (
            tempfile.TemporaryDirectory() as directory,
            running_server(**served, faults=options.faults) as server,
        ):
            self._server = server
            world = World(
                server=server,
                tally=self._tally,
                watch=self._watch,
                sabotage=Sabotage(options.sabotage, key),
                users=options.users,
                seed=options.seed,
                api_key=key,
                directory=directory,
            )
            try:
                for backend in self._backends:
                    self._run_on(backend, world)
            finally:
                self._note_figures()

    def _run_on(self, backend: str, world: World) -> None:
        self._backend = backend
        types: list[Counter[str]] = []

        def look() -> None:
            gc.collect()
            types.append(gauges.object_types())

        run = Run(
            world=world,
            backend=backend,
            seconds=self._seconds / len(self._backends),
            workers=self._options.workers,
            tell=self._tell,
            settled=look,
        )
        readings = run.main()
        found_trends = trends(readings)
        self.say(
            f"{backend}: {len(readings)} quiet moments: "
            + "; ".join(f"{t}{'' if t.is_flat else ' NOT FLAT'}" for t in found_trends)
        )
        if not all(trend.is_flat for trend in found_trends):
            self._flat = False
            growth = (types[-1] - types[0]).most_common(_SHOWN)
            self.say(*(f"  {count:>+9,} {name}" for name, count in growth))

    def _tell(self) -> None:
        now = time.monotonic()
        if now - self._told < _TELL_EVERY:
            return
        self._told = now
        self._note_figures()
        elapsed = int(now - self._started)
        self.say(
            f"{elapsed // 60}:{elapsed % 60:02} {self._backend:<8}"
            f"{self._requests:>9,} requests {self._tally.items:>11,} items"
            f"{self._tally.retries:>8,} retries  {gauges.glance()}"
        )

    def _note_figures(self) -> None:
        figures = self._server.figures()
        self._requests, self._faults = figures.arrivals, figures.faults

    def verdict(self) -> int:
        """Print the result; return the exit code."""
        self.say_figures()
        tally = self._tally
        wrong = [
            f"{count:,} {what}"
            for what, count in {
                "lost": tally.lost,
                "duplicated": tally.duplicated,
                "out of order": tally.misplaced,
                "created twice": tally.created_twice,
            }.items()
            if count
        ]
        wrong += [f"{text} ({count:,} times)" for text, count in tally.problems.items()]
        wrong += [] if self._flat else ["memory grew"]
        if self._seconds >= _LONG_ENOUGH:
            wrong += [f"{name}: it never happened" for name in tally.missed()]
        self.say(*(f"WRONG: {text}" for text in wrong), "FAILED" if wrong else "PASSED")
        return 1 if wrong else 0

    def say_figures(self) -> None:
        """Print how much was done."""
        tally = self._tally
        self.say(
            f"{self._requests:,} requests sent, {self._faults:,} of them met a fault, "
            f"{tally.retries:,} retries",
            f"{tally.items:,} items checked, {tally.lost:,} lost, {tally.duplicated:,} duplicated, "
            f"{tally.misplaced:,} out of order",
            f"{tally.created:,} created, {tally.created_unseen:,} created although the response "
            f"was lost, {tally.not_created:,} failed and not created, "
            f"{tally.created_twice:,} twice",
            f"{tally.cancelled:,} calls and walks cancelled, {tally.left_early:,} left early, "
            f"{tally.without_slot:,} without a slot in time, {tally.out_of_time:,} without a "
            f"response in time, {tally.bytes_moved / 1e6:,.1f} MB of files compared",
            f"{tally.clients:,} more clients opened and closed, {tally.ended_by_close:,} calls "
            "ended by that",
            f"{self._watch.records:,} log records and {self._watch.texts:,} other texts searched "
            "for the key",
        )

    def say(self, *lines: str) -> None:
        """Print lines at once."""
        for line in lines:
            sys.stdout.write(f"{line}\n")
        sys.stdout.flush()


def _be_strict(tally: Tally) -> None:
    """Count what the interpreter only warns of as a problem."""
    warnings.simplefilter("error")

    def unraisable(found: Any) -> None:
        tally.problem(f"unraisable: {found.err_msg or ''} {found.exc_value!r} {found.object!r}")

    sys.unraisablehook = unraisable


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.soak", formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--minutes", type=float, default=10.0, help="total duration")
    length.add_argument("--seconds", type=float, help="total duration")
    add = parser.add_argument
    add(
        "--backend",
        action="append",
        choices=_BACKENDS,
        help="run on this event loop only (all by default)",
    )
    add("--workers", type=int, default=32, help="concurrent tasks")
    add("--users", type=int, default=1000, help="users that always exist")
    add("--faults", type=float, default=0.05, help="share of requests that fail")
    add("--seed", type=int, default=1, help="seed of jobs and failures")
    add("--sabotage", choices=KINDS, help="make this mistake, which has to be detected")
    return parser


if __name__ == "__main__":
    sys.exit(main())
