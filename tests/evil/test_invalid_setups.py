"""Invalid proxies, event loops and hooks, and what an error message names."""

import asyncio
import gc
import pickle
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import aiohttp
import httpx
import pytest
from quick import client_of
from server import ONCE, REQUEST, RESET, SILENCE, answer, create, failure

import useresponse_async as ur
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

KEY = "evil-k3y"
BOTH = pytest.mark.parametrize("wire", [None, "aiohttp"])


@pytest.fixture(autouse=True)
def nothing_of_this_machine(monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("USERESPONSE_API_KEY", raising=False)


UNKNOWN_TO_0_27 = pytest.mark.skipif(httpx.__version__ < "0.28", reason="an unknown scheme there")
PROXIES = [
    pytest.param("socks5h://u:pa55@127.0.0.1:9", marks=UNKNOWN_TO_0_27),
    "socks5://127.0.0.1:9", "http://127.0.0.1:99999", "http://", "ftp://u:pa55@h", "http://h:0",
]  # fmt: skip


@BOTH
@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxy_that_cannot_be_used_raises(monkeypatch, wire, proxy):
    # aiohttp speaks to no SOCKS proxy, even where socksio is installed.
    found = object() if wire == "aiohttp" else None
    monkeypatch.setattr("useresponse_async._config.find_spec", lambda name: found)
    monkeypatch.delenv("no_proxy")
    socks = "socks" in proxy
    for given in (proxy, None)[: 1 + socks]:
        with pytest.raises(ur.ConfigurationError, match="SOCKS" if socks else "proxy") as caught:
            ur.AsyncClient("https://help.example", proxy=given, transport=wire)
        assert "pa55" not in str(caught.value)
        monkeypatch.setenv("ALL_PROXY", proxy)


@pytest.mark.parametrize("anyio_backend", ["asyncio", "asyncio+aiohttp"], indirect=True)
@pytest.mark.parametrize("port", [False, True])
async def test_downloads_respect_no_proxy(monkeypatch, start_server, wire, tmp_path, port):
    proxy, direct = start_server(), start_server()
    # A name of this machine that is not known as a loopback address.
    resolve, here = socket.getaddrinfo, "files.example"

    def resolved(host: Any, *args: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host in (here, here.encode()) else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    for name, value in (("http_proxy", proxy.url), ("no_proxy", here + f":{direct.port}" * port)):
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.upper(), value)
    with pytest.warns(UserWarning, match="are sent unencrypted"):
        client = ur.AsyncClient("http://help.example", retry=ONCE, transport=wire)
    async with client:
        assert (await client.users.me()).id == 1
        assert (len(proxy.heads), len(direct.heads)) == (1, 0)
        await client.files.download(f"http://{here}:{direct.port}/f", tmp_path / "f")
        await client.files.download("http://other.example/f", tmp_path / "g")
    assert [b"other.example" in head for head in proxy.heads] == [False, True]
    assert len(direct.heads) == 1


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.parametrize("checks", [True, False])
@pytest.mark.parametrize("reads", ["not", "and keeps", "and drops"])
async def test_a_hook_that_raises_for_a_status_changes_no_error_unless_it_drops_the_body(
    sandbox, checks, reads
):
    async def hook(response: httpx.Response) -> None:
        if reads == "and keeps":
            await response.aread()
        elif reads == "and drops":
            assert [chunk async for chunk in response.aiter_bytes()]
        if checks:
            response.raise_for_status()

    kind = ur.APIConnectionError if reads == "and drops" else ur.NotFoundError
    async with httpx.AsyncClient(event_hooks={"response": [hook]}) as http_client:
        async with client_of(sandbox, http_client=http_client) as client:
            error = await failure(client.users.get(10**6), kind)
            assert getattr(error, "permanent", True)
            assert error.__context__ is None
            assert sandbox.api_key not in str(vars(error))
            if reads != "and drops":
                sandbox.fail_next(503, times=2)  # retried as every other
                assert (await client.users.get(1)).id == 1


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_unpickled_secret_raises(sandbox):
    unpickled = pickle.loads(pickle.dumps(ur.Secret(KEY)))  # noqa: S301 - our own
    with pytest.raises(ur.ConfigurationError, match="api_key"):
        ur.AsyncClient("https://help.example", api_key=unpickled)
    async with client_of(sandbox) as client:
        for call in (
            client.users.change_password(1, unpickled),
            client.request("GET", "me.json", headers={"X-Token": unpickled}),
            client.request("POST", "me.json", json={"x": unpickled}),
        ):
            await failure(call, ur.ArgumentError)
    assert sandbox.arrivals == 0


def misuse(sandbox: Sandbox, client: ur.AsyncClient) -> None:
    async def call_create() -> None:
        await create(client)

    asyncio.run(call_create())
    upload = partial(client.files.upload, ur.Attachment.from_bytes("a", b"a"))
    for call in (call_create, client.users.search().collect, client.users.search().count, upload):
        with pytest.raises(ur.UseResponseError, match="one client per event loop"):
            asyncio.run(call())
    asyncio.run(client.aclose())
    assert sandbox.arrivals == 1


# What the first loop left open, which is the caller's mistake, warns.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore:Exception ignored:Warning")
@BOTH
def test_using_one_client_in_two_event_loops_raises_before_a_request(sandbox, wire):
    misuse(sandbox, client_of(sandbox, transport=wire))
    gc.collect()


def test_using_one_client_in_two_threads_raises_in_one(sandbox):
    client = client_of(sandbox, max_in_flight=2)
    together = threading.Barrier(2, timeout=60)

    async def calls() -> set[str]:
        together.wait()
        outcomes = set()
        for _ in range(20):
            outcome = "refused"
            with suppress(ur.UseResponseError):
                assert [it async for it in client.map(client.users.get, [1, 2, 3])]
                outcome = "good"
            outcomes.add(outcome)
        together.wait()
        if outcomes == {"good"}:
            await client.aclose()
        return outcomes

    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(asyncio.run, calls()) for _ in range(2)]
        outcomes = sorted(" ".join(one.result(timeout=60)) for one in both)
    assert outcomes == ["good", "refused"]


