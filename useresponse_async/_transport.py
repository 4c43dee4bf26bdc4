"""Transports: one-connection pools, the API key, proxies and TLS."""

from __future__ import annotations

import functools
import ssl
import time
from collections.abc import AsyncGenerator
from typing import Any, Final, cast
from urllib.parse import quote

import httpx

from useresponse_async._concurrency import ends_in_time
from useresponse_async._config import KeyPlacement, Proxies
from useresponse_async._secret import Secret, redact_bytes

KEY_PARAMETER: Final = "apiKey"
KEYLESS: Final = "useresponse_keyless"
"""The extension that marks a request which must go without the key, wherever it goes."""

SECRETS: Final = "useresponse_secrets"
"""The extension with the query parameters that nobody may see, and all secrets of a request."""

KEY: Final = "useresponse_key"
"""The extension with the secret query and ``Authorization`` that a transport adds itself."""

_UNUSED_SECONDS: Final = 5.0
"""How long a pool may go unused before it is closed, as a connection in httpx's own."""


def origin(url: httpx.URL) -> tuple[str, bytes, int | None]:
    """Return what must be the same for two URLs to be of one server."""
    # The host as it is sent: its form in other scripts is not always known.
    return url.scheme, url.raw_host, url.port or {"http": 80, "https": 443}.get(url.scheme)


class _NoCookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Take none."""


class CookielessClient(httpx.AsyncClient):
    """httpx's client, which keeps no cookies: the key alone says who calls.

    httpx looks for cookies in every response, which takes longer than all else that it does
    above its transport, and keeps as many as a server likes to send.
    """

    # Its base has a property there.
    cookies = _NoCookies()  # type: ignore[override]


class KeyTransport(httpx.AsyncBaseTransport):
    """Adds the API key below everything that logs, and takes secrets out of response heads.

    The key, and the query parameters that are secret, go to the base URL's origin only.

    Args:
        inner: Sends the request.
        base_url: The site's URL.
        key: The API key; ``None`` for guest access.
        placement: Where the key travels.
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
        self._query: Secret | None = None
        self._authorization: Secret | None = None
        if key is not None and placement is KeyPlacement.HEADER:
            self._authorization = key
        elif key is not None:
            self._query = Secret(f"{KEY_PARAMETER}={quote(key.reveal(), safe='')}")

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return its response, the body not yet read."""
        query, secrets = request.extensions.get(SECRETS, (None, ()))
        response = await self._inner.handle_async_request(self._with_key(request, query))
        reason: bytes = response.extensions.get("reason_phrase", b"")
        head = b"\n".join([reason, *(part for header in response.headers.raw for part in header)])
        if KEY_PARAMETER.encode() in head or redact_bytes(head, secrets) != head:
            # A name may occur twice, and thousands of names may: so in one go, and not by name.
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

    def _with_key(self, request: httpx.Request, query: Secret | None) -> httpx.Request:
        authorization = self._authorization
        if query is None:
            query = self._query
        elif self._query is not None:
            query = Secret(f"{query.reveal()}&{self._query.reveal()}")
        if origin(request.url) != self._origin or KEYLESS in request.extensions:
            query = authorization = None
        if self._adds_key:  # of a redirected request, the extension is the first one's
            request.extensions = {**request.extensions, KEY: (query, authorization)}
            return request
        if query is None and authorization is None:
            return request
        url, headers = request.url, request.headers
        if authorization is not None:
            headers = headers.copy()
            headers["Authorization"] = authorization.reveal()
        if query is not None:
            url = url.copy_with(raw_path=with_query(url.raw_path, query))
        return request_like(request, url, headers, request.extensions)


def request_like(
    request: httpx.Request, url: httpx.URL, headers: httpx.Headers, extensions: dict[str, Any]
) -> httpx.Request:
    """Return ``request`` with another URL, headers and extensions."""
    made = httpx.Request(
        request.method, url, headers=headers, stream=request.stream, extensions=extensions
    )
    if isinstance(made.stream, httpx.ByteStream):
        # Else a transport that is not httpx's own sends it in chunks, even where it is empty.
        made.read()
    return made


def with_query(target: bytes, query: Secret) -> bytes:
    """Return a request target with more parameters in its query."""
    return target + (b"&" if b"?" in target else b"?") + query.reveal().encode()


def _without_key(name: bytes, value: bytes, secrets: tuple[Secret, ...]) -> bytes:
    # A redirect that hands the key's parameter on is followed without it.
    if name.lower() == b"location" and KEY_PARAMETER.encode() in value:
        address, _, query = value.partition(b"?")
        kept = [part for part in query.split(b"&") if not part.startswith(b"apiKey=")]
        value = b"?".join(filter(None, (address, b"&".join(kept))))
    return redact_bytes(value, secrets)


class PoolTransport(httpx.AsyncBaseTransport):
    """One-connection httpx pools, in a free list for each origin.

    An exchange has its connection to itself. If it ended cleanly the connection goes back to
    the list; otherwise it is closed, so that nothing is left of a failed or cancelled exchange.
    httpx's own pool looks at each of its connections at each request, which costs more the more
    it has.

    Args:
        verify: The TLS context to verify servers with; default: the usual authorities.
        proxies: The proxies to send through.
    """

    def __init__(self, *, verify: ssl.SSLContext | None, proxies: Proxies) -> None:
        self._verify = verify
        self._proxies = proxies
        self._free: dict[tuple[str, bytes, int | None], list[_Pool]] = {}
        self._busy: set[_Pool] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return its response, the body not yet read."""
        free = self._free.setdefault(origin(request.url), [])
        if free and time.monotonic() - free[0].idle_since > _UNUSED_SECONDS:
            await ends_in_time(free.pop(0).aclose)
        pool = free.pop() if free else _Pool(self._verify, self._proxies.of(request.url))
        self._busy.add(pool)
        try:
            response = await pool.handle_async_request(request)
        except BaseException:
            await self.drop(pool)
            raise
        stream = cast("httpx.AsyncByteStream", response.stream)
        response.stream = _Lease(stream, pool, free, self)
        return response

    async def aclose(self) -> None:
        """Close every pool."""
        pools = [*self._busy, *(pool for free in self._free.values() for pool in free)]
        self._free, self._busy = {}, set()
        for pool in pools:
            await ends_in_time(pool.aclose)

    def release(self, pool: _Pool, free: list[_Pool]) -> None:
        """Put a pool back after an exchange that ended cleanly."""
        if pool in self._busy:  # else the transport was closed meanwhile
            self._busy.discard(pool)
            pool.idle_since = time.monotonic()
            free.append(pool)

    async def drop(self, pool: _Pool) -> None:
        """Close a pool after an exchange that did not end cleanly."""
        self._busy.discard(pool)
        await ends_in_time(pool.aclose)


