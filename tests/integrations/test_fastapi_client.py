"""The client of an application, which all its requests share."""

import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Annotated, Any

import httpx
import pytest
from browser import browser_of
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from quick import QUICK
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.types import Message

from useresponse_async import (
    AsyncClient,
    ClientClosedError,
    ConfigurationError,
    ServiceUnavailableError,
    User,
)
from useresponse_async.integrations.fastapi import (
    Client,
    UseResponse,
    current_client,
    install_error_handlers,
)
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


def for_sandbox(sandbox: Sandbox, **options: Any) -> UseResponse:
    return UseResponse(
        lambda: AsyncClient(sandbox.url, api_key=sandbox.api_key, retry=QUICK, **options)
    )


def with_person(app: FastAPI) -> FastAPI:
    @app.get("/people/{user_id}")
    async def person(user_id: int, client: Client) -> User:
        return await client.users.get(user_id)

    return app


async def test_the_client_is_open_while_the_application_runs_and_closed_after(sandbox):
    useresponse = for_sandbox(sandbox)
    app = FastAPI(lifespan=useresponse.lifespan)
    async with app.router.lifespan_context(app):
        client = await useresponse()
        assert (await client.users.get(7)).id == 7
    with pytest.raises(ClientClosedError):
        await client.users.get(7)


async def test_a_path_operation_receives_the_client_after_each_start(sandbox):
    app = with_person(FastAPI(lifespan=for_sandbox(sandbox).lifespan))
    for _ in range(2):
        async with app.router.lifespan_context(app), browser_of(app) as browser:
            assert (await browser.get("/people/7")).json()["id"] == 7


async def test_a_router_and_a_mounted_application_find_the_client(sandbox):
    router = APIRouter(prefix="/routed")
    with_person(router)  # type: ignore[arg-type]
    app = FastAPI(lifespan=for_sandbox(sandbox).lifespan)
    app.include_router(router)
    app.mount("/mounted", with_person(FastAPI()))
    async with app.router.lifespan_context(app), browser_of(app) as browser:
        assert (await browser.get("/routed/people/7")).json()["id"] == 7
        assert (await browser.get("/mounted/people/7")).json()["id"] == 7


async def test_an_application_can_have_several_installations(start_sandbox):
    one, other = start_sandbox(users=3), start_sandbox(users=5)
    helpdesk, forum = for_sandbox(one), for_sandbox(other)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with helpdesk.lifespan(app), forum.lifespan(app):
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/counts")
    async def counts(
        first: Annotated[AsyncClient, Depends(helpdesk)],
        second: Annotated[AsyncClient, Depends(forum)],
    ) -> list[int]:
        return [await first.users.search().count(), await second.users.search().count()]

    @app.get("/ambiguous")
    async def ambiguous(client: Client) -> None: ...

    async with app.router.lifespan_context(app), browser_of(app) as browser:
        assert (await browser.get("/counts")).json() == [one.user_count, other.user_count]
        with pytest.raises(ConfigurationError, match=r"2 clients are open.*Depends\(useresponse\)"):
            await browser.get("/ambiguous")


async def test_a_missing_lifespan_raises_an_error_with_the_remedy():
    fix = r"lifespan=useresponse\.lifespan to FastAPI\(\)"
    app = with_person(FastAPI())
    with pytest.raises(ConfigurationError, match=fix):
        await UseResponse()()
    async with browser_of(app) as browser:
        with pytest.raises(ConfigurationError, match=fix):
            await browser.get("/people/7")
    app = with_person(FastAPI())
    install_error_handlers(app)
    async with browser_of(app) as browser:
        answer = await browser.get("/people/7")
    assert answer.status_code == 500
    assert re.search(fix, answer.json()["detail"])


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
        with pytest.raises(ServiceUnavailableError):
            await client.users.get(7)
        assert sandbox.arrivals == 3


async def test_a_lifespan_cannot_be_entered_twice(sandbox):
    useresponse = for_sandbox(sandbox)
    async with useresponse.lifespan():
        with pytest.raises(ConfigurationError, match="already entered"):
            async with useresponse.lifespan():
                pytest.fail("it was entered twice")
        assert (await useresponse()).in_flight == 0


async def test_a_test_can_override_the_client(sandbox, client):
    app = with_person(FastAPI())
    app.dependency_overrides[current_client] = lambda: client
    async with browser_of(app) as browser:
        assert (await browser.get("/people/7")).json()["id"] == 7


async def test_a_starlette_application_can_use_the_client(sandbox):
    useresponse = for_sandbox(sandbox)

    async def person(request: Request) -> PlainTextResponse:
        client = await useresponse()
        user = await client.users.get(request.path_params["user_id"])
        return PlainTextResponse(f"{user.id}")

    app = Starlette(routes=[Route("/{user_id:int}", person)], lifespan=useresponse.lifespan)
    async with app.router.lifespan_context(app), browser_of(app) as browser:
        assert (await browser.get("/7")).text == "7"


def test_applications_in_two_event_loops_have_a_client_each(sandbox, serve):
    app = with_person(FastAPI(lifespan=for_sandbox(sandbox).lifespan))
    one, other = serve(app), serve(app)
    assert httpx.get(f"{one}/people/7").json()["id"] == 7
    assert httpx.get(f"{other}/people/8").json()["id"] == 8


async def test_a_websocket_receives_the_client(sandbox):
    app = FastAPI(lifespan=for_sandbox(sandbox).lifespan)

    @app.websocket("/names")
    async def names(websocket: WebSocket, client: Client) -> None:
        await websocket.accept()
        await websocket.send_text((await client.users.get(7)).name or "")

    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "websocket", "path": "/names", "headers": [], "query_string": b""}
    async with app.router.lifespan_context(app):
        await app(scope, receive, send)
    assert sent[1]["text"] == sandbox.user(7).name


def test_a_hundred_concurrent_requests_share_one_limit_and_one_pool(start_sandbox, serve):
    sandbox = start_sandbox(users=120, latency=0.02)
    app = with_person(FastAPI(lifespan=for_sandbox(sandbox, max_in_flight=5).lifespan))
    url = serve(app)

    unbounded = httpx.Limits(max_connections=None)
    with httpx.Client(base_url=url, timeout=60, limits=unbounded) as browser:

        def ask(user_id: int) -> int:
            return int(browser.get(f"/people/{user_id}").json()["id"])

        with ThreadPoolExecutor(100) as threads:
            assert list(threads.map(ask, range(1, 101))) == list(range(1, 101))
    assert sandbox.arrivals == 100
    assert 2 <= sandbox.peak_in_flight <= 5
    assert sandbox.connections_opened <= 10
