"""What the client offers besides its resources."""

import logging
import pickle
from typing import Any

import anyio
import httpx
import pytest
from gate import Gate
from quick import client_of
from tasks import until

import useresponse_async as ur
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_any_endpoint_can_be_called_and_returns_the_response_unchanged(client, sandbox):
    found = await client.request("GET", "/users/search.json", params={"count": 1, "x": True})
    assert found["totalObjects"] == 230
    assert sandbox.requests[0].query == [("count", "1"), ("x", "1"), ("apiKey", sandbox.api_key)]
    sandbox.answer_next('{"success": {"a": [1, null]}}')
    assert await client.request("POST", "/x.json", json={"b": 1}) == {"success": {"a": [1, None]}}
    _, sent = sandbox.requests
    assert sent.json() == {"b": 1}
    assert sent.headers["Accept"] == sent.headers["Content-Type"] == "application/json"
    assert sent.headers["User-Agent"].startswith("useresponse-async/")


async def test_responses_of_the_block_are_captured_with_their_attempts(client, sandbox):
    sandbox.fail_next(503)
    await client.users.me()
    sandbox.set_latency(0.01)
    with client.capture_responses() as responses:
        sandbox.fail_next(503)
        await client.users.get(1)
        await client.users.search().collect()
    await client.users.me()
    assert [response.status_code for response in responses] == [503, *[200] * 6]
    assert [response.extensions["attempt"] for response in responses] == [1, 2, 1, 1, 1, 1, 1]
    assert responses[1].json()["id"] == 1
    assert responses[1].elapsed.total_seconds() > 0


async def test_captures_can_be_nested_and_belong_to_one_client(client, sandbox):
    async with client_of(sandbox) as other:
        with client.capture_responses() as outer, other.capture_responses() as others:
            await client.users.me()
            with client.capture_responses() as inner:
                await client.users.me()
    assert (len(outer), len(inner), len(others)) == (2, 1, 0)


async def burst(client: ur.AsyncClient, *, calls: int) -> None:
    async with anyio.create_task_group() as tasks:
        for _ in range(calls):
            tasks.start_soon(client.users.me)


@pytest.mark.parametrize("limit", [10, 50])
async def test_the_concurrency_limit_holds_for_any_number_of_tasks(start_sandbox, limit):
    sandbox = start_sandbox(users=60, latency=300)
    options = {"max_in_flight": limit, "adaptive_pacing": False} if limit != 10 else {}
    async with client_of(sandbox, **options) as client, anyio.create_task_group() as tasks:
        for number in range(1, 61):
            tasks.start_soon(client.users.get, number)
        await until(lambda: sandbox.in_flight == limit)
        tasks.cancel_scope.cancel()
    assert sandbox.arrivals == sandbox.peak_in_flight == sandbox.connections_opened == limit


async def test_a_waiting_call_does_not_use_up_its_timeout(client: ur.AsyncClient, sandbox: Sandbox):
    sandbox.set_latency(0.6)
    slow = client.with_options(max_in_flight=1, timeout=2)
    await burst(slow, calls=4)
    assert sandbox.arrivals == 4


async def test_concurrency_falls_after_an_overload_and_rises_afterwards(client, sandbox):
    sandbox.fail_next(503, times=5)
    await client.users.me()
    sandbox.set_latency(0.05)
    sandbox.forget_requests()
    await burst(client, calls=5)
    assert sandbox.peak_in_flight <= 4
    with anyio.fail_after(60):
        while sandbox.peak_in_flight < 10:
            await burst(client, calls=40)


async def test_pacing_can_be_disabled(sandbox: Sandbox):
    gate = Gate(10, first=6)
    async with client_of(sandbox, adaptive_pacing=False, transport=gate) as client:
        sandbox.fail_next(503, times=5)
        await client.users.me()
        await burst(client, calls=20)
    assert gate.peak == 10


