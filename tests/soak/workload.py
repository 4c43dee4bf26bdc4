"""A soak on one backend: rounds of workers, with a pause after each."""

import gc
import random
import signal
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from signal import SIGINT, SIGTERM

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx

from tests.soak import gauges
from tests.soak.jobs import JOBS
from tests.soak.shift import Shift, World
from useresponse_async import AsyncClient, RetryEvent

_ROUNDS = 18
_SHOWN = 15
_LONGEST_ROUND = 10.0
_SECONDS_TO_SETTLE = 5.0
_SECONDS_TO_NOTICE = 0.1
_MAX_IN_FLIGHT = 10
_VIEWS_MAX_IN_FLIGHT = 5
# Pools hold four connections each, so as many as are in flight at once, and up to three more.
_MOST_CONNECTIONS = _MAX_IN_FLIGHT + _VIEWS_MAX_IN_FLIGHT + 3


def say(*lines: str) -> None:
    print(*lines, sep="\n", flush=True)  # noqa: T201 - the result of a program


@dataclass
class Run:
    """A soak on one backend."""

    world: World
    backend: str
    seconds: float
    workers: int
    readings: list[gauges.Reading] = field(default_factory=list)
    types: list[Counter[type]] = field(default_factory=list)  # of objects, first and last
    _interrupted: bool = False
    _patience: float = _SECONDS_TO_SETTLE

    def main(self) -> None:
        """Run it, and print how memory went on."""
        # Not a receiver within the loop: trio may still raise what arrived before it was there.
        handlers = {it: signal.signal(it, self._interrupt) for it in (SIGINT, SIGTERM)}
        try:
            self._run(anyio.lowlevel.checkpoint)  # a loop's library keeps what the first one made
            before = gauges.read()
            self._run(self._until_interrupted)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        if self._interrupted:
            raise KeyboardInterrupt
        for difference in gauges.differences(gauges.read(), before):
            self.world.tally.problem(f"{self.backend}, when it had ended: {difference}")
        trends = gauges.trends(self.readings)
        texts = "; ".join(text for _, text in trends)
        say(f"{self.backend}: {len(self.readings)} quiet moments: {texts}")
        if not all(is_flat for is_flat, _ in trends):
            self.world.tally.problem("memory grew")
            growth = (self.types[-1] - self.types[0]).most_common(_SHOWN)
            say(*(f"  {n:>+9,} {it.__module__}.{it.__qualname__}" for it, n in growth))

    def _run(self, function: Callable[[], Awaitable[None]]) -> None:
        if self.backend == "trio":
            anyio.run(function, backend="trio")
        else:
            anyio.run(function, backend_options={"use_uvloop": self.backend == "uvloop"})

    def _interrupt(self, *_: object) -> None:
        self._interrupted = True

    async def _until_interrupted(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._rounds, tasks.cancel_scope)
            while not self._interrupted:
                await anyio.sleep(_SECONDS_TO_NOTICE)
            tasks.cancel_scope.cancel()

    async def _rounds(self, everything: anyio.CancelScope) -> None:
        start = time.monotonic()
        length = min(_LONGEST_ROUND, self.seconds / _ROUNDS)
        anyio.to_thread.current_default_thread_limiter().total_tokens = 4
        async with self._client() as client:
            narrow = client.with_options(max_in_flight=_VIEWS_MAX_IN_FLIGHT)
            views = (client.with_options(timeout=20), narrow)
            on_asyncio = self.backend != "trio"
            make_shift = partial(Shift, self.world, client, views, on_asyncio=on_asyncio)
            for job in JOBS:  # so that what is made on first use is there
                await self._do(job, make_shift(dice=random.Random(job.__name__)))  # noqa: S311
            reading = gauges.read()
            end = start + self.seconds
            while time.monotonic() < end or len(self.readings) < gauges.LEAST_READINGS:
                await self._round(length, make_shift)
                # What is left over is reported once.
                reading = await self._quiet(reading, (client, *views))
                self.readings.append(reading)
                memory = ", ".join(f"{n:,.1f} {what}" for what, n in reading.memory.items())
                checked = f"{self.world.tally['items checked']:,} items checked"
                say(f"{time.monotonic() - start:.0f} s on {self.backend}: {checked}, {memory}")
                self.types[1:] = [Counter(map(type, gc.get_objects()))]
        with anyio.move_on_after(_SECONDS_TO_SETTLE) as scope:
            while self.world.server.figures()["connections"]:
                await anyio.sleep(0.02)
        if scope.cancelled_caught:
            self.world.tally.problem(f"{self.backend}: a closed client has connections")
        everything.cancel()

    def _client(self) -> AsyncClient:
        async def on_response(response: httpx.Response) -> None:
            await anyio.lowlevel.checkpoint()
            self.world.tally["responses"] += 1

        def on_retry(event: RetryEvent) -> None:
            self.world.tally["retries"] += 1

        return self.world.client(
            max_in_flight=_MAX_IN_FLIGHT, on_response=on_response, on_retry=on_retry
        )

    async def _round(self, length: float, make_shift: Callable[..., Shift]) -> None:
        number, end = len(self.readings), time.monotonic() + length
        async with anyio.create_task_group() as workers:
            for worker in range(self.workers):
                # The same jobs in every soak, in any order of their ends.
                dice = random.Random(f"{self.backend} {number} {worker}")  # noqa: S311
                workers.start_soon(self._work, make_shift(dice=dice), end)

    async def _work(self, shift: Shift, end: float) -> None:
        while time.monotonic() < end:
            (job,) = shift.dice.choices(list(JOBS), list(JOBS.values()))
            await self._do(job, shift)
            self.world.sabotage.after_job()

    async def _do(self, job: Callable[[Shift], Awaitable[None]], shift: Shift) -> None:
        try:
            await job(shift)
        except Exception as error:  # noqa: BLE001 - it is reported in the end
            shift.failed(job.__name__, error)

    async def _quiet(
        self, before: gauges.Reading, clients: Sequence[AsyncClient]
    ) -> gauges.Reading:
        """Wait until everything has ended that ends by itself; note what has not."""
        problems = [""]
        reading = before
        with anyio.move_on_after(self._patience):
            while problems:
                await anyio.sleep(0.02)
                reading = gauges.read()
                # The pools' connections come and go; the server counts them.
                found = gauges.differences(reading, before)
                problems = [text for text in found if not text.endswith(": socket")]
                problems += self._unsettled(clients)
        for problem in problems:
            self.world.tally.problem(f"{self.backend}, at a quiet moment: {problem}")
            self._patience = 0.5  # what stayed once will not go the next time
        return reading

    def _unsettled(self, clients: Sequence[AsyncClient]) -> list[str]:
        server = self.world.server.figures()
        in_flight = [*(client.in_flight for client in clients), server["in_flight"]]
        found = {
            f"requests in flight: {in_flight}, on the server last": any(in_flight),
            f"{server['connections']} connections": server["connections"] > _MOST_CONNECTIONS,
        }
        return [problem for problem, is_so in found.items() if is_so]
