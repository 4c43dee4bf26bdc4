"""The pytest plugin."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from useresponse_async._client import AsyncClient
    from useresponse_async.sandbox import Sandbox

# Imports are inside the functions: pytest loads this in every run if the package is installed.

_MARKER: Final = (
    "useresponse(**options): start `useresponse_sandbox` with these options of "
    "useresponse_async.testing.Sandbox, such as users=1000 or faults=0.1."
)
_LEFT_OPEN: Final = (
    "useresponse_client was used and not closed: the test is not async, or no async plugin runs "
    "it; use `async with useresponse_client:` in the event loop that makes the calls"
)


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker and, if pytest-asyncio is in use, its fixtures."""
    config.addinivalue_line("markers", _MARKER)
    if _runs_asyncio_tests(config):
        from useresponse_async.testing import _asyncio_fixtures  # noqa: PLC0415

        config.pluginmanager.register(_asyncio_fixtures)


def _runs_asyncio_tests(config: pytest.Config) -> bool:
    """Return whether pytest-asyncio 0.24 or newer, which has loop scopes, is in use."""
    if not config.pluginmanager.has_plugin("asyncio"):
        return False
    import inspect  # noqa: PLC0415

    import pytest_asyncio  # noqa: PLC0415

    return "loop_scope" in inspect.signature(pytest_asyncio.fixture).parameters


@pytest.fixture
def useresponse_sandbox_options() -> dict[str, Any]:
    """Keyword arguments for the sandbox; the marker `useresponse` takes precedence."""
    return {}


@pytest.fixture
def useresponse_client_options() -> dict[str, Any]:
    """Keyword arguments for the client, such as `retry` or `max_in_flight`."""
    return {}


@pytest.fixture
def useresponse_sandbox(
    request: pytest.FixtureRequest, useresponse_sandbox_options: dict[str, Any]
) -> Generator[Sandbox, None, None]:
    """A new sandbox on a real socket for each test, which can simulate failures."""
    from useresponse_async._config import MissingExtraError, require_extra  # noqa: PLC0415

    try:
        require_extra("testing")
    except MissingExtraError as error:
        raise pytest.fail.Exception(str(error), pytrace=False) from None
    from useresponse_async.sandbox import Sandbox  # noqa: PLC0415
    from useresponse_async.testing._options import marked_options  # noqa: PLC0415

    with Sandbox(**{**useresponse_sandbox_options, **marked_options(request.node)}) as sandbox:
        yield sandbox


@pytest.fixture
def useresponse_client(request: pytest.FixtureRequest) -> AsyncClient:
    """A client for `useresponse_sandbox`, closed after the test, on the test's event loop."""
    client: AsyncClient = request.getfixturevalue(_fixture_of_runner(request))
    return client


def _fixture_of_runner(request: pytest.FixtureRequest) -> str:
    """Return the fixture that closes the client where the test runs."""
    if _runs_asyncio_tests(request.config):
        from useresponse_async.testing import _asyncio_fixtures  # noqa: PLC0415

        name = _asyncio_fixtures.fixture_name(request.node)
        if name is not None:
            return name
    if "anyio_backend" in request.fixturenames:
        return "_useresponse_client_of_anyio"
    return "_useresponse_client_of_nobody"


@pytest.fixture
async def _useresponse_client_of_anyio(
    useresponse_sandbox: Sandbox, useresponse_client_options: dict[str, Any]
) -> AsyncGenerator[AsyncClient, None]:
    from useresponse_async.testing._options import client_of  # noqa: PLC0415

    async with client_of(useresponse_sandbox, useresponse_client_options) as client:
        yield client


@pytest.fixture
def _useresponse_client_of_nobody(
    useresponse_sandbox: Sandbox, useresponse_client_options: dict[str, Any]
) -> Generator[AsyncClient, None, None]:
    import anyio  # noqa: PLC0415

    from useresponse_async.testing._options import client_of  # noqa: PLC0415

    client = client_of(useresponse_sandbox, useresponse_client_options)
    yield client
    connection = client._connection  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    left_open = connection.used and not connection.closed
    anyio.run(client.aclose)
    if left_open:  # its connections belong to an event loop that was closed
        raise pytest.fail.Exception(_LEFT_OPEN, pytrace=False)
