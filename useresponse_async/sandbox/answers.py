"""How are answers and refusals written?"""

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import Response

from useresponse_async.sandbox.wire import to_json

_MESSAGES = {
    HTTPStatus.BAD_REQUEST: "Invalid request and/or request parameters",
    HTTPStatus.UNAUTHORIZED: "Authentication is required",
    HTTPStatus.FORBIDDEN: "API request is prohibited due to lack of permissions",
    HTTPStatus.NOT_FOUND: "Resource is not found",
    HTTPStatus.METHOD_NOT_ALLOWED: "The requested method is not allowed",
    HTTPStatus.CONFLICT: "Resource conflict or duplicated entry",
    HTTPStatus.TOO_MANY_REQUESTS: "Too many requests",
    HTTPStatus.INTERNAL_SERVER_ERROR: "Internal server error",
    HTTPStatus.SERVICE_UNAVAILABLE: "API interface unavailable or disabled",
}


class Refusal(Exception):
    """The call is answered with an error status; `context` names the wrong parameters of a 400."""

    def __init__(
        self, status: int, *, context: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, context)
        self.response: Response = json_answer(error_json(status, context=context), status, headers)


def bad_request(*names: str) -> Refusal:
    """Refuse parameters, naming them."""
    return Refusal(HTTPStatus.BAD_REQUEST, context=", ".join(names))


def error_json(code: int, *, message: str | None = None, context: str | None = None) -> bytes:
    """Write the body that every error has."""
    if message is None:
        message = _MESSAGES.get(HTTPStatus(code), HTTPStatus(code).phrase)
    error: dict[str, object] = {"code": code, "message": message}
    if context is not None:
        error["context"] = context
    return to_json({"error": error})


def json_answer(
    body: bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Answer with JSON that is already written."""
    return Response(body, status, headers, "application/json")


def success(body: bytes) -> Response:
    """Answer a write: the entity under `success`."""
    return json_answer(b'{"success":%b}' % body)


def no_content() -> Response:
    """Answer that there is nothing, without a body."""
    return Response(status_code=HTTPStatus.NO_CONTENT)
