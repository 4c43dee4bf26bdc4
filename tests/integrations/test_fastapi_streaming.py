"""Walks as responses of lines, which end with a failure or with the browser."""

import http.client
import json
import logging
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import anyio
import httpx
import pytest
from browser import browser_of
from fastapi import FastAPI, Request
from pydantic import BaseModel
from starlette.background import BackgroundTask
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from useresponse_async import AsyncClient, Page, RetryPolicy, User
from useresponse_async.integrations.fastapi import (
    PROBLEMS,
    Client,
    NDJSONResponse,
    UseResponse,
    install_error_handlers,
)
from useresponse_async.sandbox import Sandbox

pytestmark = [
    pytest.mark.anyio,
    # Behind middleware starlette leaves a request's body to the garbage collector.
    pytest.mark.filterwarnings("ignore:Async generator 'starlette:ResourceWarning"),
]


class Person(BaseModel):
    id: int
    name: str


BOTH_PARSERS = pytest.mark.parametrize("parser", ["h11", "httptools"])


class Application:
    """An application that streams its users in several ways, and the clients that it made."""

    def __init__(self, sandbox: Sandbox, *middleware: str) -> None:
        self.sandbox = sandbox
        self.clients: list[AsyncClient] = []
        self.done: list[str] = []
        self.ended: list[str] = []
        self.useresponse = UseResponse(self.make_client)
        self.app = FastAPI(lifespan=self.useresponse.lifespan, responses=PROBLEMS)
        install_error_handlers(self.app)
        self.add_routes()
        for name in middleware:
            if name == "gzip":
                self.app.add_middleware(GZipMiddleware)
            else:
                self.app.middleware("http")(self.pass_on)

    async def pass_on(self, request: Request, call_next: Any) -> Response:
        response: Response = await call_next(request)
        return response

    def make_client(self) -> AsyncClient:
        client = AsyncClient(
            self.sandbox.url,
            api_key=self.sandbox.api_key,
            retry=RetryPolicy(attempts=1),
            timeout=300,
            max_in_flight=3,
        )
        self.clients.append(client)
        return client

    def add_routes(self) -> None:
        responses = NDJSONResponse.documentation(User)

        @self.app.get("/people", response_class=NDJSONResponse, responses=responses)
        async def people(client: Client) -> NDJSONResponse:
            done = BackgroundTask(self.done.append, "people")
            return NDJSONResponse(client.users.search(), background=done)

        @self.app.head("/people")
        async def head(client: Client) -> NDJSONResponse:
            return await people(client)

        @self.app.get("/names")
        async def names(client: Client) -> NDJSONResponse:
            return NDJSONResponse(client.users.search(), model=Person)

        @self.app.get("/searched")
        async def searched(client: Client, text: str) -> NDJSONResponse:
            return NDJSONResponse(client.users.search(search=text))

        @self.app.get("/generated")
        async def generated(client: Client) -> NDJSONResponse:
            async def numbers() -> AsyncIterator[dict[str, int]]:
                try:
                    number = 0
                    while True:
                        yield {"number": number}
                        number += 1
                        await anyio.sleep(0.01)
                finally:
                    self.done.append("generated")

            return NDJSONResponse(numbers())

    def watched(self) -> ASGIApp:
        """Return the application, wrapped so that it records the end of each request."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await self.app(scope, receive, send)
            finally:
                self.ended.append(scope.get("path", "the lifespan"))

        return app

    def in_flight(self) -> int:
        return sum(client.in_flight for client in self.clients)


@pytest.fixture(params=["bare", "behind middleware"])
def application(request, sandbox) -> Application:
    return Application(sandbox, *([] if request.param == "bare" else ["base"]))


async def answer_of(application: Application, path: str) -> httpx.Response:
    app = application.app
    async with app.router.lifespan_context(app), browser_of(app) as browser:
        return await browser.get(path)


def lines_of(answer: httpx.Response) -> list[Any]:
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_every_item_is_a_line_in_order(sandbox):
    application = Application(sandbox)
    answer = await answer_of(application, "/people")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.text.endswith("\n")
    async with application.make_client() as client:
        users = await client.users.search().collect()
    assert lines_of(answer) == [user.to_dict() for user in users]
    assert len(users) == sandbox.user_count
    assert application.done == ["people"]  # the background task


async def test_a_line_has_the_fields_of_the_given_model(sandbox):
    answer = await answer_of(Application(sandbox), "/names")
    first = sandbox.user(lines_of(answer)[0]["id"])
    assert first is not None
    assert lines_of(answer)[0] == {"id": first.id, "name": first.name}
    assert len(lines_of(answer)) == sandbox.user_count


async def test_a_walk_without_items_is_an_empty_response(sandbox):
    answer = await answer_of(Application(sandbox), "/searched?text=nobody-has-this-name")
    assert (answer.status_code, answer.content) == (200, b"")


async def test_a_failure_before_the_first_line_is_a_problem_response(sandbox, application):
    sandbox.fail_next(503, headers={"Retry-After": "3"})
    answer = await answer_of(application, "/people")
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "3"


def test_a_line_is_sent_before_the_next_page_arrives(sandbox, serve):
    sandbox.delay_next(300, match=r"page=2\b")
    url = serve(Application(sandbox).app)
    with httpx.stream("GET", f"{url}/people", timeout=60) as answer:
        assert json.loads(next(answer.iter_lines()))["id"] is not None


@BOTH_PARSERS
def test_a_failure_after_the_first_line_cuts_the_connection_and_is_logged(
    sandbox, serve, application, caplog, parser
):
    sandbox.fail_next(500, match=r"page=3\b")
    url = serve(application.app, http=parser)
    lines: list[str] = []
    with httpx.stream("GET", f"{url}/people", timeout=60) as answer:
        assert answer.status_code == 200
        with pytest.raises(httpx.RemoteProtocolError):
            lines.extend(answer.iter_lines())
    assert 0 < len(lines) < sandbox.user_count
    ours = [record for record in caplog.records if record.name == "useresponse_async.web"]
    assert [record.levelno for record in ours] == [logging.ERROR]
    assert "GET /people was cut: InternalServerError: " in ours[0].getMessage()
    assert vars(ours[0])["useresponse_path"] == "/people"
    assert sandbox.api_key not in caplog.text


@BOTH_PARSERS
@pytest.mark.parametrize("middleware", [[], ["gzip"]])
def test_a_cut_connection_is_logged_by_uvicorn_without_a_traceback(
    sandbox, serve, caplog, parser, middleware
):
    sandbox.fail_next(500, match=r"page=3\b")
    url = serve(Application(sandbox, *middleware).app, http=parser)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{url}/people", timeout=60)
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert [record.name for record in errors] == ["useresponse_async.web", "uvicorn.error"]
    assert [record.exc_info for record in errors] == [None, None]


@pytest.mark.parametrize("middleware", [[], ["base"]])
def test_a_traceback_behind_middleware_names_the_reason(sandbox, serve, caplog, middleware):
    application = Application(sandbox, *middleware)

    @application.app.get("/mistaken")
    async def mistaken(client: Client) -> NDJSONResponse:
        async def lines() -> AsyncIterator[dict[str, int]]:
            yield {"number": 1}
            raise KeyError("a mistake in the application")

        return NDJSONResponse(lines())

    url = serve(application.app)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{url}/mistaken", timeout=60)
    ours, uvicorns = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert ours.exc_info is not None
    assert isinstance(ours.exc_info[1], KeyError)
    assert "GET /mistaken was cut: KeyError: 'a mistake" in ours.getMessage()
    if middleware:
        assert uvicorns.exc_info is not None
        assert str(uvicorns.exc_info[1]).startswith("the stream was interrupted: 'a mistake in")


async def test_without_a_server_a_failure_after_the_first_line_is_an_exception(
    sandbox, application
):
    sandbox.fail_next(500, times=2, match=r"page=3\b")
    with pytest.raises(RuntimeError, match="the stream was interrupted: GET /api"):
        await answer_of(application, "/people")
    with (
        TestClient(application.app) as browser,
        pytest.raises((RuntimeError, TypeError), match=r"the stream was interrupted|Unsendable"),
    ):
        browser.get("/people")


STACKS = pytest.mark.parametrize("middleware", ["gzip", "base base", "base gzip base gzip base"])


@STACKS
@BOTH_PARSERS
def test_a_failure_behind_middleware_cuts_the_connection(sandbox, serve, middleware, parser):
    sandbox.fail_next(500, match=r"page=3\b")
    url = serve(Application(sandbox, *middleware.split()).app, http=parser)
    with (
        httpx.stream("GET", f"{url}/people", timeout=60) as answer,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        answer.read()


@contextmanager
def asked_on_http_1_0(url: str, path: str) -> Iterator[socket.socket]:
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 80), timeout=60) as connection:
        connection.sendall(f"GET {path} HTTP/1.0\r\nAccept-Encoding: gzip\r\n\r\n".encode())
        yield connection


def answer_on_http_1_0(url: str, path: str) -> httpx.Response:
    with asked_on_http_1_0(url, path) as connection, http.client.HTTPResponse(connection) as answer:
        answer.begin()
        body = answer.read()  # raises IncompleteRead where it is shorter than was announced
        return httpx.Response(answer.status, headers=answer.getheaders(), content=body)


@BOTH_PARSERS
@pytest.mark.parametrize("users", [0, 250, pytest.param(5_000, marks=pytest.mark.long)])
def test_an_export_on_http_1_0_has_its_length(start_sandbox, serve, parser, users):
    application = Application(start_sandbox(users=users))
    url = serve(application.app, http=parser)
    answer = answer_on_http_1_0(url, "/people")
    assert answer.status_code == 200
    assert "transfer-encoding" not in answer.headers
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.content == httpx.get(f"{url}/people", timeout=60).content
    assert len(lines_of(answer)) == application.sandbox.user_count


@BOTH_PARSERS
def test_a_failure_on_http_1_0_is_a_problem_response(sandbox, serve, application, caplog, parser):
    sandbox.fail_next(500, match=r"page=3\b")
    answer = answer_on_http_1_0(serve(application.app, http=parser), "/people")
    assert answer.status_code == 502
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["instance"] == "/people"
    ours = [record for record in caplog.records if record.name == "useresponse_async.web"]
    assert ["responded with 502" in record.getMessage() for record in ours] == [True]


@STACKS
def test_an_export_on_http_1_0_passes_middleware(sandbox, serve, middleware):
    url = serve(Application(sandbox, *middleware.split()).app)
    answer = answer_on_http_1_0(url, "/people")
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert len(lines_of(answer)) == sandbox.user_count
    sandbox.fail_next(500, match=r"page=3\b")
    assert answer_on_http_1_0(url, "/people").status_code == 502


@BOTH_PARSERS
def test_on_http_1_0_requests_to_the_api_end_when_the_browser_disconnects(
    start_sandbox, serve, until, parser
):
    sandbox = start_sandbox(users=20_000, latency=0.05)
    application = Application(sandbox)
    with asked_on_http_1_0(serve(application.watched(), http=parser), "/people"):
        until(lambda: sandbox.arrivals > 3)
    until(lambda: "/people" in application.ended)
    assert application.in_flight() == 0
    assert sandbox.arrivals < 200


@BOTH_PARSERS
def test_a_head_request_sends_no_request_to_the_api(sandbox, serve, until, application, parser):
    answer = httpx.head(f"{serve(application.app, http=parser)}/people")
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == "application/x-ndjson"
    until(lambda: application.done == ["people"])
    assert sandbox.arrivals == 0


def test_requests_to_the_api_end_when_the_browser_disconnects(serve, until, application):
    sandbox = application.sandbox
    sandbox.insert_users(20_000)
    sandbox.set_latency(0.05)
    url = serve(application.watched())
    with httpx.stream("GET", f"{url}/people", timeout=60) as answer:
        lines = answer.iter_lines()
        assert len([next(lines) for _ in range(200)]) == 200
    # Between two pages nothing is in flight either, so the end is that of the application's call.
    until(lambda: "/people" in application.ended)
    assert application.in_flight() == 0
    assert sandbox.arrivals < 200, "the walk continued to its end"
    sandbox.set_latency(0)
    # It serves others.
    assert httpx.get(f"{url}/searched?text=nobody-has-this-name", timeout=60).status_code == 200


def test_a_disconnect_before_the_first_line_ends_the_request_to_the_api(
    sandbox, serve, until, application
):
    sandbox.delay_next(300)
    url = serve(application.app)
    with httpx.Client(timeout=0.3) as browser, pytest.raises(httpx.ReadTimeout):
        browser.get(f"{url}/people")
    until(lambda: application.in_flight() == 0)
    assert sandbox.arrivals == 1


def test_single_calls_are_sent_ahead_of_the_pages_of_exports(start_sandbox, serve, until):
    sandbox = start_sandbox(users=20_000, latency=0.05)
    application = Application(sandbox)

    @application.app.get("/people/{user_id}")
    async def person(user_id: int, client: Client) -> User:
        return await client.users.get(user_id)

    url = serve(application.app)
    enough = threading.Event()

    def read_an_export() -> None:
        with httpx.stream("GET", f"{url}/people", timeout=60) as answer:
            for _ in answer.iter_bytes():
                if enough.is_set():
                    return

    pages_before: list[int] = []
    with ThreadPoolExecutor() as readers, httpx.Client(base_url=url, timeout=60) as browser:
        for _ in range(4):  # of which each has four pages under way, with three slots for all
            readers.submit(read_an_export)
        until(lambda: sandbox.arrivals >= 20)
        for number in range(1, 8):
            arrivals = sandbox.arrivals
            assert browser.get(f"/people/{number}").status_code == 200
            paths = [request.path for request in sandbox.requests[arrivals:]]
            pages_before.append(paths.index(f"/api/3.0/users/{number}.json"))
        enough.set()
    assert max(pages_before) <= 10  # in the order of arrival it would be 13 and more


def test_a_generator_is_closed_when_the_browser_disconnects(sandbox, serve, until):
    application = Application(sandbox)
    url = serve(application.app)
    with httpx.stream("GET", f"{url}/generated", timeout=60) as answer:
        lines = answer.iter_lines()
        assert [json.loads(next(lines)) for _ in range(2)] == [{"number": 0}, {"number": 1}]
    until(lambda: application.done == ["generated"])


class Browser:
    """Speaks ASGI to an application, so that any event loop can serve it."""

    def __init__(self, *, leaves_after: int, broken_pipe: bool = False) -> None:
        self.sent: list[Message] = []
        self.gone = anyio.Event()
        self._leaves_after = leaves_after
        self._broken_pipe = broken_pipe

    async def receive(self) -> Message:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.sent.append(message)
        if len(self.sent) >= self._leaves_after:
            if self._broken_pipe:
                raise OSError("nobody is there")
            self.gone.set()

    async def get(self, app: FastAPI, path: str) -> None:
        scope = {"type": "http", "http_version": "1.1", "method": "GET", "headers": []}
        await app({**scope, "path": path, "query_string": b""}, self.receive, self.send)


@pytest.mark.parametrize("goes_by", ["a disconnect", "a broken pipe"])
async def test_a_walk_ends_on_every_event_loop_when_its_reader_disconnects(start_sandbox, goes_by):
    sandbox = start_sandbox(users=50_000, latency=0.01)
    application = Application(sandbox)
    app = application.app
    browser = Browser(leaves_after=4, broken_pipe=goes_by == "a broken pipe")
    async with app.router.lifespan_context(app):
        await browser.get(app, "/people")
        assert application.in_flight() == 0
    assert sandbox.arrivals < 100, "the walk continued to its end"
    assert [message["type"] for message in browser.sent[:4]] == [
        "http.response.start",
        *["http.response.body"] * 3,
    ]
    assert browser.sent[-1].get("more_body"), "a cut response must not look complete"


async def test_a_cancelled_response_leaves_nothing_in_flight(start_sandbox):
    sandbox = start_sandbox(users=50_000, latency=0.01)
    application = Application(sandbox)
    app = application.app
    browser = Browser(leaves_after=10_000)
    async with app.router.lifespan_context(app):
        with anyio.move_on_after(0.3) as scope:
            await browser.get(app, "/people")
        assert scope.cancelled_caught
        assert application.in_flight() == 0


async def test_the_lines_are_documented(sandbox):
    operation = Application(sandbox).app.openapi()["paths"]["/people"]["get"]
    schema = operation["responses"]["200"]["content"]["application/x-ndjson"]["schema"]
    assert schema == {"type": "object", "$ref": "#/components/schemas/User"}


class Countdown:
    """An iterator that is no generator: it cannot be closed."""

    def __init__(self) -> None:
        self.left = 3

    def __aiter__(self) -> "Countdown":
        return self

    async def __anext__(self) -> int:
        if not self.left:
            raise StopAsyncIteration
        self.left -= 1
        return self.left


async def test_pages_and_any_asynchronous_iterator_can_be_the_content(client):
    app = FastAPI()

    @app.get("/pages")
    async def pages() -> NDJSONResponse:
        return NDJSONResponse(client.users.search(count=50).by_page(), model=Page[User])

    @app.get("/numbers")
    async def numbers() -> NDJSONResponse:
        return NDJSONResponse(Countdown(), headers={"X-Count": "3"}, status_code=206)

    async with browser_of(app) as browser:
        assert [line["number"] for line in lines_of(await browser.get("/pages"))] == [1, 2, 3, 4, 5]
        answer = await browser.get("/numbers")
    assert (answer.status_code, answer.headers["x-count"], answer.text) == (206, "3", "2\n1\n0\n")
