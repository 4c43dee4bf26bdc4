"""Running sandboxes, and calls to them."""

from collections.abc import Callable, Iterator

import httpx
import pytest
from calls import Calls

from useresponse_async.sandbox import Sandbox


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60) as client:
        yield client


@pytest.fixture
def start(start_sandbox: Callable[..., Sandbox], http: httpx.Client) -> Callable[..., Calls]:
    return lambda **options: Calls(start_sandbox(**options), http)


@pytest.fixture
def calls(start: Callable[..., Calls]) -> Calls:
    return start(users=120)


@pytest.fixture
def sandbox(calls: Calls) -> Sandbox:
    return calls.sandbox


@pytest.fixture(scope="module")
def unchanged(http: httpx.Client) -> Iterator[Calls]:
    """Share one sandbox between the tests of a module that change nothing."""
    with Sandbox(users=120) as sandbox:
        yield Calls(sandbox, http)
