"""Responses: JSON, success, and refusals with an error status."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from http import HTTPStatus

from starlette.responses import Response

_dumps: Callable[[object], bytes] | None = None
with suppress(ImportError):
    from orjson import dumps as _dumps

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
    """A call gets an error status; `context` names the wrong parameters of a 400."""

    def __init__(
        self, status: int, *, context: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, context)
        self.response: Response = json_response(
            error_json(status, context=context), status, headers
        )


def bad_request(*names: str) -> Refusal:
    """Return a refusal that names wrong parameters."""
    return Refusal(HTTPStatus.BAD_REQUEST, context=", ".join(names))


def error_json(code: int, *, message: str | None = None, context: str | None = None) -> bytes:
    """Return the body that every error has."""
    if message is None:
        message = _MESSAGES.get(HTTPStatus(code), HTTPStatus(code).phrase)
    error: dict[str, object] = {"code": code, "message": message}
    if context is not None:
        error["context"] = context
    return to_json({"error": error})


def to_json(value: object) -> bytes:
    """Return compact JSON in UTF-8, the same bytes with and without orjson."""
    if _dumps is not None:
        # Copied, because the original keeps its complete buffer: a gigabyte for 100,000 rows.
        return memoryview(_dumps(value)).tobytes()
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def json_response(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response with a value, or with JSON that is already encoded."""
    return Response(encoded(value), status, headers, "application/json")


def success(value: object) -> Response:
    """Return a response with a value, or encoded JSON, under `success`."""
    return json_response(b'{"success":%b}' % encoded(value))


def encoded(value: object) -> bytes:
    """Return a value as JSON, unless it is encoded already."""
    return value if isinstance(value, bytes) else to_json(value)


def no_content() -> Response:
    """Return a 204."""
    return Response(status_code=HTTPStatus.NO_CONTENT)
