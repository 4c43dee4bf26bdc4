"""How does a browser, or a client without a key, fetch a file?"""

from http import HTTPStatus
from mimetypes import guess_type
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from useresponse_async.sandbox.answers import Refusal
from useresponse_async.sandbox.state import State

_METHODS = ("GET", "HEAD")


class Downloads:
    """Serves the files outside of the API; whoever knows a file's token may have it."""

    __name__ = "downloads"

    def __init__(self, state: State) -> None:
        self._state = state

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        try:
            response = self._respond(Request(scope))
        except Refusal as refusal:
            response = refusal.response
        await response(scope, receive, send)

    def _respond(self, request: Request) -> Response:
        if request.method not in _METHODS:
            allowed = {"Allow": ", ".join(_METHODS)}
            raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, headers=allowed)
        with self._state.lock:
            file = self._state.files.get(request.path_params["token"])
        if file is None:
            raise Refusal(HTTPStatus.NOT_FOUND)
        place = "attachment" if "download" in request.query_params else "inline"
        return Response(
            b"" if request.method == "HEAD" else file.content,
            headers={
                "Content-Length": str(len(file.content)),
                "Content-Disposition": f"{place}; filename*=utf-8''{quote(file.name, safe='')}",
                "X-Content-Type-Options": "nosniff",
            },
            media_type=guess_type(file.name)[0] or "application/octet-stream",
        )


def file_url(site: str, token: str, name: str) -> str:
    """Tell where a file is shown; with `?download=1` behind it, where it is fetched."""
    return f"{site}/files/{token}/{quote(name, safe='')}"
