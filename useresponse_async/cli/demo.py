"""What does ``useresponse-async demo`` do? It walks a sandbox's users and checks that all came."""

from __future__ import annotations

import enum
import os
from importlib.util import find_spec
from typing import Annotated, Any

import anyio
import typer

from useresponse_async._config import require_extra
from useresponse_async.cli.failures import CommandError
from useresponse_async.cli.sandbox_process import running_sandbox
from useresponse_async.cli.signals import termination_like_ctrl_c
from useresponse_async.cli.walk import WalkResult, walk_users

__all__ = ["Backend", "demo"]


class Backend(str, enum.Enum):
    """What runs the coroutines."""

    ASYNCIO = "asyncio"
    TRIO = "trio"


def demo(
    *,
    users: Annotated[int, typer.Option(min=1, help="Users in the sandbox.")] = 100_000,
    latency: Annotated[float, typer.Option(min=0, help="Seconds before every answer.")] = 0.02,
    faults: Annotated[
        float, typer.Option(min=0, max=1, help="Share of requests that fail, 0 to 1.")
    ] = 0.02,
    concurrency: Annotated[int, typer.Option(min=1, help="Most pages in flight.")] = 10,
    seed: Annotated[int, typer.Option(help="Decides the users and the faults.")] = 1,
    backend: Annotated[Backend, typer.Option(help="What runs the coroutines.")] = Backend.ASYNCIO,
) -> None:
    """Walk a sandbox full of users, and check that each came once and in order.

    Starts the sandbox in a process of its own, lets some requests fail, fetches all pages with
    several in flight, and stops the sandbox again.

    \b
    Examples:
      useresponse-async demo
      useresponse-async demo --users 5000 --faults 0.1
      useresponse-async demo --latency 0.2 --concurrency 40
      useresponse-async demo --backend trio

    \b
    Exit codes:
      0    every user came exactly once, in order
      1    a user was lost, duplicated or out of order, or a request failed for good
      2    wrong usage
      130  interrupted by Ctrl-C (143 by SIGTERM, 129 by SIGHUP)
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    require_extra("sandbox")
    _require_backend(backend)
    options = (f"--users={users}", f"--latency={latency}", f"--faults={faults}", f"--seed={seed}")
    with termination_like_ctrl_c(), running_sandbox(*options) as address:
        # The sandbox is on this machine: the environment's proxy must not come between.
        os.environ["no_proxy"] = "*"
        result = _run(backend, address, users=users, concurrency=concurrency)
    typer.echo(result.summary())
    problem = result.arrivals.problem()
    if problem:
        raise CommandError(f"of {users:,} users: {problem}")


def _require_backend(backend: Backend) -> None:
    if find_spec(backend.value) is None:
        raise CommandError(f"the {backend.value} backend needs: pip install {backend.value}")


def _run(backend: Backend, address: str, *, users: int, concurrency: int) -> WalkResult:
    faster = backend is Backend.ASYNCIO and find_spec("uvloop") is not None
    options: dict[str, Any] = {"use_uvloop": True} if faster else {}

    async def walk() -> WalkResult:
        return await walk_users(address, users=users, concurrency=concurrency)

    return anyio.run(walk, backend=backend.value, backend_options=options)
