"""Fixtures that close a test's client on the right event loop of pytest-asyncio."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import TYPE_CHECKING, Any, Final, Literal

import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from useresponse_async._client import AsyncClient
    from useresponse_async.sandbox import Sandbox

__all__ = ["fixture_name"]

_PREFIX: Final = "_useresponse_client_of_loop_of_"


def _client_of_loop_of(scope: Literal["function", "class", "module", "package", "session"]) -> Any:
    @pytest_asyncio.fixture(loop_scope=scope, name=_PREFIX + scope)
    async def client(
        useresponse_sandbox: Sandbox, useresponse_client_options: dict[str, Any]
    ) -> AsyncGenerator[AsyncClient, None]:
        from useresponse_async.testing._options import client_of  # noqa: PLC0415 - heavy

        async with client_of(useresponse_sandbox, useresponse_client_options) as client:
            yield client

    return client


# The loop scope of a fixture is fixed by its definition, and each test chooses one of these scopes.
of_function: Any = _client_of_loop_of("function")
of_class: Any = _client_of_loop_of("class")
of_module: Any = _client_of_loop_of("module")
of_package: Any = _client_of_loop_of("package")
of_session: Any = _client_of_loop_of("session")


def fixture_name(item: pytest.Item) -> str | None:
    """Return the name of the fixture that ``item`` needs, if pytest-asyncio runs it."""
    if not pytest_asyncio.is_async_test(item):
        return None
    marker = item.get_closest_marker("asyncio")
    chosen = marker and (marker.kwargs.get("loop_scope") or marker.kwargs.get("scope"))
    return f"{_PREFIX}{chosen or _default_scope(item.config)}"


def _default_scope(config: pytest.Config) -> str:
    try:
        return str(config.getini("asyncio_default_test_loop_scope"))
    except ValueError:  # before 0.26, the option does not exist
        return "function"
