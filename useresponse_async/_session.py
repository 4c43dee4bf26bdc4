"""How is an operation carried out? Paced, sent, tried again, and its answer decoded."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Generator, Iterable
from contextlib import (
    AbstractAsyncContextManager,
    aclosing,
    asynccontextmanager,
    contextmanager,
    nullcontext,
    suppress,
)
from contextvars import ContextVar
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote, urlencode

import anyio
import anyio.lowlevel
import attrs
import httpx

from useresponse_async._answers import read_answer, redacted
from useresponse_async._config import Settings
from useresponse_async._decode import NO_CONTENT, as_sent
from useresponse_async._downloads import Sink
from useresponse_async._exceptions import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ArgumentError,
    DecodeError,
    NotFoundError,
    QueueTimeoutError,
    RateLimitError,
    ResponseTooLargeError,
    ServiceUnavailableError,
    UseResponseError,
)
from useresponse_async._files import JSONBody
from useresponse_async._hooks import RequestHook, ResponseHook, tell
from useresponse_async._lifetime import Lifetime
from useresponse_async._pacing import NoTurn, Pacing, Turn
from useresponse_async._request import Request
from useresponse_async._response import Inflater, expands_beyond, with_body, with_plain_content
from useresponse_async._retry import RetryBudget, call_with_retries, is_overload
from useresponse_async._transport import KEYLESS, origin
from useresponse_async._version import __version__

__all__ = ["Connection", "Session"]

T = TypeVar("T")

_MAX_REDIRECTS: Final = 5
_LONGEST_LENGTH: Final = 20
_METHOD_KEEPING_REDIRECTS: Final = (307, 308)
_NEVER_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
)
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"useresponse-async/{__version__}",
}
# A file comes as it is, so that its length is known; it is no JSON.
_DOWNLOAD_HEADERS: Final = {**_HEADERS, "Accept": "*/*", "Accept-Encoding": "identity"}

_UNOBSERVED: Final = nullcontext[list[httpx.Response] | None](None)

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


class Session:
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
        self._extensions = {"timeout": settings.timeout.as_dict()}

    @property
    def max_in_flight(self) -> int:
        """The most requests under way at once."""
        return self.pacing.bound

    @property
    def walk_concurrency(self) -> int:
        """How many pages of a walk are under way at once, some of them waiting for their turn.

        So the next request goes out the moment that an answer is there, and not when it has been
        read.
        """
        return self.max_in_flight + self.max_in_flight // 3

    async def execute(self, operation: Request[T]) -> T:
        """Carry out ``operation`` and return what its answer says.

        Raises:
            APIConnectionError: No answer came.
            APIStatusError: The answer is not success.
            DecodeError: The answer is not what the API promises.
            QueueTimeoutError: The call had no turn in time.
            ResponseTooLargeError: The answer holds more than ``max_response_bytes``.
            ArgumentError: The body cannot be sent as JSON, or an attachment not be read.
            ClientClosedError: The client is closed, or was closed meanwhile.
        """
        make_request = await self._request_factory(operation)
        may_be_done = False

        async def attempt(number: int) -> T:
            nonlocal may_be_done
            request = make_request()
            try:
                async with self._observed(request) as answers:
                    return await self._try(operation, request, number, answers)
            except NotFoundError:
                if may_be_done and operation.absent_is_done:
                    return operation.decode(NO_CONTENT)
                raise
            except UseResponseError as error:
                may_be_done = may_be_done or _may_be_done(error)
                raise

        return await self._with_retries(attempt, repeatable=operation.may_repeat)

    async def fetch(self, url: str, sink: Sink, *, max_bytes: int) -> None:
        """Download the file at ``url`` into ``sink``, following redirects wherever they lead.

        Raises:
            APIConnectionError: No answer came, or it broke off.
            APIStatusError: The answer is not success.
            ResponseTooLargeError: It holds more than ``max_bytes``.
            QueueTimeoutError: The download had no turn in time.
            ClientClosedError: The client is closed, or was closed meanwhile.
        """
        try:
            address = httpx.URL(f"{self.settings.base_url}/").join(url)
            host = address.host
        except (httpx.InvalidURL, ValueError):  # of the latter kind is what says of the host
            raise ArgumentError("file", "its address is no URL") from None
        if address.scheme not in ("http", "https") or not host:
            raise ArgumentError("file", "its address is no http or https URL")
        request = httpx.Request(
            "GET", address, headers=_DOWNLOAD_HEADERS, extensions=self._extensions
        )

        async def attempt(number: int) -> None:
            async with self._observed(request) as answers:
                turn = self._turn()
                await self._in_turn(
                    turn,
                    number,
                    request,
                    lambda: self._pour(number, request, sink, max_bytes, answers),
                )
                self._went_well(turn)

        await self._with_retries(attempt, repeatable=True)

    async def _with_retries(self, attempt: Callable[[int], Awaitable[T]], *, repeatable: bool) -> T:
        with self._connection.lifetime.call():
            return await call_with_retries(
                attempt,
                policy=self.settings.retry,
                budget=self._connection.budget,
                repeatable=repeatable,
                on_retry=self.settings.on_retry,
                pause=self.pacing.pause,
            )
        raise AssertionError("unreachable: the context raises when it swallows")

    def _observed(
        self, request: httpx.Request
    ) -> AbstractAsyncContextManager[list[httpx.Response] | None]:
        """Return a context for one try, which gives a list to put its response in."""
        on_request, on_response = self.settings.on_request, self.settings.on_response
        if on_request is None and on_response is None:
            return _UNOBSERVED
        return _told(request, on_request, on_response)

    async def _try(
        self,
        operation: Request[T],
        request: httpx.Request,
        number: int,
        answers: list[httpx.Response] | None,
    ) -> T:
        turn = self._turn(patient=operation.patient)
        response = await self._in_turn(
            turn, number, request, lambda: self._ask(operation, request, number, answers)
        )
        # Whoever waits for the wire goes first: to read takes no turn.
        await anyio.lowlevel.cancel_shielded_checkpoint()
        with _failures_noted(turn, number):
            result = self._read(operation, response)
        self._went_well(turn)
        return result

    def _turn(self, *, patient: bool = False) -> Turn:
        return self.pacing.turn(patience=None if patient else self.settings.queue_timeout)

    async def _in_turn(
        self, turn: Turn, number: int, request: httpx.Request, call: Callable[[], Awaitable[T]]
    ) -> T:
        try:
            async with turn:
                with _failures_noted(turn, number):
                    return await call()
        except NoTurn:
            failure = QueueTimeoutError(
                f"no turn came within {self.settings.queue_timeout} s",
                method=request.method,
                path=request.url.path,
                request_sent=False,
            )
            failure.attempt = number
            raise failure from None

    def _went_well(self, turn: Turn) -> None:
        turn.went_well()
        self._connection.budget.earn()

    async def _ask(
        self,
        operation: Request[Any],
        request: httpx.Request,
        number: int,
        answers: list[httpx.Response] | None,
    ) -> httpx.Response:
        response = await self._in_time(request, self._send)
        if not response.is_success:
            response = redacted(response, self.settings.api_key)
        response.extensions["attempt"] = number
        self._connection.captured(response)
        if answers is not None:
            answers.append(redacted(response, self.settings.api_key))
        if not response.is_success:
            self._read(operation, response)  # raises the error that it is
        return response

    async def _pour(
        self,
        number: int,
        request: httpx.Request,
        sink: Sink,
        max_bytes: int,
        answers: list[httpx.Response] | None,
    ) -> None:
        with _network_errors_translated(request):
            response = await self._in_time(request, self._open)
            response.extensions["attempt"] = number
            if answers is not None:
                answers.append(response)
            if not response.is_success:
                read_answer(response, as_sent, key=self.settings.api_key)
        # What the caller's own file or callback raises is not the server's failure.
        async with _ended(_raw_chunks(response), response.aclose) as chunks:
            inflater = Inflater(response)
            await sink.begin(None if inflater.needed else _length_of(response))
            async with aclosing(_translated(chunks, request)) as received:
                async for chunk in received:
                    await _fill(sink, inflater.pieces(chunk), request, max_bytes)
            await _fill(sink, inflater.rest(), request, max_bytes)

    async def _in_time(
        self, request: httpx.Request, send: Callable[[httpx.Request], Awaitable[httpx.Response]]
    ) -> httpx.Response:
        """Bound the whole; httpx's time-outs, of a step each, begin anew with every byte."""
        seconds = self.settings.longest_attempt
        with anyio.move_on_after(seconds):
            return await send(request)
        raise APITimeoutError(
            f"no whole answer came within {seconds} s (attempt_timeout)",
            method=request.method,
            path=request.url.path,
            request_sent=True,
        )

    async def _open(self, request: httpx.Request) -> httpx.Response:
        """Return the answer, its body read only if it is no file."""
        response = await self._open_after_redirects(request)
        if response.is_success:
            return response
        response, _ = await _loaded(response, self.settings.max_response_bytes)
        return redacted(response, self.settings.api_key)

    async def _open_after_redirects(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``, and follow redirects; without the key once one led elsewhere."""
        for _ in range(_MAX_REDIRECTS):
            response = await self._connection.http.send(
                request, stream=True, follow_redirects=False
            )
            target = response.next_request
            if target is None or target.url.scheme not in ("http", "https"):
                return response
            await response.aclose()
            if origin(target.url) != origin(request.url):
                target.extensions = {**target.extensions, KEYLESS: True}
            request = target
        return await self._connection.http.send(request, stream=True, follow_redirects=False)

    def _read(self, operation: Request[T], response: httpx.Response) -> T:
        version = self.settings.api_version
        absence = None
        if operation.may_be_missing_in(version):
            absence = f"API {version} lacks the endpoint, which is documented for {operation.since}"
        return read_answer(response, operation.decode, key=self.settings.api_key, absence=absence)

    async def _request_factory(self, operation: Request[Any]) -> Callable[[], httpx.Request]:
        query = urlencode(operation.query, quote_via=quote)
        try:
            url = httpx.URL(f"{self._prefix}{operation.path}{'?' if query else ''}{query}")
        except httpx.InvalidURL as error:
            raise ArgumentError("query" if query else "path", str(error)) from None
        headers, body = self._headers, None
        if operation.body is not None:
            body = await JSONBody.of(operation.body)
            headers = headers.copy()
            headers["Host"] = url.netloc.decode()  # httpx adds it only to bodies of its own
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(body.length)
        return lambda: httpx.Request(
            operation.method, url, headers=headers, stream=body, extensions=self._extensions
        )

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``, and follow redirects that stay on the server and keep the method."""
        response = await self._send_once(request)
        for _ in range(_MAX_REDIRECTS):
            target = response.next_request
            if target is None or not _may_follow(response, target):
                break
            response = await self._send_once(target)
        return response

    async def _send_once(self, request: httpx.Request) -> httpx.Response:
        limit = self.settings.max_response_bytes
        try:
            with _network_errors_translated(request):
                response = await self._connection.http.send(
                    request, stream=True, follow_redirects=False
                )
                response, whole = await _loaded(response, limit)
        finally:
            if isinstance(request.stream, JSONBody):
                with anyio.CancelScope(shield=True):
                    await request.stream.aclose()
        # Of an error the status matters more than its text, which may be cut off.
        if response.is_success and not whole:
            raise ResponseTooLargeError(
                method=request.method, path=request.url.path, max_bytes=limit
            )
        return response


@asynccontextmanager
async def _told(
    request: httpx.Request, on_request: RequestHook | None, on_response: ResponseHook | None
) -> AsyncGenerator[list[httpx.Response], None]:
    # Outside the turn, so that a hook may take its time, and make calls of its own.
    if on_request is not None:
        await tell(on_request, request)
    answers: list[httpx.Response] = []
    try:
        yield answers
    finally:
        if on_response is not None:
            for response in answers:
                await tell(on_response, response)


async def _loaded(response: httpx.Response, max_bytes: int) -> tuple[httpx.Response, bool]:
    """Return the response with its body read, and whether that is the whole of it."""
    if response.is_stream_consumed:  # by a transport that read it, as httpx's mock does
        return response, len(response.content) <= max_bytes
    body, whole = await _read_body(response, max_bytes)
    whole = whole and not expands_beyond(response, body, max_bytes)
    return (with_body if whole else with_plain_content)(response, body), whole


async def _read_body(response: httpx.Response, max_bytes: int) -> tuple[bytes, bool]:
    """Return the body as it came, and whether that is the whole; then close its stream."""
    stream = cast("httpx.AsyncByteStream", response.stream)
    # Not a list of chunks: a server may make millions of them, of a byte or two each.
    received = bytearray()
    async with _ended(aiter(stream), stream.aclose) as chunks:
        async for chunk in chunks:
            received += chunk
            if len(received) > max_bytes:
                break
    whole = len(received) <= max_bytes
    del received[max_bytes:]
    return bytes(received), whole


async def _fill(
    sink: Sink, pieces: Iterable[bytes], request: httpx.Request, max_bytes: int
) -> None:
    remaining = iter(pieces)
    while True:
        with _network_errors_translated(request):
            piece = next(remaining, None)
        if piece is None:
            return
        if sink.received + len(piece) > max_bytes:
            raise ResponseTooLargeError(method="GET", path=request.url.path, max_bytes=max_bytes)
        await sink.write(piece)


async def _translated(
    chunks: AsyncIterator[bytes], request: httpx.Request
) -> AsyncGenerator[bytes, None]:
    with _network_errors_translated(request):
        async for chunk in chunks:
            yield chunk


def _raw_chunks(response: httpx.Response) -> AsyncIterator[bytes]:
    if response.is_stream_consumed:
        return _one_chunk(response.content)
    return response.aiter_raw()


async def _one_chunk(content: bytes) -> AsyncGenerator[bytes, None]:
    yield content


def _length_of(response: httpx.Response) -> int | None:
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and len(length) <= _LONGEST_LENGTH else None


@asynccontextmanager
async def _ended(
    chunks: AsyncIterator[bytes], close: Callable[[], Awaitable[None]]
) -> AsyncGenerator[AsyncIterator[bytes], None]:
    """Give ``chunks``; close what they come from, however many were taken."""
    try:
        yield chunks
    finally:
        with anyio.CancelScope(shield=True):
            await close()
            # The libraries' own generators end only by running: one that is dropped half-way
            # warns on trio. With the connection closed, the next step is the last.
            with suppress(httpx.HTTPError, httpx.StreamError):
                async for _ in chunks:
                    pass


@contextmanager
def _network_errors_translated(request: httpx.Request) -> Generator[None, None, None]:
    try:
        yield
    except (httpx.InvalidURL, UnicodeError) as error:  # what httpx makes of a redirect
        raise APIConnectionError(
            f"the server redirects to what is no address: {error}",
            method=request.method,
            path=request.url.path,
            request_sent=True,
            permanent=True,
        ) from error
    except httpx.RequestError as error:
        timed_out = isinstance(error, httpx.TimeoutException)
        raise (APITimeoutError if timed_out else APIConnectionError)(
            f"{type(error).__name__}: {error}" if str(error) else type(error).__name__,
            method=request.method,
            path=request.url.path,
            request_sent=not isinstance(error, _NEVER_SENT),
            permanent=_is_permanent(error),
        ) from error


def _is_permanent(error: httpx.RequestError) -> bool:
    # What caused it is gone, with its frames that held the key; its text tells.
    if isinstance(error, httpx.ProxyError):
        return str(error).startswith("4")  # the status with which the proxy answered
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


@contextmanager
def _failures_noted(turn: Turn, number: int) -> Generator[None, None, None]:
    try:
        yield
    except UseResponseError as error:
        if isinstance(error, APIConnectionError | APIStatusError | DecodeError):
            error.attempt = number
        if is_overload(error):
            turn.was_overloaded()
        raise


def _may_follow(response: httpx.Response, target: httpx.Request) -> bool:
    request = response.request
    keeps_method = request.method == "GET" or response.status_code in _METHOD_KEEPING_REDIRECTS
    return keeps_method and origin(target.url) == origin(request.url)


def _may_be_done(error: UseResponseError) -> bool:
    """Return whether a call that failed with ``error`` may have had its effect."""
    if isinstance(error, APIConnectionError):
        return error.request_sent
    return not isinstance(error, ServiceUnavailableError | RateLimitError)
