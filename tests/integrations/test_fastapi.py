"""One client for all requests of an application, and problem responses to its failures."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

import anyio
import httpx
import pytest
from browser import browser_of, running
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from quick import client_of
from starlette.testclient import TestClient

import useresponse_async as ur

# The class of an error that no test below raises has to have a status too.
from useresponse_async.integrations._problems import problem_of
from useresponse_async.integrations.fastapi import (
    PROBLEMS,
    Client,
    UseResponse,
    current_client,
    install_error_handlers,
)
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

NO_LIFESPAN = "pass lifespan=useresponse.lifespan to FastAPI()"


def for_sandbox(sandbox: Sandbox, **options: Any) -> UseResponse:
    options = {"retry": ur.RetryPolicy(attempts=1), **options}
    return UseResponse(lambda: client_of(sandbox, **options))


def with_person(app: Any) -> Any:
    @app.get("/people/{user_id}")
    async def person(user_id: int, client: Client) -> ur.User:
        return await client.users.get(user_id)

    return app


def app_of(useresponse: UseResponse) -> FastAPI:
    app: FastAPI = with_person(FastAPI(lifespan=useresponse.lifespan, responses=PROBLEMS))
    install_error_handlers(app)
    return app


async def test_the_client_is_open_while_the_application_runs_and_closed_after(sandbox):
    useresponse = for_sandbox(sandbox)
    app = app_of(useresponse)
    for _ in range(2):
        async with running(app) as browser:
            assert (await browser.get("/people/7")).json()["id"] == 7
            client = await useresponse()
            assert (await client.users.get(7)).id == 7
            with pytest.raises(ur.ConfigurationError, match="already entered"):
                async with useresponse.lifespan():
                    pytest.fail("it was entered twice")
        with pytest.raises(ur.ClientClosedError):
            await client.users.get(7)


def test_routers_mounted_applications_and_websockets_find_the_client(sandbox):
    app = FastAPI(lifespan=for_sandbox(sandbox).lifespan)
    app.include_router(with_person(APIRouter(prefix="/routed")))
    app.mount("/mounted", with_person(FastAPI()))

    @app.websocket("/names")
    async def names(websocket: WebSocket, client: Client) -> None:
        await websocket.accept()
        await websocket.send_text((await client.users.get(7)).name or "")

    with TestClient(app) as browser:
        for place in ("routed", "mounted"):
            assert browser.get(f"/{place}/people/7").json()["id"] == 7
        with browser.websocket_connect("/names") as connection:
            assert connection.receive_text() == sandbox.user(7).name


async def test_an_application_can_have_several_installations(start_sandbox):
    one, other = start_sandbox(users=3), start_sandbox(users=5)
    helpdesk, forum = for_sandbox(one), for_sandbox(other)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with helpdesk.lifespan(app), forum.lifespan(app):
            yield

    app = with_person(FastAPI(lifespan=lifespan))

    @app.get("/counts")
    async def counts(
        first: Annotated[ur.AsyncClient, Depends(helpdesk)],
        second: Annotated[ur.AsyncClient, Depends(forum)],
    ) -> list[int]:
        return [await first.users.search().count(), await second.users.search().count()]

    async with running(app) as browser:
        assert (await browser.get("/counts")).json() == [one.user_count, other.user_count]
        with pytest.raises(ur.ConfigurationError, match=r"2 clients are open.*Depends\(u"):
            await browser.get("/people/7")


async def test_a_missing_lifespan_raises_an_error_with_the_remedy():
    app = with_person(FastAPI())
    async with browser_of(app) as browser:
        for ask in (UseResponse(), lambda: browser.get("/people/7")):
            with pytest.raises(ur.ConfigurationError, match=re.escape(NO_LIFESPAN)):
                await ask()
    app = with_person(FastAPI())
    install_error_handlers(app)
    async with browser_of(app) as browser:
        answer = await browser.get("/people/7")
    assert (answer.status_code, NO_LIFESPAN in answer.json()["detail"]) == (500, True)


async def test_the_default_client_retries_for_ten_seconds(sandbox, monkeypatch):
    useresponse = UseResponse()  # which reads the settings when the application starts
    monkeypatch.setenv("USERESPONSE_URL", sandbox.url)
    monkeypatch.setenv("USERESPONSE_API_KEY", sandbox.api_key)
    async with useresponse.lifespan():
        client = await useresponse()
        sandbox.fail_next(503, headers={"Retry-After": "0"})
        assert (await client.users.get(7)).id == 7
        assert sandbox.arrivals == 2
        sandbox.fail_next(503, headers={"Retry-After": "11"})
        with pytest.raises(ur.ServiceUnavailableError):
            await client.users.get(7)
        assert sandbox.arrivals == 3


async def test_a_test_can_override_the_client(client):
    app = with_person(FastAPI())
    app.dependency_overrides[current_client] = lambda: client
    async with browser_of(app) as browser:
        assert (await browser.get("/people/7")).json()["id"] == 7


def test_applications_in_two_event_loops_have_a_client_each(sandbox, serve):
    app = app_of(for_sandbox(sandbox))
    for url in (serve(app), serve(app)):
        assert httpx.get(f"{url}/people/7", timeout=60).json()["id"] == 7


async def test_a_hundred_concurrent_requests_share_one_limit_and_one_pool(start_sandbox):
    sandbox = start_sandbox(users=120, latency=0.02)
    app = app_of(for_sandbox(sandbox, max_in_flight=5))
    answered: list[int] = []

    async def ask(number: int) -> None:
        answered.append((await browser.get(f"/people/{number}")).json()["id"])

    async with running(app) as browser, anyio.create_task_group() as tasks:
        for number in range(1, 101):
            tasks.start_soon(ask, number)
    assert sorted(answered) == list(range(1, 101))
    assert sandbox.arrivals == 100
    assert 2 <= sandbox.peak_in_flight <= 5
    assert sandbox.connections_opened <= 10


async def answer_of(sandbox: Sandbox, path: str = "/people/7", **options: Any) -> httpx.Response:
    async with running(app_of(for_sandbox(sandbox, **options))) as browser:
        return await browser.get(path)


async def failing_with(error: ur.UseResponseError, path: str = "/x") -> httpx.Response:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/{name}")
    @app.websocket("/{name}")
    async def fail(name: str) -> None:
        raise error

    with pytest.raises(type(error)), TestClient(app).websocket_connect("/x"):
        pytest.fail("it was accepted")  # in a WebSocket the error is raised
    async with browser_of(app) as browser:
        return await browser.get(path)


def logged(caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    """Return the one record that was logged since the last call."""
    (record,) = [r for r in caplog.records if r.name == "useresponse_async.web"]
    caplog.clear()
    return record


FAILED = "The support system refused the request or failed."
UNAVAILABLE = "The support system is unavailable. Please retry later."
SAID = "said upstream"
STATUSES = {
    400: (400, SAID), 401: (502, FAILED), 403: (502, FAILED), 404: (404, SAID), 405: (502, FAILED),
    409: (409, SAID), 418: (502, FAILED), 429: (503, UNAVAILABLE), 500: (502, FAILED),
    502: (502, FAILED), 503: (503, UNAVAILABLE),
}  # fmt: skip


@pytest.mark.parametrize("upstream", STATUSES)
async def test_each_status_of_the_api_has_a_status_of_the_application(sandbox, upstream):
    status, detail = STATUSES[upstream]
    sandbox.fail_next(upstream, message=SAID)
    answer = await answer_of(sandbox)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": "/people/7",
    }
    assert ("retry-after" in answer.headers) == (status == 503)


async def test_an_invalid_argument_is_a_400_that_names_it(sandbox):
    answer = await answer_of(sandbox, "/people/0")
    assert answer.status_code == 400
    assert answer.json()["detail"] == "user_id: 0 is not a positive integer"
    assert sandbox.arrivals == 0


async def test_a_rejected_key_is_a_502_and_shows_nowhere(sandbox, caplog):
    key = "a-key-that-nobody-knows"
    with caplog.at_level(logging.DEBUG):
        answer = await answer_of(sandbox, api_key=key)
    assert answer.status_code == 502
    assert key not in answer.text + caplog.text
    assert sandbox.url not in answer.text
    record = logged(caplog)
    assert "GET /people/7 responded with 502: " in record.getMessage()
    told = {name: value for name, value in vars(record).items() if name.startswith("useresponse_")}
    assert told == {
        "useresponse_method": "GET",
        "useresponse_path": "/people/7",
        "useresponse_status": 502,
        "useresponse_upstream": sandbox.url.removeprefix("http://"),
    }


FAULTS = {
    "HTML from a proxy": (lambda it: it.html_next(404), {}, 404),
    "invalid JSON": (lambda it: it.answer_next(b"<html>internals</html>"), {}, 502),
    "timeout": (lambda it: it.delay_next(300), {"timeout": httpx.Timeout(30, read=0.2)}, 504),
    "connection refused": (lambda it: it.stop(), {}, 502),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_invalid_response_of_the_api_has_a_status_and_is_not_shown(sandbox, caplog, fault):
    prepare, options, status = FAULTS[fault]
    prepare(sandbox)
    answer = await answer_of(sandbox, **options)
    assert answer.status_code == status
    assert "retry-after" not in answer.headers
    assert not re.search(r"html|internals|127\.0\.0\.1", answer.text)
    if status != 404:
        assert sandbox.url.removeprefix("http://") in caplog.text
    else:
        assert answer.json()["detail"] == "The support system does not have this resource."


@pytest.mark.parametrize(("asked", "told"), [("17", "17"), ("9" * 400, "3600"), ("soon", "5")])
async def test_retry_after_of_the_api_is_passed_on(sandbox, asked, told):
    sandbox.fail_next(503, headers={"Retry-After": asked})
    answer = await answer_of(sandbox)
    assert answer.headers["retry-after"] == told


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ur.QueueTimeoutError("no turn", method="GET", path="/x", request_sent=False), 503),
        (ur.ClientClosedError("the client is closed"), 503),
        (ur.ResponseTooLargeError(method="GET", path="/x", max_bytes=1), 502),
        (ur.ConfigurationError("retry: no policy"), 500),
        (ur.UseResponseError("whatever comes"), 500),
    ],
)
async def test_every_other_error_has_its_status_and_a_traceback_if_unexpected(
    error, status, caplog
):
    answer = await failing_with(error)
    assert answer.status_code == status
    assert str(error) not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)
    assert bool(logged(caplog).exc_info) == (status == 500)


def test_every_error_class_has_a_status():
    kinds = {kind for kind in vars(ur).values() if isinstance(kind, type)}
    errors = {kind for kind in kinds if issubclass(kind, ur.UseResponseError)}
    fallback = problem_of(ur.UseResponseError)
    left = {kind for kind in errors if problem_of(kind) is fallback}
    assert left == {ur.UseResponseError, ur.ConfigurationError}


async def test_messages_and_paths_cannot_forge_a_log_line_and_queries_show_nowhere(sandbox, caplog):
    sandbox.fail_next(500, message="a\nforged line, and \x1b[2J\u202e")
    await answer_of(sandbox)
    assert r"a\nforged line, and \x1b[2J\u202e" in logged(caplog).getMessage()
    answer = await failing_with(ur.ClientClosedError("closed"), "/a%20b%3F%0aforged%25é?token=1")
    assert answer.json()["instance"] == "/a%20b%3F%0Aforged%25%C3%A9"
    assert "GET /a%20b%3F%0Aforged%25%C3%A9 responded with 503" in logged(caplog).getMessage()


MAIN = """
import httpx, logging
from browser import serving
from test_fastapi import FastAPI, UseResponse, install_error_handlers, with_person

