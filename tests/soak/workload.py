"""A soak on one backend: rounds of workers, with a pause after each."""

import logging
import random
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from signal import SIGINT, SIGTERM

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx

from tests.soak import gauges
from tests.soak.gauges import Reading
from tests.soak.jobs import JOBS
from tests.soak.shift import Shift, World
from tests.soak.verdict import LEAST_READINGS, differences
from useresponse_async import AsyncClient, RetryEvent

_ROUNDS = 18
_LONGEST_ROUND = 10.0
_SECONDS_TO_SETTLE = 5.0
_SECONDS_TO_NOTICE = 0.1
_FILE_THREADS = 4
_MAX_IN_FLIGHT = 10
_VIEWS_MAX_IN_FLIGHT = 5
# Pools hold four connections each, so as many as are in flight at once, and up to three more.
_MOST_CONNECTIONS = _MAX_IN_FLIGHT + _VIEWS_MAX_IN_FLIGHT + 3


@dataclass(kw_only=True)
class Run:
    """A soak on one backend.

    ``tell`` is called now and then; ``settled`` after the round that warms up, and after the last.
    """

    world: World
    backend: str
    seconds: float
    workers: int
    tell: Callable[[], None]
    settled: Callable[[], None]
    readings: list[Reading] = field(default_factory=list)
    _interrupted: bool = False
    _patience: float = _SECONDS_TO_SETTLE

    def main(self) -> Sequence[Reading]:
        """Run it, and return what was read at the quiet moments."""
        # Not a receiver within the loop: trio may still raise what arrived before it was there.
        handlers = {it: signal.signal(it, self._interrupt) for it in (SIGINT, SIGTERM)}
        try:
            self._run(anyio.lowlevel.checkpoint)  # a loop's library keeps what the first one made
            before = gauges.read(self.world.server.port)
            self._run(self._until_interrupted)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)
        if self._interrupted:
            raise KeyboardInterrupt
        for difference in differences(gauges.read(self.world.server.port), before):
            self.world.tally.problem(f"{self.backend}, when it had ended: {difference}")
        return self.readings

    def _run(self, function: Callable[[], Awaitable[None]]) -> None:
        loop = {"use_uvloop": True} if self.backend == "uvloop" else {}
        backend = "trio" if self.backend == "trio" else "asyncio"
        anyio.run(function, backend=backend, backend_options=loop)

    def _interrupt(self, *_: object) -> None:
        self._interrupted = True

    async def _until_interrupted(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._cancel_when_interrupted, tasks.cancel_scope)
            await self._rounds()
            tasks.cancel_scope.cancel()

    async def _cancel_when_interrupted(self, scope: anyio.CancelScope) -> None:
        while not self._interrupted:
            await anyio.sleep(_SECONDS_TO_NOTICE)
        scope.cancel()

    async def _rounds(self) -> None:
        end = time.monotonic() + self.seconds
        length = min(_LONGEST_ROUND, self.seconds / _ROUNDS)
        anyio.to_thread.current_default_thread_limiter().total_tokens = _FILE_THREADS
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(self._client())
            views = (
                client.with_options(timeout=20),
                client.with_options(max_in_flight=_VIEWS_MAX_IN_FLIGHT),
            )
            await self._warm_up(client, views)
            baseline = gauges.read(self.world.server.port)
            number = 0
            while time.monotonic() < end or number < LEAST_READINGS:
                await self._round(number, length, client, views)
                reading = await self._quiet(baseline, client, views)
                self.readings.append(reading)
                baseline = reading  # so that what is left over is reported once
                if not number:
                    self.settled()
                number += 1
            self.settled()
        await self._everything_closed()

    def _client(self) -> AsyncClient:
        watch, tally = self.world.watch, self.world.tally

        def on_request(request: httpx.Request) -> None:
            watch.look_at_request(request)

        async def on_response(response: httpx.Response) -> None:
            await anyio.lowlevel.checkpoint()
            tally.responses += 1
            watch.look_at_response(response)
            watch.look_at_body(response)

        def on_retry(event: RetryEvent) -> None:
            tally.retries += 1
            watch.look_at_error(event.error)

        return self.world.client(
            max_in_flight=_MAX_IN_FLIGHT,
            on_request=on_request,
            on_response=on_response,
            on_retry=on_retry,
        )

    async def _warm_up(self, client: AsyncClient, views: Sequence[AsyncClient]) -> None:
        """Do each job once, so that what is made on first use is there."""
        shift = self._shift(client, views, "warm-up")
        for job in JOBS:
            await self._do(job, shift)

    def _shift(self, client: AsyncClient, views: Sequence[AsyncClient], name: str) -> Shift:
        return Shift(
            world=self.world,
            client=client,
            views=views,
            # The same seed does the same jobs, in any order of their ends.
            dice=random.Random(f"{self.world.seed} {self.backend} {name}"),  # noqa: S311
            on_asyncio=self.backend != "trio",
        )

    async def _round(
        self, number: int, length: float, client: AsyncClient, views: Sequence[AsyncClient]
    ) -> None:
        # Looking at every record of every library takes most of the time, so not always.
        level = logging.DEBUG if number % 4 == 1 else logging.WARNING
        logging.getLogger().setLevel(level)
        end = time.monotonic() + length
        async with anyio.create_task_group() as workers:
            for worker in range(self.workers):
                shift = self._shift(client, views, f"{number} {worker}")
                workers.start_soon(self._work, shift, end)
        logging.getLogger().setLevel(logging.WARNING)

    async def _work(self, shift: Shift, end: float) -> None:
        jobs, shares = list(JOBS), list(JOBS.values())
        while time.monotonic() < end:
            (job,) = shift.dice.choices(jobs, shares)
            await self._do(job, shift)
            self.world.sabotage.after_job()
            self.tell()

    async def _do(self, job: Callable[[Shift], Awaitable[None]], shift: Shift) -> None:
        try:
            await job(shift)
        except Exception as error:  # noqa: BLE001 - it is reported in the end
            shift.failed(job.__name__, error)
        shift.tally.jobs[job.__name__] += 1

    async def _quiet(
        self, baseline: Reading, client: AsyncClient, views: Sequence[AsyncClient]
    ) -> Reading:
        """Wait until everything has ended that ends by itself; note what has not."""
        problems = [""]
        reading = baseline
        with anyio.move_on_after(self._patience):
            while problems:
                await anyio.sleep(0.02)
                reading = gauges.read(self.world.server.port)
                problems = differences(reading, baseline)
                problems += self._unsettled(reading, [client, *views])
        for problem in problems:
            self.world.tally.problem(f"{self.backend}, at a quiet moment: {problem}")
            self._patience = 0.5  # what stayed once will not go the next time
        return reading

    def _unsettled(self, reading: Reading, clients: Sequence[AsyncClient]) -> list[str]:
        figures = self.world.server.figures()
        busy = [client.in_flight for client in clients]
        found = {
            f"requests in flight: {busy}, on the server {figures.in_flight}": any(busy)
            or figures.in_flight,
            f"{reading.connections} connections": reading.connections > _MOST_CONNECTIONS,
            "the server has connections that nobody has": figures.connections > reading.connections,
            f"{reading.pool_threads} pool threads": reading.pool_threads > 2 * _FILE_THREADS,
        }
        return [problem for problem, is_so in found.items() if is_so]

    async def _everything_closed(self) -> None:
        with anyio.move_on_after(_SECONDS_TO_SETTLE):
            while self.world.server.figures().connections:
                await anyio.sleep(0.02)
            return
        self.world.tally.problem(f"{self.backend}: a closed client has connections")