class _Lease(httpx.AsyncByteStream):
    """A response's body, with the pool that it comes from."""

    def __init__(
        self,
        inner: httpx.AsyncByteStream,
        pool: _Pool,
        free: list[_Pool],
        transport: PoolTransport,
    ) -> None:
        self._inner = inner
        self._pool: _Pool | None = pool
        self._free = free
        self._transport = transport
        self._complete = False

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        async for chunk in self._inner:
            yield chunk
        self._complete = True

    async def aclose(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        clean = False
        try:
            if self._complete:
                await self._inner.aclose()
                clean = True
        finally:
            if clean:
                self._transport.release(pool, self._free)
            else:
                await self._transport.drop(pool)


class _Pool(httpx.AsyncHTTPTransport):
    """An httpx pool of one connection, which adds the key where nobody sees it.

    A key added above it would be in every OpenTelemetry span; httpcore's ``target`` extension
    would hand it to proxies.
    """

    def __init__(self, verify: ssl.SSLContext | None, proxy: httpx.Proxy | None) -> None:
        super().__init__(
            verify=verify or default_ssl_context(),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
            proxy=proxy,
        )
        self._pool: Any = _OneConnection(self._pool)
        self.idle_since: float = 0.0


class _OneConnection:
    """The connection below one of httpx's transports, in place of its httpcore pool.

    The pool makes the connection, proxies and TLS included. Its own bookkeeping, for many
    connections, takes longer than the rest of what it does.
    """

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._connection: Any = None

    async def handle_async_request(self, request: Any) -> Any:
        query, authorization = request.extensions.pop(KEY, (None, None))
        if authorization is not None:
            request.headers = [
                *request.headers,
                (b"Authorization", authorization.reveal().encode()),
            ]
        if query is not None:
            request.url.target = with_query(request.url.target, query)
        last = self._connection
        if last is None or last.is_closed() or last.has_expired() or _holds_unasked_bytes(last):
            await self.aclose()
            self._connection = self._pool.create_connection(request.url.origin)
        return await self._connection.handle_async_request(request)

    async def aclose(self) -> None:
        if self._connection is not None:
            await self._connection.aclose()


def _holds_unasked_bytes(connection: Any) -> bool:
    """Return whether an idle connection has read more than the responses to its requests.

    httpcore would take them for the beginning of the next response, and has no public name for
    them.
    """
    state = getattr(getattr(connection, "_connection", None), "_h11_state", None)
    return state is not None and connection.is_idle() and bool(state.trailing_data[0])


@functools.cache
def default_ssl_context() -> ssl.SSLContext:
    """Return the TLS context that trusts the default authorities."""
    # Loading the authorities' certificates takes longer than everything else a client does
    # before its first request, so all clients share the result.
    return httpx.create_ssl_context()


class ClientTransport(httpx.AsyncBaseTransport):
    """Sends requests through a client that the caller made, and still owns.

    Args:
        client: The caller's client; its headers, cookies, proxies and hooks apply.
    """

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return its response, the body not yet read."""
        merged = self._client.build_request(
            request.method,
            request.url,
            # A client with parameters of its own would drop those that stand in the URL.
            params=request.url.params if self._client.params else None,
            headers=request.headers,
            extensions=request.extensions,
        )
        own = request_like(request, merged.url, merged.headers, merged.extensions)
        try:
            return await self._client.send(own, stream=True, follow_redirects=False)
        except httpx.HTTPStatusError as error:
            # A hook of the caller's called raise_for_status(): the response is there, although
            # httpx has closed it.
            response = error.response
        content = response.content if response.is_stream_consumed else b""
        return httpx.Response(
            response.status_code,
            headers=[
                (name, value)
                for name, value in response.headers.raw
                if name.lower() not in (b"content-encoding", b"content-length")
            ],
            content=content,
            extensions=response.extensions,
        )

    async def aclose(self) -> None:
        """Leave the client open: it is the caller's."""
