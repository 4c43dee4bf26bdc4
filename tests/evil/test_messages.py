"""Each error names the host, the limit or the key that it is about, and what to do."""

import logging
import re
import socket
from collections.abc import Awaitable, Callable

import pytest
from server import (
    ONCE,
    Connect,
    EvilServer,
    Request,
    Reset,
    Silence,
    answer,
    options_of,
    refusing_address,
)

from useresponse_async import (
    APIConnectionError,
    APITimeoutError,
    AsyncClient,
    Attachment,
    AuthenticationError,
    RetryPolicy,
    UseResponseError,
)
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

IN_DOUBT = "; the request may have been processed"
CUT_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
CUT_JSON = answer(b'{"success": {"id"')
DOUBTS = {
    "silence": (Request(), Silence()),
    "silence in the body": (Request(), CUT_BODY, Silence()),
    "close": (Request(),),
    "reset": (Request(), Reset()),
    "close in the body": (Request(), CUT_BODY),
    "cut JSON": (Request(), CUT_JSON),
    "500": (Request(), answer(b"", status=b"500 Internal Server Error")),
}


@pytest.fixture(autouse=True)
def no_proxy_of_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


async def message_of(client: AsyncClient, error: type[Exception] = UseResponseError) -> str:
    async with client:
        with pytest.raises(error) as caught:
            await client.users.me()
    return str(caught.value)


@pytest.mark.parametrize("source", ["USERESPONSE_URL", "the base_url argument"])
async def test_a_refused_host_is_named_with_where_it_comes_from(
    monkeypatch: pytest.MonkeyPatch, wire: str, source: str
):
    holder, url = refusing_address()
    monkeypatch.setenv("USERESPONSE_URL", url if source.isupper() else "https://other.example")
    given = None if source.isupper() else url
    with holder:
        message = await message_of(AsyncClient(given, retry=ONCE, **options_of(wire)))
    host = url.removeprefix("http://")
    assert message == (
        f"GET /api/3.0/me.json: cannot connect to {host}: connection refused "
        f"(base_url from {source})"
    )


async def test_a_host_that_cannot_be_resolved_is_named(wire: str):
    client = AsyncClient("https://no-such-host.invalid", retry=ONCE, **options_of(wire))
    message = await message_of(client)
    assert "cannot connect to no-such-host.invalid:443: the host name cannot be resolved" in message
    assert message.endswith("(base_url from the base_url argument)")


async def test_a_host_that_cannot_be_reached_is_named_with_the_time(wire: str):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        waiting = [socket.socket() for _ in range(3)]  # which nobody accepts, so no more get in
        for connection in waiting:
            connection.settimeout(0)
            connection.connect_ex(listener.getsockname())
        client = AsyncClient(f"http://{host}", timeout=0.2, retry=ONCE, **options_of(wire))
        message = await message_of(client, APITimeoutError)
        for connection in waiting:
            connection.close()
    assert f"cannot connect to {host} within 0.2 s (connect timeout) (base_url from" in message


