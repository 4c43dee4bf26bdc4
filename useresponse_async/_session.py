"""The request path: retry, slot, exchange, response."""

from __future__ import annotations

import weakref
from collections.abc import AsyncGenerator, Awaitable, Generator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import partial
from typing import Any, Final, Generic, TypeAlias, TypeVar, cast
from urllib.parse import quote, urlencode

import anyio
import anyio.lowlevel
import attrs
import httpx

from useresponse_async._concurrency import CLOSE_SECONDS, current_loop, ends_in_time
from useresponse_async._config import Proxies, Settings, __version__, has_valid_port, host_and_port
from useresponse_async._decode import NO_CONTENT, Decoder
from useresponse_async._exceptions import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    ArgumentError,
    CallError,
    ClientClosedError,
    NotFoundError,
    QueueTimeoutError,
    ResponseTooLargeError,
    UseResponseError,
)
from useresponse_async._files import CallersFailure, JSONBody, Sink, json_body
from useresponse_async._pacing import Pacing, Slot
from useresponse_async._response import (
    Reply,
    connection_error,
    length_of,
    read,
    shown,
    shown_request,
)
from useresponse_async._retry import (
    OVERLOAD_STATUSES,
    RetryBudget,
    Retrying,
    call_hook,
    is_overload,
    may_have_happened,
)
from useresponse_async._secret import Secret, keep_out_of_logs
from useresponse_async._transport import KEYLESS, SECRETS, origin

T = TypeVar("T")

Query: TypeAlias = tuple[tuple[str, str | Secret], ...]
"""Names and values of the query, in the order in which they are sent."""

in_bulk: Final = ContextVar("useresponse_async_in_bulk", default=False)
"""Whether the calls of this context are bulk work, which single calls overtake in the queue."""

IDEMPOTENT_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""The methods whose repeated call has no further effect."""

_MAX_REDIRECTS: Final = 5
_MAX_ERROR_BYTES: Final = 1024 * 1024
_MAX_CHUNKS_AFTER_CLOSE: Final = 100
_STEPS_TO_SEND: Final = 3
"""The steps of the event loop that a call needs from its slot until its request is sent."""

_SLACK: Final = 0.1
"""The part of a step's time limit that is added to its deadline, so that it moves seldom."""

_METHOD_KEEPING_REDIRECTS: Final = (307, 308)
_HEADERS: Final = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "User-Agent": f"useresponse-async/{__version__}",
}


@attrs.frozen(kw_only=True)
class Request(Generic[T]):
    """A call of the API.

    Attributes:
        method: The HTTP method.
        path: The path below ``/api/{version}/``, e.g. ``users/search.json``; the URL of a
            download.
        decode: Converts the response's JSON to the result of the call.
        query: Names and values of the query.
        body: The JSON body; ``None`` sends no body.
        headers: Headers besides the client's own.
        idempotent: Whether it may be repeated after an attempt that may have been processed;
            default: by the method.
        absent_is_done: Whether a 404 of a later attempt means that an earlier one succeeded.
        bulk: Whether it is a page of a walk other than the first: single calls overtake it in
            the queue, and its wait for a slot has no limit.
        sensitive: Whether its body or its response contains a secret.
        sink: Writes the body of a download.
    """

    method: str
    path: str
    decode: Decoder[T] = attrs.field(repr=False)
    query: Query = attrs.field(default=(), repr=False)
    body: Any = attrs.field(default=None, repr=False)
    headers: dict[str, str | Secret] = attrs.field(factory=dict[str, "str | Secret"], repr=False)
    idempotent: bool | None = None
    absent_is_done: bool = False
    bulk: bool = False
    sensitive: bool = False
    sink: Sink | None = None

    @property
    def may_repeat(self) -> bool:
        """Whether it may be repeated after an attempt that may have been processed."""
        return self.method in IDEMPOTENT_METHODS if self.idempotent is None else self.idempotent


