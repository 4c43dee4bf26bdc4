"""What the client offers besides its namespaces."""

import logging
from collections.abc import Callable
from typing import Any

import anyio
import httpx
import pytest
from gate import Gate
from quick import QUICK

from useresponse_async import (
    ArgumentError,
    AsyncClient,
    BadRequestError,
    ConfigurationError,
    KeyPlacement,
    Secret,
)
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


async def test_a_user_is_created_read_changed_and_deleted(client: AsyncClient):
    user = await client.users.create(
        "ada@example.com", full_name="Ada", password="pw", tags=["a", "b"], properties={7: "EU"}
    )
    assert user.id == 231
    assert (user.name, user.tags, user.custom_fields[0].value) == ("Ada", ["a", "b"], ["EU"])
    await client.users.update(231, full_name="Ada L", phone="1")
    await client.users.change_password(231, "new")
    assert (await client.users.get(231)).name == "Ada L"
    assert await client.users.search(email="ada@example.com").first() == await client.users.get(231)
    await client.users.delete(231)
    assert await client.users.search(email="ada@example.com").collect() == []


async def test_any_endpoint_can_be_called(client: AsyncClient, sandbox: Sandbox):
    answer = await client.request("GET", "/users/search.json", params={"count": 1, "x": True})
    assert answer["totalObjects"] == 230
    query = [pair for pair in sandbox.requests[0].query if pair[0] != "apiKey"]
    assert query == [("count", "1"), ("x", "1")]


async def test_what_any_endpoint_answers_is_left_as_it_was_sent(client, sandbox):
    sandbox.answer_next('{"success": {"a": [1, null]}}')
    assert await client.request("POST", "/x.json", json={"b": 1}) == {"success": {"a": [1, None]}}
    assert sandbox.requests[0].json() == {"b": 1}


