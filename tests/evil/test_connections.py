"""Connections that are closed at once, between two calls or by a cancellation, or refused."""

import anyio
import anyio.lowlevel
import pytest
from quick import QUICK
from server import CALLS, ME, Request, Reset, Silence, Sleep, answer, chunked, create, failure
from tasks import live_tasks, until

from useresponse_async import APIConnectionError, AsyncClient

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]


@pytest.mark.parametrize("end", [(), (Reset(),)], ids=["close", "reset"])
async def test_reads_survive_a_server_that_closes_after_every_response(server, connect, end):
    server.play(Request(), answer(), *end, times=60)
    async with connect(server, retry=QUICK, timeout=5) as client:
        for _ in range(30):
            assert (await client.users.me()).id == 1
    server.play(Request(), answer(ME, b"Connection: close"), Silence())
    server.connections = 0
    async with connect(server, timeout=5) as client:
        assert (await client.users.me()).id == 1
    assert server.connections == 2


@pytest.mark.parametrize("late", [0, 0.03])
async def test_a_connection_that_closed_while_idle_is_not_used(server, connect, late):
    server.play(Request(), answer(), Sleep(late), times=3)
    async with connect(server, timeout=5) as client:
        for _ in range(3):
            assert (await client.users.me()).id == 1
            await until(lambda: not server.open_connections)
            await anyio.sleep(0.01)  # the event loop sees that it has closed
        assert (await create(client)).id == 1
    assert [head.split()[0] for head in server.heads] == [b"GET"] * 3 + [b"POST", b"GET"]


@pytest.mark.parametrize("proxied", [False, True])
@pytest.mark.parametrize("at_once", [False, True])
async def test_a_408_on_an_idle_connection_is_discarded(server, connect, at_once, proxied):
    late = answer(b"", b"Connection: close", status=b"408 Request Timeout")
    steps = [answer() + late, Silence()] if at_once else [answer(), Sleep(0.05), late]
    server.play(Request(), *steps)
    async with connect(server, timeout=5, proxy=server.url if proxied else None) as client:
        assert (await client.users.me()).id == 1
        await until(lambda: server.sent >= len(answer()) + len(late))
        for _ in range(3):  # the event loop reads what has arrived
            await anyio.lowlevel.checkpoint()
        assert (await client.users.me()).id == 1


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


async def test_a_connection_that_is_reset_at_once_raises_a_connection_error(server, connect):
    resets = 50  # so many, since it is a matter of chance what the client has seen by then
    server.play(Reset(), times=resets)
    async with connect(server) as client:
        for _ in range(resets):
            await failure(create(client), within=3)


@pytest.mark.parametrize(
    ("status", "times"), [(b"407 Proxy Authentication Required", 1), (b"502 Bad Gateway", 6)]
)
async def test_a_refusal_by_a_proxy_is_not_retried_and_a_failure_is(server, wire, status, times):
    server.otherwise = answer(b"", status=status)
    url, proxy = "https://support.example", server.url
    async with AsyncClient(url, proxy=proxy, retry=QUICK, transport=wire) as client:
        error = await failure(create(client), match=status[:3].decode())
    assert not error.request_sent
    asked = [head.split()[:2] for head in server.heads]
    assert asked == [[b"CONNECT", b"support.example:443"]] * times


SILENCES = {
    "no head": (Request(), Silence()),
    "no body": (Request(), answer()[:-30], Silence()),
    "no last chunk": (Request(), chunked(b"{}")[:-5], Silence()),
}


@pytest.mark.parametrize("how", SILENCES)
@pytest.mark.parametrize("call", CALLS)
async def test_a_cancelled_call_leaves_no_connection_open(server, connect, how, call, tmp_path):
    server.play(*SILENCES[how])
    async with connect(server, timeout=60) as client:
        tasks = live_tasks()
        async with anyio.create_task_group() as group:
            group.start_soon(CALLS[call], client, tmp_path)
            await until(lambda: server.heads)
            await anyio.sleep(0.02)
            group.cancel_scope.cancel()
        assert client.in_flight == 0
        await until(lambda: not server.open_connections)
        await until(lambda: live_tasks() == tasks)
    assert list(tmp_path.iterdir()) == []
