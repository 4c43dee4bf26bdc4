"""Which answer does a browser get when the support system fails? RFC 9457, and no secrets."""

from __future__ import annotations

import logging
import math
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import attrs
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse

from useresponse_async._exceptions import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ArgumentError,
    BadRequestError,
    ClientClosedError,
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

__all__ = ["PROBLEMS", "install_error_handlers"]

logger = logging.getLogger("useresponse_async.web")

_MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER_SECONDS: Final = 5
"""What a browser is asked to wait where the support system does not say."""

_LONGEST_RETRY_AFTER_SECONDS: Final = 3600


@attrs.frozen
class Problem:
    """What a class of errors is answered with.

    ``quoted`` errors carry a message that is meant for whoever made the request, and are
    answered with it; of all others nothing but ``detail`` goes out.
    """

    status: HTTPStatus
    detail: str
    quoted: bool = False


_UNAVAILABLE: Final = Problem(
    HTTPStatus.SERVICE_UNAVAILABLE, "The support system is not available now. Try again later."
)
_BAD_ANSWER: Final = Problem(
    HTTPStatus.BAD_GATEWAY, "The support system gave an answer that cannot be used."
)
_PROBLEM_OF: Final[dict[type[BaseException], Problem]] = {
    ArgumentError: Problem(HTTPStatus.BAD_REQUEST, "A value cannot be used.", quoted=True),
    BadRequestError: Problem(
        HTTPStatus.BAD_REQUEST, "The support system cannot use a value.", quoted=True
    ),
    NotFoundError: Problem(
        HTTPStatus.NOT_FOUND, "The support system has no such thing.", quoted=True
    ),
    ConflictError: Problem(
        HTTPStatus.CONFLICT, "The support system has such a thing already.", quoted=True
    ),
    # Also 401, 403 and 405: how this application is set up, nothing that a browser could mend.
    APIStatusError: Problem(
        HTTPStatus.BAD_GATEWAY, "The support system refused or failed to answer."
    ),
    # It is this application as a whole that asks too often, not this browser.
    RateLimitError: _UNAVAILABLE,
    ServiceUnavailableError: _UNAVAILABLE,
    APIConnectionError: Problem(HTTPStatus.BAD_GATEWAY, "The support system cannot be reached."),
    APITimeoutError: Problem(
        HTTPStatus.GATEWAY_TIMEOUT, "The support system did not answer in time."
    ),
    # Nothing was sent yet: it is this application that has too much to do.
    QueueTimeoutError: Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "Too much is asked at once. Try again later."
    ),
    DecodeError: _BAD_ANSWER,
    ResponseTooLargeError: _BAD_ANSWER,
    ClientClosedError: Problem(
        HTTPStatus.SERVICE_UNAVAILABLE, "The application is shutting down. Try again later."
    ),
    UseResponseError: Problem(
        HTTPStatus.INTERNAL_SERVER_ERROR, "The application failed to handle the request."
    ),
}


def install_error_handlers(app: Starlette) -> None:
    """Have ``app`` answer our errors with problem details, as RFC 9457 describes them.

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

    A message goes out only where it was written for whoever asked, by the API itself or by
    this package; of every other failure the browser learns no more than its kind, and the log
    of ``useresponse_async.web`` the rest. A mounted sub-application has handlers of its own:
    install them there too. In a WebSocket errors are raised as they are, and the server
    closes it.

    Args:
        app: A FastAPI or Starlette application that is not running yet.
    """
    app.add_exception_handler(UseResponseError, _answer)


async def _answer(request: Request, error: Exception) -> JSONResponse:
    if request.scope["type"] != "http":
        raise error  # a WebSocket has no such answer: the server closes it
    problem = problem_of(type(error))
    _log(request, problem, error)
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
    """Return what an error of ``kind``, one of ours, is answered with."""
    return next(_PROBLEM_OF[base] for base in kind.__mro__ if base in _PROBLEM_OF)


def _log(request: Request, problem: Problem, error: Exception) -> None:
    """Tell the operator what the browser is not told."""
    if problem.status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return
    unexpected = problem.status == HTTPStatus.INTERNAL_SERVER_ERROR
    path = quote(request.scope["path"])  # it could forge a line of the log
    logger.error(
        "%s %s is answered with %d: %s: %s",
        request.method,
        path,
        problem.status,
        type(error).__name__,
        error,
        exc_info=error if unexpected else None,
        extra={
            "useresponse_method": request.method,
            "useresponse_path": path,
            "useresponse_status": problem.status,
        },
    )


def _message_in(error: Exception) -> str | None:
    """Return what ``error`` says to whoever asked, if it comes from us or from the API itself."""
    if isinstance(error, ArgumentError):
        return str(error)
    # Without a code the message is the start of some other server's page.
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
        seconds = {"description": "When to try again, in seconds.", "schema": {"type": "integer"}}
        documented["headers"] = {"Retry-After": seconds}
    return documented


PROBLEMS: Final[dict[int | str, dict[str, Any]]] = {
    int(status): _documented(status, description)
    for status, description in (
        (HTTPStatus.BAD_REQUEST, "A value cannot be used"),
        (HTTPStatus.NOT_FOUND, "There is no such thing"),
        (HTTPStatus.CONFLICT, "There is such a thing already"),
        (HTTPStatus.BAD_GATEWAY, "The support system failed"),
        (HTTPStatus.SERVICE_UNAVAILABLE, "The support system is unavailable"),
        (HTTPStatus.GATEWAY_TIMEOUT, "The support system did not answer in time"),
    )
}
"""The problem answers as OpenAPI documents them: ``FastAPI(responses=PROBLEMS)``, or a router."""