@attrs.define(eq=False)
class Connection:
    """The state that all views of a client share.

    Attributes:
        http: The httpx client that sends the requests.
        proxies: The proxies of the client's own transport; ``None`` for the caller's.
        budget: The retry budget.
        closed: Whether the client is closed.
    """

    http: httpx.AsyncClient
    proxies: Proxies | None
    budget: RetryBudget
    closed: bool = False
    _loop: weakref.ref[Any] | None = None
    _calls: dict[anyio.CancelScope, int | None] = attrs.Factory(
        dict[anyio.CancelScope, "int | None"]
    )
    _idle: anyio.Event | None = None

    @contextmanager
    def capture_responses(self) -> Generator[list[httpx.Response], None, None]:
        """Collect the responses to calls inside the block."""
        responses: list[httpx.Response] = []
        token = _captures.set((*_captures.get(), (self, responses)))
        try:
            yield responses
        finally:
            _captures.reset(token)

    @property
    def used(self) -> bool:
        """Whether a call was made."""
        return self._loop is not None

    def check(self) -> None:
        """Check that the client is open and runs on the event loop of its first call.

        Raises:
            ClientClosedError: The client is closed.
            UseResponseError: This is another event loop.
        """
        if self.closed:
            raise ClientClosedError("the client is closed")
        loop = current_loop()
        if self._loop is None:
            self._loop = weakref.ref(loop)
        elif self._loop() is not loop:
            raise UseResponseError(
                "the client belongs to the event loop of its first call, and its connections "
                "cannot be used from another loop or thread; create one client per event loop, "
                "inside the function that asyncio.run() or trio.run() runs"
            )

    def enter(self, scope: anyio.CancelScope, *, own_code: bool) -> None:
        """Register the scope of a call, so that closing the client cancels it.

        Args:
            scope: The scope.
            own_code: Whether the caller's code, which may close the client, runs in the scope.
        """
        if self.closed:
            raise ClientClosedError("the client is closed")
        self._calls[scope] = anyio.get_current_task().id if own_code else None

    def leave(self, scope: anyio.CancelScope) -> None:
        """Unregister the scope of a call."""
        del self._calls[scope]
        if self._idle is not None:
            self._idle.set()

    async def aclose(self, *, seconds: float) -> None:
        """Cancel the calls in progress, then close the connections, within ``seconds`` each.

        If a callback of a call closes the client, that call ends afterwards. Connections cannot
        be closed from another event loop than the client's, and remain open.
        """
        self.closed = True
        if self._loop is not None and self._loop() is not current_loop():
            return
        for scope in self._calls:
            scope.cancel()
        own = anyio.get_current_task().id

        async def close() -> None:
            with anyio.move_on_after(seconds):
                while any(task != own for task in self._calls.values()):
                    self._idle = anyio.Event()
                    await self._idle.wait()
            await self.http.aclose()

        await ends_in_time(close, seconds=2 * seconds)


_captures: ContextVar[tuple[tuple[Connection, list[httpx.Response]], ...]] = ContextVar(
    "useresponse_async_captures", default=()
)


