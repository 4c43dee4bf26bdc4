"""Responses: reading with a limit, decompression, and conversion of failures to exceptions."""

from __future__ import annotations

import errno
import os
import socket
import ssl
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, TypeVar

import httpx

from useresponse_async._config import Proxies, Settings, host_and_port
from useresponse_async._decode import (
    NO_CONTENT,
    MalformedBody,
    Reported,
    StructureError,
    parse,
    parse_error,
)
from useresponse_async._exceptions import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    DecodeError,
    status_error_class,
)
from useresponse_async._files import JSONBody
from useresponse_async._secret import Secret, redact, redact_bytes

T = TypeVar("T")

_GZIP_OR_ZLIB: Final = 32 | zlib.MAX_WBITS
_HEADERLESS: Final = -zlib.MAX_WBITS
_GZIP_NIBBLE: Final = 0x0F

_PIECE: Final = 1024 * 1024
_SHOWN_BYTES: Final = 64 * 1024
_EXCERPT_LENGTH: Final = 200
_NO_PHRASE: Final = "no success"
_LONGEST_LENGTH: Final = 20
_LONGEST_CHAIN: Final = 20
_BODY_HEADERS: Final = frozenset({b"content-encoding", b"content-length", b"transfer-encoding"})
_HINTS: Final[dict[int, str]] = {
    404: "it does not exist, or you have no access to it",
    503: "the API is overloaded, or disabled in Administration » Applications",
}

_PACKAGES: Final = frozenset({"aiohttp", "anyio", "h11", "h2", "httpcore"})
"""The packages whose exceptions are network failures; of httpx's, only transport errors are."""

_NEVER_SENT: Final = frozenset(
    {
        "httpx.ConnectError",
        "httpx.ConnectTimeout",
        "httpx.PoolTimeout",
        "httpx.ProxyError",
        "httpcore.ConnectError",
        "httpcore.ConnectTimeout",
        "httpcore.PoolTimeout",
        "httpcore.ProxyError",
        "aiohttp.ClientConnectorError",
        "aiohttp.ClientHttpProxyError",
        "aiohttp.ConnectionTimeoutError",
    }
)
"""The classes that prove that the request was not sent."""

_TIMEOUTS: Final = frozenset(
    {"asyncio.TimeoutError", "httpcore.TimeoutException", "httpx.TimeoutException"}
)


class Reply:
    """A response whose body is decompressed as it arrives, up to a limit.

    The memory has a limit too: a piece of the content is a mebibyte at most.

    Args:
        head: The response, whose headers name the compression; its own body is not used.
        limit: Maximum size of the content, in bytes.

    Attributes:
        head: The response.
        limit: Maximum size of the content, in bytes.
        content: The decompressed content.
        compressed: Whether the body is compressed, so that its length is not the content's.
        too_large: Whether the content is larger than the limit.
        damaged: The reason why the body cannot be decompressed, or empty.
    """

    def __init__(self, head: httpx.Response, limit: int) -> None:
        encoding = head.headers.get("Content-Encoding", "").strip().lower()
        self._inflater: Any = None
        self._left = limit
        self.head = head
        self.limit = limit
        self.content = bytearray()  # not a list, since a server can send millions of chunks
        # A body that a transport or hook has read already was decompressed by httpx.
        self.compressed: bool = encoding in ("gzip", "deflate") and not head.is_stream_consumed
        self.too_large: bool = False
        self.damaged: str = ""

    def pieces(self, chunk: bytes | None) -> Iterator[bytes]:
        """Yield the content of the next bytes of the body; ``None`` is its end."""
        pieces: Iterable[bytes] = (chunk,) if chunk else ()
        if self.compressed:
            pieces = self._inflated(chunk)
        try:
            for piece in pieces:
                self.too_large = len(piece) > self._left
                yield piece[: self._left]
                self._left -= min(len(piece), self._left)
                if self.too_large:
                    return
        except zlib.error as error:
            self.damaged = str(error)

    def _inflated(self, chunk: bytes | None) -> Iterator[bytes]:
        while chunk:
            if self._inflater is None or self._inflater.eof:  # a gzip body may have several members
                # Some servers send deflate without zlib's header.
                has_header = chunk[0] & 0x0F in (_GZIP_NIBBLE, zlib.DEFLATED)
                self._inflater = zlib.decompressobj(_GZIP_OR_ZLIB if has_header else _HEADERLESS)
            yield self._inflater.decompress(chunk, _PIECE)
            chunk = self._inflater.unconsumed_tail or self._inflater.unused_data
        if chunk is None:
            if self._inflater is not None:
                yield self._inflater.flush()
                complete = self._inflater.eof
            else:  # some servers name a compression although there is no body
                status = self.head.status_code
                complete = status == HTTPStatus.NO_CONTENT or length_of(self.head) == 0
            if not complete:
                raise zlib.error("the compressed body was cut short")


def length_of(head: httpx.Response) -> int | None:
    """Return the length of the body according to ``head``, in bytes, if it is known."""
    length = head.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and len(length) <= _LONGEST_LENGTH else None


