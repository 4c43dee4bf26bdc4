"""Invalid proxies, event loops and hooks."""

import asyncio
import gc
import pickle
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import aiohttp
import httpx
import pytest
from quick import client_of
from server import ONCE, create, failure

from useresponse_async import (
    APIConnectionError,
    ArgumentError,
    AsyncClient,
    Attachment,
    ConfigurationError,
    KeyPlacement,
    NotFoundError,
    Secret,
    UseResponseError,
)
from useresponse_async.sandbox import Sandbox

KEY = "evil-k3y"
BOTH = pytest.mark.parametrize("wire", [None, "aiohttp"])

PROXIES = [
    "socks5://127.0.0.1:9", "socks5h://u:pa55@127.0.0.1:9", "http://127.0.0.1:99999", "http://",
    "ftp://u:pa55@h", "http://h:0",
]  # fmt: skip


@BOTH
@pytest.mark.parametrize("proxy", PROXIES)
def test_a_proxy_that_cannot_be_used_raises(monkeypatch, wire, proxy):
    # aiohttp speaks to no SOCKS proxy, even where socksio is installed.
    found = object() if wire == "aiohttp" else None
    monkeypatch.setattr("useresponse_async._config.find_spec", lambda name: found)
    socks = "socks" in proxy
    for given in (proxy, None)[: 1 + socks]:
        with pytest.raises(ConfigurationError, match="SOCKS" if socks else "proxy") as caught:
            AsyncClient("https://help.example", proxy=given, transport=wire)
        assert "pa55" not in str(caught.value)
        monkeypatch.setenv("ALL_PROXY", proxy)


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio", "asyncio+aiohttp"], indirect=True)
async def test_downloads_respect_no_proxy(monkeypatch, start_server, wire, tmp_path):
    proxy, direct = start_server(), start_server()
    # A name of this machine that is not known as a loopback address.
    resolve, here = socket.getaddrinfo, "files.example"

    def resolved(host: Any, *args: Any, **options: Any) -> Any:
        return resolve("127.0.0.1" if host in (here, here.encode()) else host, *args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    for name, value in (("http_proxy", proxy.url), ("no_proxy", here)):
        monkeypatch.setenv(name, value)
        monkeypatch.setenv(name.upper(), value)
    with pytest.warns(UserWarning, match="are sent unencrypted"):
        client = AsyncClient("http://help.example", retry=ONCE, transport=wire)
    async with client:
        assert (await client.users.me()).id == 1
        assert (len(proxy.heads), len(direct.heads)) == (1, 0)
        await client.files.download(f"http://{here}:{direct.port}/f", tmp_path / "f")
        await client.files.download("http://other.example/f", tmp_path / "g")
    assert [b"other.example" in head for head in proxy.heads] == [False, True]
    assert len(direct.heads) == 1


@pytest.mark.anyio
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

    kind = APIConnectionError if reads == "and drops" else NotFoundError
    async with httpx.AsyncClient(event_hooks={"response": [hook]}) as http_client:
        async with client_of(sandbox, http_client=http_client) as client:
            error = await failure(client.users.get(10**6), kind)
            assert getattr(error, "permanent", True)
            assert error.__context__ is None
            assert sandbox.api_key not in str(vars(error))
            if reads != "and drops":
                sandbox.fail_next(503, times=2)  # retried as every other
                assert (await client.users.get(1)).id == 1


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_an_unpickled_secret_raises(sandbox):
    unpickled = pickle.loads(pickle.dumps(Secret(KEY)))  # noqa: S301 - our own
    with pytest.raises(ConfigurationError, match="api_key"):
        AsyncClient("https://help.example", api_key=unpickled)
    async with client_of(sandbox) as client:
        for call in (
            client.users.change_password(1, unpickled),
            client.auth.login("ada@example.com", unpickled),
            client.request("GET", "me.json", headers={"X-Token": unpickled}),
            client.request("POST", "me.json", json={"x": unpickled}),
        ):
            await failure(call, ArgumentError)
    assert sandbox.arrivals == 0


def misuse(sandbox: Sandbox, client: AsyncClient) -> None:
    async def call_create() -> None:
        await create(client)

    asyncio.run(call_create())
    upload = partial(client.files.upload, Attachment.from_bytes("a", b"a"))
    for call in (call_create, client.users.search().collect, client.users.search().count, upload):
        with pytest.raises(UseResponseError, match="one client per event loop"):
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
            with suppress(UseResponseError):
                assert [it async for it in client.map(client.users.get, [1, 2, 3])]
                outcome = "good"
            outcomes.add(outcome)
        together.wait()
        if outcomes == {"good"}:
            await client.aclose()
        return outcomes

    with ThreadPoolExecutor(2) as threads:
        both = [threads.submit(asyncio.run, calls()) for _ in range(2)]
        assert sorted(map(list, (one.result(timeout=60) for one in both))) == [
            ["good"],
            ["refused"],
        ]


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
@pytest.mark.parametrize("placement", list(KeyPlacement))
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
