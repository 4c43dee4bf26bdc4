"""A running sandbox, and plain HTTP clients for it."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from useresponse_async.sandbox import Sandbox


@pytest.fixture
def start(start_sandbox: Callable[..., Sandbox]) -> Callable[..., Sandbox]:
    return start_sandbox


@pytest.fixture
def connect() -> Iterator[Callable[..., httpx.Client]]:
    """Open clients for a sandbox, closed when the test ends."""
    with contextlib.ExitStack() as stack:

        def connect_one(
            sandbox: Sandbox,
            *,
            role: str | None = "admin",
            user_id: int | None = None,
            version: str = "3.0",
        ) -> httpx.Client:
            key = sandbox.key_of(user_id) if user_id else sandbox.keys.get(role)
            params = {} if key is None else {"apiKey": key}
            base = f"{sandbox.url}/api/{version}"
            return stack.enter_context(httpx.Client(base_url=base, params=params, timeout=5))

        yield connect_one


@pytest.fixture
def sandbox(start: Callable[..., Sandbox]) -> Sandbox:
    return start(users=120)


@pytest.fixture
def api(sandbox: Sandbox, connect: Callable[..., httpx.Client]) -> httpx.Client:
    return connect(sandbox)


@pytest.fixture
def guest(sandbox: Sandbox, connect: Callable[..., httpx.Client]) -> httpx.Client:
    return connect(sandbox, role=None)


@pytest.fixture
def agent(sandbox: Sandbox, connect: Callable[..., httpx.Client]) -> httpx.Client:
    return connect(sandbox, role="agent")


@pytest.fixture
def user(sandbox: Sandbox, connect: Callable[..., httpx.Client]) -> httpx.Client:
    return connect(sandbox, role="user")


@pytest.fixture
def old(sandbox: Sandbox, connect: Callable[..., httpx.Client]) -> httpx.Client:
    """A client with the administrator's key that calls version 4.0."""
    return connect(sandbox, version="4.0")


@pytest.fixture
def write(api: httpx.Client) -> Callable[..., dict[str, Any]]:
    """Create a ticket, or with other fields another object; return it as JSON."""

    def write_one(client: httpx.Client | None = None, **fields: Any) -> dict[str, Any]:
        body = {
            "ownership": "helpdesk",
            "object_type": "ticket",
            "title": "Printer on fire",
            "content": "Help!",
            **fields,
        }
        response = (client or api).post("/objects.json", json=body)
        assert response.status_code == 200, response.text
        return response.json()["success"]

    return write_one


@pytest.fixture
def comment(api: httpx.Client) -> Callable[..., dict[str, Any]]:
    """Create a comment; return it as JSON."""

    def comment_one(
        object_id: int, client: httpx.Client | None = None, **fields: Any
    ) -> dict[str, Any]:
        body = {"object_id": object_id, "content": "Noted.", **fields}
        response = (client or api).post("/comments.json", json=body)
        assert response.status_code == 200, response.text
        return response.json()["success"]

    return comment_one


@pytest.fixture
def as_user(
    sandbox: Sandbox, connect: Callable[..., httpx.Client]
) -> Callable[[int], httpx.Client]:
    """Open clients with a user's own key."""
    return lambda user_id: connect(sandbox, user_id=user_id)
