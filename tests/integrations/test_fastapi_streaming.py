"""Walks as responses of lines, which end with a failure or with the browser."""

import http.client
import json
import logging
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpx
import pytest
from browser import browser_of, running
from fastapi import FastAPI, Request
from processes import wait_until
from pydantic import create_model
from quick import client_of
from starlette.background import BackgroundTask
from starlette.middleware.gzip import GZipMiddleware
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send
from test_fastapi import app_of

from useresponse_async import AsyncClient, RetryPolicy, User
from useresponse_async.integrations.fastapi import Client, NDJSONResponse, UseResponse
from useresponse_async.sandbox import Sandbox

pytestmark = [
    pytest.mark.anyio,
    # Behind middleware starlette leaves a request's body to the garbage collector.
    pytest.mark.filterwarnings("ignore:Async generator 'starlette:ResourceWarning"),
]

BARE_OR_BASE = pytest.mark.parametrize("middleware", ["", "base"])
STACKS = pytest.mark.parametrize("middleware", ["", "base", "gzip", "base gzip base gzip base"])


class Application:
    """An application that streams its users in several ways, and the clients that it made."""

    def __init__(self, sandbox: Sandbox, middleware: str = "") -> None:
        self.sandbox = sandbox
        self.clients: list[AsyncClient] = []
        self.done: list[str] = []
        self.ended: list[str] = []
        self.app = app_of(UseResponse(self.make_client))
        responses = NDJSONResponse.documentation(User)

        @self.app.get("/people", response_class=NDJSONResponse, responses=responses)
        async def people(client: Client, search: str | None = None) -> NDJSONResponse:
            done = BackgroundTask(self.done.append, "people")
            return NDJSONResponse(client.users.search(search=search), background=done)

        self.app.head("/people")(people)

        @self.app.get("/generated")
        @self.app.get("/mistaken")
        async def generated(request: Request) -> NDJSONResponse:
            return NDJSONResponse(self.numbers(mistaken=request.url.path == "/mistaken"))

        for name in middleware.split():
            if name == "gzip":
                self.app.add_middleware(GZipMiddleware)
            else:
                self.app.middleware("http")(lambda request, call_next: call_next(request))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            self.ended.append(scope.get("path", "the lifespan"))

    def make_client(self) -> AsyncClient:
        once = RetryPolicy(attempts=1)
        self.clients.append(client_of(self.sandbox, retry=once, timeout=300, max_in_flight=3))
        return self.clients[-1]

    async def numbers(self, *, mistaken: bool) -> AsyncIterator[dict[str, int]]:
        try:
            while True:
                yield {"number": 1}
                if mistaken:
                    raise KeyError("a mistake in the application")
                await anyio.sleep(0.01)
        finally:
            self.done.append("generated")

    def in_flight(self) -> int:
        return sum(client.in_flight for client in self.clients)


async def answer_of(application: Application, path: str) -> httpx.Response:
    async with running(application.app) as browser:
        return await browser.get(path)


def lines_of(answer: httpx.Response) -> list[Any]:
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_every_item_is_a_line_in_order(sandbox):
    application = Application(sandbox)
    answer = await answer_of(application, "/people?search=nobody-has-this-name")
    assert (answer.status_code, answer.content) == (200, b"")
    answer = await answer_of(application, "/people")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text.endswith("\n")
    async with application.make_client() as client:
        users = await client.users.search().collect()
    assert lines_of(answer) == [user.to_dict() for user in users]
    assert len(users) == sandbox.user_count
    assert application.done == ["people", "people"]  # the background tasks


@BARE_OR_BASE
async def test_a_failure_before_the_first_line_is_a_problem_response(sandbox, middleware):
    sandbox.fail_next(503, headers={"Retry-After": "3"})
    answer = await answer_of(Application(sandbox, middleware), "/people")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "3"


def test_a_line_is_sent_before_the_next_page_arrives(sandbox, serve):
    sandbox.delay_next(300, match=r"page=2\b")
    with httpx.stream("GET", f"{serve(Application(sandbox))}/people", timeout=60) as answer:
        assert json.loads(next(answer.iter_lines()))["id"] is not None