async def test_errors_of_any_endpoint_are_the_usual_ones(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(400, message="no", context="x")
    with pytest.raises(BadRequestError, match=r"POST /api/3.0/x.json: 400 no \(x\)"):
        await client.request("POST", "/x.json")


async def test_an_unknown_method_is_refused(client: AsyncClient, sandbox: Sandbox):
    with pytest.raises(ArgumentError, match="method"):
        await client.request("TRACE", "/x.json")
    assert sandbox.arrivals == 0


async def test_responses_of_the_block_are_captured_with_their_tries(client, sandbox):
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


async def test_captures_nest_and_keep_to_their_client(client: AsyncClient, sandbox: Sandbox):
    other = AsyncClient(sandbox.url, api_key=sandbox.api_key)
    with client.capture_responses() as outer, other.capture_responses() as others:
        await client.users.me()
        with client.capture_responses() as inner:
            await client.users.me()
    await other.aclose()
    assert (len(outer), len(inner), len(others)) == (2, 1, 0)


async def test_a_view_has_its_own_options_over_the_same_connections(client, sandbox):
    await client.users.me()
    view = client.with_options(timeout=5, max_in_flight=2, retry=QUICK)
    await view.users.me()
    assert sandbox.connections_opened == 1
    sandbox.set_latency(0.02)
    await view.users.search().collect()
    assert sandbox.peak_in_flight == 2


async def test_the_bound_holds_however_many_tasks_call(client: AsyncClient, sandbox: Sandbox):
    sandbox.set_latency(0.01)
    async with anyio.create_task_group() as tasks:
        for _ in range(60):
            tasks.start_soon(client.users.me)
    assert sandbox.peak_in_flight == 10
    assert sandbox.arrivals == 60


async def test_fifty_in_flight_are_fifty_at_the_server(start_sandbox: Callable[..., Sandbox]):
    sandbox = start_sandbox(users=60, latency=300)
    async with AsyncClient(
        sandbox.url, api_key=sandbox.api_key, max_in_flight=50, adaptive_pacing=False
    ) as client:
        async with anyio.create_task_group() as tasks:
            for number in range(1, 61):
                tasks.start_soon(client.users.get, number)
            with anyio.fail_after(30):
                while sandbox.in_flight < 50:
                    await anyio.sleep(0.005)
            tasks.cancel_scope.cancel()
    assert sandbox.peak_in_flight == sandbox.connections_opened == 50


async def test_a_waiting_call_does_not_use_up_its_timeout(client: AsyncClient, sandbox: Sandbox):
    sandbox.set_latency(0.1)
    slow = client.with_options(max_in_flight=1, timeout=0.3)
    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(slow.users.me)
    assert sandbox.arrivals == 6


async def burst(client: AsyncClient, sandbox: Sandbox, *, calls: int) -> int:
    """Make calls all at once; return how many of them were at the server at most."""
    sandbox.forget_requests()
    async with anyio.create_task_group() as tasks:
        for _ in range(calls):
            tasks.start_soon(client.users.me)
    return sandbox.peak_in_flight


async def test_fewer_are_in_flight_after_an_overload_and_more_as_it_ends(client, sandbox):
    sandbox.fail_next(503, times=5)
    await client.users.me()
    sandbox.set_latency(0.05)
    assert await burst(client, sandbox, calls=5) <= 4
    with anyio.fail_after(60):
        while await burst(client, sandbox, calls=40) < 10:
            pass


async def test_pacing_can_be_told_to_stay_as_it_is(sandbox: Sandbox):
    gate = Gate(10, first=6)
    async with AsyncClient(
        sandbox.url, api_key=sandbox.api_key, retry=QUICK, adaptive_pacing=False, transport=gate
    ) as client:
        sandbox.fail_next(503, times=5)
        await client.users.me()
        await burst(client, sandbox, calls=20)
    assert gate.peak == 10


async def test_the_key_may_travel_in_the_header(sandbox: Sandbox):
    async with AsyncClient(
        sandbox.url, api_key=sandbox.api_key, key_placement=KeyPlacement.HEADER
    ) as client:
        assert (await client.users.me()).id == 1
    assert sandbox.requests[0].headers["Authorization"] == sandbox.api_key
    assert sandbox.requests[0].query == []


async def test_requests_say_who_asks_and_what_they_take(client: AsyncClient, sandbox: Sandbox):
    await client.users.update(2, full_name="B")
    headers = sandbox.requests[0].headers
    assert headers["Accept"] == "application/json"
    assert headers["Content-Type"] == "application/json"
    assert headers["User-Agent"].startswith("useresponse-async/")


@pytest.mark.parametrize("transport", [None, "aiohttp"])
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_headers_are_sent_and_a_secret_in_them_is_hidden(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture, transport: Any
):
    shown: list[object] = []
    caplog.set_level(logging.DEBUG)
    async with AsyncClient(
        sandbox.url,
        api_key=sandbox.api_key,
        transport=transport,
        headers={"X-Team": Secret("s3cret-a"), "X-Other": "plain", "user-agent": "mine/1"},
        on_request=lambda request: shown.append(request.headers),
        on_response=lambda response: shown.append(response.request.headers),
    ) as client:
        with client.capture_responses() as responses:
            await client.users.me()
            own = {"X-Call": Secret("s3cret-b"), "X-Other": "of the call", "User-Agent": "mine/2"}
            await client.request("GET", "me.json", headers=own)
            sandbox.fail_next(400, message="not s3cret-a, not s3cret-b")
            with pytest.raises(BadRequestError) as caught:
                await client.request("GET", "me.json", headers=own)
        shown += [caught.value, caught.value.response.text, client, vars(client)]
        shown += [response.request.headers for response in responses]
    first, second, _ = [request.headers for request in sandbox.requests]
    assert (first["X-Team"], first["X-Other"], first["User-Agent"]) == (
        "s3cret-a",
        "plain",
        "mine/1",
    )
    assert (second["X-Team"], second["X-Call"], second["X-Other"]) == (
        "s3cret-a",
        "s3cret-b",
        "of the call",
    )
    assert second["User-Agent"] == "mine/2"
    assert "s3cret" not in caplog.text + "".join(map(repr, shown))


@pytest.mark.parametrize(
    "name",
    [
        "Host",
        "AUTHORIZATION",
        "cookie",
        "Connection",
        "Accept-Encoding",
        "Transfer-Encoding",
        "Content-Type",
        "content-anything",
    ],
)
async def test_headers_that_the_client_sets_are_refused(
    client: AsyncClient, sandbox: Sandbox, name: str
):
    with pytest.raises(ConfigurationError, match=f"^headers: {name} "):
        AsyncClient(sandbox.url, headers={name: "x"})
    with pytest.raises(ArgumentError, match=f"^headers: {name} "):
        await client.request("GET", "me.json", headers={name: "x"})
    assert sandbox.arrivals == 0


async def test_a_client_of_the_callers_is_used_and_stays_open(sandbox: Sandbox):
    async with httpx.AsyncClient(headers={"X-Mine": "yes"}) as http_client:
        async with AsyncClient(
            sandbox.url, api_key=sandbox.api_key, http_client=http_client
        ) as client:
            await client.users.update(2, full_name="B")
        assert not http_client.is_closed
    assert sandbox.requests[0].headers["X-Mine"] == "yes"
    assert sandbox.requests[0].json() == {"full_name": "B"}


async def test_a_proxy_from_the_environment_is_used(sandbox, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", sandbox.url)
    monkeypatch.setenv("NO_PROXY", "localhost")
    with pytest.warns(UserWarning, match="are sent unencrypted"):
        client = AsyncClient("http://support.example", api_key=sandbox.api_key)
    async with client:
        assert (await client.users.me()).id == 1
    assert sandbox.requests[0].headers["Host"] == "support.example"


def test_ways_to_send_exclude_each_other():
    with pytest.raises(ConfigurationError, match="one of them"):
        AsyncClient("https://example.com", transport=httpx.AsyncHTTPTransport(), proxy="http://p")


async def test_parameters_of_the_callers_http_client_join_ours(sandbox: Sandbox):
    async with httpx.AsyncClient(params={"lang": "en"}) as http_client:
        async with AsyncClient(
            sandbox.url, api_key=sandbox.api_key, http_client=http_client
        ) as client:
            await client.users.search(role="user")
    assert dict(sandbox.requests[0].query) == {
        "lang": "en",
        "role": "user",
        "page": "1",
        "count": "50",
        "apiKey": sandbox.api_key,
    }


async def test_a_view_of_a_subclass_keeps_what_the_subclass_added(sandbox: Sandbox):
    class Mine(AsyncClient):
        label = "class"

    client = Mine(sandbox.url, api_key=sandbox.api_key)
    client.label = "mine"
    await client.users.me()
    view = client.with_options(max_in_flight=1)
    assert isinstance(view, Mine)
    assert view.label == "mine"
    assert view.users is not client.users
    await client.aclose()


@pytest.mark.parametrize("proxy", ["htp://x", "htp://user:s3cret@x"])
def test_a_proxy_that_is_none_is_refused_without_its_password(proxy: str):
    with pytest.raises(ConfigurationError, match="proxy") as caught:
        AsyncClient("https://example.com", proxy=proxy)
    assert "s3cret" not in str(caught.value)


def test_a_client_that_could_not_be_made_can_be_shown():
    assert repr(AsyncClient.__new__(AsyncClient)) == "AsyncClient()"
