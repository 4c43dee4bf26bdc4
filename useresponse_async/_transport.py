"""Transports: one-connection pools, the API key, proxies and TLS."""

from __future__ import annotations

import functools
import re
import ssl
import time
from collections.abc import AsyncGenerator
from typing import Any, Final, TypeAlias, cast
from urllib.parse import quote

import attrs
import httpx

from useresponse_async._concurrency import ends_in_time
from useresponse_async._config import KeyPlacement, Proxies
from useresponse_async._secret import Secret, redact_bytes

KEY_PARAMETER: Final = "apiKey"
KEYLESS: Final = "useresponse_keyless"
"""The extension that marks a request to be sent without the key, to any origin."""

SECRETS: Final = "useresponse_secrets"
"""The extension with the secret query parameters of a request, and with all its secrets."""

KEY: Final = "useresponse_key"
"""The extension with the secret queries and headers that a transport adds itself."""

SecretHeaders: TypeAlias = tuple[tuple[str, Secret], ...]

_KEY_IN_QUERY: Final = re.compile(rb"(?<=[?&])apiKey=[^&#]*&?")
_UNUSED_SECONDS: Final = 5.0
"""The time after which an idle connection is closed, as in httpx's own pool."""


def origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    """Return the scheme, host and port of ``url``."""
    # The host as it is sent, since it cannot always be decoded to Unicode.
    return url.scheme, url.raw_host, url.port or {"http": 80, "https": 443}.get(url.scheme)


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Ignore the cookies of ``response``."""


class CookielessClient(httpx.AsyncClient):
    """An httpx client that keeps no cookies: the key alone identifies the caller.

    Extracting cookies from every response takes longer than everything else that httpx does
    above its transport, and it would keep any number of them.
    """

    # A property of the base class.
    cookies = _NoCookies()  # type: ignore[override]


class KeyTransport(httpx.AsyncBaseTransport):
    """Adds the API key below everything that logs, and redacts the heads of responses.

    Secrets (the key, query parameters, headers) are sent to the base URL's origin only.

    Args:
        inner: The transport that sends the request.
        base_url: The site's URL.
        key: The API key; ``None`` for guest access.
        placement: The part of the request that carries the key.
        adds_key: Whether ``inner`` adds the key itself, below any instrumentation.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        base_url: httpx.URL,
        key: Secret | None,
        placement: KeyPlacement,
        adds_key: bool,
    ) -> None:
        self._inner = inner
        self._origin = origin(base_url)
        self._adds_key = adds_key
        self._queries: tuple[Secret, ...] = ()
        self._headers: SecretHeaders = ()
        if key is not None and placement is KeyPlacement.HEADER:
            self._headers = (("Authorization", key),)
        elif key is not None:
            self._queries = (Secret(f"{KEY_PARAMETER}={quote(key.reveal(), safe='')}"),)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return its response with an unread body."""
        queries, secrets = request.extensions[SECRETS]
        queries, headers = (*queries, *self._queries), self._headers
        if origin(request.url) != self._origin or KEYLESS in request.extensions:
            queries = headers = ()
            values = {secret.reveal().encode() for secret in secrets}
            request.headers = httpx.Headers(
                [(name, value) for name, value in request.headers.raw if value not in values]
            )
        if self._adds_key:  # also without a key, since a redirect copies the extensions
            request.extensions = {**request.extensions, KEY: (queries, headers)}
        else:
            url = request.url.copy_with(raw_path=with_queries(request.url.raw_path, queries))
            keyed = httpx.Headers([*request.headers.raw, *revealed(headers)])
            request = request_like(request, url, keyed, request.extensions)
        response = await self._inner.handle_async_request(request)
        reason: bytes = response.extensions.get("reason_phrase", b"")
        head = b"\n".join([reason, *(part for header in response.headers.raw for part in header)])
        if KEY_PARAMETER.encode() in head or redact_bytes(head, secrets) != head:
            # All at once: replacing thousands of headers by name would be quadratic.
            response.headers = httpx.Headers(
                [
                    (redact_bytes(name, secrets), _without_key(name, value, secrets))
                    for name, value in response.headers.raw
                ]
            )
            response.extensions["reason_phrase"] = redact_bytes(reason, secrets)
        return response

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


def request_like(
    request: httpx.Request, url: httpx.URL, headers: httpx.Headers, extensions: dict[str, Any]
) -> httpx.Request:
    """Return ``request`` with another URL, headers and extensions."""
    made = httpx.Request(
        request.method, url, headers=headers, stream=request.stream, extensions=extensions
    )
    if isinstance(made.stream, httpx.ByteStream):
        made.read()  # or a transport of another library sends it in chunks, even an empty one
    return made


def with_queries(target: bytes, queries: tuple[Secret, ...]) -> bytes:
    """Return a request target with additional query parameters."""
    for query in queries:
        target += (b"&" if b"?" in target else b"?") + query.reveal().encode()
    return target


def revealed(headers: SecretHeaders) -> list[tuple[bytes, bytes]]:
    """Return headers as they are sent."""
    return [(name.encode(), value.reveal().encode()) for name, value in headers]


def _without_key(name: bytes, value: bytes, secrets: tuple[Secret, ...]) -> bytes:
    # A redirect may repeat the key's parameter, and the redirected request adds it again.
    if name.lower() == b"location" and KEY_PARAMETER.encode() in value:
        value = _KEY_IN_QUERY.sub(b"", value).rstrip(b"?&")
    return redact_bytes(value, secrets)


class PoolTransport(httpx.AsyncBaseTransport):
    """One-connection httpx pools, in a free list for each origin.

    A connection serves one exchange at a time. After a clean end it returns to the free list;
    otherwise it is closed, so that nothing remains of a failed or cancelled exchange. httpx's
    own pool examines all of its connections for each request.

    Args:
        verify: The TLS context that verifies servers; default: httpx's own.
        proxies: The proxies to send through.
    """

    def __init__(self, *, verify: ssl.SSLContext | None, proxies: Proxies) -> None:
        self._verify = verify
        self._proxies = proxies
        self._free: dict[tuple[str, bytes, int | None], list[_Pool]] = {}
        self._open: set[_Pool] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return its response with an unread body."""
        free = self._free.setdefault(origin(request.url), [])
        if free and time.monotonic() - free[0].idle_since > _UNUSED_SECONDS:
            await self.drop(free.pop(0))
        pool = free.pop() if free else _Pool(self._verify, self._proxies.of(request.url))
        self._open.add(pool)
        try:
            response = await pool.handle_async_request(request)
        except BaseException:
            await self.drop(pool)
            raise
        response.stream = _Lease(cast("httpx.AsyncByteStream", response.stream), pool, free, self)
        return response

    async def aclose(self) -> None:
        """Close every pool."""
        self._free = {}
        for pool in [*self._open]:
            await self.drop(pool)

    def release(self, pool: _Pool, free: list[_Pool]) -> None:
        """Return a pool to the free list after an exchange that ended cleanly."""
        if pool in self._open:  # or the transport was closed in the meantime
            pool.idle_since = time.monotonic()
            free.append(pool)

    async def drop(self, pool: _Pool) -> None:
        """Close a pool after an exchange that did not end cleanly."""
        self._open.discard(pool)
        await ends_in_time(pool.aclose)