{}
app = with_person(FastAPI({}))
install_error_handlers(app)
with serving(app) as url:
    assert httpx.get(url + "/people/7", timeout=60).status_code == {}
"""
FORMAT = "logging.basicConfig(format='configured: %(message)s')"
LIFESPAN = "lifespan=UseResponse().lifespan"
DENIED = (
    r"GET /people/7 responded with 502: PermissionDeniedError: GET /api/3\.0/users/7\.json: "
    r"403 not for this key \(upstream: 127\.0\.0\.1:\d+\)"
)
REMEDY = rf"GET /people/7 responded with 500: .*{re.escape(NO_LIFESPAN)}.*"


@pytest.mark.parametrize(
    ("configuration", "arguments", "status", "shown"),
    [
        ("", LIFESPAN, 502, DENIED),
        pytest.param(FORMAT, LIFESPAN, 502, f"configured: {DENIED}", marks=pytest.mark.long),
        ("", "", 500, REMEDY),
    ],
    ids=["by default", "configured", "without a lifespan"],
)
def test_the_terminal_shows_the_reason_once(sandbox, configuration, arguments, status, shown):
    sandbox.fail_next(403, message="not for this key")
    here = Path(__file__).parent
    environment = {
        **os.environ,
        "PYTHONPATH": f"{here}{os.pathsep}{here.parent}",
        "USERESPONSE_URL": sandbox.url,
        "USERESPONSE_API_KEY": sandbox.api_key,
    }
    command = [sys.executable, "-c", MAIN.format(configuration, arguments, status)]
    output = subprocess.check_output(command, env=environment, stderr=subprocess.STDOUT, text=True)  # noqa: S603
    reason = re.compile("responded with|not for this key|pass lifespan")
    (line,) = filter(reason.search, output.splitlines())
    assert re.fullmatch(shown, line)
    assert "Traceback" not in output


async def test_the_problems_are_in_the_openapi_document(sandbox):
    document = app_of(for_sandbox(sandbox)).openapi()
    responses = document["paths"]["/people/{user_id}"]["get"]["responses"]
    assert {"200", "400", "404", "409", "422", "502", "503", "504"} == responses.keys()
    problem = responses["503"]["content"]["application/problem+json"]["schema"]
    assert set(problem["required"]) == {"type", "title", "status", "detail", "instance"}
    assert problem["properties"]["title"]["const"] == "Service Unavailable"
    assert "Retry-After" in responses["503"]["headers"]
