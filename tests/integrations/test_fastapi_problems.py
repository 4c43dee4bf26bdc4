"""Problem responses to failures of the API."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
from browser import browser_of
from fastapi import FastAPI

import useresponse_async
from useresponse_async import (
    APIConnectionError,
    AsyncClient,
    ClientClosedError,
    ConfigurationError,
    QueueTimeoutError,
    ResponseTooLargeError,
    RetryPolicy,
    User,
    UseResponseError,
)
from useresponse_async.integrations._problems import problem_of
from useresponse_async.integrations.fastapi import (
    PROBLEMS,
    Client,
    UseResponse,
    install_error_handlers,
)
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

ONCE = RetryPolicy(attempts=1)


def make_app(sandbox: Sandbox, **options: Any) -> FastAPI:
    options = {"api_key": sandbox.api_key, "retry": ONCE, **options}
    useresponse = UseResponse(lambda: AsyncClient(sandbox.url, **options))
    app = FastAPI(lifespan=useresponse.lifespan, responses=PROBLEMS)
    install_error_handlers(app)

    @app.get("/people/{user_id}")
    async def person(user_id: int, client: Client) -> User:
        return await client.users.get(user_id)

    return app


async def answer_of(app: FastAPI, path: str = "/people/7", method: str = "GET") -> httpx.Response:
    async with app.router.lifespan_context(app), browser_of(app) as browser:
        return await browser.request(method, path)


async def failing_with(error: UseResponseError, path: str = "/x") -> httpx.Response:
    app = FastAPI()
    install_error_handlers(app)

    @app.get("/{name}")
    async def fail(name: str) -> None:
        raise error

    return await answer_of(app, path)


async def test_an_unknown_user_is_a_404_with_the_apis_message(sandbox):
    sandbox.fail_next(404, message="User not found")
    answer = await answer_of(make_app(sandbox))
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "detail": "User not found",
        "instance": "/people/7",
    }


STATUSES = {
    400: 400, 401: 502, 403: 502, 404: 404, 405: 502, 409: 409, 418: 502, 429: 503, 500: 502,
    502: 502, 503: 503,
}  # fmt: skip


@pytest.mark.parametrize(("upstream", "status"), STATUSES.items())
async def test_each_status_of_the_api_has_a_status_of_the_application(sandbox, upstream, status):
    sandbox.fail_next(upstream, message="said upstream")
    answer = await answer_of(make_app(sandbox))
    assert answer.status_code == answer.json()["status"] == status
    assert ("said upstream" in answer.text) == (status in (400, 404, 409))
    assert ("retry-after" in answer.headers) == (status == 503)


async def test_an_invalid_argument_is_a_400_that_names_it(sandbox):
    answer = await answer_of(make_app(sandbox), "/people/0")
    assert answer.status_code == 400
    assert answer.json()["detail"] == "user_id: 0 is not a positive integer"
    assert sandbox.arrivals == 0


async def test_a_rejected_key_is_a_502_and_shows_nowhere(sandbox, caplog):
    key = "a-key-that-nobody-knows"
    with caplog.at_level(logging.DEBUG):
        answer = await answer_of(make_app(sandbox, api_key=key))
    assert answer.status_code == 502
    assert key not in answer.text + caplog.text
    assert sandbox.url not in answer.text
    assert "GET /people/7 responded with 502: " in caplog.text
    (record,) = [r for r in caplog.records if r.name == "useresponse_async.web"]
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
    "timeout": (lambda it: it.delay_next(5), {"timeout": httpx.Timeout(30, read=0.2)}, 504),
    "connection refused": (lambda it: it.stop(), {}, 502),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_invalid_response_of_the_api_has_a_status_and_is_not_shown(sandbox, caplog, fault):
    prepare, options, status = FAULTS[fault]
    app = make_app(sandbox, **options)
    prepare(sandbox)
    answer = await answer_of(app)
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
    answer = await answer_of(make_app(sandbox))
    assert answer.headers["retry-after"] == told


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (QueueTimeoutError("no turn", method="GET", path="/x", request_sent=False), 503),
        (APIConnectionError("reset", method="GET", path="/x", request_sent=True), 502),
        (ClientClosedError("the client is closed"), 503),
        (ResponseTooLargeError(method="GET", path="/x", max_bytes=1), 502),
        (ConfigurationError("retry: no policy"), 500),
        (UseResponseError("whatever comes"), 500),
    ],
)
async def test_every_other_error_has_its_status(error, status):
    answer = await failing_with(error)
    assert answer.status_code == status
    assert str(error) not in answer.text
    assert ("retry-after" in answer.headers) == (status == 503)


def test_every_error_class_has_a_status():
    kinds = {
        kind
        for kind in vars(useresponse_async).values()
        if isinstance(kind, type) and issubclass(kind, useresponse_async.UseResponseError)
    }
    fallback = problem_of(UseResponseError)
    left = {kind for kind in kinds if problem_of(kind) is fallback}
    assert left == {UseResponseError, ConfigurationError}


async def test_the_instance_is_the_path_without_its_query():
    answer = await failing_with(ClientClosedError("closed"), "/a%20b%3Fc%25é?token=1")
    assert answer.json()["instance"] == "/a%20b%3Fc%25%C3%A9"


async def test_the_error_of_a_websocket_is_raised(sandbox):
    app = FastAPI()
    install_error_handlers(app)

    @app.websocket("/")
    async def fail() -> None:
        raise ClientClosedError("the client is closed")

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: Any) -> None: ...

    scope = {"type": "websocket", "path": "/", "headers": [], "query_string": b""}
    with pytest.raises(ClientClosedError):
        await app(scope, receive, send)


async def test_only_unexpected_errors_are_logged_with_a_traceback(caplog):
    await failing_with(UseResponseError("whatever comes"))
    await failing_with(ClientClosedError("closed"))
    ours = [record for record in caplog.records if record.name == "useresponse_async.web"]
    assert [bool(record.exc_info) for record in ours] == [True, False]


async def test_messages_and_paths_cannot_forge_a_log_line(sandbox, caplog):
    sandbox.fail_next(500, message="a\nforged line, and \x1b[2J\u202e")
    await answer_of(make_app(sandbox))
    (record,) = [r for r in caplog.records if r.name == "useresponse_async.web"]
    assert r"a\nforged line, and \x1b[2J\u202e" in record.getMessage()
    caplog.clear()
    await failing_with(UseResponseError("whatever comes"), "/x%0aforged")
    (record,) = [r for r in caplog.records if r.name == "useresponse_async.web"]
    assert "GET /x%0Aforged responded with 500" in record.getMessage()


MAIN = """
from fastapi import FastAPI

