"""Calls and walks that are cancelled at any await leave nothing behind.

Each action is repeated and cancelled at its first await, at its second, and so on, until it ends
before it is cancelled.
"""

import asyncio
import gc
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from contextlib import aclosing, suppress
from typing import Any, TypeAlias

import anyio
import anyio.lowlevel
import pytest
from memory import Memory
from quick import client_of
from tasks import live_tasks, until

from useresponse_async import AsyncClient, Attachment, ClientClosedError, UseResponseError

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.every_loop,
    pytest.mark.parametrize("anyio_backend", ["asyncio", pytest.param("asyncio+uvloop",
        marks=pytest.mark.long), "trio"], indirect=True),
]  # fmt: skip

Action: TypeAlias = Callable[[], Awaitable[object]]

MOST_AWAITS = 2_000


class Watched:
    """An awaitable that calls back at one of its own awaits, however that await ends."""

    def __init__(self, action: Awaitable[object], at: int, call_back: Callable[[], None]) -> None:
        self._action = action
        self._at = at
        self._call_back = call_back
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
            if self.awaits == self._at:
                self._call_back()
            try:
                answer = yield waited_for
            except BaseException as error:  # noqa: BLE001 - it is the action's to handle
                resume = lambda error=error: steps.throw(error)  # noqa: E731
            else:
                resume = lambda answer=answer: steps.send(answer)  # noqa: E731


async def cancelled_by_scope(action: Action, at: int) -> bool:
    """Cancel the action at that await with anyio; return whether it got there."""
    with anyio.CancelScope() as scope:
        watched = Watched(action(), at, scope.cancel)
        await watched
    return scope.cancel_called


async def cancelled_by_task(action: Action, at: int) -> bool:
    """Cancel the action at that await as asyncio itself does; return whether it got there."""
    got_there = False

    async def run() -> None:
        def cancel() -> None:
            nonlocal got_there
            got_there = True
            task.cancel()

        await Watched(action(), at, cancel)

    task = asyncio.get_running_loop().create_task(run())
    with suppress(asyncio.CancelledError):
        await task
    return got_there


def busy(client: AsyncClient) -> list[object]:
    """Return the connections in use, which no public name shows."""
    pools = client._connection.http._transport._inner  # noqa: SLF001
    found: list[object] = [*pools._busy]  # noqa: SLF001
    for free in pools._free.values():  # noqa: SLF001
        for pool in free:
            inner = pool._pool._pool  # noqa: SLF001
            found += [c for c in inner.connections if not (c.is_idle() or c.is_closed())]
            found += inner._requests  # noqa: SLF001
    return found


@pytest.fixture(params=["scope", "task"])
def cancelled(request, anyio_backend) -> Callable[..., Any]:
    if request.param == "task" and anyio_backend[0] == "trio":
        pytest.skip("trio cancels by scopes only")
    return cancelled_by_scope if request.param == "scope" else cancelled_by_task


@pytest.fixture
async def one_by_one(sandbox, client, cancelled, collect) -> Callable[..., Awaitable[int]]:
    """Do an action until it is no more cancelled; check all that may be left behind each time."""

    async def check(action: Action, *, before: Callable[[], None] = lambda: None) -> int:
        await client.users.me()
        tasks = live_tasks()
        for at in range(1, MOST_AWAITS):
            sandbox.clear_faults()
            before()
            got_there = await cancelled(action, at)
            assert client.in_flight == 0
            assert busy(client) == []
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            assert live_tasks() == tasks
            if at % 10 == 0 or not got_there:
                collect()  # so that what was not closed warns here
            sandbox.clear_faults()
            with anyio.fail_after(5):
                assert (await client.users.me()).id == 1
            if not got_there:
                return at - 1
        raise AssertionError("it never ends")

    return check


ACTIONS = {
    "a call": (lambda client: client.users.me(), 3),
    "a call with a body": (lambda client: client.users.update(1, phone="1"), 3),
    "a walk": (lambda client: client.users.search().collect(), 5),
}


@pytest.mark.parametrize("what", ACTIONS)
async def test_an_action(client, one_by_one, what):
    action, awaits = ACTIONS[what]
    assert await one_by_one(lambda: action(client)) >= awaits


async def test_a_call_on_a_new_connection(sandbox, one_by_one):
    async def call() -> None:
        async with AsyncClient(sandbox.url, api_key=sandbox.api_key) as other:
            await other.users.me()

    assert await one_by_one(call) >= 4


