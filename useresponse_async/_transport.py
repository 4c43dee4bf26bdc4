"""How does a request reach the wire? With the key added, over several small pools."""

from __future__ import annotations

import functools
import ssl
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final, cast
from urllib.parse import quote
from urllib.request import getproxies, proxy_bypass

import httpx

from useresponse_async._config import KeyPlacement, is_loopback
from useresponse_async._lifetime import closed_for_sure, unbroken
from useresponse_async._secret import Secret, keep_out_of_logs, without_frames

__all__ = ["ClientTransport", "KeyTransport", "ShardedTransport"]

KEY_PARAMETER: Final = "apiKey"
KEYLESS: Final = "useresponse_keyless"
"""The extension that marks a request which must go without the key, wherever it goes."""

_KEY: Final = "useresponse_key"

_CONNECTIONS_PER_SHARD: Final = 1
"""A pool looks at each of its connections at each request, which costs more the more it has."""

_UNUSED_SECONDS: Final = 5.0
"""How long a pool may go unused before it is closed, as a connection in httpx's own."""

_HTTP2_REQUESTS_PER_SHARD: Final = 8
"""They share a connection; with a server that speaks only HTTP/1.1 each has its own."""


def origin(url: httpx.URL) -> tuple[str, str, int | None]:
    """Return what must be the same for two URLs to be of one server."""
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    # As it is sent: what it stands for in other scripts cannot always be told.
    return url.scheme, url.raw_host.decode("ascii"), port


class KeyTransport(httpx.AsyncBaseTransport):
    """Adds the API key below everything that logs, and takes it out of what comes back.

    The key goes to the base URL's origin only. The frames below this one hold the request
    with the key, so an exception leaves here without them.

    Args:
        inner: What sends the request.
        base_url: The installation's address.
        key: The API key; ``None`` for guest access.
        placement: Where the key travels.
    """

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        *,
        base_url: httpx.URL,
        key: Secret | None,
        placement: KeyPlacement,
    ) -> None:
        self._inner = inner
        self._origin = origin(base_url)
        self._key = key
        self._placement = placement
        if key is not None:
            keep_out_of_logs(key)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return its response, the body not yet read."""
        failure: BaseException
        try:
            response = await self._inner.handle_async_request(self._with_key(request))
        except BaseException as error:  # noqa: BLE001 - raised again below, without its frames
            failure = _presentable(error, request, self._key)
        else:
            stream = cast("httpx.AsyncByteStream", response.stream)
            response.stream = _GuardedStream(stream, request, self._key)
            self._redact_head(response)
            return response
        raise failure

    async def aclose(self) -> None:
        """Close what is below."""
        await unbroken(self._inner.aclose())

    def _with_key(self, request: httpx.Request) -> httpx.Request:
        if self._key is None:
            return request
        if origin(request.url) != self._origin or request.extensions.get(KEYLESS, False):
            request.extensions.pop(_KEY, None)  # of the request that was redirected here
            return request
        if isinstance(self._inner, ShardedTransport):
            # Its pools add it themselves, below whoever traces httpx's own transport.
            request.extensions = {**request.extensions, _KEY: (self._key, self._placement)}
            return request
        url, headers = request.url, request.headers
        if self._placement is KeyPlacement.HEADER:
            headers = headers.copy()
            headers["Authorization"] = self._key.reveal()
        else:
            url = url.copy_with(raw_path=_with_key_parameter(url.raw_path, self._key))
        return _request_like(request, url, headers, request.extensions)

    def _redact_head(self, response: httpx.Response) -> None:
        key = self._key
        if key is None:
            return
        reason: bytes = response.extensions.get("reason_phrase", b"")
        head = b"\n".join([reason, *(part for header in response.headers.raw for part in header)])
        if key.redact_bytes(head) == head and KEY_PARAMETER.encode() not in head:
            return
        # A name may occur twice, and thousands of names may: so in one go, and not by name.
        response.headers = httpx.Headers(
            [
                (key.redact_bytes(name), _without_key(name, value, key))
                for name, value in response.headers.raw
            ]
        )
        if reason:
            response.extensions["reason_phrase"] = key.redact_bytes(reason)


def _request_like(
    request: httpx.Request, url: httpx.URL, headers: httpx.Headers, extensions: dict[str, Any]
) -> httpx.Request:
    made = httpx.Request(
        request.method, url, headers=headers, stream=request.stream, extensions=extensions
    )
    if isinstance(made.stream, httpx.ByteStream):
        # Else a transport that is not httpx's own sends it in chunks, even where it is empty.
        made.read()
    return made


def _with_key_parameter(target: bytes, key: Secret) -> bytes:
    joint = b"&" if b"?" in target else b"?"
    return target + joint + f"{KEY_PARAMETER}={quote(key.reveal(), safe='')}".encode()


def _without_key(name: bytes, value: bytes, key: Secret) -> bytes:
    # There it may be spelled in ways that are not looked for.
    if name.lower() == b"location" and KEY_PARAMETER.encode() in value:
        value = _without_key_parameter(value.decode("utf-8", errors="replace")).encode()
    return key.redact_bytes(value)


def _without_key_parameter(location: str) -> str:
    address, _, query = location.partition("?")
    kept = [part for part in query.split("&") if not part.startswith(f"{KEY_PARAMETER}=")]
    return "?".join(filter(None, (address, "&".join(kept))))


def _presentable(error: BaseException, request: httpx.Request, key: Secret | None) -> BaseException:
    if isinstance(error, AttributeError) and (error.name, error.obj) == ("getpeername", None):
        # uvloop has no socket any more once the peer has reset it, and anyio asks it all the same.
        error = httpx.ConnectError("the connection was reset as it was made")
    if isinstance(error, httpx.HTTPError):
        error.request = request
        if not str(error):
            error.args = (_reason(error),)
    if isinstance(error, httpx.HTTPStatusError):
        error.response.request = request
    # A cancellation's text is how a backend knows it again.
    if key is not None and isinstance(error, Exception):
        error.args = tuple(key.redact(a) if isinstance(a, str) else a for a in error.args)
    return without_frames(error)


def _reason(error: BaseException) -> str:
    """Return what those that caused ``error`` say: on trio it says nothing itself."""
    seen: BaseException | None = error
    while seen is not None and not str(seen):
        seen = seen.__cause__ or seen.__context__
    return str(seen or "")


class _GuardedStream(httpx.AsyncByteStream):
    """A response's body whose failures carry no frames that hold the key."""

    def __init__(
        self, inner: httpx.AsyncByteStream, request: httpx.Request, key: Secret | None
    ) -> None:
        self._inner = inner
        self._request = request
        self._key = key

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        failure: BaseException
        try:
            async for chunk in self._inner:
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:  # noqa: BLE001 - raised again below, without its frames
            failure = _presentable(error, self._request, self._key)
        else:
            return
        raise failure

    async def aclose(self) -> None:
        await closed_for_sure(self._inner.aclose)