@pytest.mark.parametrize("transport", [None, "aiohttp"])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_headers_are_sent_and_a_secret_in_them_is_hidden(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, transport: Any
):
    shown: list[object] = []
    caplog.set_level(logging.DEBUG)
    note = lambda it: shown.append(getattr(it, "request", it).headers)  # noqa: E731
    headers = {"X-Team": ur.Secret("s3cret-a"), "X-Other": "plain", "user-agent": "mine/1"}
    own = {"X-Call": ur.Secret("s3cret-b"), "X-Other": "of the call", "User-Agent": "mine/2"}
    options = {"transport": transport, "headers": headers, "on_request": note, "on_response": note}
    async with client_of(sandbox, **options) as client:
        with client.capture_responses() as responses:
            await client.users.me()
            await client.request("GET", "me.json", headers=own)
            sandbox.fail_next(400, message="not s3cret-a, not s3cret-b")
            with pytest.raises(ur.BadRequestError) as caught:
                await client.request("GET", "me.json", headers=own)
        shown += [caught.value, caught.value.response.text, client, vars(client)]
    for response in responses:
        note(response)
    names = ("X-Team", "X-Call", "X-Other", "User-Agent")
    first, second, _ = [[sent.headers.get(name) for name in names] for sent in sandbox.requests]
    assert first == ["s3cret-a", None, "plain", "mine/1"]
    assert second == ["s3cret-a", "s3cret-b", "of the call", "mine/2"]
    assert "s3cret" not in caplog.text + "".join(map(repr, shown))


async def test_headers_that_the_client_sets_raise(client: ur.AsyncClient, sandbox: Sandbox):
    for name in ("Host", "AUTHORIZATION", "cookie", "Connection", "Accept-Encoding",
        "Transfer-Encoding", "Content-Type", "content-anything"):  # fmt: skip
        with pytest.raises(ur.ConfigurationError, match=f"^headers: {name} "):
            ur.AsyncClient(sandbox.url, headers={name: "x"})
        with pytest.raises(ur.ArgumentError, match=f"^headers: {name} "):
            await client.request("GET", "me.json", headers={name: "x"})
    assert sandbox.arrivals == 0


async def test_the_callers_http_client_is_used_and_stays_open(sandbox: Sandbox):
    timeouts: list[Any] = []

    async def note(request: httpx.Request) -> None:
        timeouts.append(request.extensions["timeout"])

    options: Any = {"headers": {"X-Mine": "yes"}, "params": {"lang": "en"}}
    async with httpx.AsyncClient(**options, event_hooks={"request": [note]}) as http_client:
        for placement in ur.KeyPlacement:
            own = {"http_client": http_client, "key_placement": placement, "timeout": 60}
            async with client_of(sandbox, **own) as client:
                await client.users.update(2, full_name="B")
            assert not http_client.is_closed
    assert timeouts == [httpx.Timeout(60).as_dict()] * 2
    first, second = sandbox.requests
    assert first.headers["X-Mine"] == "yes"
    assert dict(first.query) == {"lang": "en", "apiKey": sandbox.api_key}
    assert (first.json(), first.headers.get("Authorization")) == ({"full_name": "B"}, None)
    assert (second.query, second.headers["Authorization"]) == ([("lang", "en")], sandbox.api_key)


async def test_a_proxy_from_the_environment_is_used(sandbox, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", sandbox.url)
    monkeypatch.setenv("NO_PROXY", "localhost")
    with pytest.warns(UserWarning, match="are sent unencrypted"):
        client = ur.AsyncClient("http://support.example", api_key=sandbox.api_key)
    async with client:
        assert (await client.users.me()).id == 1
    assert sandbox.requests[0].headers["Host"] == "support.example"


def test_options_of_the_connections_exclude_each_other():
    proxy, http = {"proxy": "http://p"}, {"http_client": httpx.AsyncClient()}
    transport = {"transport": httpx.AsyncHTTPTransport()}
    aiohttp = {"transport": "aiohttp"}
    for options in (transport | proxy, transport | http, aiohttp | http, http | proxy):
        with pytest.raises(ur.ConfigurationError, match="one of them"):
            ur.AsyncClient("https://example.com", **options)


async def test_a_view_of_a_subclass_keeps_its_attributes_and_connections(sandbox: Sandbox):
    class Mine(ur.AsyncClient):
        label = "class"

    async with Mine(sandbox.url, api_key=sandbox.api_key) as client:
        client.label = "mine"
        await client.users.me()
        view = client.with_options(max_in_flight=1)
        assert isinstance(view, Mine)
        assert view.label == "mine"
        await view.users.me()
        assert sandbox.connections_opened == 1


def test_the_repr_shows_the_site_and_no_key_and_pickling_raises():
    client = ur.AsyncClient("https://x.example/a/", api_key="s3cret")
    for shown in (client, client.with_options(timeout=1)):
        assert repr(shown) == "AsyncClient('https://x.example/a', api_version='3.0')"
        with pytest.raises(TypeError, match="one in each process"):
            pickle.dumps(shown)
    assert repr(ur.AsyncClient.__new__(ur.AsyncClient)) == "AsyncClient()"  # as in a traceback
