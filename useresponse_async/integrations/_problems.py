"""Problem responses (RFC 9457) without secrets, and their reasons in the log."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import attrs
import httpx
from anyio.lowlevel import RunVar
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Scope

from useresponse_async._client import AsyncClient
from useresponse_async._exceptions import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ArgumentError,
    BadRequestError,
    ClientClosedError,
    ConfigurationError,
    ConflictError,
    DecodeError,
    NotFoundError,
    QueueTimeoutError,
    RateLimitError,
    ResponseTooLargeError,
    ServiceUnavailableError,
    UseResponseError,
)
from useresponse_async._retry import retry_after

__all__ = ["PROBLEMS", "LifespanError", "install_error_handlers", "log_failure", "open_clients"]

# By event loop, so that routers and mounted sub-applications find the client, and applications
# that tests run concurrently do not find each other's. The value is replaced, never changed.
open_clients: Final[RunVar[Mapping[object, AsyncClient]]] = RunVar("useresponse_async_clients", {})


class _LastResortHandler(logging.Handler):
    """Pass records to ``logging.lastResort`` if the application configures no handler.

    That is so under plain ``uvicorn main:app``, where the ``NullHandler`` of this package would
    hide why a request failed.
    """

    def emit(self, record: logging.LogRecord) -> None:
        current: logging.Logger | None = logger
        while current:
            if any(
                not isinstance(handler, logging.NullHandler | _LastResortHandler)
                for handler in current.handlers
            ):
                return
            current = current.parent if current.propagate else None
        if logging.lastResort and record.levelno >= logging.lastResort.level:
            logging.lastResort.handle(record)


logger = logging.getLogger("useresponse_async.web")
logger.addHandler(_LastResortHandler())

_MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER_SECONDS: Final = 5
"""Default of ``Retry-After``, in seconds."""

_LONGEST_RETRY_AFTER_SECONDS: Final = 3600


class LifespanError(ConfigurationError):
    """The application has no client for a request, or more than one; the message names the fix."""


@attrs.frozen
class Problem:
    """The response to a class of errors.

    The message of a ``quoted`` error is meant for the client of the application and is part of
    the response; of all other errors only ``detail`` is.
    """

    status: HTTPStatus
    detail: str
    quoted: bool = False


_UNAVAILABLE: Final = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE, "The support system is unavailable. Please retry later."
)
_INVALID_RESPONSE: Final = Problem(
    HTTPStatus.BAD_GATEWAY, "The support system sent an invalid response."
)
_PROBLEM_OF: Final[dict[type[BaseException], Problem]] = {
    ArgumentError: Problem(HTTPStatus.BAD_REQUEST, "A value is invalid.", quoted=True),
    BadRequestError: Problem(
        HTTPStatus.BAD_REQUEST, "The support system rejected a value.", quoted=True
    ),
    NotFoundError: Problem(
        HTTPStatus.NOT_FOUND, "The support system does not have this resource.", quoted=True
    ),
    ConflictError: Problem(
        HTTPStatus.CONFLICT, "The support system already has this resource.", quoted=True
    ),
    # Also 401, 403 and 405: they concern this application's settings, not its client.
    APIStatusError: Problem(
        HTTPStatus.BAD_GATEWAY, "The support system refused the request or failed."
    ),
    # The application as a whole sends too many requests, not this client of it.
    RateLimitError: _UNAVAILABLE,
    ServiceUnavailableError: _UNAVAILABLE,
    APIConnectionError: Problem(HTTPStatus.BAD_GATEWAY, "The support system cannot be reached."),
    APITimeoutError: Problem(
        HTTPStatus.GATEWAY_TIMEOUT, "The support system did not respond in time."
    ),
    # Nothing was sent: the application itself is overloaded.
    QueueTimeoutError: Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "Too many requests at once. Please retry later."
    ),
    DecodeError: _INVALID_RESPONSE,
    ResponseTooLargeError: _INVALID_RESPONSE,
    ClientClosedError: Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "The application is shutting down. Please retry later."
    ),
    # Only the developers of the application see it, and it contains no secret.
    LifespanError: Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "The application has no client.", quoted=True
    ),
    UseResponseError: Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "The application failed to handle the request."
    ),
}


def install_error_handlers(app: Starlette) -> None:
    """Make ``app`` respond to errors of this package with problem details (RFC 9457).

    ======================================================  ======================
    error                                                   status
    ======================================================  ======================
    ``ArgumentError``, ``BadRequestError``                  400, with the message
    ``NotFoundError``                                       404, with the message
    ``ConflictError``                                       409, with the message
    ``AuthenticationError``, ``PermissionDeniedError``,     502
    every other ``APIStatusError``, ``DecodeError``,
    ``ResponseTooLargeError``, ``APIConnectionError``
    ``ServiceUnavailableError``, ``RateLimitError``,        503 with Retry-After
    ``QueueTimeoutError``, ``ClientClosedError``
    ``APITimeoutError``                                     504
    any other ``UseResponseError``                          500
    ======================================================  ======================

    A response contains an error's message only if the API or this package wrote it for the
    caller. For any other failure it contains only the kind; the reason is logged under
    ``useresponse_async.web``, and printed if the application configures no logging. A mounted
    sub-application has handlers of its own: install them there too. In a WebSocket, errors are
    raised unchanged, and the server closes the connection.

    Args:
        app: A FastAPI or Starlette application that is not running yet.
    """
    app.add_exception_handler(UseResponseError, _respond)


async def _respond(request: Request, error: Exception) -> JSONResponse:
    if request.scope["type"] != "http":
        raise error  # a WebSocket has no responses: the server closes it
    problem = problem_of(type(error))
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        unexpected = problem.status == HTTPStatus.INTERNAL_SERVER_ERROR and not problem.quoted
        outcome = f"responded with {problem.status:d}"
        log_failure(request.scope, outcome, error, status=problem.status, trace=unexpected)
    headers: dict[str, str] = {}
    if problem.status == HTTPStatus.SERVICE_UNAVAILABLE:
        asked = min(retry_after(error), _LONGEST_RETRY_AFTER_SECONDS)
        headers["Retry-After"] = str(math.ceil(asked) or _RETRY_AFTER_SECONDS)
    return JSONResponse(
        {
            "type": "about:blank",
            "title": problem.status.phrase,
            "status": problem.status,
            "detail": (problem.quoted and _message_in(error)) or problem.detail,
            "instance": quote(request.scope["path"]),
        },
        problem.status,
        headers,
        _MEDIA_TYPE,
    )


def problem_of(kind: type[Exception]) -> Problem:
    """Return the response to an error of ``kind``."""
    return next(_PROBLEM_OF[base] for base in kind.__mro__ if base in _PROBLEM_OF)


def log_failure(
    scope: Scope, outcome: str, error: Exception, *, status: int | None = None, trace: bool = False
) -> None:
    """Log the reason for a failure, which is not in the response.

    Args:
        scope: The request's scope.
        outcome: What happened to the request.
        error: The reason.
        status: The response's status, for the record.
        trace: Add the traceback.
    """
    path = quote(scope["path"])
    upstream = _upstream_of(error)
    reason = f"{type(error).__name__}: {error}"
    extra: dict[str, Any] = {
        "useresponse_method": scope["method"],
        "useresponse_path": path,
        "useresponse_upstream": upstream,
    }
    if status is not None:
        extra["useresponse_status"] = int(status)
    logger.error(
        "%s %s %s: %s%s",
        scope["method"],
        path,
        outcome,
        # The upstream server's message could forge a line of the log or control a terminal.
        "".join(char if char.isprintable() else ascii(char)[1:-1] for char in reason),
        f" (upstream: {upstream})" if upstream else "",
        exc_info=error if trace else None,
        extra=extra,
    )


def _upstream_of(error: Exception) -> str:
    """Return the host that caused ``error``, or the clients that may have caused it."""
    response = getattr(error, "response", None)
    if isinstance(response, httpx.Response):
        return response.request.url.netloc.decode()
    # A view of a client and one of several clients cannot be told apart by the error.
    return ", ".join(repr(client) for client in open_clients.get().values())


def _message_in(error: Exception) -> str | None:
    """Return the message for the caller, if it comes from this package or from the API."""
    if isinstance(error, ArgumentError | LifespanError):
        return str(error)
    # Without a code, the message is the beginning of another server's page.
    if isinstance(error, APIStatusError) and error.code is not None:
        return error.message
    return None


def _documented(status: HTTPStatus, description: str) -> dict[str, Any]:
    properties: dict[str, Any] = {
        "type": {"type": "string", "format": "uri-reference", "default": "about:blank"},
        "title": {"type": "string", "const": status.phrase},
        "status": {"type": "integer", "const": int(status)},
        "detail": {"type": "string"},
        "instance": {"type": "string", "format": "uri-reference"},
    }
    schema = {
        "title": "Problem",
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }
    documented: dict[str, Any] = {
        "description": description,
        "content": {_MEDIA_TYPE: {"schema": schema}},
    }
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        seconds = {
            "description": "Delay before a retry, in seconds.",
            "schema": {"type": "integer"},
        }
        documented["headers"] = {"Retry-After": seconds}
    return documented


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    int(status): _documented(status, description)
    for status, description in (
        (HTTPStatus.BAD_REQUEST, "A value is invalid"),
        (HTTPStatus.NOT_FOUND, "The resource does not exist"),
        (HTTPStatus.CONFLICT, "The resource exists already"),
        (HTTPStatus.BAD_GATEWAY, "The support system failed"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "The support system is unavailable"),
        (HTTPStatus.GATEWAY_TIMEOUT, "The support system did not respond in time"),
    )
}
"""The problem responses as OpenAPI documents them: ``FastAPI(responses=PROBLEMS)``, or a router."""
