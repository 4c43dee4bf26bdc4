"""Calls and walks that are cancelled at any await leave nothing behind.

Each action is repeated and cancelled at its first await, at its second, and so on, until it ends
before it is cancelled.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import aclosing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from memory import Memory
from quick import client_of
from tasks import live_tasks, until

from useresponse_async import AsyncClient, Attachment, ClientClosedError
from useresponse_async.sandbox import Sandbox

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.every_loop,
    pytest.mark.parametrize("anyio_backend", ["asyncio", pytest.param("asyncio+uvloop",
        marks=pytest.mark.long), "trio"], indirect=True),
]  # fmt: skip

MOST_AWAITS = 2_000
FILE = bytes(range(256)) * 1000


class Watched:
    """An awaitable that calls back at one of its own awaits, however that await ends."""

    call_back: Callable[[], object]

    def __init__(self, action: Awaitable[object], at: int) -> None:
        self._action = action
        self.at = at
        self.awaits = 0

    def __await__(self) -> Generator[Any, Any, object]:
        steps = self._action.__await__()
        resume: Callable[[], Any] = lambda: next(steps)  # noqa: E731
        while True:
            try:
                waited_for = resume()
            except StopIteration as end:
                return end.value
            self.awaits += 1
            if self.awaits == self.at:
                self.call_back()
            try:
                resume = partial(steps.send, (yield waited_for))
            except BaseException as error:  # noqa: BLE001 - it is the action's to handle
                resume = partial(steps.throw, error)


@pytest.fixture(params=["scope", "task"])
def cancelled(request, anyio_backend) -> Callable[..., Awaitable[None]]:
    """Give a function that awaits, and that has the watcher cancel by anyio's or asyncio's way."""

    async def by_scope(watcher: Any, action: Awaitable[object]) -> None:
        with anyio.CancelScope() as scope:
            watcher.call_back = scope.cancel
            await action

    async def by_task(watcher: Any, action: Awaitable[object]) -> None:
        task = asyncio.ensure_future(action)
        watcher.call_back = task.cancel
        with suppress(asyncio.CancelledError):
            await task

    if request.param == "task" and anyio_backend[0] == "trio":
        pytest.skip("trio cancels by scopes only")
    return by_scope if request.param == "scope" else by_task


def busy(client: AsyncClient) -> list[object]:
    """Return the connections in use, which no public name shows."""
    pools = client._connection.http._transport._inner  # noqa: SLF001
    unused = [pool for free in pools._free.values() for pool in free]  # noqa: SLF001
    found: list[object] = [pool for pool in pools._open if pool not in unused]  # noqa: SLF001
    for pool in unused:
        inner = pool._pool._pool  # noqa: SLF001
        found += [c for c in inner.connections if not (c.is_idle() or c.is_closed())]
        found += inner._requests  # noqa: SLF001
    return found


async def only(tasks: int) -> None:
    for _ in range(5):
        await anyio.lowlevel.checkpoint()
    assert live_tasks() == tasks


@pytest.fixture
async def one_by_one(sandbox, client, cancelled, collect) -> Callable[..., Awaitable[int]]:
    """Do an action until it is no more cancelled; check all that may be left behind each time."""

    async def check(action: Callable[[], Awaitable[object]]) -> int:
        await client.users.me()
        tasks = live_tasks()
        for at in range(1, MOST_AWAITS):
            sandbox.clear_faults()
            watched = Watched(action(), at)
            await cancelled(watched, watched)
            assert client.in_flight == 0
            assert busy(client) == []
            await only(tasks)
            if at % 10 == 0 or watched.awaits < at:
                collect()  # so that what was not closed warns here
            sandbox.clear_faults()
            with anyio.fail_after(30):
                assert (await client.users.me()).id == 1
            if watched.awaits < at:
                return watched.awaits
        raise AssertionError("it never ends")

    return check


async def retry(client: AsyncClient, plan: Callable[[], None]) -> None:
    plan()
    await client.users.me()


async def call_on_a_new_connection(sandbox: Sandbox) -> None:
    async with client_of(sandbox) as other:
        await other.users.me()


async def upload(client: AsyncClient, sandbox: Sandbox, attachment: Attachment) -> None:
    sandbox.answer_next('{"success": {"token": "t", "url": "/f/t"}}')
    await client.files.upload(attachment)


async def leave_a_walk_early(client: AsyncClient) -> None:
    async with client.users.search(count=20) as users:
        async for user in users:
            if user.id == 90:
                break


async def map_over_a_generator(client: AsyncClient) -> None:
    async def numbers() -> AsyncIterator[int]:
        for number in range(1, 25):
            await anyio.lowlevel.checkpoint()
            yield number

    async with aclosing(client.map(client.users.get, numbers())) as users:
        async for _ in users:
            pass


async def close_with_calls_under_way(sandbox: Sandbox) -> None:
    other = client_of(sandbox)

    async def call() -> None:
        with suppress(ClientClosedError):
            await other.users.me()

    async with anyio.create_task_group() as tasks:
        for _ in range(3):
            tasks.start_soon(call)
        try:
            await anyio.sleep(0.002)
        finally:
            await other.aclose()


#: What is done, and how many awaits that has at least.
ACTIONS: dict[str, tuple[Callable[[AsyncClient, Sandbox], Awaitable[object]], int]] = {
    "a call": (lambda client, _: client.users.me(), 3),
    "a call with a body": (lambda client, _: client.users.update(1, phone="1"), 3),
    "a call on a new connection": (lambda _, sandbox: call_on_a_new_connection(sandbox), 4),
    "a call after a 503": (lambda client, it: retry(client, lambda: it.fail_next(503, times=2)), 6),
    "a call after a reset": (lambda client, it: retry(client, it.reset_next), 6),
    "a call after half a body": (lambda client, it: retry(client, it.reset_in_body_next), 6),
    "a walk": (lambda client, _: client.users.search().collect(), 5),
    "a walk that is left early": (lambda client, _: leave_a_walk_early(client), 5),
    "a map over a generator": (lambda client, _: map_over_a_generator(client), 10),
    "closing with calls under way": (lambda _, it: close_with_calls_under_way(it), 3),
}


@pytest.mark.parametrize("what", ACTIONS)
async def test_an_action_leaves_nothing(client, sandbox, one_by_one, what):
    action, awaits = ACTIONS[what]
    assert await one_by_one(lambda: action(client, sandbox)) >= awaits


async def test_an_upload_leaves_an_open_file_usable(client, sandbox, one_by_one, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(FILE)
    assert await one_by_one(lambda: upload(client, sandbox, Attachment.from_path(path))) >= 8
    async with await anyio.open_file(path, "rb") as file:
        await one_by_one(lambda: upload(client, sandbox, Attachment.from_file(file, name="a")))


@pytest.mark.parametrize("fault", [False, True])
async def test_a_download_leaves_no_half_file(client, sandbox, one_by_one, tmp_path, fault):
    target: Path = tmp_path / "f"

    async def download() -> None:
        if fault:
            sandbox.reset_in_body_next()
        sandbox.answer_next(FILE, media_type="application/octet-stream")
        try:
            await client.files.download("/f", target)
        finally:
            if target.exists():
                assert target.read_bytes() == FILE
                target.unlink()

    assert await one_by_one(download) >= 8
    # A worker thread that was left behind removes what it creates.
    await until(lambda: not list(tmp_path.iterdir()))


async def test_a_wait_for_a_slot(sandbox, client, one_by_one):
    narrow = client.with_options(max_in_flight=1)

    async def call_while_another_is_in_flight() -> None:
        sandbox.delay_next(0.01)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(narrow.users.me)
            await anyio.lowlevel.checkpoint()
            await narrow.users.me()

    await one_by_one(call_while_another_is_in_flight)
    with anyio.fail_after(30):
        assert (await narrow.users.me()).id == 1


class Steps(Memory):
    """A server in memory that counts its awaits, and calls back at one of them."""

    pages, rows = 12, 10
    call_back: Callable[[], object]

    def __init__(self) -> None:
        self.open = self.awaits = self.at = 0

    async def reach(self, step: str, target: str) -> None:
        if step != "close":
            self.awaits += 1
            if self.awaits == self.at:
                self.call_back()
        await super().reach(step, target)
        self.open += {"head": 1, "close": -1}.get(step, 0)


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_walk_at_every_await_of_all_its_tasks(cancelled, ordered):
    server = Steps()
    async with AsyncClient("http://localhost", transport=server, max_in_flight=4) as client:

        async def walk() -> int:
            walking = client.users.search(count=10).by_page(ordered=ordered)
            async with aclosing(walking) as pages:
                return sum([len(page.items) async for page in pages])

        assert await walk() == 120
        total, tasks = server.awaits, live_tasks()
        assert total == 12 * 4
        for at in range(1, total + 1):
            server.awaits, server.at = 0, at
            await cancelled(server, walk())
            assert server.awaits >= at
            assert client.in_flight == 0
            assert server.open == 0
            await only(tasks)
        server.at = 0
        gc.collect()
        assert await walk() == 120