@attrs.define(eq=False, repr=False)
class _Message:
    """A request as it is sent, with the deadline and the reply of its current attempt.

    An attempt has a phase, such as the wait for a slot, and in it steps, such as a read. Each
    has a time limit and a name for it; the scope's deadline is the earlier of the two.
    """

    request: Request[Any]
    url: httpx.URL
    headers: httpx.Headers
    body: JSONBody | None
    timeout: httpx.Timeout
    secret_queries: tuple[Secret, ...]
    secrets: tuple[Secret, ...]
    may_be_done: bool = False
    reply: Reply | None = None
    scope: anyio.CancelScope = attrs.field(init=False)
    phase: tuple[float | None, str] = (None, "")
    step: tuple[float | None, str] = (None, "")
    _end: float = float("inf")

    def http_request(self) -> httpx.Request:
        """Return an httpx request for one attempt."""
        if self.body is not None:
            self.body.on_piece = self.expect_piece
        return httpx.Request(
            self.request.method,
            self.url,
            headers=self.headers,
            stream=self.body,
            extensions={
                "timeout": self.timeout.as_dict(),
                SECRETS: (self.secret_queries, self.secrets),
            },
        )

    def begin(self, seconds: float | None, limit: str) -> None:
        """Begin a phase that lasts at most ``seconds``; ``limit`` names the setting."""
        self.phase = self.step = (seconds, limit)
        self._end = float("inf") if seconds is None else anyio.current_time() + seconds
        self.scope.deadline = self._end

    def expect(self, seconds: float | None, limit: str) -> None:
        """Begin a step that lasts at most ``seconds``, within the limit of the phase."""
        due = float("inf") if seconds is None else anyio.current_time() + seconds
        if seconds is None or due >= self._end:
            self.step, self.scope.deadline = self.phase, self._end
        elif limit != self.step[1] or self.scope.deadline < due:
            # Not moved for each of a million chunks, which would cost more than reading them.
            self.step, self.scope.deadline = (seconds, limit), due + _SLACK * seconds

    def expect_piece(self, *, waiting: bool) -> None:
        """Limit the sending of a piece of the body, but not reading a file, or what follows."""
        self.expect(self.timeout.write if waiting else None, "write timeout")

    def record(self, error: UseResponseError, number: int) -> None:
        """Record the failure of attempt ``number``, and complete the error."""
        in_doubt = may_have_happened(error)
        self.may_be_done |= in_doubt
        if isinstance(error, CallError):
            error.attempt = number
            if in_doubt and not self.request.may_repeat:
                error.args = (f"{error}; the request may have been processed",)