REASONS = {"/people": "InternalServerError: GET /api", "/mistaken": "KeyError: 'a mistake"}


@STACKS
@pytest.mark.parametrize("path", REASONS)
def test_a_failure_after_the_first_line_cuts_the_connection_and_is_logged(
    sandbox, serve, caplog, middleware, path
):
    sandbox.fail_next(500, match=r"page=3\b")
    url = serve(Application(sandbox, middleware))
    lines: list[str] = []
    with httpx.stream("GET", f"{url}{path}", timeout=60) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            lines.extend(answer.iter_lines())
    assert 0 < len(lines) < sandbox.user_count
    ours, uvicorns = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert (ours.name, uvicorns.name) == ("useresponse_async.web", "uvicorn.error")
    assert f"GET {path} was cut: {REASONS[path]}" in ours.getMessage()
    assert vars(ours)["useresponse_path"] == path
    assert bool(ours.exc_info) == (path == "/mistaken")  # the traceback of an unexpected error
    assert bool(uvicorns.exc_info) == ("base" in middleware)
    if uvicorns.exc_info:
        message = f"the stream was interrupted: {REASONS[path].partition(': ')[2]}"
        assert str(uvicorns.exc_info[1]).startswith(message)
    assert sandbox.api_key not in caplog.text


@BARE_OR_BASE
async def test_without_a_server_a_failure_after_the_first_line_is_an_exception(sandbox, middleware):
    application = Application(sandbox, middleware)
    sandbox.fail_next(500, times=2, match=r"page=3\b")
    with pytest.raises(RuntimeError, match="the stream was interrupted: GET /api"):
        await answer_of(application, "/people")
    with TestClient(application.app) as browser:
        with pytest.raises((RuntimeError, TypeError), match=r"stream was interrupted|Unsendable"):
            browser.get("/people")


@contextmanager
def asked(url: str, version: str) -> Iterator[socket.socket]:
    address = httpx.URL(url)
    head = f"GET /people HTTP/{version}\r\nHost: app\r\nAccept-Encoding: gzip\r\n\r\n"
    with socket.create_connection((address.host, address.port or 80), timeout=60) as connection:
        connection.sendall(head.encode())
        yield connection


def answer_on_http_1_0(url: str) -> httpx.Response:
    with asked(url, "1.0") as connection, http.client.HTTPResponse(connection) as answer:
        answer.begin()
        body = answer.read()  # raises IncompleteRead where it is shorter than was announced
        return httpx.Response(answer.status, headers=answer.getheaders(), content=body)


@STACKS
@pytest.mark.parametrize("users", [0, 250, pytest.param(5_000, marks=pytest.mark.long)])
def test_an_export_on_http_1_0_has_its_length(start_sandbox, serve, users, middleware):
    application = Application(start_sandbox(users=users), middleware)
    url = serve(application)
    answer = answer_on_http_1_0(url)
    assert answer.status_code == 200
    assert "transfer-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.content == httpx.get(f"{url}/people", timeout=60).content
    assert len(lines_of(answer)) == application.sandbox.user_count


@STACKS
def test_a_failure_on_http_1_0_is_a_problem_response(sandbox, serve, caplog, middleware):
    sandbox.fail_next(500, match=r"page=3\b")
    answer = answer_on_http_1_0(serve(Application(sandbox, middleware)))
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == "/people"
    ours = [record for record in caplog.records if record.name == "useresponse_async.web"]
    assert ["responded with 502" in record.getMessage() for record in ours] == [True]


@BARE_OR_BASE
def test_a_head_request_sends_no_request_to_the_api(sandbox, serve, middleware):
    application = Application(sandbox, middleware)
    answer = httpx.head(f"{serve(application)}/people", timeout=60)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/x-ndjson"
    wait_until(lambda: application.done == ["people"])
    assert sandbox.arrivals == 0


LEAVES = {  # the version of HTTP, the API's latency, and the requests to it until then
    "while it is collected": ("1.0", 0.05, 20),
    "after the first line": ("1.1", 0.05, 20),
    "before the first line": ("1.1", 300, 1),
}