@attrs.define(eq=False)
class _Lease(httpx.AsyncByteStream):
    """The body of a response, which returns the pool that it comes from."""

    _inner: httpx.AsyncByteStream
    _pool: _Pool | None
    _free: list[_Pool]
    _transport: PoolTransport
    _complete: bool = False

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        async for chunk in self._inner:
            yield chunk
        self._complete = True

    async def aclose(self) -> None:
        complete, self._complete = self._complete, False
        if self._pool is None:
            return
        if complete:
            await self._inner.aclose()
            self._transport.release(self._pool, self._free)
        else:  # or the close above failed
            await self._transport.drop(self._pool)
        self._pool = None


class _Pool(httpx.AsyncHTTPTransport):
    """An httpx transport with one connection, which adds the key below any instrumentation.

    A key that is added above it would be in every OpenTelemetry span; httpcore's ``target``
    extension would pass it to proxies.
    """

    def __init__(self, verify: ssl.SSLContext | None, proxy: httpx.Proxy | None) -> None:
        super().__init__(verify=verify or default_ssl_context(), proxy=proxy)
        self._pool: Any = _OneConnection(self._pool)
        self.idle_since: float = 0.0


@attrs.define(eq=False)
class _OneConnection:
    """A single httpcore connection, in place of the httpcore pool of an httpx transport.

    The pool creates the connection, with proxies and TLS. Its own bookkeeping, which is for many
    connections, takes longer than everything else that it does.
    """

    _pool: Any
    _connection: Any = None

    async def handle_async_request(self, request: Any) -> Any:
        queries, headers = request.extensions.pop(KEY)
        request.headers = [*request.headers, *revealed(headers)]
        request.url.target = with_queries(request.url.target, queries)
        last = self._connection
        if last is None or last.is_closed() or last.has_expired() or _is_unusable(last):
            await self.aclose()
            self._connection = self._pool.create_connection(request.url.origin)
        return await self._connection.handle_async_request(request)

    async def aclose(self) -> None:
        if self._connection is not None:
            await self._connection.aclose()


def _is_unusable(connection: Any) -> bool:
    """Return whether an idle connection has read more than the responses to its requests.

    httpcore would parse such bytes as the start of the next response, and would send a request
    after the end of TLS. It has no public attributes for them, and the socket shows nothing.
    """
    inner = connection
    while (deeper := getattr(inner, "_connection", None)) is not None:  # two with a proxy
        inner = deeper
    state = getattr(inner, "_h11_state", None)
    if state is None or not connection.is_idle():
        return False
    tls: ssl.SSLObject | None = inner._network_stream.get_extra_info("ssl_object")  # noqa: SLF001 - as above
    return bool(state.trailing_data[0]) or (tls is not None and not _is_silent(tls))


def _is_silent(tls: ssl.SSLObject) -> bool:
    """Return whether TLS has received neither data nor its end."""
    try:
        tls.read(1)
    except ssl.SSLError as error:
        return isinstance(error, ssl.SSLWantReadError)
    return False


default_ssl_context: Final = functools.cache(httpx.create_ssl_context)
"""Returns httpx's default TLS context, which all clients share.

Loading the certificates takes longer than everything else that a client does before its first
request.
"""


@attrs.define(eq=False)
class ClientTransport(httpx.AsyncBaseTransport):
    """Sends requests through the caller's client, which the caller closes.

    Args:
        client: The caller's client; its headers, cookies, proxies and hooks apply.
    """

    _client: httpx.AsyncClient

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return its response with an unread body."""
        merged = self._client.build_request(
            request.method,
            request.url,
            # A client that has parameters itself would drop those in the URL.
            params=request.url.params if self._client.params else None,
            headers=request.headers,
            extensions=request.extensions,
        )
        own = request_like(request, merged.url, merged.headers, merged.extensions)
        try:
            return await self._client.send(own, stream=True, follow_redirects=False)
        except httpx.HTTPStatusError as error:
            # The caller's hook called raise_for_status(), after which httpx closed the response.
            response = error.response
            if not response.is_stream_consumed:
                response.stream = httpx.ByteStream(b"")
            return response