class _Shard:
    __slots__ = ("busy", "idle_since", "leaks", "pool")

    def __init__(self, pool: httpx.AsyncBaseTransport) -> None:
        self.pool = pool
        self.busy = 0
        self.idle_since = 0.0
        self.leaks = False


class ShardedTransport(httpx.AsyncBaseTransport):
    """Spreads requests over small pools; adds one when all are full.

    No pool is ever asked to queue: a request goes to one that has a connection to spare.

    Args:
        make_pool: Makes a pool of at most as many connections as it is told.
        http2: Whether the pools speak HTTP/2.
    """

    def __init__(
        self, make_pool: Callable[[int], httpx.AsyncBaseTransport], *, http2: bool = False
    ) -> None:
        self._make_pool = make_pool
        self._size = _HTTP2_REQUESTS_PER_SHARD if http2 else _CONNECTIONS_PER_SHARD
        self._shards: list[_Shard] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return its response, the body not yet read."""
        shard = self._shard()
        shard.busy += 1
        try:
            await self._close_one_unused()
            response = await shard.pool.handle_async_request(request)
        except BaseException:
            await self._release(shard)
            raise
        stream = cast("httpx.AsyncByteStream", response.stream)
        response.stream = _CountedStream(stream, functools.partial(self._release, shard))
        return response

    async def aclose(self) -> None:
        """Close every pool."""
        shards, self._shards = self._shards, []
        for shard in shards:
            await shard.pool.aclose()

    async def _release(self, shard: _Shard) -> None:
        shard.busy -= 1
        shard.idle_since = time.monotonic()
        pool = shard.pool
        if isinstance(pool, _KeyedPool) and pool.connections_in_use > shard.busy:
            # A cancellation of asyncio's own came while httpcore let go of a connection, which
            # is in use for ever now. Requests that share the pool may still end.
            shard.leaks = True
            self._shards = [kept for kept in self._shards if kept is not shard]
        if shard.leaks and not shard.busy:
            await closed_for_sure(pool.aclose)

    async def _close_one_unused(self) -> None:
        # The first with room is taken, so the last is needed least. A pool itself closes what
        # has expired only when it is asked for a connection.
        last = self._shards[-1]
        if not last.busy and time.monotonic() - last.idle_since > _UNUSED_SECONDS:
            self._shards.pop()
            await closed_for_sure(last.pool.aclose)

    def _shard(self) -> _Shard:
        for shard in self._shards:
            if shard.busy < self._size:
                return shard
        shard = _Shard(self._make_pool(self._size))
        self._shards.append(shard)
        return shard


class _CountedStream(httpx.AsyncByteStream):
    """A response's body that tells when it is done with its connection."""

    def __init__(
        self, inner: httpx.AsyncByteStream, release: Callable[[], Awaitable[None]]
    ) -> None:
        self._inner = inner
        self._release: Callable[[], Awaitable[None]] | None = release

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        async for chunk in self._inner:
            yield chunk

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            release, self._release = self._release, None
            if release is not None:
                await release()


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
        own = _request_like(request, merged.url, merged.headers, merged.extensions)
        return await self._client.send(own, stream=True, follow_redirects=False)

    async def aclose(self) -> None:
        """Leave the client open: it is the caller's."""


