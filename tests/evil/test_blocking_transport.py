"""A transport that blocks in one of its steps."""

import asyncio
from contextlib import suppress

import anyio
import pytest
import trio
from memory import Memory
from server import CALLS, ONCE, Request, Silence, answer, chunked
from tasks import live_tasks, until

from useresponse_async import APITimeoutError, AsyncClient, ClientClosedError

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

SECONDS = 0.3
SLACK_SECONDS = 1.0


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


LOOPS = ["asyncio", pytest.param("asyncio+uvloop", marks=pytest.mark.long), "trio"]
STEPS = ["head", "first", "later", "last", "close"]


@pytest.mark.parametrize("anyio_backend", LOOPS, indirect=True)
@pytest.mark.parametrize("by", ["deadline", "scope", "task", "closing the client"])
@pytest.mark.parametrize(
    ("call", "step"), [("upload", "upload"), *((call, step) for call in CALLS for step in STEPS)]
)
async def test_a_blocked_call_ends_at_once_or_within_its_deadline(  # noqa: C901 - a case each
    by, call, step, tmp_path, collect
):
    if by == "task" and trio.lowlevel.in_trio_task():
        pytest.skip("trio cancels by scopes only")
    sender, tasks = Sleepy(step), live_tasks()
    seconds = SECONDS if by == "deadline" else 60
    client = AsyncClient(
        "https://help.example",
        transport=sender,
        retry=ONCE,
        attempt_timeout=seconds,
        # A download has no other limit once it has begun than that of each part.
        timeout=seconds if call == "download" else 60,
    )

    async def run() -> None:
        try:
            await CALLS[call](client, tmp_path)
        except APITimeoutError:
            assert (by, step == "close") == ("deadline", False)
        except ClientClosedError:
            assert by == "closing the client"
        else:
            assert step == "close"  # a result that came counts

    async def leave() -> None:
        await sender.reached.wait()
        if by == "scope":
            scope.cancel()
        elif by == "task":
            task.cancel()
        elif by == "closing the client":
            await client.aclose()

    with anyio.fail_after(SECONDS + SLACK_SECONDS):
        async with anyio.create_task_group() as group:
            group.start_soon(leave)
            with anyio.CancelScope() as scope:
                if by == "task":
                    task = asyncio.get_running_loop().create_task(run())
                    with suppress(asyncio.CancelledError):
                        await task
                else:
                    await run()
    assert client.in_flight == 0
    await until(lambda: live_tasks() == tasks, within=SLACK_SECONDS)
    assert sender.asleep == 0
    await client.aclose()
    collect()  # so that what was not closed warns here
    assert {path.name for path in tmp_path.iterdir()} <= ({"f"} if step == "close" else set())


SILENCES = {
    "no head": (Request(), Silence()),
    "no body": (Request(), answer()[:-30], Silence()),
    "no last chunk": (Request(), chunked(b"{}")[:-5], Silence()),
}


@pytest.mark.parametrize("how", SILENCES)
@pytest.mark.parametrize("call", CALLS)
async def test_a_call_that_is_cancelled_leaves_no_connection_open(
    server, connect, how, call, tmp_path
):
    server.play(*SILENCES[how])
    async with connect(server, timeout=60) as client:
        tasks = live_tasks()
        with anyio.fail_after(5):
            async with anyio.create_task_group() as group:
                group.start_soon(CALLS[call], client, tmp_path)
                await until(lambda: server.heads)
                await anyio.sleep(0.02)
                group.cancel_scope.cancel()
        assert client.in_flight == 0
        await until(lambda: not server.open_connections, within=SLACK_SECONDS)
        await until(lambda: live_tasks() == tasks, within=SLACK_SECONDS)
    assert list(tmp_path.iterdir()) == []