@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("placement", list(ur.KeyPlacement))
async def test_a_wrapper_of_aiohttps_sessions_sees_no_key(monkeypatch, sandbox, placement):
    seen: list[str] = []
    request = aiohttp.ClientSession._request  # noqa: SLF001 - what ddtrace wraps

    async def traced(self: Any, *args: Any, **options: Any) -> Any:
        seen.append(f"{args} {options}")
        response = await request(self, *args, **options)
        info = response.request_info
        seen.append(f"{response.url} {response!r} {info!r} {dict(info.headers)}")
        return response

    monkeypatch.setattr(aiohttp.ClientSession, "_request", traced)
    async with client_of(sandbox, transport="aiohttp", key_placement=placement) as client:
        assert (await client.users.me()).id == 1
        await client.users.create("new@example.com", full_name="New")
    assert len(seen) == 4
    assert sandbox.api_key not in "".join(seen)


# Messages


def me(client):
    return client.users.me()


@pytest.fixture
def closed() -> Iterator[str]:
    """An address on which no server listens."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{holder.getsockname()[1]}"


async def error_of(client, call=me, kind=ur.UseResponseError):
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
        error = await error_of(ur.AsyncClient(given, retry=ONCE, transport=wire), call)
        assert (error.request_sent, isinstance(error, ur.APITimeoutError)) == (False, False)
        assert str(error) == f"{request}: {reason}{end}"


@pytest.mark.parametrize("proxy", [None, "no-such-proxy.invalid:8080"])
async def test_an_unknown_host_or_proxy_is_named_and_not_called_a_redirect(wire, tmp_path, proxy):
    through = f" through the proxy {proxy} (from the proxy argument)" if proxy else ""
    reason = f": cannot connect to help.invalid:443{through}: the host name cannot be resolved ("
    url, given = "https://help.invalid", f"http://{proxy}" if proxy else None
    async with ur.AsyncClient(url, proxy=given, retry=ONCE, transport=wire) as client:
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
        client = ur.AsyncClient(f"http://{host}", timeout=0.2, retry=ONCE, transport=wire)
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
    error = await error_of(ur.AsyncClient(url, proxy=given, retry=ONCE, transport=wire))
    assert str(error) == (
        f"GET /api/3.0/me.json: cannot connect to help.example:{port} through the proxy "
        f"{closed} (from {source}): connection refused"
    )


REJECTED = "[the server rejected the API key from %s]"
SECRET_OR_KEY = (
    "[the server rejected a secret of the call or the API key from the api_key argument]"
)


@pytest.mark.parametrize(
    ("key", "environment", "call", "end"),
    [
        (None, "wrong", me, REJECTED % "USERESPONSE_API_KEY"),
        ("wrong", "", me, REJECTED % "the api_key argument"),
        ("wrong", "", lambda client: client.auth.login("a@b.example", "pw"), SECRET_OR_KEY),
        (
            "wrong",
            "",
            lambda it: it.users.create("a@b.ex", full_name="A", password="pw"),
            SECRET_OR_KEY,
        ),
        (None, "", me, "requires an API key: pass api_key, or set USERESPONSE_API_KEY]"),
        (None, "", lambda it: it.auth.login("a@b.ex", "pw"), "401 Authentication is required"),
    ],
)
async def test_a_401_names_what_was_rejected(  # noqa: PLR0917 - fixtures and a row
    sandbox, monkeypatch, wire, key, environment, call, end
):
    monkeypatch.setenv("USERESPONSE_API_KEY", environment)
    client = ur.AsyncClient(sandbox.url, api_key=key, transport=wire)
    message = str(await error_of(client, call, ur.AuthenticationError))
    assert message.endswith(end)
    assert "wrong" not in message
    assert ("[" in message) is end.endswith("]")


# Whether the call may have been processed

IN_DOUBT = "; the request may have been processed"
CUT_BODY = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
# Whether a call is in doubt, the message's end, the limit that it names, and what the server does.
OUTCOMES = {
    "silence": (True, "no response", "read timeout", SILENCE),
    "silence in the body": (True, "no complete response", "read timeout", CUT_BODY, SILENCE),
    "silence within the attempt": (True, "no complete response", "attempt_timeout", SILENCE),
    "close": (True, "", ""),
    "reset": (True, "", "", RESET),
    "close in the body": (True, "", "", CUT_BODY),
    "cut JSON": (True, "", "", answer(b'{"success": {"id"')),
    "500": (True, "", "", answer(b"", status=b"500 Internal Server Error")),
    "503": (False, "", "", answer(b"", status=b"503 Unavailable")),
    "429": (False, "", "", answer(b"", status=b"429 Too Many")),
    "400": (False, "", "", answer(b"", status=b"400 Bad Request")),
}
A_FILE = [ur.Attachment.from_bytes("a.txt", b"a")]


# Which call is idempotent is the subject of resources/test_resources.py.
@pytest.mark.parametrize("how", OUTCOMES)
@pytest.mark.parametrize(
    ("call", "idempotent"),
    [
        (create, False),
        (lambda client: client.objects.trash(1), False),
        (lambda client: client.objects.update(1, attachments=A_FILE), False),
        (me, True),
    ],
    ids=["POST", "a GET that moves", "a PUT with a file", "GET"],
)
async def test_only_a_call_that_is_not_idempotent_is_in_doubt(
    server, connect, call, idempotent, how
):
    in_doubt, reason, limit, *steps = OUTCOMES[how]
    in_doubt = in_doubt and not idempotent
    server.play(REQUEST, *steps)
    options = {"timeout": httpx.Timeout(5, read=0.25)} if limit == "read timeout" else {}
    options |= {"attempt_timeout": 0.25} if limit == "attempt_timeout" else {}
    async with connect(server, **options) as client:
        message = str(await failure(call(client), ur.UseResponseError))
    assert not limit or f": {reason} within 0.25 s ({limit})" in message
    assert message.endswith(IN_DOUBT) is in_doubt
    assert (IN_DOUBT in message) is in_doubt
