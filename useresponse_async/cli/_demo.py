"""``useresponse-async demo``: fetches all users of a sandbox and checks their order."""

from __future__ import annotations

import enum
import os
import time
from collections.abc import Iterable
from contextlib import aclosing
from importlib.util import find_spec
from typing import Annotated, Any

import anyio
import attrs
import typer

from useresponse_async._client import AsyncClient
from useresponse_async._config import require_extra
from useresponse_async.cli._errors import CommandError, Reporter
from useresponse_async.cli._options import Verbose
from useresponse_async.cli._progress import Retries, progress_bar
from useresponse_async.cli._sandbox import running_sandbox
from useresponse_async.cli._signals import termination_like_ctrl_c
from useresponse_async.sandbox import DEFAULT_API_KEY


class Backend(str, enum.Enum):
    """An event loop."""

    ASYNCIO = "asyncio"
    TRIO = "trio"


def demo(
    context: typer.Context,
    *,
    users: Annotated[int, typer.Option(min=1, help="Number of users in the sandbox.")] = 100_000,
    latency: Annotated[
        float, typer.Option(min=0, help="Delay before every response, in seconds.")
    ] = 0.02,
    faults: Annotated[
        float, typer.Option(min=0, max=1, help="Share of requests that fail, 0 to 1.")
    ] = 0.02,
    concurrency: Annotated[
        int, typer.Option(min=1, help="Maximum number of pages in flight.")
    ] = 10,
    seed: Annotated[int, typer.Option(help="Seed of the random users and failures.")] = 1,
    backend: Annotated[Backend, typer.Option(help="Event loop to use.")] = Backend.ASYNCIO,
    verbose: Verbose = False,
) -> None:
    """Fetch all users from a sandbox, and check that each arrives once and in order.

    The command starts a sandbox in a child process, makes some requests fail, fetches all pages
    with several in flight, and stops the sandbox.

    \b
    Examples:
      useresponse-async demo
      useresponse-async demo --users 5000 --faults 0.1
      useresponse-async demo --latency 0.2 --concurrency 40
      useresponse-async demo --backend trio

    \b
    Exit codes:
      0    every user arrived exactly once, in order
      1    a user was lost, duplicated or out of order, or a request kept failing
      2    wrong usage
      130  interrupted by Ctrl-C (143 by SIGTERM, 129 by SIGHUP)
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    require_extra("sandbox")
    if find_spec(backend.value) is None:
        raise CommandError(f"the {backend.value} backend needs: pip install {backend.value}")
    # The failures here are made on purpose; the bar counts their retries.
    retries = Retries(context.ensure_object(Reporter), shown=verbose, complete=verbose)
    faster = backend is Backend.ASYNCIO and find_spec("uvloop") is not None
    backend_options: dict[str, Any] = {"use_uvloop": True} if faster else {}
    options = (f"--users={users}", f"--latency={latency}", f"--faults={faults}", f"--seed={seed}")
    with termination_like_ctrl_c(), running_sandbox(*options) as address:
        # The sandbox is on this machine: the environment's proxy must not come between.
        os.environ["no_proxy"] = "*"

        async def walk() -> WalkResult:
            return await walk_users(address, users=users, concurrency=concurrency, retries=retries)

        result = anyio.run(walk, backend=backend.value, backend_options=backend_options)
    typer.echo(result.summary())
    problem = result.check.problem()
    if problem:
        raise CommandError(f"of {users:,} users: {problem}")


class DeliveryCheck:
    """Compares the users that came with those that should have come.

    Args:
        expected: Their number; their ids are 1 to this.

    Attributes:
        count: Users that came, each as often as it came.
        duplicated: Users that came again.
        misplaced: Users that came after one with a higher id.
        unknown: Users that do not exist.
    """

    def __init__(self, expected: int) -> None:
        self.count: int = 0
        self.duplicated: int = 0
        self.misplaced: int = 0
        self.unknown: int = 0
        self._expected = expected
        self._seen: set[int] = set()
        self._highest = 0

    @property
    def lost(self) -> int:
        """Users that have not come."""
        return self._expected - len(self._seen)

    def take(self, ids: Iterable[int | None]) -> None:
        """Take note of users that came, in the order they came."""
        for user_id in ids:
            self.count += 1
            if user_id is None or not 1 <= user_id <= self._expected:
                self.unknown += 1
            elif user_id in self._seen:
                self.duplicated += 1
            else:
                self._seen.add(user_id)
                self.misplaced += user_id < self._highest
                self._highest = max(self._highest, user_id)

    def problem(self) -> str | None:
        """Return what is wrong, in a few words; ``None`` if nothing is."""
        wrong = {
            "lost": self.lost,
            "duplicated": self.duplicated,
            "out of order": self.misplaced,
            "unknown": self.unknown,
        }
        return ", ".join(f"{count:,} {what}" for what, count in wrong.items() if count) or None


@attrs.frozen(kw_only=True)
class WalkResult:
    """The result of fetching all users.

    Attributes:
        check: Who came, and who did not.
        pages: Pages received.
        retries: Requests that were retried.
        seconds: How long it took, in seconds.
    """

    check: DeliveryCheck
    pages: int
    retries: int
    seconds: float

    def summary(self) -> str:
        """Return the result as a small table."""
        figures = {
            "users/s": self.check.count / self.seconds,
            "pages": self.pages,
            "retries": self.retries,
            "requests": self.pages + self.retries,
            "lost": self.check.lost,
            "duplicated": self.check.duplicated,
        }
        rows = [f"  {name:<12}{figure:>9,.0f}" for name, figure in figures.items()]
        return "\n".join([f"{self.check.count:,} users in {self.seconds:.2f} s", *rows])


async def walk_users(address: str, *, users: int, concurrency: int, retries: Retries) -> WalkResult:
    """Fetch all users of the sandbox at ``address``, with a progress bar."""
    check = DeliveryCheck(users)
    async with AsyncClient(
        address,
        api_key=DEFAULT_API_KEY,
        api_version="3.0",
        max_in_flight=concurrency,
        on_retry=retries,
    ) as client:
        pages = client.users.search()
        with progress_bar(
            "users",
            total=users,
            live=lambda: [f"{retries.count} retries", f"{client.in_flight} in flight"],
        ) as advance:
            started = time.perf_counter()
            async with aclosing(pages.by_page()) as walk:
                async for page in walk:
                    check.take(user.id for user in page.items)
                    advance(len(page.items))
            seconds = time.perf_counter() - started
    # The client drops what comes twice. Nothing moves in this sandbox, so nothing should.
    check.duplicated += pages.report.duplicates
    return WalkResult(check=check, pages=pages.report.pages, retries=retries.count, seconds=seconds)
