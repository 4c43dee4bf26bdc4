"""The optional aiohttp sender, in place of httpx's own connections."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeAlias, cast

import aiohttp
import httpx
import httpx_aiohttp
from multidict import CIMultiDict
from yarl import URL

from useresponse_async._config import Proxies
from useresponse_async._exceptions import ConfigurationError
from useresponse_async._secret import Secret
from useresponse_async._transport import KEY, default_ssl_context, origin, with_query


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends through aiohttp sessions, whose connections are as many as requests need.

    Args:
        verify: The TLS context to verify servers with; default: the usual authorities.
        proxies: The proxies to send through.
    """

    def __init__(self, *, verify: ssl.SSLContext | None, proxies: Proxies) -> None:
        self._context = verify or default_ssl_context()
        self._proxies = proxies
        self._by_origin: dict[Any, httpx_aiohttp.AiohttpTransport] = {}
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return its response, the body not yet read."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError("transport: aiohttp runs on asyncio only") from None
        sender = self._by_origin.get(origin(request.url))
        if sender is None:
            sender = self._sender(request.url)
        if isinstance(request.stream, httpx.ByteStream):
            await request.aread()  # what is read and empty goes without a body
        used: list[asyncio.Transport] = []
        exchange = _exchange.set((used, request.extensions.get(KEY, (None, None))))
        try:
            with _failures_told_apart():
                response = await sender.handle_async_request(request)
        except BaseException:
            _abort_closing(used)
            raise
        finally:
            _exchange.reset(exchange)
        response.stream = _Stream(cast("httpx.AsyncByteStream", response.stream), used)
        return response

    async def aclose(self) -> None:
        """Close the sessions and their connections."""
        if self._session is not None:
            await self._session.close()

    def _sender(self, url: httpx.URL) -> httpx_aiohttp.AiohttpTransport:
        if self._session is None:
            self._session = _new_session(self._context)
        sender = self._by_origin[origin(url)] = httpx_aiohttp.AiohttpTransport(
            verify=self._context, proxy=self._proxies.of(url), client=self._session
        )
        return sender


_Added: TypeAlias = tuple[Secret | None, Secret | None]

_exchange: ContextVar[tuple[list[asyncio.Transport], _Added] | None] = ContextVar(
    "useresponse_async_aiohttp_exchange", default=None
)


class _Connector(aiohttp.TCPConnector):
    """Tells an exchange which connection it was given."""

    async def connect(self, *args: Any, **options: Any) -> aiohttp.connector.Connection:
        connection = await super().connect(*args, **options)
        exchange = _exchange.get()
        if exchange is not None and connection.transport is not None:
            exchange[0].append(connection.transport)
        return connection


class _KeyedRequest(aiohttp.ClientRequest):
    """Adds the key as it is sent, below tracers that wrap ``ClientSession._request``."""

    _shown: aiohttp.RequestInfo | None = None

    @property
    def request_info(self) -> aiohttp.RequestInfo:
        """The request as a response tells of it: without the key."""
        return self._shown or super().request_info

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        exchange = _exchange.get()
        query, authorization = exchange[1] if exchange else (None, None)
        if self.method == "CONNECT" or (query is None and authorization is None):
            return await super().send(conn)
        self._shown = self.request_info
        url, headers = self.url, self.headers
        if authorization is not None:
            self.headers = CIMultiDict(headers)
            self.headers["Authorization"] = authorization.reveal()
        if query is not None:
            target = with_query(url.raw_path_qs.encode(), query).decode()
            self.url = URL(f"{url.origin()}{target}", encoded=True)
        try:
            return await super().send(conn)
        finally:
            self.url, self.headers = url, headers


def _new_session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=_Connector(ssl=context, limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=_KeyedRequest,
    )
    # aiohttp's instrumentation adds itself to every session, and would see response heads.
    session.trace_configs.clear()
    # aiohttp would send again by the method alone, and some GETs of this API toggle a state.
    # There is no public name for it.
    session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return session


def _abort_closing(transports: list[asyncio.Transport]) -> None:
    """Abort the connections that aiohttp has closed.

    A closed one stays open until its peer has taken what was still to be sent, or has done its
    part in closing TLS, and a server may do neither.
    """
    for transport in transports:
        if transport.is_closing():
            transport.abort()


class _Stream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream, used: list[asyncio.Transport]) -> None:
        self._inner = inner
        self._used = used

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        with _failures_told_apart():
            async for chunk in self._inner:
                yield chunk

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            _abort_closing(self._used)


@contextmanager
def _failures_told_apart() -> Generator[None, None, None]:
    """Tell a connection that broke from one that was never made.

    httpx-aiohttp calls both a failure to connect, after which a call that must not be made
    twice would be repeated.
    """
    try:
        yield
    except httpx.TransportError as error:
        cause = error.__cause__
        timed_out = isinstance(cause, aiohttp.ServerTimeoutError)  # which it calls what it is
        if isinstance(cause, aiohttp.ClientError | TimeoutError) and not timed_out:
            raise cause from cause.__cause__
        raise
