"""``useresponse-async demo``: fetches all users of a sandbox and checks that none is missing."""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Sequence
from importlib.util import find_spec

import attrs
import typer

from useresponse_async._client import AsyncClient
from useresponse_async._config import require_extra
from useresponse_async.cli._errors import CommandError, Reporter
from useresponse_async.cli._export_run import Source, Summary, walk
from useresponse_async.cli._options import Connection, flag, option, with_options
from useresponse_async.cli._output import say
from useresponse_async.cli._progress import Retries
from useresponse_async.cli._sandbox import running_sandbox
from useresponse_async.cli._signals import run_async, termination_like_ctrl_c
from useresponse_async.models import User
from useresponse_async.sandbox import DEFAULT_API_KEY


class Backend(str, enum.Enum):
    """An event loop."""

    ASYNCIO = "asyncio"
    TRIO = "trio"


@attrs.frozen(kw_only=True)
class DemoOptions:
    """The options of the demo."""

    users: int = option(100_000, metavar="INTEGER", min=1, help="Number of users in the sandbox.")
    latency: float = option(
        0.02, metavar="FLOAT", min=0, help="Delay before every response, in seconds."
    )
    faults: float = option(
        0.02, metavar="FLOAT", min=0, max=1, help="Fraction of requests that fail, 0 to 1."
    )
    concurrency: int = option(
        10, metavar="INTEGER", min=1, help="Maximum number of concurrent requests."
    )
    seed: int = option(1, metavar="INTEGER", help="Seed for the random users and failures.")
    backend: Backend = option(Backend.ASYNCIO, help="Event loop to use.")
    verbose: bool = flag("--verbose", "Show every retry and its reason.", "-v")


@with_options
def demo(context: typer.Context, *, options: DemoOptions) -> None:
    """Fetch 100,000 users from a sandbox and check that none is missing.

    The command starts a sandbox, in which some requests fail, fetches several pages concurrently,
    checks that each user arrives once and in order, and stops the sandbox. It fails if a user is
    missing, duplicated or out of order.

    \b
    Examples:
      useresponse-async demo
      useresponse-async demo --users 5000 --faults 0.1
      useresponse-async demo --latency 0.2 --concurrency 40
      useresponse-async demo --backend trio
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    require_extra("sandbox")
    if find_spec(options.backend.value) is None:
        name = options.backend.value
        raise CommandError(f"the {name} backend needs: pip install {name}")
    # The failures here are made on purpose; the bar counts their retries.
    retries = Retries(
        reporter=context.ensure_object(Reporter), shown=options.verbose, complete=options.verbose
    )
    settings = [f"--{it}={getattr(options, it)}" for it in ("users", "latency", "faults", "seed")]
    with termination_like_ctrl_c(), running_sandbox(*settings) as address:
        # The sandbox is on this machine: the environment's proxy must not come between.
        os.environ["no_proxy"] = "*"
        ids, summary = run_async(_walk, address, options, retries, backend=options.backend.value)
    problems = delivery_problems(ids, options.users)
    # The client drops what comes twice. Nothing moves in this sandbox, so nothing should.
    problems["duplicated"] += summary.report.duplicates
    figures = {
        "users/s": len(ids) / summary.seconds,
        "pages": summary.report.pages,
        "retries": retries.count,
        "requests": summary.report.pages + retries.count,
        "lost": problems["lost"],
        "duplicated": problems["duplicated"],
    }
    say(f"{len(ids):,} users in {summary.seconds:.2f} s")
    for name, figure in figures.items():
        say(f"  {name:<12}{figure:>9,.0f}")
    found = ", ".join(f"{count:,} {what}" for what, count in problems.items() if count)
    if found:
        raise CommandError(f"of {options.users:,} users: {found}")


async def _walk(address: str, options: DemoOptions, retries: Retries) -> tuple[list[int], Summary]:
    """Fetch all users; return their ids and the summary."""
    client = AsyncClient(
        address,
        api_key=DEFAULT_API_KEY,
        api_version="3.0",
        max_in_flight=options.concurrency,
        on_retry=retries,
    )
    source = Source(
        things="users", model=User, filters={}, pages=lambda client, _: client.users.search()
    )
    ids: list[int] = []

    async def take(users: Sequence[User]) -> int:
        ids.extend(user.id for user in users)
        return len(users)

    async with client:
        connection = Connection(client=client, retries=retries)
        return ids, await walk(source, connection, take, quiet=False)


def delivery_problems(ids: Iterable[int | None], expected: int) -> dict[str, int]:
    """Count what is wrong with ``ids``, which should be 1 to ``expected`` in this order."""
    seen, highest = set[int](), 0
    problems: dict[str, int] = dict.fromkeys(("lost", "duplicated", "out of order", "unknown"), 0)
    for user_id in ids:
        if user_id is None or not 1 <= user_id <= expected:
            problems["unknown"] += 1
        elif user_id in seen:
            problems["duplicated"] += 1
        else:
            seen.add(user_id)
            problems["out of order"] += user_id < highest
            highest = max(highest, user_id)
    problems["lost"] = expected - len(seen)
    return problems
