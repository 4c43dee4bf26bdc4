"""Error messages: the host, the limit or the key, and the remedy."""

import socket
from collections.abc import Iterator

import httpx
import pytest
from server import ONCE, RESET, SILENCE, Request, answer, create, failure

from useresponse_async import (
    APITimeoutError,
    AsyncClient,
    Attachment,
    AuthenticationError,
    UseResponseError,
)

pytestmark = pytest.mark.anyio


def me(client):
    return client.users.me()


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("USERESPONSE_API_KEY", raising=False)


@pytest.fixture
def closed() -> Iterator[str]:
    """An address on which no server listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{holder.getsockname()[1]}"


async def error_of(client, call=me, kind=UseResponseError):
    async with client:
        return await failure(call(client), kind)


@pytest.mark.parametrize("source", ["USERESPONSE_URL", "the base_url argument"])
async def test_a_refused_connection_names_the_host_and_the_source_of_the_url(
    monkeypatch, wire, closed, source
):
    given = None if source.isupper() else f"http://{closed}"
    monkeypatch.setenv("USERESPONSE_URL", "https://other.example" if given else f"http://{closed}")
    reason = f"cannot connect to {closed}: connection refused (URL from {source})"
    for call, request, end in (
        (me, "GET /api/3.0/me.json", ""),
        (create, "POST /api/3.0/users.json", "; 0 of 45 bytes of the body were sent"),
    ):
        error = await error_of(AsyncClient(given, retry=ONCE, transport=wire), call)
        assert (error.request_sent, isinstance(error, APITimeoutError)) == (False, False)
        assert str(error) == f"{request}: {reason}{end}"


@pytest.mark.parametrize("proxy", [None, "no-such-proxy.invalid:8080"])
async def test_an_unknown_host_or_proxy_is_named_and_not_called_a_redirect(wire, tmp_path, proxy):
    through = f" through the proxy {proxy} (from the proxy argument)" if proxy else ""
    reason = f": cannot connect to help.invalid:443{through}: the host name cannot be resolved ("
    url, given = "https://help.invalid", f"http://{proxy}" if proxy else None
    async with AsyncClient(url, proxy=given, retry=ONCE, transport=wire) as client:
        for call in (client.users.me(), client.files.download("/f", tmp_path / "f")):
            error = await failure(call)
            assert (error.request_sent, error.permanent) == (False, False)
            assert reason in str(error)
            assert str(error).endswith("(URL from the base_url argument)") is (proxy is None)
            assert "redirect" not in str(error)


async def test_a_connect_timeout_names_the_host_and_the_limit(wire):
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        # These are not accepted, so that the queue is full.
        waiting = [socket.socket() for _ in range(3)]
        for connection in waiting:
            connection.settimeout(0)
            connection.connect_ex(listener.getsockname())
        client = AsyncClient(f"http://{host}", timeout=0.2, retry=ONCE, transport=wire)
        message = str(await error_of(client))
        for connection in waiting:
            connection.close()
    assert f"cannot connect to {host} within 0.2 s (connect timeout) (URL from" in message


@pytest.mark.filterwarnings("ignore:base_url is http")
@pytest.mark.filterwarnings("ignore:.* deprecated:DeprecationWarning")  # aiohttp of httpx-aiohttp
@pytest.mark.parametrize("source", ["the environment", "the proxy argument"])
@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
async def test_an_unreachable_proxy_is_named(  # noqa: PLR0917 - fixtures and a row
    monkeypatch, wire, closed, scheme, port, source
):
    proxy = given = f"http://user:s3cret@{closed}"
    if source == "the environment":
        given = None
        monkeypatch.setenv("no_proxy", "")
        monkeypatch.setenv(f"{scheme}_proxy", proxy)
    url = f"{scheme}://help.example"
    error = await error_of(AsyncClient(url, proxy=given, retry=ONCE, transport=wire))
    assert str(error) == (
        f"GET /api/3.0/me.json: cannot connect to help.example:{port} through the proxy "
        f"{closed} (from {source}): connection refused"
    )


REJECTED = "[the server rejected the API key from %s]"
BOTH = "[the server rejected a secret of the call or the API key from the api_key argument]"


@pytest.mark.parametrize(
    ("key", "environment", "call", "end"),
    [
        (None, "wrong", me, REJECTED % "USERESPONSE_API_KEY"),
        ("wrong", "", me, REJECTED % "the api_key argument"),
        ("wrong", "", lambda client: client.auth.login("a@b.example", "pw"), BOTH),
        ("wrong", "", lambda it: it.users.create("a@b.ex", full_name="A", password="pw"), BOTH),
        (None, "", me, "requires an API key: pass api_key, or set USERESPONSE_API_KEY]"),
        (None, "", lambda it: it.auth.login("a@b.ex", "pw"), "401 Authentication is required"),
    ],
)
async def test_a_401_names_what_was_rejected(  # noqa: PLR0917 - fixtures and a row
    sandbox, monkeypatch, wire, key, environment, call, end
):
    monkeypatch.setenv("USERESPONSE_API_KEY", environment)
    client = AsyncClient(sandbox.url, api_key=key, transport=wire)
    message = str(await error_of(client, call, AuthenticationError))
    assert message.endswith(end)
    assert "wrong" not in message
    assert ("[" in message) is end.endswith("]")


# Whether the call may have been processed

IN_DOUBT = "; the request may have been processed"
CUT_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
# The end of the message in doubt, the limit that it names, and what the server does.
DOUBTS = {
    "silence": ("no response", "read timeout", SILENCE),
    "silence in the body": ("no complete response", "read timeout", CUT_BODY, SILENCE),
    "silence within the attempt": ("no complete response", "attempt_timeout", SILENCE),
    "close": ("", ""),
    "reset": ("", "", RESET),
    "close in the body": ("", "", CUT_BODY),
    "cut JSON": ("", "", answer(b'{"success": {"id"')),
    "500": ("", "", answer(b"", status=b"500 Internal Server Error")),
}
REFUSALS = {
    status.decode(): ("", "", answer(b"", status=status))
    for status in (b"503 Unavailable", b"429 Too Many", b"400 Bad Request")
}
A_FILE = [Attachment.from_bytes("a.txt", b"a")]


@pytest.mark.parametrize("how", DOUBTS | REFUSALS)
@pytest.mark.parametrize(
    ("call", "idempotent"),
    [
        (create, False),
        (lambda client: client.objects.trash(1), False),
        (lambda client: client.objects.update(1, attachments=A_FILE), False),
        (lambda client: client.request("POST", "anything.json"), False),
        (me, True),
        (lambda client: client.objects.update(1, title="A"), True),
        (lambda client: client.users.delete(1), True),
    ],
    ids=["POST", "a GET that moves", "a PUT with a file", "any POST", "GET", "PUT", "DELETE"],
)
async def test_only_a_call_that_is_not_idempotent_is_in_doubt(
    server, connect, call, idempotent, how
):
    reason, limit, *steps = (DOUBTS | REFUSALS)[how]
    server.play(Request(), *steps)
    in_doubt = how in DOUBTS and not idempotent
    options = {"timeout": httpx.Timeout(5, read=0.25)} if limit == "read timeout" else {}
    options |= {"attempt_timeout": 0.25} if limit == "attempt_timeout" else {}
    async with connect(server, **options) as client:
        message = str(await failure(call(client), UseResponseError))
    assert not limit or f": {reason} within 0.25 s ({limit})" in message
    assert message.endswith(IN_DOUBT) is in_doubt
    assert (IN_DOUBT in message) is in_doubt