class Session:
    """The request path with one set of settings.

    Args:
        connection: The state that is shared with other views of the client.
        settings: The settings.
        pacing: Limits the number of concurrent requests.
    """

    def __init__(self, connection: Connection, settings: Settings, pacing: Pacing) -> None:
        self.settings = settings
        self.pacing = pacing
        self._connection = connection
        self._prefix = f"{settings.base_url}".rstrip("/") + f"/api/{settings.api_version}/"
        values = (settings.api_key, *settings.headers.values())
        self.secrets: tuple[Secret, ...] = tuple(it for it in values if isinstance(it, Secret))
        for secret in self.secrets:
            keep_out_of_logs(secret)
        self._headers = httpx.Headers(_HEADERS)
        self._headers.update({name: _text(value) for name, value in settings.headers.items()})

    @property
    def walk_concurrency(self) -> int:
        """Maximum number of pages that a walk fetches concurrently.

        More pages than slots, so that a request is ready whenever a slot becomes free.
        """
        return self.pacing.bound + self.pacing.bound // 3

    async def send(self, request: Request[T]) -> T:
        """Send ``request``, with retries, and return the decoded response.

        Raises:
            APIConnectionError: No complete response was received.
            APIStatusError: The server responded with an error.
            DecodeError: The response is not as the API documents it.
            QueueTimeoutError: No slot became free within ``queue_timeout``.
            ResponseTooLargeError: The response is larger than the limit.
            ArgumentError: The body cannot be sent as JSON, or an attachment cannot be read.
            ClientClosedError: The client is closed, or was closed during the call.
        """
        try:
            return await self._with_retries(request)
        # The frames below contain the key and bodies, so the traceback begins here.
        except CallersFailure as wrapper:
            failure: BaseException = wrapper.error
        except BaseException as error:  # noqa: BLE001 - raised again below
            failure = error.with_traceback(None)
            failure.__cause__ = failure.__context__ = None
        raise failure

    async def _with_retries(self, request: Request[T]) -> T:
        self._connection.check()
        message = await self._message(request)
        try:
            return await self._attempt(request, message, 1)
        except UseResponseError as error:
            page = dict(request.query).get("page")
            retrying = Retrying(
                self.settings.retry,
                self._connection.budget,
                idempotent=request.may_repeat,
                on_retry=self.settings.on_retry,
                wait=self._wait,
                label="" if page is None else f" (page {page})",
            )
            if not retrying.may_retry(error):
                raise
            first = error
        # Entering tenacity costs more than a successful call, so it happens only after a failure,
        # which is then the outcome of tenacity's first attempt.
        async for attempt in retrying.attempts():
            with attempt:
                number = attempt.retry_state.attempt_number
                if number == 1:
                    raise first
                return await self._attempt(request, message, number)
        raise AssertionError("unreachable: tenacity raises the last failure")

    async def _attempt(self, request: Request[T], message: _Message, number: int) -> T:
        """Send ``request`` once, in a slot, and return the decoded response."""
        settings = self.settings
        if settings.on_request is not None:
            # Outside the slot, so that a hook may take long, and may make calls itself.
            plain = shown_request(
                message.http_request(), message.secrets, sensitive=request.sensitive
            )
            await call_hook(settings.on_request, plain)
        bulk = request.bulk or in_bulk.get()
        slot = Slot(self.pacing, bulk=bulk)
        message.reply = None
        try:
            with anyio.CancelScope() as message.scope:
                own_code = request.sink is not None or message.body is not None
                self._connection.enter(message.scope, own_code=own_code)
                try:
                    message.begin(None if request.bulk else settings.queue_timeout, "queue_timeout")
                    async with slot:
                        if message.scope.cancel_called:  # the limit passed as the slot became free
                            await anyio.lowlevel.checkpoint_if_cancelled()
                        message.begin(settings.longest_attempt, "attempt_timeout")
                        await self._exchange(message, slot)
                finally:
                    self._connection.leave(message.scope)
            reply = message.reply
            if reply is None:
                raise self._cancelled(message)
            for _ in range(_STEPS_TO_SEND if bulk else 0):  # decoding delays calls that have a slot
                await anyio.lowlevel.cancel_shielded_checkpoint()
            if settings.on_response is not None or _captures.get():
                await self._observe(message, reply, number)
            result = self._result(request, message, reply)
        except UseResponseError as error:
            if is_overload(error):
                slot.overloaded()
            elif isinstance(error, APIStatusError) and not may_have_happened(error):
                slot.succeeded()  # the server is up, and has rejected the call
            if isinstance(error, NotFoundError) and request.absent_is_done and message.may_be_done:
                return request.decode(NO_CONTENT)
            message.record(error, number)
            raise
        slot.succeeded()
        self._connection.budget.earn()
        return result

    async def _exchange(self, message: _Message, slot: Slot) -> None:
        """Send an HTTP request and follow redirects; the last response is the reply."""
        sending = message.http_request()
        for _ in range(_MAX_REDIRECTS + 1):
            try:
                reply = await self._round_trip(message, sending)
            finally:
                if message.body is not None:
                    await message.body.aclose()
            if reply.head.status_code in OVERLOAD_STATUSES:
                slot.overloaded()  # before the slot is free, so that no call takes it at once
            target = reply.head.next_request
            if target is None or not _may_follow(message.request, reply.head, target):
                break
            if origin(target.url) != origin(sending.url):
                target.extensions = {**target.extensions, KEYLESS: True}
            sending = target

    async def _round_trip(self, message: _Message, sending: httpx.Request) -> Reply:
        """Send one HTTP request, and read its response to the last byte."""
        read_timeout = message.timeout.read
        message.reply = None
        step = self._connection.http.send(sending, stream=True, follow_redirects=False)
        head = await self._from_wire(step, message, sending)
        stream = _content(head) if head.is_stream_consumed else head.stream
        chunks = cast("AsyncGenerator[bytes, None]", aiter(cast("httpx.AsyncByteStream", stream)))
        sink = message.request.sink if head.is_success else None
        limit = self.settings.max_response_bytes if sink is None else sink.max_bytes
        reply = Reply(head, limit if head.is_success else min(limit, _MAX_ERROR_BYTES))
        complete = closed = False
        try:
            if sink is not None:
                message.begin(None, "")  # a download has limits for its steps only
                await sink.begin(None if reply.compressed else length_of(head))
            while not (complete or reply.too_large or reply.damaged):
                message.expect(read_timeout, "read timeout")
                chunk = await self._from_wire(anext(chunks, None), message, sending, answered=True)
                complete = chunk is None
                for piece in reply.pieces(chunk):
                    if sink is None:
                        reply.content += piece
                    else:
                        message.begin(None, "")  # the caller's code has no limit
                        await sink.write(piece)
            message.reply = reply
            if complete:
                # The call has succeeded; closing decides only whether the connection is reused.
                message.begin(CLOSE_SECONDS, "")
                with suppress(Exception):
                    await head.stream.aclose()  # type: ignore[union-attr]
                    closed = True
        finally:
            if not closed:
                await ends_in_time(partial(_abandon, head, chunks))
        return reply

    async def _from_wire(
        self,
        step: Awaitable[T],
        message: _Message,
        sending: httpx.Request,
        *,
        answered: bool = False,
    ) -> T:
        """Await one step of the transport; convert any exception to a typed error."""
        try:
            return await step
        except Exception as error:
            note = ""
            if message.body is not None:
                if message.body.failure is not None:  # from reading the caller's file
                    raise message.body.failure from None
                note = f"; {message.body.sent} of {message.body.length} bytes of the body were sent"
            if isinstance(error, UseResponseError):
                raise
            raise connection_error(
                error,
                sending,
                self.settings,
                self._connection.proxies,
                answered=answered,
                secrets=message.secrets,
                note=note,
            ) from None

    def _cancelled(self, message: _Message) -> UseResponseError:
        """Return the error for an attempt whose scope was cancelled."""
        if self._connection.closed:
            return ClientClosedError("the client was closed during the call")
        queued = message.phase[1] == "queue_timeout"
        what = "no slot" if queued else "no complete response"
        seconds, limit = message.step
        return (QueueTimeoutError if queued else APITimeoutError)(
            f"{what} within {seconds:g} s ({limit})",
            method=message.request.method,
            path=message.url.path,
            host=host_and_port(message.url),
            request_sent=not queued,
            cause="deadline",
        )

    async def _observe(self, message: _Message, reply: Reply, number: int) -> None:
        """Pass the response to the lists that collect responses, and to the caller's hook."""
        reply.head.extensions["attempt"] = number
        sensitive = message.request.sensitive
        for connection, responses in _captures.get():
            if connection is self._connection and message.request.sink is None:
                # A successful body is not redacted, since a short key may equal other data in it.
                as_sent = reply.head.is_success
                responses.append(
                    shown(reply, message.secrets, sensitive=sensitive, body_as_sent=as_sent)
                )
        if self.settings.on_response is not None:
            plain = shown(reply, message.secrets, sensitive=sensitive)
            await call_hook(self.settings.on_response, plain)

    def _result(self, request: Request[T], message: _Message, reply: Reply) -> T:
        """Return the decoded response; that of a download was written to its sink."""
        if reply.head.is_success and reply.too_large:
            raise ResponseTooLargeError(
                method=request.method, path=message.url.path, max_bytes=reply.limit
            )
        if reply.head.is_success and request.sink is not None:
            if reply.damaged:
                raise APIConnectionError(
                    f"the compressed body is damaged: {reply.damaged}",
                    method=request.method,
                    path=message.url.path,
                    host=host_and_port(message.url),
                    request_sent=True,
                )
            return request.decode(NO_CONTENT)
        return read(
            reply,
            request.decode,
            settings=self.settings,
            secrets=message.secrets,
            sensitive=request.sensitive,
        )

    def _url(self, request: Request[Any], query: str) -> httpx.URL:
        """Return the URL of ``request``, without the query parameters that are secret."""
        try:
            if request.sink is None:
                return httpx.URL(f"{self._prefix}{request.path}{'?' if query else ''}{query}")
            url = httpx.URL(f"{self.settings.base_url}/").join(request.path)
            usable = url.scheme in ("http", "https") and url.host  # which may fail to be decoded
        except (httpx.InvalidURL, ValueError) as error:
            if request.sink is not None:
                raise ArgumentError("file", "not a valid URL") from None
            raise ArgumentError("query" if query else "path", str(error)) from None
        if not usable:
            raise ArgumentError("file", "not an http or https URL")
        if not has_valid_port(url):
            raise ArgumentError("file", f"{url.port} is not a valid port")
        return url

    async def _message(self, request: Request[Any]) -> _Message:
        """Return ``request`` as it is sent."""
        plain = [(name, value) for name, value in request.query if not isinstance(value, Secret)]
        hidden = [(name, it.reveal()) for name, it in request.query if isinstance(it, Secret)]
        url = self._url(request, urlencode(plain, quote_via=quote))
        headers = self._headers.copy()
        for name, value in request.headers.items():
            headers[name] = _text(value)
        if request.sink is not None:
            # A file is requested without compression, so that its length is known.
            headers.update({"Accept": "*/*", "Accept-Encoding": "identity"})
        values: list[Any] = [*dict(request.query).values(), *request.headers.values()]
        body: JSONBody | None = None
        content: Any = request.body
        if content is not None:
            if isinstance(content, Mapping):
                values += cast("Mapping[str, Any]", content).values()
            with anyio.move_on_after(self.settings.longest_attempt):
                body = await json_body(content)
            if body is None:
                raise APITimeoutError(
                    "an attachment could not be opened in time (attempt_timeout)",
                    method=request.method,
                    path=url.path,
                    request_sent=False,
                    permanent=True,
                )
            headers["Host"] = url.netloc.decode()  # httpx adds it only to bodies of its own
            headers["Content-Type"] = "application/json"
            headers["Content-Length"] = str(body.length)
        secrets = tuple(value for value in values if isinstance(value, Secret))
        for secret in secrets:
            keep_out_of_logs(secret)
        return _Message(
            request,
            url,
            headers,
            body,
            self.settings.timeout,
            tuple(Secret(urlencode([it], quote_via=quote)) for it in hidden),
            self.secrets + secrets,
        )

    async def _wait(self, seconds: float, until_back: bool) -> bool:  # noqa: FBT001 - a callback
        """Wait before a retry; return whether a server that was down responds again."""
        with anyio.CancelScope() as scope:
            self._connection.enter(scope, own_code=False)
            try:
                return await self.pacing.pause(seconds, until_back=until_back)
            finally:
                self._connection.leave(scope)
        raise ClientClosedError("the client was closed during the call")


def _text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value


def _may_follow(request: Request[Any], head: httpx.Response, target: httpx.Request) -> bool:
    """Return whether a redirect is followed; that of a call must keep its origin and method."""
    if request.sink is not None:
        return target.url.scheme in ("http", "https")
    keeps_method = request.method == "GET" or head.status_code in _METHOD_KEEPING_REDIRECTS
    return keeps_method and origin(target.url) == origin(head.request.url)


async def _content(head: httpx.Response) -> AsyncGenerator[bytes, None]:
    """Yield a body that the transport or the caller's hook has read; fail if it is not kept."""
    yield await head.aread()


async def _abandon(head: httpx.Response, chunks: AsyncGenerator[bytes, None]) -> None:
    """Close a response that was not read to its end."""
    with suppress(Exception):
        await head.stream.aclose()  # type: ignore[union-attr]
    # httpx's generators are run to their end, since trio warns about unfinished ones. They end
    # after the chunks already received; those of another transport may be endless.
    for _ in range(_MAX_CHUNKS_AFTER_CLOSE):
        if await anext(chunks, None) is None:
            return
    await chunks.aclose()
