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
    400: "Invalid request and/or request parameters",
    401: "Authentication is required",
    403: "API request is prohibited due to lack of permissions",
    404: "Resource is not found",
    405: "The requested method is not allowed",
    409: "Resource conflict or duplicated entry",
    429: "Too many requests",
    500: "Internal server error",
    503: "API interface unavailable or disabled",
}


class Refusal(Exception):
    """A call gets an error status; `context` names the wrong parameters of a 400."""

    def __init__(
        self, status: int, *, context: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, context)
        body = error_json(status, context=context)
        self.response: Response = json_response(body, status, headers)


def bad_request(*names: str) -> Refusal:
    return Refusal(400, context=", ".join(names))


def error_json(code: int, *, message: str | None = None, context: str | None = None) -> bytes:
    if message is None:
        message = _MESSAGES.get(code) or HTTPStatus(code).phrase
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


def encoded(value: object) -> bytes:
    return value if isinstance(value, bytes) else to_json(value)


def json_response(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(encoded(value), status, headers, "application/json")


def success(value: object) -> Response:
    return json_response(b'{"success":%b}' % encoded(value))