FAULTS = {
    "503": lambda sandbox: sandbox.fail_next(503, times=2),
    "reset": lambda sandbox: sandbox.reset_next(),
    "cut": lambda sandbox: sandbox.reset_in_body_next(),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_call_that_is_retried(client, sandbox, one_by_one, fault):
    assert await one_by_one(client.users.me, before=lambda: FAULTS[fault](sandbox)) >= 6


UPLOADED = '{"success": {"token": "t", "url": "/f/t"}}'


async def test_an_upload_from_a_path(client, sandbox, one_by_one, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(bytes(500_000))
    awaits = await one_by_one(
        lambda: client.files.upload(Attachment.from_path(path)),
        before=lambda: sandbox.answer_next(UPLOADED),
    )
    assert awaits >= 10


async def test_an_upload_from_an_open_file_leaves_the_file_usable(
    client, sandbox, one_by_one, tmp_path
):
    (tmp_path / "a").write_bytes(bytes(300_000))
    async with await anyio.open_file(tmp_path / "a", "rb") as file:
        attachment = Attachment.from_file(file, name="a")
        await one_by_one(
            lambda: client.files.upload(attachment), before=lambda: sandbox.answer_next(UPLOADED)
        )


@pytest.mark.parametrize("fault", [False, True])
async def test_a_download_leaves_no_half_file(client, sandbox, one_by_one, tmp_path, fault):
    file = bytes(range(256)) * 1000

    async def download() -> None:
        try:
            await client.files.download("/f", tmp_path / "f")
        finally:
            target = tmp_path / "f"
            if target.exists():
                assert target.read_bytes() == file
                target.unlink()

    def prepare() -> None:
        if fault:
            sandbox.reset_in_body_next()
        sandbox.answer_next(file, media_type="application/octet-stream")

    assert await one_by_one(download, before=prepare) >= 8
    with anyio.fail_after(5):
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
    assert narrow.in_flight == 0
    with anyio.fail_after(5):
        assert (await narrow.users.me()).id == 1


async def test_a_walk_by_page_out_of_order(client, one_by_one):
    async def walk() -> None:
        async with aclosing(client.users.search(count=20).by_page(ordered=False)) as pages:
            async for _ in pages:
                await anyio.lowlevel.checkpoint()

    assert await one_by_one(walk) >= 10


async def test_a_walk_that_is_left_early(client, one_by_one):
    async def walk() -> None:
        async with client.users.search(count=20) as users:
            async for user in users:
                if user.id == 90:
                    break

    assert await one_by_one(walk) >= 5


async def test_a_map_over_a_generator(client, one_by_one):
    async def numbers() -> AsyncIterator[int]:
        for number in range(1, 25):
            await anyio.lowlevel.checkpoint()
            yield number

    async def map_them() -> None:
        async with aclosing(client.map(client.users.get, numbers())) as users:
            async for _ in users:
                pass

    assert await one_by_one(map_them) >= 10


async def test_closing_with_calls_under_way(sandbox, client, one_by_one):
    async def close() -> None:
        other = client_of(sandbox)
        ended: list[type[BaseException]] = []

        async def call() -> None:
            try:
                await other.users.me()
            except UseResponseError as error:
                ended.append(type(error))

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(call)
            try:
                await anyio.sleep(0.002)
            finally:
                await other.aclose()
        assert set(ended) <= {ClientClosedError}

    assert await one_by_one(close) >= 3


# Inside the tasks of a walk


class Steps(Memory):
    """A server in memory that counts its awaits, and calls back at one of them."""

    pages, rows = 12, 10

    def __init__(self) -> None:
        self.open = self.awaits = self.at = 0
        self.call_back: Callable[[], None] = lambda: None

    async def reach(self, step: str, target: str) -> None:
        if step == "close":
            await super().reach(step, target)
            self.open -= 1
            return
        self.awaits += 1
        if self.awaits == self.at:
            self.call_back()
        await super().reach(step, target)
        self.open += step == "head"


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("by", ["scope", "task"])
async def test_a_walk_at_every_await_of_all_its_tasks(anyio_backend, by, ordered):
    if by == "task" and anyio_backend[0] == "trio":
        pytest.skip("trio cancels by scopes only")
    server = Steps()
    async with AsyncClient("http://localhost", transport=server, max_in_flight=4) as client:

        async def walk() -> int:
            count = 0
            walking = client.users.search(count=10).by_page(ordered=ordered)
            async with aclosing(walking) as pages:
                async for page in pages:
                    count += len(page.items)
            return count

        assert await walk() == 120
        total, tasks = server.awaits, live_tasks()
        assert total == 12 * 4
        for at in range(1, total + 1):
            server.awaits, server.at = 0, at
            if by == "scope":
                with anyio.CancelScope() as scope:
                    server.call_back = scope.cancel
                    await walk()
            else:
                task = asyncio.get_running_loop().create_task(walk())
                server.call_back = task.cancel
                with suppress(asyncio.CancelledError):
                    await task
            assert client.in_flight == 0
            assert server.open == 0
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
            assert live_tasks() == tasks
            server.at = 0
        gc.collect()
        assert await walk() == 120