from useresponse_async import User
from useresponse_async.integrations.fastapi import Client, UseResponse, install_error_handlers

{configuration}
app = FastAPI({arguments})
install_error_handlers(app)


@app.get("/people/{{user_id}}")
async def person(user_id: int, client: Client) -> User:
    return await client.users.get(user_id)
"""
WITH_LIFESPAN = "lifespan=UseResponse().lifespan"


@pytest.fixture
def shown_by_uvicorn(tmp_path, sandbox, until) -> Callable[..., tuple[int, str]]:
    """Run plain ``uvicorn main:app``; return a request's status and what the terminal shows."""

    def shown(*, configuration: str = "", arguments: str = "") -> tuple[int, str]:
        main = MAIN.format(configuration=configuration, arguments=arguments)
        (tmp_path / "main.py").write_text(main)
        key = {"USERESPONSE_URL": sandbox.url, "USERESPONSE_API_KEY": sandbox.api_key}
        # A socket's path may have about a hundred characters, fewer than a test's folder has.
        with TemporaryDirectory(dir="/tmp") as folder, (tmp_path / "shown").open("w+") as terminal:
            path = Path(folder, "socket")
            with subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-m", "uvicorn", "main:app", "--uds", path],
                cwd=tmp_path,
                env={**os.environ, **key},
                stdout=terminal,
                stderr=terminal,
            ) as server:
                until(lambda: path.exists() or server.poll() is not None)
                transport = httpx.HTTPTransport(uds=str(path), retries=5)
                with httpx.Client(transport=transport, base_url="http://app") as browser:
                    status = browser.get("/people/7", timeout=60).status_code
                server.terminate()
            terminal.seek(0)
            return status, terminal.read()

    return shown


BASIC_CONFIG = "import logging\nlogging.basicConfig(format='configured: %(message)s')"


@pytest.mark.parametrize(
    ("configuration", "prefix"),
    [("", ""), pytest.param(BASIC_CONFIG, "configured: ", marks=pytest.mark.long)],
    ids=["by default", "configured"],
)
def test_the_terminal_shows_the_reason_once(sandbox, shown_by_uvicorn, configuration, prefix):
    sandbox.fail_next(403, message="not for this key")
    status, shown = shown_by_uvicorn(configuration=configuration, arguments=WITH_LIFESPAN)
    assert status == 502
    host = sandbox.url.removeprefix("http://")
    (line,) = [line for line in shown.splitlines() if "not for this key" in line]
    assert line == (
        f"{prefix}GET /people/7 responded with 502: PermissionDeniedError: "
        f"GET /api/3.0/users/7.json: 403 not for this key (upstream: {host})"
    )


def test_the_terminal_shows_the_remedy_for_a_missing_lifespan(shown_by_uvicorn):
    status, shown = shown_by_uvicorn()
    assert status == 500
    assert shown.count("pass lifespan=useresponse.lifespan to FastAPI()") == 1
    assert "Traceback" not in shown


async def test_the_problems_are_in_the_openapi_document(sandbox):
    responses = make_app(sandbox).openapi()["paths"]["/people/{user_id}"]["get"]["responses"]
    assert {"200", "400", "404", "409", "422", "502", "503", "504"} == responses.keys()
    problem = responses["503"]["content"]["application/problem+json"]["schema"]
    assert set(problem["required"]) == {"type", "title", "status", "detail", "instance"}
    assert "Retry-After" in responses["503"]["headers"]


async def test_a_problem_response_matches_its_documentation(sandbox):
    app = make_app(sandbox)
    sandbox.fail_next(404)
    answer = await answer_of(app)
    schema = PROBLEMS[404]["content"]["application/problem+json"]["schema"]
    assert answer.json().keys() == schema["properties"].keys()
    assert answer.json()["title"] == schema["properties"]["title"]["const"]
