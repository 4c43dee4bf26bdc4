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