@functools.cache
def default_ssl_context() -> ssl.SSLContext:
    """Return the TLS context that trusts the default authorities."""
    # Loading the authorities' certificates takes longer than everything else a client does
    # before its first request, so all clients share the result.
    return httpx.create_ssl_context()


def environment_proxy(base_url: httpx.URL) -> str | None:
    """Return the proxy that the environment names for ``base_url``, if it names one."""
    if is_loopback(base_url):
        return None
    proxies = getproxies()
    proxy = proxies.get(base_url.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(base_url.host):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


class _KeyedPool(httpx.AsyncHTTPTransport):
    """An httpx pool that adds the key to a request which says so, where nobody sees it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._pool: Any = _KeyAdder(self._pool)

    @property
    def connections_in_use(self) -> int:
        """How many of its connections have a request, or are being made."""
        return sum(not (c.is_idle() or c.is_closed()) for c in self._pool.connections)


class _KeyAdder:
    """Stands between httpx's transport and its httpcore pool."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool

    @property
    def connections(self) -> list[Any]:
        """The pool's connections."""
        connections: list[Any] = self._pool.connections
        return connections

    async def handle_async_request(self, request: Any) -> Any:
        key, placement = request.extensions.pop(_KEY, (None, None))
        if placement is KeyPlacement.HEADER:
            request.headers = [*request.headers, (b"Authorization", key.reveal().encode())]
        elif placement is KeyPlacement.QUERY:
            request.url.target = _with_key_parameter(request.url.target, key)
        for connection in self.connections:
            if _holds_unasked_bytes(connection):
                await connection.aclose()
        return await self._pool.handle_async_request(request)

    async def aclose(self) -> None:
        await self._pool.aclose()


def _holds_unasked_bytes(connection: Any) -> bool:
    """Return whether an idle connection has read more than the answers that were asked for.

    httpcore would read them as the beginning of the next answer. It has no public name for them.
    """
    state = getattr(getattr(connection, "_connection", None), "_h11_state", None)
    return state is not None and connection.is_idle() and bool(state.trailing_data[0])


def make_pool(
    size: int,
    *,
    verify: ssl.SSLContext | None,
    proxy: str | httpx.Proxy | None,
    http2: bool = False,
) -> httpx.AsyncHTTPTransport:
    """Return an httpx pool of at most ``size`` connections."""
    return _KeyedPool(
        verify=verify or default_ssl_context(),
        http2=http2,
        limits=httpx.Limits(max_connections=size, max_keepalive_connections=size),
        proxy=proxy,
    )
