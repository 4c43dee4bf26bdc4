"""Error messages: the host, the limit or the key, and the remedy."""

import logging
import re
import socket

import pytest
from server import (
    ONCE,
    Request,
    Reset,
    Silence,
    answer,
    create,
    failure,
    options_of,
    refusing_address,
)

from useresponse_async import (
    APITimeoutError,
    AsyncClient,
    Attachment,
    AuthenticationError,
    RetryPolicy,
    UseResponseError,
)

pytestmark = pytest.mark.anyio

IN_DOUBT = "; the request may have been processed"
CUT_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
DOUBTS = {
    "silence": (Request(), Silence()),
    "silence in the body": (Request(), CUT_BODY, Silence()),
    "close": (Request(),),
    "reset": (Request(), Reset()),
    "close in the body": (Request(), CUT_BODY),
    "cut JSON": (Request(), answer(b'{"success": {"id"')),
    "500": (Request(), answer(b"", status=b"500 Internal Server Error")),
}
DOUBTFUL = pytest.mark.parametrize("doubt", DOUBTS.values(), ids=DOUBTS)
A_FILE = [Attachment.from_bytes("a.txt", b"a")]


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("USERESPONSE_API_KEY", raising=False)


async def message_of(client) -> str:
    async with client:
        with pytest.raises(UseResponseError) as caught:
            await client.users.me()
    return str(caught.value)


@pytest.mark.parametrize("source", ["USERESPONSE_URL", "the base_url argument"])
async def test_a_refused_connection_names_the_host_and_the_source_of_the_url(
    monkeypatch, wire, source
):
    holder, url = refusing_address()
    monkeypatch.setenv("USERESPONSE_URL", url if source.isupper() else "https://other.example")
    given = None if source.isupper() else url
    with holder:
        message = await message_of(AsyncClient(given, retry=ONCE, **options_of(wire)))
    host = url.removeprefix("http://")
    reason = f"cannot connect to {host}: connection refused (URL from {source})"
    assert message == f"GET /api/3.0/me.json: {reason}"


async def test_an_unknown_host_is_named(wire):
    client = AsyncClient("https://no-such-host.invalid", retry=ONCE, **options_of(wire))
    message = await message_of(client)
    assert "cannot connect to no-such-host.invalid:443: the host name cannot be resolved" in message
    assert message.endswith("(URL from the base_url argument)")


async def test_a_connect_timeout_names_the_host_and_the_limit(wire):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        waiting = [
            socket.socket() for _ in range(3)
        ]  # which are not accepted, so that the queue is full
        for connection in waiting:
            connection.settimeout(0)
            connection.connect_ex(listener.getsockname())
        client = AsyncClient(f"http://{host}", timeout=0.2, retry=ONCE, **options_of(wire))
        message = await message_of(client)
        for connection in waiting:
            connection.close()
    assert f"cannot connect to {host} within 0.2 s (connect timeout) (URL from" in message


@pytest.mark.filterwarnings(
    "ignore:base_url is http",
    "ignore:.* deprecated:DeprecationWarning",  # what aiohttp says of httpx-aiohttp
)
@pytest.mark.parametrize("source", ["the environment", "the proxy argument"])
@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
async def test_an_unreachable_proxy_is_named(monkeypatch, wire, scheme, port, source):
    holder, address = refusing_address()
    proxy = address.replace("//", "//user:s3cret@")
    given = proxy if source == "the proxy argument" else None
    if given is None:
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv(f"{scheme}_proxy", proxy)
    url = f"{scheme}://help.example"
    with holder:
        message = await message_of(AsyncClient(url, proxy=given, retry=ONCE, **options_of(wire)))
    assert message == (
        f"GET /api/3.0/me.json: cannot connect to help.example:{port} through the proxy "
        f"{address.removeprefix('http://')} (from {source}): connection refused"
    )


@pytest.mark.parametrize(
    ("answered", "problem"),
    [
        ((), "no response within 0.2 s (read timeout)"),
        ((CUT_BODY,), "no complete response within 0.2 s (read timeout)"),
    ],
)
async def test_a_timeout_names_its_kind_and_limit(server, connect, answered, problem):
    server.play(Request(), *answered, Silence())
    async with connect(server, timeout=0.2) as client:
        assert str(await failure(client.users.me())).endswith(f": {problem}")


