"""Connections that are closed between two calls."""

import anyio
import anyio.lowlevel
import pytest
from quick import QUICK
from server import Request, Reset, Silence, Sleep, answer, create
from tasks import until

from useresponse_async import APIConnectionError

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]


@pytest.mark.parametrize("end", [(), (Reset(),)], ids=["close", "reset"])
async def test_reads_survive_a_server_that_closes_after_every_response(server, connect, end):
    server.play(Request(), answer(), *end, times=60)
    async with connect(server, retry=QUICK, timeout=5) as client:
        with anyio.fail_after(20):
            for _ in range(30):
                assert (await client.users.me()).id == 1


@pytest.mark.parametrize("late", [0, 0.03])
async def test_a_connection_that_closed_while_idle_is_not_used(server, connect, late):
    server.play(Request(), answer(), Sleep(late), times=3)
    async with connect(server, timeout=5) as client:
        for _ in range(3):
            assert (await client.users.me()).id == 1
            await until(lambda: not server.open_connections)
            await anyio.sleep(0.01)  # the event loop sees that it has closed
        created = await create(client)
        assert created.id == 1
    assert [head.split()[0] for head in server.heads] == [b"GET"] * 3 + [b"POST", b"GET"]


async def test_a_408_on_an_idle_connection_is_discarded(server, connect):
    late = answer(b"", b"Connection: close", status=b"408 Request Timeout")
    server.play(Request(), answer(), Sleep(0.05), late)
    async with connect(server, timeout=5) as client:
        assert (await client.users.me()).id == 1
        await until(lambda: server.sent >= len(answer()) + len(late))
        for _ in range(3):  # the event loop reads what has arrived
            await anyio.lowlevel.checkpoint()
        assert (await client.users.me()).id == 1


async def test_connection_close_closes_the_connection(server, connect):
    server.play(Request(), answer(b'{"success": {"id": 1}}', b"Connection: close"), Silence())
    async with connect(server, timeout=5) as client:
        assert (await client.users.me()).id == 1
        assert (await client.users.me()).id == 1
    assert server.connections == 2


async def test_twenty_calls_at_once_survive_resets(server, connect):
    server.play(Request(), answer()[:50], Reset(), times=12)
    failures: list[APIConnectionError] = []
    async with connect(server, timeout=5, max_in_flight=20) as client:

        async def call() -> None:
            try:
                assert (await client.users.me()).id == 1
            except APIConnectionError as error:
                failures.append(error)

        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                for _ in range(20):
                    tasks.start_soon(call)
    assert len(failures) == 12


@pytest.mark.parametrize("answered_before", [True, False])
async def test_a_get_that_is_not_idempotent_is_sent_once_by_each_transport(
    server, connect, answered_before
):
    """An archive is a GET, which a transport that looks at methods alone would send again."""
    server.play(*([Request(), answer()] if answered_before else []), Request())
    async with connect(server, retry=QUICK, timeout=5) as client:
        if answered_before:
            await client.users.me()
        with pytest.raises(APIConnectionError):
            await client.objects.archive(7)
    paths = [head.split()[1].partition(b"?")[0] for head in server.heads]
    assert paths.count(b"/api/3.0/objects/7/archive.json") == 1
