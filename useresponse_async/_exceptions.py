"""What does every failure become?"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final

import httpx

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "ArgumentError",
    "AuthenticationError",
    "BadRequestError",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "DecodeError",
    "InternalServerError",
    "MethodNotAllowedError",
    "NotFoundError",
    "PermissionDeniedError",
    "QueueTimeoutError",
    "RateLimitError",
    "ResponseTooLargeError",
    "ServerError",
    "ServiceUnavailableError",
    "UseResponseError",
]


class UseResponseError(Exception):
    """The root of every error this package raises."""

    def __reduce__(self) -> tuple[object, ...]:
        # The constructors below take keywords, which the default protocol cannot replay.
        return (_restored, (type(self), self.args, self.__dict__))


def _restored(
    cls: type[UseResponseError], args: tuple[object, ...], state: dict[str, Any]
) -> UseResponseError:
    error = cls.__new__(cls, *args)
    error.__dict__.update(state)
    return error


class ConfigurationError(UseResponseError, ValueError):
    """A setting of the client cannot work: raised before any request."""


class ArgumentError(UseResponseError, ValueError):
    """An argument of a call cannot work: names it, and is raised before any request.

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


class APIConnectionError(UseResponseError):
    """No answer came: DNS, refused, reset, TLS.

    Attributes:
        method: The request's method.
        path: The request's path, without its query.
        request_sent: Whether the server may have seen the request of this try.
        permanent: Whether it would go the same way again: a certificate that is not trusted, a
            proxy that refuses, a redirect to what is no address.
        attempt: Which try of the call this was, from 1.
    """

    def __init__(
        self, problem: str, *, method: str, path: str, request_sent: bool, permanent: bool = False
    ) -> None:
        super().__init__(f"{method} {path}: {problem}")
        self.method = method
        self.path = path
        self.request_sent = request_sent
        self.permanent = permanent
        self.attempt = 1


class APITimeoutError(APIConnectionError):
    """No answer came within ``timeout``, or no whole one within ``attempt_timeout``."""


class QueueTimeoutError(APITimeoutError):
    """The call had no turn within ``queue_timeout``, so this try of it was not sent."""


class ResponseTooLargeError(UseResponseError):
    """The answer holds more than the caller would take.

    Attributes:
        method: The request's method.
        path: The request's path, without its query.
        max_bytes: The most that would have been taken, in bytes.
    """

    def __init__(self, *, method: str, path: str, max_bytes: int) -> None:
        super().__init__(f"{method} {path}: the answer holds more than {max_bytes} bytes")
        self.method = method
        self.path = path
        self.max_bytes = max_bytes


class _AnswerError(UseResponseError):
    """What an answer that cannot be used has in common."""

    def __init__(
        self, problem: str, *, response: httpx.Response, method: str, path: str, message: str
    ) -> None:
        super().__init__(f"{method} {path}: {problem}")
        self.method = method
        self.path = path
        self.status_code: int = response.status_code
        self.message = message
        self.response = response
        self.attempt = 1


class APIStatusError(_AnswerError):
    """The server answered, and the answer is not success.

    Attributes:
        status_code: The HTTP status, or the body's own code for an error sent under 200.
        message: The server's own message, or the status's standard phrase.
        code: The code in the error body, if there is one.
        context: What the server says the error is about, e.g. the missing parameters.
        method: The request's method.
        path: The request's path, without its query.
        response: The answer itself.
        attempt: Which try of the call this was, from 1.
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
    """401: the API key is missing, invalid or badly formed."""


class PermissionDeniedError(APIStatusError):
    """403: the key's owner is not permitted to do this."""


class NotFoundError(APIStatusError):
    """404: no such resource, or one that this key may not see."""


class MethodNotAllowedError(APIStatusError):
    """405: the resource does not take this method."""


class ConflictError(APIStatusError):
    """409: a conflict or a duplicate entry."""


class RateLimitError(APIStatusError):
    """429: too many requests."""


class ServerError(APIStatusError):
    """5xx: the server failed."""


class InternalServerError(ServerError):
    """500: the server failed while it handled the request."""


class ServiceUnavailableError(ServerError):
    """503: the API is unavailable, or switched off by the administrator."""


class DecodeError(_AnswerError):
    """The status says success, but the body is not what the API promises.

    Attributes:
        field: Where in the body the trouble is, e.g. ``data[3].role.id``; empty for the whole.
        malformed: Whether the body is no JSON at all, as one that was cut short.
        message: What is wrong there.
        status_code: The HTTP status.
        method: The request's method.
        path: The request's path, without its query.
        response: The answer itself.
        attempt: Which try of the call this was, from 1.
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
        where = f"{field}: " if field else ""
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
    """Return the class of error that a status becomes."""
    fallback = ServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else APIStatusError
    return _CLASS_OF_STATUS.get(status, fallback)
