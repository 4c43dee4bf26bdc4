"""A transport that blocks in one of its steps."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import trio
from memory import Memory
from server import ONCE, Request, Silence, answer, chunked, options_of
from tasks import live_tasks, until

from useresponse_async import APITimeoutError, AsyncClient, Attachment

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

ATTEMPT_SECONDS = 0.3
SLACK_SECONDS = 1.0
Call = Callable[[AsyncClient, Path], Awaitable[object]]


class Sleepy(Memory):
    """A server in memory, one of whose steps never ends, unless it is cancelled."""

    pages = 1

    def __init__(self, step: str) -> None:
        self.step = step
        self.asleep = 0
        self.reached = anyio.Event()

    async def reach(self, step: str, target: str) -> None:
        await super().reach(step, target)
        if step == self.step:
            self.asleep += 1
            self.reached.set()
            try:
                await anyio.sleep_forever()
            finally:
                self.asleep -= 1


async def walk(client: AsyncClient, folder: Path) -> None:
    async for _ in client.users.search():
        pass


CALLS: dict[str, Call] = {
    "get": lambda client, folder: client.users.get(1),
    "post": lambda client, folder: client.users.create("ada@example.com", full_name="Ada"),
    "upload": lambda client, folder: client.files.upload(Attachment.from_bytes("a", bytes(10**6))),
    "download": lambda client, folder: client.files.download("/f", folder / "f", overwrite=True),
    "walk": walk,
}
LOOPS = pytest.mark.parametrize(
    "anyio_backend",
    ["asyncio", pytest.param("asyncio+uvloop", marks=pytest.mark.long), "trio"],
    indirect=True,
)
STEPS = ["head", "first", "later", "last", "close"]


def cases() -> list[tuple[str, str]]:
    return [(call, step) for call in CALLS for step in STEPS] + [("upload", "upload")]


async def settle(tasks: int) -> None:
    await until(lambda: live_tasks() == tasks, within=SLACK_SECONDS)


@LOOPS
@pytest.mark.parametrize(("call", "step"), cases())
async def test_a_blocked_call_ends_within_its_deadline(call, step, tmp_path):
    sender, tasks = Sleepy(step), live_tasks()
    client = AsyncClient(
        "https://help.example",
        transport=sender,
        retry=ONCE,
        attempt_timeout=ATTEMPT_SECONDS,
        # A download has no other limit once it has begun than that of each part.
        timeout=ATTEMPT_SECONDS if call == "download" else 60,
    )
    with anyio.fail_after(ATTEMPT_SECONDS + SLACK_SECONDS):
        if step == "close":  # a result that came counts
            await CALLS[call](client, tmp_path)
        else:
            with pytest.raises(APITimeoutError):
                await CALLS[call](client, tmp_path)
    assert sender.reached.is_set()
    assert client.in_flight == 0
    await settle(tasks)
    assert sender.asleep == 0
    await client.aclose()
    assert {path.name for path in tmp_path.iterdir()} <= ({"f"} if step == "close" else set())


@LOOPS
@pytest.mark.parametrize("by", ["scope", "task", "closing the client"])
@pytest.mark.parametrize(("call", "step"), cases())
async def test_a_blocked_call_can_be_cancelled_at_once(  # noqa: PLR0917 - fixtures
    anyio_backend, by, call, step, tmp_path, collect
):
    if by == "task" and anyio_backend[0] == "trio":
        pytest.skip("trio cancels by scopes only")
    sender, tasks = Sleepy(step), live_tasks()
    client = AsyncClient(
        "https://help.example", transport=sender, retry=ONCE, timeout=60, attempt_timeout=60
    )

    async def run() -> None:
        with suppress(Exception):
            await CALLS[call](client, tmp_path)

    async def left() -> None:
        await sender.reached.wait()
        with anyio.fail_after(SLACK_SECONDS):
            if by == "scope":
                scope.cancel()
            elif by == "task":
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
            else:
                await client.aclose()
            await ended.wait()

    ended = anyio.Event()
    if by == "task":
        task = asyncio.get_running_loop().create_task(run())
        task.add_done_callback(lambda _: ended.set())
        await left()
    else:
        async with anyio.create_task_group() as group:
            group.start_soon(left)
            with anyio.CancelScope() as scope:
                await run()
            ended.set()
    assert client.in_flight == 0
    await settle(tasks)
    assert sender.asleep == 0
    await client.aclose()
    collect()  # so that what was not closed warns here
    assert {path.name for path in tmp_path.iterdir()} <= ({"f"} if step == "close" else set())


# On real sockets: the connection is gone too


SILENCES = {
    "no head": (Request(), Silence()),
    "no body": (Request(), answer()[:-30], Silence()),
    "no last chunk": (Request(), chunked(b"{}")[:-5], Silence()),
}


@pytest.fixture(params=["own", "aiohttp", "transport", "client"])
async def connected(request, anyio_backend, server):
    """Give a client of the server by each sender, with a limit in seconds for each part."""
    if request.param == "aiohttp" and anyio_backend[0] == "trio":
        pytest.skip("aiohttp runs on asyncio only")
    options: dict[str, Any] = options_of(request.param)
    if request.param == "client":
        options = {"http_client": httpx.AsyncClient()}
    elif request.param == "transport":
        options = {"transport": httpx.AsyncHTTPTransport()}
    async with AsyncExitStack() as stack:
        if "http_client" in options:
            await stack.enter_async_context(options["http_client"])
        client = await stack.enter_async_context(AsyncClient(server.url, retry=ONCE, **options))
        yield lambda seconds: client.with_options(timeout=seconds)


@LOOPS
@pytest.mark.parametrize("how", SILENCES)
@pytest.mark.parametrize("end", ["deadline", "scope", "task"])
async def test_no_busy_connection_is_left(server, connected, how, end, tmp_path):
    if end == "task" and trio.lowlevel.in_trio_task():
        pytest.skip("trio cancels by scopes only")
    client = connected(0.2 if end == "deadline" else 60)
    for call in CALLS.values():
        tasks, connections = live_tasks(), server.connections
        server.play(*SILENCES[how])

        async def until_it_waits(before: int = connections) -> None:
            await until(lambda: server.connections != before)
            await anyio.sleep(0.02)

        with anyio.fail_after(5):
            if end == "deadline":
                with pytest.raises(APITimeoutError):
                    await call(client, tmp_path)
            elif end == "scope":
                async with anyio.create_task_group() as group:
                    group.start_soon(call, client, tmp_path)
                    await until_it_waits()
                    group.cancel_scope.cancel()
            else:
                task = asyncio.ensure_future(call(client, tmp_path))
                await until_it_waits()
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
        assert client.in_flight == 0
        await until(lambda: not server.open_connections, within=SLACK_SECONDS)
        await settle(tasks)
    assert list(tmp_path.iterdir()) == []
