"""Exceptions."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

import httpx


class UseResponseError(Exception):
    """Base class of the exceptions that calls raise."""

    def __reduce__(self) -> tuple[object, ...]:
        # The default protocol calls the constructor, but without its keyword arguments.
        return (type(self).__new__, (type(self), *self.args), self.__dict__)


class ConfigurationError(UseResponseError, ValueError):
    """A setting of the client is invalid; raised before any request."""


class ArgumentError(UseResponseError, ValueError):
    """An argument of a call is invalid; raised before any request.

    Args:
        argument: The argument's name.
        problem: What is wrong with it.

    Attributes:
        argument: The argument's name.
    """

    def __init__(self, argument: str, problem: str) -> None:
        super().__init__(f"{argument}: {problem}")
        self.argument = argument


class ClientClosedError(UseResponseError):
    """The client was closed before or during the call."""


class CallError(UseResponseError):
    """A failure of one call."""

    def __init__(self, problem: str, *, method: str, path: str) -> None:
        super().__init__(f"{method} {path}: {problem}")
        self.method = method
        self.path = path
        self.attempt = 1


class APIConnectionError(CallError):
    """No complete response was received: name resolution, connection, TLS or body failed.

    Attributes:
        method: The request's method.
        path: The request's path, without its query.
        host: The host and port that the request was sent to.
        request_sent: Whether the server may have received the request of this attempt.
        permanent: Whether a retry would fail the same way, as with an untrusted certificate.
        cause: The name of the original exception's class, e.g. ``httpx.ConnectError``.
        errno: The operating system's error number, if there is one.
        attempt: The number of the attempt that failed, from 1.
    """

    def __init__(
        self,
        problem: str,
        *,
        method: str,
        path: str,
        request_sent: bool,
        permanent: bool = False,
        host: str = "",
        cause: str = "",
        errno: int | None = None,
    ) -> None:
        super().__init__(problem, method=method, path=path)
        self.host = host
        self.request_sent = request_sent
        self.permanent = permanent
        self.cause = cause
        self.errno = errno


class APITimeoutError(APIConnectionError):
    """No response within ``timeout``, or no complete response within ``attempt_timeout``."""


class QueueTimeoutError(APITimeoutError):
    """The call waited longer than ``queue_timeout`` for a slot; this attempt was not sent."""


class ResponseTooLargeError(CallError):
    """The response is larger than the limit.

    Attributes:
        method: The request's method.
        path: The request's path, without its query.
        max_bytes: The limit, in bytes.
        attempt: The number of the attempt that failed, from 1.
    """

    def __init__(self, *, method: str, path: str, max_bytes: int) -> None:
        super().__init__(
            f"the response is larger than {max_bytes} bytes "
            "(max_response_bytes, or max_bytes of a download)",
            method=method,
            path=path,
        )
        self.max_bytes = max_bytes


class _ResponseError(CallError):
    """An unusable response."""

    def __init__(
        self, problem: str, *, response: httpx.Response, method: str, path: str, message: str
    ) -> None:
        super().__init__(problem, method=method, path=path)
        self.status_code: int = response.status_code
        self.message = message
        self.response = response


class APIStatusError(_ResponseError):
    """The server responded with an error.

    Attributes:
        status_code: The HTTP status; for an error in a response with status 200, the body's code.
        message: The server's own message, or the standard phrase for the status.
        code: The code in the error body, if there is one.
        context: The subject of the error according to the server, e.g. missing parameters.
        method: The request's method.
        path: The request's path, without its query.
        response: The response without the API key, with up to 64 KiB of its body; without a body
            if the response contains a secret.
        attempt: The number of the attempt that failed, from 1.
    """

    def __init__(
        self,
        *,
        response: httpx.Response,
        method: str,
        path: str,
        message: str,
        status_code: int | None = None,
        code: int | None = None,
        context: str | None = None,
        hint: str | None = None,
    ) -> None:
        status = response.status_code if status_code is None else status_code
        text = f"{status} {message}"
        if context:
            text += f" ({context})"
        if hint:
            text += f" [{hint}]"
        super().__init__(text, response=response, method=method, path=path, message=message)
        self.status_code = status
        self.code = code
        self.context = context


class BadRequestError(APIStatusError):
    """400: the request or a parameter is invalid."""


class AuthenticationError(APIStatusError):
    """401: the API key is missing, malformed or invalid."""


class PermissionDeniedError(APIStatusError):
    """403: the API key's owner is not permitted to do this."""


class NotFoundError(APIStatusError):
    """404: the resource does not exist, or this key has no access to it."""


class MethodNotAllowedError(APIStatusError):
    """405: the resource does not support this method."""


class ConflictError(APIStatusError):
    """409: a conflict, or a duplicate entry."""


class RateLimitError(APIStatusError):
    """429: too many requests."""


class ServerError(APIStatusError):
    """5xx: the server failed."""


class InternalServerError(ServerError):
    """500: the server failed while processing the request."""


class ServiceUnavailableError(ServerError):
    """503: the API is unavailable, or disabled by the administrator."""


class DecodeError(_ResponseError):
    """The status indicates success, but the body is not as the API documents it.

    Attributes:
        field: The place in the body, e.g. ``data[3].role.id``; empty for the complete body.
        malformed: Whether the body is not valid JSON, for example because it was truncated.
        message: The problem at that place.
        status_code: The HTTP status.
        method: The request's method.
        path: The request's path, without its query.
        response: The response without the API key, with up to 64 KiB of its body; without a body
            if the response contains a secret.
        attempt: The number of the attempt that failed, from 1.
    """

    def __init__(
        self,
        problem: str,
        *,
        response: httpx.Response,
        method: str,
        path: str,
        field: str = "",
        malformed: bool = False,
    ) -> None:
        where = f"the field {field} is invalid: " if field else ""
        super().__init__(
            f"{response.status_code}, but {where}{problem}",
            response=response,
            method=method,
            path=path,
            message=problem,
        )
        self.field = field
        self.malformed = malformed


_CLASS_OF_STATUS: Final[dict[int, type[APIStatusError]]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    405: MethodNotAllowedError,
    409: ConflictError,
    429: RateLimitError,
    500: InternalServerError,
    503: ServiceUnavailableError,
}


def status_error_class(status: int) -> type[APIStatusError]:
    """Return the exception class for a status."""
    fallback = ServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else APIStatusError
    return _CLASS_OF_STATUS.get(status, fallback)