def shown(
    reply: Reply,
    secrets: tuple[Secret, ...],
    *,
    sensitive: bool,
    body_as_sent: bool = False,
    limit: int | None = None,
) -> httpx.Response:
    """Return a copy of ``reply`` without secrets, for hooks, captures and errors.

    Args:
        reply: The response.
        secrets: The secrets to redact.
        sensitive: Whether to omit the bodies of request and response.
        body_as_sent: Whether to leave the body unredacted.
        limit: Maximum size of the body, in bytes.
    """
    content = b"" if sensitive else bytes(reply.content)
    content = redact_bytes(content, () if body_as_sent else secrets, limit)
    head = reply.head
    response = httpx.Response(
        head.status_code,
        headers=[
            (name, redact_bytes(value, secrets))
            for name, value in head.headers.raw
            if name.lower() not in _BODY_HEADERS
        ],
        content=content,
        request=shown_request(head.request, secrets, sensitive=sensitive),
        extensions={
            name: redact_bytes(value, secrets) if isinstance(value, bytes) else value
            for name, value in head.extensions.items()
            if name in ("http_version", "reason_phrase", "attempt")
        },
    )
    with suppress(RuntimeError):  # unknown if the transport has read the body
        response.elapsed = head.elapsed
    return response


def shown_request(
    request: httpx.Request, secrets: tuple[Secret, ...], *, sensitive: bool
) -> httpx.Request:
    """Return a copy of ``request`` without secrets."""
    url = request.url.copy_with(query=redact_bytes(request.url.query, secrets) or None)
    content = b""
    if isinstance(request.stream, JSONBody) and not sensitive:
        content = request.stream.content or b""
    made = httpx.Request(
        request.method,
        url,
        headers=[(name, redact_bytes(value, secrets)) for name, value in request.headers.raw],
        stream=httpx.ByteStream(redact_bytes(content, secrets)),
    )
    made.read()
    return made


def connection_error(
    error: BaseException,
    request: httpx.Request,
    settings: Settings,
    proxies: Proxies | None,
    *,
    answered: bool,
    secrets: tuple[Secret, ...],
    note: str,
) -> APIConnectionError:
    """Return the typed error for an exception of the transport.

    Args:
        error: The exception.
        request: The request.
        settings: The client's settings.
        proxies: The proxies of the client's own transport.
        answered: Whether the head of the response was received.
        secrets: The secrets to redact.
        note: The end of the message.
    """
    names = {f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in type(error).__mro__}
    chain = _chain(error)
    sent = answered or names.isdisjoint(_NEVER_SENT)
    timed_out = isinstance(error, TimeoutError) or not names.isdisjoint(_TIMEOUTS)
    reason = f": {_reason(error, chain)}"
    if timed_out:
        step = type(error).__name__.removesuffix("Timeout").lower()
        seconds = settings.timeout.as_dict().get(step)
        reason = " in time" if seconds is None else f" within {seconds:g} s ({step} timeout)"
    host = host_and_port(request.url)
    if sent and timed_out:
        problem = f"no {'complete ' * answered}response{reason}"
    elif sent:
        problem = f"the connection to {host} broke{reason}"
    elif proxies is not None and (proxy := proxies.of(request.url)) is not None:
        through = f"through the proxy {host_and_port(proxy.url)} ({proxies.source})"
        problem = f"cannot connect to {host} {through}{reason}"
    else:
        problem = f"cannot connect to {host}{reason}"
        if request.url.host == settings.base_url.host:
            problem += f" (URL from {settings.base_url_source})"
    system = next((e for e in chain if isinstance(e, OSError) and isinstance(e.errno, int)), None)
    return (APITimeoutError if timed_out else APIConnectionError)(
        redact(problem + note, secrets),
        method=request.method,
        path=request.url.path,
        host=host,
        request_sent=sent,
        permanent=_is_permanent(error, chain),
        cause=f"{type(error).__module__.partition('.')[0]}.{type(error).__name__}",
        errno=None if system is None else system.errno,
    )


def _chain(error: BaseException | None) -> list[BaseException]:
    """Return ``error`` and its causes; of a group, the first exception."""
    chain: list[BaseException] = []
    while error is not None and len(chain) < _LONGEST_CHAIN:
        chain.append(error)
        inner: tuple[BaseException, ...] = getattr(error, "exceptions", ())
        error = inner[0] if inner else error.__cause__ or error.__context__
    return chain


def _reason(error: BaseException, chain: list[BaseException]) -> str:
    for cause in chain:
        if isinstance(cause, socket.gaierror):
            return f"the host name cannot be resolved ({cause.strerror})"
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"the TLS certificate is not trusted: {getattr(cause, 'verify_message', cause)}"
        if isinstance(cause, ssl.SSLError):
            reasons = (getattr(it, "reason", None) for it in chain if isinstance(it, ssl.SSLError))
            reason = next(filter(None, reasons), cause)
            plain = " (the server may use http rather than https)"
            return f"TLS failed: {reason}{plain * (reason == 'WRONG_VERSION_NUMBER')}"
        if isinstance(cause, OSError) and cause.errno and cause.errno in errno.errorcode:
            return os.strerror(cause.errno).lower()
    text = next((text for cause in chain if (text := _text(cause))), "")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the text of some needs attributes that they do not have
        return ""