async def test_a_401_names_the_source_of_the_key(sandbox, monkeypatch, wire):
    monkeypatch.setenv("USERESPONSE_API_KEY", "wrong-key")
    for given, source in ((None, "USERESPONSE_API_KEY"), ("wrong-too", "the api_key argument")):
        client = AsyncClient(sandbox.url, api_key=given, **options_of(wire))
        async with client:
            with pytest.raises(AuthenticationError) as caught:
                await client.users.me()
        assert str(caught.value).endswith(f"[the server rejected the API key from {source}]")
        assert "wrong" not in str(caught.value)


async def test_a_401_of_a_call_with_a_password_names_password_and_key(sandbox, wire):
    names_both = r"\[the server rejected a secret of the call or the API key from the api_key arg"
    async with AsyncClient(sandbox.url, api_key="wrong-key", **options_of(wire)) as client:
        for call in (
            client.auth.login("a@b.example", "pw"),
            client.users.create("a@b.example", full_name="A", password="pw"),
        ):
            with pytest.raises(AuthenticationError, match=names_both):
                await call
    async with AsyncClient(sandbox.url, **options_of(wire)) as guest:
        with pytest.raises(AuthenticationError) as caught:
            await guest.auth.login("a@b.example", "pw")
    assert "[" not in str(caught.value)


async def test_a_401_of_a_guest_says_how_to_pass_a_key(sandbox, wire):
    message = await message_of(AsyncClient(sandbox.url, **options_of(wire)))
    assert message.endswith("requires an API key: pass api_key, or set USERESPONSE_API_KEY]")


@DOUBTFUL
@pytest.mark.parametrize(
    "call",
    [
        create,
        lambda client: client.objects.trash(1),
        lambda client: client.objects.update(1, attachments=A_FILE),
        lambda client: client.request("POST", "anything.json"),
    ],
    ids=["POST", "a GET that moves", "a PUT with a file", "any POST"],
)
async def test_a_failed_call_that_is_not_idempotent_may_have_been_processed(
    server, connect, call, doubt
):
    server.play(*doubt)
    async with connect(server) as client:
        with pytest.raises(UseResponseError, match=f"{IN_DOUBT}$"):
            await call(client)


async def test_a_call_that_timed_out_may_have_been_processed(server, connect):
    server.play(Request(), Silence())
    async with connect(server, timeout=5, attempt_timeout=0.1) as client:
        message = rf"no complete response within 0\.1 s \(attempt_timeout\){IN_DOUBT}$"
        with pytest.raises(APITimeoutError, match=message):
            await create(client)


@DOUBTFUL
@pytest.mark.parametrize(
    "call",
    [
        lambda client: client.users.me(),
        lambda client: client.objects.update(1, title="A"),
        lambda client: client.users.delete(1),
    ],
    ids=["GET", "PUT", "DELETE"],
)
async def test_the_error_of_an_idempotent_call_does_not_mention_processing(
    server, connect, call, doubt
):
    server.play(*doubt)
    async with connect(server) as client:
        with pytest.raises(UseResponseError) as caught:
            await call(client)
    assert IN_DOUBT not in str(caught.value)


@pytest.mark.parametrize("status", [b"503 Unavailable", b"429 Too Many", b"400 Bad Request"])
async def test_a_refused_call_was_not_processed(server, connect, status):
    server.play(Request(), answer(b"", status=status))
    async with connect(server) as client:
        with pytest.raises(UseResponseError, match=status[:3].decode()) as caught:
            await create(client)
    assert IN_DOUBT not in str(caught.value)


async def test_a_call_that_was_not_sent_was_not_processed(wire):
    holder, url = refusing_address()
    with holder:
        async with AsyncClient(url, retry=ONCE, **options_of(wire)) as client:
            assert IN_DOUBT not in str(await failure(create(client)))


async def test_a_retry_is_logged_with_the_page_or_id(sandbox, wire, caplog):
    sandbox.fail_next(503, match=r"page=2\b")
    sandbox.fail_next(500, match=r"users/7\.json")
    options = {"retry": RetryPolicy(initial_delay=0), **options_of(wire)}
    async with AsyncClient(sandbox.url, api_key=sandbox.api_key, **options) as client:
        with caplog.at_level(logging.WARNING, logger="useresponse_async.retry"):
            await client.users.search().collect()
            await client.users.get(7)
    retries = [record for record in caplog.records if record.name == "useresponse_async.retry"]
    page, user = [record.getMessage() for record in retries]
    assert re.match(r"retrying GET /api/3\.0/users/search\.json \(page 2\) in \d\.\d\d s: ", page)
    assert re.match(r"retrying GET /api/3\.0/users/7\.json in \d\.\d\d s: attempt 1 failed: ", user)
