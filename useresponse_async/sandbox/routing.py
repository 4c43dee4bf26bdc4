"""How does a request find its route, and what happens on the way?"""

from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from useresponse_async.sandbox.answers import Refusal
from useresponse_async.sandbox.calls import Call, read_call
from useresponse_async.sandbox.state import State

Handler = Callable[[Call], Response]

#: Path below `/api/{version}` to method to handler.
Routes = Mapping[str, Mapping[str, Handler]]


def build_router(
    state: State, routes: Routes, *, open_to_all: Collection[str], downloads: ASGIApp
) -> Router:
    """Put every route below the root path and any version, and the files beside them."""
    root = state.options.root_path
    return Router(
        [
            *(
                Route(
                    f"{root}/api/{{version}}{path}", _Endpoint(state, methods, path in open_to_all)
                )
                for path, methods in routes.items()
            ),
            Route(f"{root}/files/{{token}}/{{name:path}}", downloads),
        ],
        redirect_slashes=False,
        default=_not_found,
    )


class _Endpoint:
    """One path: reads the call, lets the method's handler work under the lock, answers."""

    __name__ = "endpoint"

    def __init__(
        self,
        state: State,
        methods: Mapping[str, Handler],
        open_to_all: bool,  # noqa: FBT001 - private
    ) -> None:
        self._state = state
        self._methods = methods
        self._open_to_all = open_to_all

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            handler = self._handler(scope["method"])
            call = await read_call(
                self._state, Request(scope, receive), open_to_all=self._open_to_all
            )
            with self._state.lock:
                response = handler(call)
        except Refusal as refusal:
            response = refusal.response
        await response(scope, receive, send)

    def _handler(self, method: str) -> Handler:
        handler = self._methods.get(method)
        if handler is None:
            allowed = {"Allow": ", ".join(self._methods)}
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, headers=allowed)
        return handler


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    await Refusal(HTTPStatus.NOT_FOUND).response(scope, receive, send)