@pytest.mark.filterwarnings("ignore:base_url is http", "ignore:.* deprecated:DeprecationWarning")
@pytest.mark.parametrize("source", ["the environment", "the proxy argument"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_cannot_be_reached_is_named(
    monkeypatch: pytest.MonkeyPatch, wire: str, scheme: str, source: str
):
    holder, proxy = refusing_address()
    proxy = proxy.replace("//", "//user:s3cret@")
    if source == "the environment":
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv(f"{scheme}_proxy", proxy)
    given = proxy if source == "the proxy argument" else None
    with holder:
        client = AsyncClient(
            f"{scheme}://help.example", proxy=given, retry=ONCE, **options_of(wire)
        )
        message = await message_of(client)
    port = {"http": 80, "https": 443}[scheme]
    assert message == (
        f"GET /api/3.0/me.json: cannot connect to help.example:{port} through the proxy "
        f"{proxy.partition('@')[2]} (from {source}): connection refused"
    )


@pytest.mark.parametrize("answered", [False, True])
async def test_a_time_out_says_which_and_how_long(
    server: EvilServer, connect: Connect, *, answered: bool
):
    server.play(Request(), *([CUT_BODY] if answered else []), Silence())
    async with connect(server, timeout=0.2) as client:
        with pytest.raises(APITimeoutError, match=r"response within 0\.2 s \(read timeout\)$") as e:
            await client.users.me()
        assert ("no complete response" in str(e.value)) == answered
        server.play(Request(), Silence())
        hurried = client.with_options(timeout=5, attempt_timeout=0.1)
        with pytest.raises(APITimeoutError, match=r"within 0\.1 s \(attempt_timeout\)$"):
            await hurried.users.me()


@pytest.mark.parametrize("source", ["USERESPONSE_API_KEY", "the api_key argument"])
async def test_a_401_says_where_the_refused_key_comes_from(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, wire: str, source: str
):
    monkeypatch.setenv("USERESPONSE_API_KEY", "wrong-key")
    given = None if source.isupper() else "wrong-key-too"
    client = AsyncClient(sandbox.url, api_key=given, **options_of(wire))
    message = await message_of(client, AuthenticationError)
    assert message.endswith(f"[the server refused the API key (from {source})]")
    assert "wrong" not in message


async def test_a_401_of_a_guest_says_how_to_pass_a_key(sandbox: Sandbox, wire: str):
    message = await message_of(AsyncClient(sandbox.url, **options_of(wire)), AuthenticationError)
    assert message.endswith(
        "[the server requires an API key: pass api_key, or set USERESPONSE_API_KEY]"
    )


async def create(client: AsyncClient) -> object:
    return await client.users.create("new@example.com", full_name="New")


async def update(client: AsyncClient) -> object:
    return await client.objects.update(1, attachments=[Attachment.from_bytes("a.txt", b"a")])


Call = Callable[[AsyncClient], Awaitable[object]]
ONCE_ONLY: dict[str, Call] = {
    "POST": create,
    "a GET that moves": lambda client: client.objects.trash(1),
    "a PUT with a file": update,
    "any POST": lambda client: client.request("POST", "anything.json"),
}
REPEATABLE: dict[str, Call] = {
    "GET": lambda client: client.users.me(),
    "PUT": lambda client: client.objects.update(1, title="A"),
    "DELETE": lambda client: client.users.delete(1),
}


@pytest.mark.parametrize("call", ONCE_ONLY)
@pytest.mark.parametrize("doubt", DOUBTS)
async def test_what_broke_off_and_is_not_repeated_may_have_been_processed(
    server: EvilServer, connect: Connect, call: str, doubt: str
):
    server.play(*DOUBTS[doubt])
    async with connect(server) as client:
        with pytest.raises(UseResponseError, match=f"{IN_DOUBT}$"):
            await ONCE_ONLY[call](client)


async def test_what_took_too_long_may_have_been_processed(server: EvilServer, connect: Connect):
    server.play(Request(), Silence())
    async with connect(server, timeout=5, attempt_timeout=0.1) as client:
        with pytest.raises(APITimeoutError, match=rf"\(attempt_timeout\){IN_DOUBT}$"):
            await create(client)


@pytest.mark.parametrize("call", REPEATABLE)
@pytest.mark.parametrize("doubt", DOUBTS)
async def test_what_may_be_repeated_says_nothing_of_that(
    server: EvilServer, connect: Connect, call: str, doubt: str
):
    server.play(*DOUBTS[doubt])
    async with connect(server) as client:
        with pytest.raises(UseResponseError) as caught:
            await REPEATABLE[call](client)
    assert IN_DOUBT not in str(caught.value)


@pytest.mark.parametrize("status", ["503 Service Unavailable", "429 Too Many", "400 Bad Request"])
async def test_what_was_refused_was_not_processed(
    server: EvilServer, connect: Connect, status: str
):
    server.play(Request(), answer(b"", status=status.encode()))
    async with connect(server) as client:
        with pytest.raises(UseResponseError, match=status[:3]) as caught:
            await create(client)
    assert IN_DOUBT not in str(caught.value)


async def test_what_was_not_sent_was_not_processed(wire: str):
    holder, url = refusing_address()
    with holder:
        async with AsyncClient(url, retry=ONCE, **options_of(wire)) as client:
            with pytest.raises(APIConnectionError) as caught:
                await create(client)
    assert IN_DOUBT not in str(caught.value)


async def test_a_retry_is_logged_with_the_page_or_id(
    sandbox: Sandbox, wire: str, caplog: pytest.LogCaptureFixture
):
    quick = RetryPolicy(initial_delay=0)
    sandbox.fail_next(503, match=r"page=2\b")
    sandbox.fail_next(500, match=r"users/7\.json")
    async with AsyncClient(
        sandbox.url, api_key=sandbox.api_key, retry=quick, **options_of(wire)
    ) as client:
        with caplog.at_level(logging.WARNING, logger="useresponse_async.retry"):
            await client.users.search().collect()
            await client.users.get(7)
    page, user = [record.getMessage() for record in caplog.records]
    assert re.match(r"retrying GET /api/3\.0/users/search\.json \(page 2\) in \d\.\d\d s: ", page)
    assert re.match(r"retrying GET /api/3\.0/users/7\.json in \d\.\d\d s: attempt 1 failed: ", user)
