"""The client of an application, which all its requests share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

import anyio
import httpx
import pytest
from browser import browser_of, running
from fastapi import APIRouter, Depends, FastAPI, WebSocket
from quick import client_of
from starlette.testclient import TestClient

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
    return UseResponse(lambda: client_of(sandbox, **options))


def with_person(app: Any) -> Any:
    @app.get("/people/{user_id}")
    async def person(user_id: int, client: Client) -> User:
        return await client.users.get(user_id)

    return app


async def test_the_client_is_open_while_the_application_runs_and_closed_after(sandbox):
    useresponse = for_sandbox(sandbox)
    app = with_person(FastAPI(lifespan=useresponse.lifespan))
    for _ in range(2):
        async with running(app) as browser:
            assert (await browser.get("/people/7")).json()["id"] == 7
            client = await useresponse()
            assert (await client.users.get(7)).id == 7
            with pytest.raises(ConfigurationError, match="already entered"):
                async with useresponse.lifespan():
                    pytest.fail("it was entered twice")
        with pytest.raises(ClientClosedError):
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
        first: Annotated[AsyncClient, Depends(helpdesk)],
        second: Annotated[AsyncClient, Depends(forum)],
    ) -> list[int]:
        return [await first.users.search().count(), await second.users.search().count()]

    async with running(app) as browser:
        assert (await browser.get("/counts")).json() == [one.user_count, other.user_count]
        with pytest.raises(ConfigurationError, match=r"2 clients are open.*Depends\(useresponse\)"):
            await browser.get("/people/7")


async def test_a_missing_lifespan_raises_an_error_with_the_remedy():
    fix = "lifespan=useresponse.lifespan to FastAPI()"
    app = with_person(FastAPI())
    async with browser_of(app) as browser:
        for ask in (UseResponse(), lambda: browser.get("/people/7")):
            with pytest.raises(ConfigurationError) as caught:
                await ask()
            assert fix in str(caught.value)
    app = with_person(FastAPI())
    install_error_handlers(app)
    async with browser_of(app) as browser:
        answer = await browser.get("/people/7")
    assert answer.status_code == 500
    assert fix in answer.json()["detail"]


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


async def test_a_test_can_override_the_client(client):
    app = with_person(FastAPI())
    app.dependency_overrides[current_client] = lambda: client
    async with browser_of(app) as browser:
        assert (await browser.get("/people/7")).json()["id"] == 7


def test_applications_in_two_event_loops_have_a_client_each(sandbox, serve):
    app = with_person(FastAPI(lifespan=for_sandbox(sandbox).lifespan))
    one, other = serve(app), serve(app)
    for url in (one, other):
        assert httpx.get(f"{url}/people/7", timeout=60).json()["id"] == 7


async def test_a_hundred_concurrent_requests_share_one_limit_and_one_pool(start_sandbox):
    sandbox = start_sandbox(users=120, latency=0.02)
    app = with_person(FastAPI(lifespan=for_sandbox(sandbox, max_in_flight=5).lifespan))
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