@BARE_OR_BASE
@pytest.mark.parametrize("leaves", LEAVES)
def test_requests_to_the_api_end_when_the_browser_disconnects(
    start_sandbox, serve, middleware, leaves
):
    version, latency, arrivals = LEAVES[leaves]
    sandbox = start_sandbox(users=20_000, latency=latency)
    application = Application(sandbox, middleware)
    url = serve(application)
    with asked(url, version):
        wait_until(lambda: sandbox.arrivals >= arrivals)
    # Between two pages nothing is in flight either, so the end is that of the application's call.
    wait_until(lambda: "/people" in application.ended)
    assert application.in_flight() == 0
    assert sandbox.arrivals < 200, "the walk continued to its end"
    sandbox.set_latency(0)
    assert httpx.get(f"{url}/people/7", timeout=60).status_code == 200  # it serves others


async def test_single_calls_are_sent_ahead_of_the_pages_of_exports(start_sandbox):
    sandbox = start_sandbox(users=20_000, latency=0.05)
    pages_before: list[int] = []
    async with running(Application(sandbox).app) as browser:
        async with anyio.create_task_group() as exports:
            for _ in range(4):  # of which each has four pages under way, with three slots for all
                exports.start_soon(browser.get, "/people")
            while sandbox.arrivals < 20:
                await anyio.sleep(0.01)
            for number in range(1, 8):
                arrivals = sandbox.arrivals
                assert (await browser.get(f"/people/{number}")).status_code == 200
                paths = [request.path for request in sandbox.requests[arrivals:]]
                pages_before.append(paths.index(f"/api/3.0/users/{number}.json"))
            exports.cancel_scope.cancel()
    assert max(pages_before) <= 10  # in the order of arrival it would be 13 and more


@pytest.mark.parametrize("goes_by", ["a disconnect", "a broken pipe", "cancellation"])
@pytest.mark.parametrize("path", ["/people", "/generated"])
async def test_a_response_ends_when_its_reader_leaves(start_sandbox, path, goes_by):
    sandbox = start_sandbox(users=50_000, latency=0.01)
    application = Application(sandbox)
    app = application.app
    sent: list[Message] = []
    gone = anyio.Event()

    async def receive() -> Message:
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if len(sent) >= 4:
            if goes_by == "a broken pipe":
                raise OSError("nobody is there")
            leave()

    scope = {"type": "http", "http_version": "1.1", "method": "GET", "headers": []}
    async with app.router.lifespan_context(app):
        with anyio.CancelScope() as cancelled:
            leave = cancelled.cancel if goes_by == "cancellation" else gone.set
            await app({**scope, "path": path, "query_string": b""}, receive, send)
        assert application.in_flight() == 0
    assert cancelled.cancelled_caught == (goes_by == "cancellation")
    assert sandbox.arrivals < 100, "the walk continued to its end"
    assert ("generated" in application.done) == (path == "/generated")
    assert sent[-1].get("more_body"), "a cut response must not look complete"


async def test_the_lines_are_documented(sandbox):
    operation = Application(sandbox).app.openapi()["paths"]["/people"]["get"]
    schema = operation["responses"]["200"]["content"]["application/x-ndjson"]["schema"]
    assert schema == {"type": "object", "$ref": "#/components/schemas/User"}


class Countdown(AsyncIterator[int]):
    """An iterator that is no generator: it cannot be closed."""

    left = 3

    async def __anext__(self) -> int:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self.left


async def test_pages_and_any_asynchronous_iterator_can_be_lines_with_the_fields_of_a_model(client):
    app = FastAPI()

    @app.get("/pages")
    async def pages() -> NDJSONResponse:
        numbered = create_model("Numbered", number=(int, ...))
        return NDJSONResponse(client.users.search(count=50).by_page(), model=numbered)

    @app.get("/numbers")
    async def numbers() -> NDJSONResponse:
        return NDJSONResponse(Countdown(), headers={"X-Count": "3"}, status_code=206)

    async with browser_of(app) as browser:
        assert lines_of(await browser.get("/pages")) == [{"number": n} for n in range(1, 6)]
        answer = await browser.get("/numbers")
    assert (answer.status_code, answer.headers["x-count"], answer.text) == (206, "3", "2\n1\n0\n")
