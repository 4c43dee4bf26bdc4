"""How is an operation carried out? Paced, sent, tried again, and its answer decoded."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import attrs
import httpx

from useresponse_async.answers import read_answer
from useresponse_async.codec import NO_CONTENT
from useresponse_async.errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ArgumentError,
    DecodeError,
    NotFoundError,
    ServiceUnavailableError,
    UseResponseError,
)
from useresponse_async.lifetime import Lifetime
from useresponse_async.operations import Operation
from useresponse_async.pacing import Pacing
from useresponse_async.retrying import RetryBudget, call_with_retries, is_overload
from useresponse_async.settings import Settings
from useresponse_async.transport import origin
from useresponse_async.version import __version__

__all__ = ["Connection", "RequestExecutor"]

T = TypeVar("T")

_MAX_REDIRECTS: Final = 5
_METHOD_KEEPING_REDIRECTS: Final = (307, 308)
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"useresponse-async/{__version__}",
}
_sinks: ContextVar[tuple[tuple[Connection, list[httpx.Response]], ...]] = ContextVar(
    "useresponse_async_response_sinks", default=()
)


@attrs.define(eq=False)
class Connection:
    """What all views of a client share: the HTTP client, its lifetime, the retry budget."""

    http: httpx.AsyncClient
    lifetime: Lifetime
    budget: RetryBudget

    @contextmanager
    def capture_responses(self) -> Generator[list[httpx.Response], None, None]:
        """Collect the responses that calls inside the block cause."""
        responses: list[httpx.Response] = []
        token = _sinks.set((*_sinks.get(), (self, responses)))
        try:
            yield responses
        finally:
            _sinks.reset(token)

    def captured(self, response: httpx.Response) -> None:
        """Hand ``response`` to those who collect responses in this context."""
        for connection, responses in _sinks.get():
            if connection is self:
                responses.append(response)


class RequestExecutor:
    """Carries out operations with one set of settings.

    Args:
        connection: What is shared with other views of the client.
        settings: What the client was told.
        pacing: How many requests may be in flight.
    """

    def __init__(self, connection: Connection, settings: Settings, pacing: Pacing) -> None:
        self.settings = settings
        self.pacing = pacing
        self._connection = connection
        self._prefix = f"{settings.base_url}".rstrip("/") + f"/api/{settings.api_version}/"
        self._headers = httpx.Headers(_HEADERS)
        self._body_headers = httpx.Headers({**_HEADERS, "Content-Type": "application/json"})
        self._extensions = {"timeout": settings.timeout.as_dict()}

    @property
    def max_in_flight(self) -> int:
        """The most requests under way at once."""
        return self.pacing.bound

    async def execute(self, operation: Operation[T]) -> T:
        """Carry out ``operation`` and return what its answer says.

        Raises:
            APIConnectionError: No answer came.
            APIStatusError: The answer is not success.
            DecodeError: The answer is not what the API promises.
            ArgumentError: The body cannot be sent as JSON.
            ClientClosedError: The client is closed, or was closed meanwhile.
        """
        make_request = self._request_factory(operation)
        may_be_done = False

        async def attempt(number: int) -> T:
            nonlocal may_be_done
            try:
                return await self._attempt(operation, make_request(), number)
            except NotFoundError:
                if may_be_done and operation.absent_is_done:
                    return operation.decode(NO_CONTENT)
                raise
            except UseResponseError as error:
                may_be_done = may_be_done or _may_be_done(error)
                raise

        with self._connection.lifetime.call():
            return await call_with_retries(
                attempt,
                policy=self.settings.retry,
                budget=self._connection.budget,
                repeatable=operation.may_repeat,
            )
        raise AssertionError("unreachable: the context raises when it swallows")

    async def _attempt(self, operation: Operation[T], request: httpx.Request, number: int) -> T:
        async with self.pacing.turn() as turn:
            try:
                response = await self._send(request)
                response.extensions["attempt"] = number
                self._connection.captured(response)
                result = read_answer(response, operation.decode, key=self.settings.api_key)
            except UseResponseError as error:
                if isinstance(error, APIConnectionError | APIStatusError | DecodeError):
                    error.attempt = number
                if is_overload(error):
                    turn.was_overloaded()
                raise
            turn.went_well()
        self._connection.budget.earn()
        return result

    def _request_factory(self, operation: Operation[Any]) -> Callable[[], httpx.Request]:
        query = urlencode(operation.query, quote_via=quote)
        url = httpx.URL(f"{self._prefix}{operation.path}{'?' if query else ''}{query}")
        content = None if operation.body is None else _to_json(operation.body)
        headers = self._headers if content is None else self._body_headers
        return lambda: httpx.Request(
            operation.method, url, headers=headers, content=content, extensions=self._extensions
        )

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``, and follow redirects that stay on the server and keep the method."""
        method, path = request.method, request.url.path
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._send_once(request)
            target = response.next_request
            if target is None or not _may_follow(response, target):
                return response
            request = target
        raise APIConnectionError(
            f"more than {_MAX_REDIRECTS} redirects", method=method, path=path, request_sent=True
        )

    async def _send_once(self, request: httpx.Request) -> httpx.Response:
        method, path = request.method, request.url.path
        try:
            return await self._connection.http.send(request, follow_redirects=False)
        except httpx.DecodingError as error:
            failure: UseResponseError = _undecodable(error, request)
        except httpx.RequestError as error:
            timed_out = isinstance(error, httpx.TimeoutException)
            failure = (APITimeoutError if timed_out else APIConnectionError)(
                f"{type(error).__name__}: {error}" if str(error) else type(error).__name__,
                method=method,
                path=path,
                request_sent=not isinstance(
                    error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout
                ),
            )
            failure.__cause__ = error
        raise failure


def _undecodable(error: httpx.DecodingError, request: httpx.Request) -> DecodeError:
    # httpx keeps no response for a body it cannot decompress.
    return DecodeError(
        f"the body cannot be decompressed: {error}",
        response=httpx.Response(HTTPStatus.OK, request=request),
        method=request.method,
        path=request.url.path,
    )


def _may_follow(response: httpx.Response, target: httpx.Request) -> bool:
    request = response.request
    keeps_method = request.method == "GET" or response.status_code in _METHOD_KEEPING_REDIRECTS
    return keeps_method and origin(target.url) == origin(request.url)


def _may_be_done(error: UseResponseError) -> bool:
    """Return whether a call that failed with ``error`` may have had its effect."""
    if isinstance(error, APIConnectionError):
        return error.request_sent
    return not isinstance(error, ServiceUnavailableError)


def _to_json(body: Any) -> bytes:
    try:
        return json.dumps(body, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError) as error:
        raise ArgumentError("body", f"it cannot be sent as JSON: {error}") from None
