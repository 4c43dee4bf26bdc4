"""Integration with FastAPI: one client per application, problem responses, NDJSON streams.

.. code-block:: python

    useresponse = UseResponse()  # or UseResponse(lambda: AsyncClient(..., max_in_flight=20))

    app = FastAPI(lifespan=useresponse.lifespan, responses=PROBLEMS)
    install_error_handlers(app)

    @app.get("/people/{user_id}")
    async def person(user_id: int, client: Client) -> User:
        return await client.users.get(user_id)

    @app.get(
        "/people", response_class=NDJSONResponse, responses=NDJSONResponse.documentation(User)
    )
    async def people(client: Client) -> NDJSONResponse:
        return NDJSONResponse(client.users.search())
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Final

from useresponse_async._client import AsyncClient
from useresponse_async._config import RetryPolicy, require_extra
from useresponse_async._exceptions import ConfigurationError

require_extra("fastapi")

from fastapi import Depends  # noqa: E402 - installed, as checked above

from useresponse_async.integrations._ndjson import NDJSONResponse  # noqa: E402
from useresponse_async.integrations._problems import (  # noqa: E402
    PROBLEMS,
    LifespanError,
    install_error_handlers,
    open_clients,
)

__all__ = [
    "PROBLEMS",
    "Client",
    "NDJSONResponse",
    "UseResponse",
    "current_client",
    "install_error_handlers",
]

_NO_CLIENT: Final = (
    "no client is open: pass lifespan=useresponse.lifespan to FastAPI(), where useresponse is "
    "UseResponse(), or enter `async with useresponse.lifespan():` in a lifespan of your own; a "
    "test runs the lifespan with `with TestClient(app) as browser:`"
)


def _client_from_environment() -> AsyncClient:
    # A waiting browser should learn soon that the support system is unavailable.
    return AsyncClient(retry=RetryPolicy(max_elapsed=10))


class UseResponse:
    """The client of a site, which is open while an application runs.

    Pass :attr:`lifespan` to the application, and declare parameters of type :data:`Client`. All
    web requests share the client's connections and its ``max_in_flight``. An application with
    several sites has an instance for each, and declares parameters as
    ``Annotated[AsyncClient, Depends(that_instance)]``.

    Args:
        make_client: Creates the client at startup. Default: an
            :class:`~useresponse_async.AsyncClient` with its settings from the environment, which
            retries for at most 10 seconds. A client of your own has its own retry policy, e.g.
            ``AsyncClient(..., retry=RetryPolicy(max_elapsed=10))``.
    """

    def __init__(self, make_client: Callable[[], AsyncClient] = _client_from_environment) -> None:
        self._make_client = make_client

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncGenerator[None, None]:
        """Keep the client open: the application's lifespan, or a part of it.

        A lifespan of your own enters it with ``async with useresponse.lifespan():``.

        Raises:
            ConfigurationError: A setting of the client is invalid, or the lifespan was already
                entered.
        """
        if self in open_clients.get():
            raise ConfigurationError("lifespan: already entered, by this or another application")
        async with self._make_client() as client:
            open_clients.set({**open_clients.get(), self: client})
            try:
                yield
            finally:
                others = {k: v for k, v in open_clients.get().items() if k is not self}
                open_clients.set(others)

    async def __call__(self) -> AsyncClient:
        """Return the client: the dependency behind ``Depends``.

        Raises:
            ConfigurationError: The lifespan is not entered.
        """
        client = open_clients.get().get(self)
        if client is None:
            raise LifespanError(_NO_CLIENT)
        return client


async def current_client() -> AsyncClient:
    """Return the client of the one :class:`UseResponse` whose lifespan is entered.

    This is what :data:`Client` depends on, and what ``dependency_overrides`` replaces in a test.

    Raises:
        ConfigurationError: There is none, or more than one.
    """
    clients = open_clients.get()
    if not clients:
        raise LifespanError(_NO_CLIENT)
    if len(clients) > 1:
        raise LifespanError(
            f"{len(clients)} clients are open, so Client is ambiguous: declare the parameter as "
            "Annotated[AsyncClient, Depends(useresponse)], with the UseResponse to use"
        )
    return next(iter(clients.values()))


Client = Annotated[AsyncClient, Depends(current_client)]
"""The application's client, as a parameter of a path operation or of another dependency."""
