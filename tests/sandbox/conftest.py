"""A running sandbox, and a plain HTTP client that knows its address and key."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from useresponse_async.sandbox import Sandbox


@pytest.fixture
def start() -> Iterator[Callable[..., Sandbox]]:
    """Start sandboxes that are stopped when the test ends."""
    with contextlib.ExitStack() as stack:

        def start_one(**options: Any) -> Sandbox:
            return stack.enter_context(Sandbox(**options))

        yield start_one


@pytest.fixture
def connect() -> Iterator[Callable[..., httpx.Client]]:
    """Open clients for a sandbox, closed when the test ends."""
    with contextlib.ExitStack() as stack:

        def connect_one(
            sandbox: Sandbox, *, role: str | None = "admin", version: str = "3.0"
        ) -> httpx.Client:
            params = {} if role is None else {"apiKey": sandbox.keys[role]}
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
    """The administrator, asking as version 4.0."""
    return connect(sandbox, version="4.0")


@pytest.fixture
def write(api: httpx.Client) -> Callable[..., dict[str, Any]]:
    """Write a ticket, or with other fields something else; give what was answered."""

    def write_one(client: httpx.Client | None = None, **fields: Any) -> dict[str, Any]:
        body = {
            "ownership": "helpdesk",
            "object_type": "ticket",
            "title": "Printer on fire",
            "content": "Help!",
            **fields,
        }
        answer = (client or api).post("/objects.json", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["success"]

    return write_one


@pytest.fixture
def comment(api: httpx.Client) -> Callable[..., dict[str, Any]]:
    """Write a comment; give what was answered."""

    def comment_one(
        object_id: int, client: httpx.Client | None = None, **fields: Any
    ) -> dict[str, Any]:
        body = {"object_id": object_id, "content": "Noted.", **fields}
        answer = (client or api).post("/comments.json", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["success"]

    return comment_one


@pytest.fixture
def as_user(sandbox: Sandbox) -> Iterator[Callable[[int], httpx.Client]]:
    """Call with one user's own key."""
    with contextlib.ExitStack() as stack:

        def connect_as(user_id: int) -> httpx.Client:
            params = {"apiKey": sandbox.key_of(user_id)}
            base = f"{sandbox.url}/api/3.0"
            return stack.enter_context(httpx.Client(base_url=base, params=params, timeout=5))

        yield connect_as