def _is_permanent(error: BaseException, chain: list[BaseException]) -> bool:
    """Return whether the failure is not known to be transient."""
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in chain):
        return True
    if type(error).__name__ in ("ProxyError", "ClientHttpProxyError"):
        return _text(error).startswith("4")  # the status of the proxy's response
    if isinstance(error, OSError | httpx.TransportError):
        return False
    modules = {base.__module__.partition(".")[0] for base in type(error).__mro__}
    return modules.isdisjoint(_PACKAGES)


def read(
    reply: Reply,
    decode: Callable[[Any], T],
    *,
    settings: Settings,
    secrets: tuple[Secret, ...],
    sensitive: bool,
) -> T:
    """Return the result of a call.

    Args:
        reply: The response.
        decode: Converts its JSON to the result.
        settings: The client's settings.
        secrets: The secrets to redact in errors.
        sensitive: Whether to omit the bodies from errors, as they may contain other secrets.

    Raises:
        APIStatusError: The server responded with an error.
        DecodeError: The response is not as the API documents it.
    """
    head = reply.head
    problem, field, malformed = "", "", False
    payload: Any = NO_CONTENT
    reported: Reported | None = None
    if head.status_code != HTTPStatus.NO_CONTENT:
        try:
            payload = parse(reply.content)
            reported = parse_error(payload)
        except MalformedBody:
            problem = "the body is not valid JSON" if reply.content else "the body is empty"
            problem += _excerpt(reply, secrets, sensitive=sensitive)
            malformed = not reply.content[:100].lstrip().startswith(b"<")
    if reply.damaged:
        problem, malformed = f"the compressed body is damaged: {reply.damaged}", True
    if reported is None and not head.is_success:
        phrase = head.reason_phrase or httpx.codes.get_reason_phrase(head.status_code)
        excerpt = _excerpt(reply, secrets, sensitive=sensitive)
        reported = Reported(f"{phrase or _NO_PHRASE}{excerpt}")
    if reported is not None:
        raise _status_error(reply, reported, settings, secrets, sensitive=sensitive)
    if not problem:
        try:
            return decode(payload)
        except StructureError as error:
            problem, field = error.problem, error.place
            if sensitive:
                problem = "the value is not as the API documents it"
    raise DecodeError(
        redact(problem, secrets),
        field=field,
        malformed=malformed,
        response=shown(reply, secrets, sensitive=sensitive, limit=_SHOWN_BYTES),
        method=head.request.method,
        path=head.request.url.path,
    )


def _status_error(
    reply: Reply,
    reported: Reported,
    settings: Settings,
    secrets: tuple[Secret, ...],
    *,
    sensitive: bool,
) -> APIStatusError:
    head = reply.head
    status = head.status_code
    if head.is_success and reported.code is not None and reported.code >= HTTPStatus.BAD_REQUEST:
        status = reported.code
    message = reported.message or httpx.codes.get_reason_phrase(status) or _NO_PHRASE
    hint = _HINTS.get(status)
    # The server may have rejected a secret of the call, such as a password, instead of the key.
    own = not {settings.api_key, *settings.headers.values()}.issuperset(secrets)
    if head.has_redirect_location:
        target = head.headers["Location"].partition("?")[0].partition("#")[0]
        hint = f"redirect to {target} not followed; set base_url to the API's own URL"
    elif status == HTTPStatus.UNAUTHORIZED and settings.api_key is not None:
        rejected = f"{'a secret of the call or ' * own}the API key from {settings.api_key_source}"
        hint = f"the server rejected {rejected}"
    elif status == HTTPStatus.UNAUTHORIZED and not own:
        hint = "the server requires an API key: pass api_key, or set USERESPONSE_API_KEY"
    context = reported.context
    return status_error_class(status)(
        response=shown(reply, secrets, sensitive=sensitive, limit=_SHOWN_BYTES),
        method=head.request.method,
        path=head.request.url.path,
        status_code=status,
        message=redact(message, secrets),
        code=reported.code,
        context=context and redact(context, secrets),
        hint=hint and redact(hint, secrets),
    )


def _excerpt(reply: Reply, secrets: tuple[Secret, ...], *, sensitive: bool) -> str:
    """Return the end of a message: the start of the body, which may be a proxy's HTML page."""
    content = b"" if sensitive else bytes(reply.content[:_SHOWN_BYTES])
    text = redact_bytes(content, secrets, 4 * _EXCERPT_LENGTH).decode("utf-8", errors="replace")
    line = " ".join(text.split())[:_EXCERPT_LENGTH]
    return f": {line}" if line else ""
