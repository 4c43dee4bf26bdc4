"""The optional aiohttp transport, in place of httpx's own connections."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, TypeAlias, cast

import aiohttp
import attrs
import httpx
import httpx_aiohttp
from multidict import CIMultiDict
from yarl import URL

from useresponse_async._concurrency import current_loop
from useresponse_async._config import Proxies
from useresponse_async._exceptions import ConfigurationError
from useresponse_async._secret import Secret
from useresponse_async._transport import (
    KEY,
    SecretHeaders,
    default_ssl_context,
    origin,
    with_queries,
)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends requests through an aiohttp session, which does not limit its connections.

    Args:
        verify: The TLS context that verifies servers; default: httpx's own.
        proxies: The proxies to send through.
    """

    def __init__(self, *, verify: ssl.SSLContext | None, proxies: Proxies) -> None:
        self._context = verify or default_ssl_context()
        self._proxies = proxies
        self._by_origin: dict[Any, httpx_aiohttp.AiohttpTransport] = {}
        self._session: aiohttp.ClientSession | None = None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return its response with an unread body."""
        if self._session is None:
            if not isinstance(current_loop(), asyncio.AbstractEventLoop):
                raise ConfigurationError("transport: aiohttp runs on asyncio only")
            self._session = _new_session(self._context)
        place = origin(request.url)
        if place not in self._by_origin:
            self._by_origin[place] = httpx_aiohttp.AiohttpTransport(
                verify=self._context, proxy=self._proxies.of(request.url), client=self._session
            )
        if isinstance(request.stream, httpx.ByteStream):
            await request.aread()  # so that an empty body is not sent
        if request.method != "GET":
            # In the first step the loop looks at its sockets, and by the end of the second aiohttp
            # has noticed the connections that the server has closed.
            for _ in range(2):
                await asyncio.sleep(0)
        used: Used = []
        exchange = _exchange.set((used, *request.extensions[KEY]))
        try:
            with _original_failures():
                response = await self._by_origin[place].handle_async_request(request)
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


Used: TypeAlias = list[asyncio.Transport | None]

_exchange: Final[ContextVar[tuple[Used, tuple[Secret, ...], SecretHeaders]]] = ContextVar(
    "useresponse_async_aiohttp_exchange"
)
"""The connections, the secret queries and the secret headers of this context's request."""


class _KeyedRequest(aiohttp.ClientRequest):
    """Adds the key when it is sent, below tracers that wrap ``ClientSession._request``.

    It also records the connection that it uses.
    """

    _shown: aiohttp.RequestInfo | None = None

    @property
    def request_info(self) -> aiohttp.RequestInfo:
        """The request in the attributes of a response: without the key."""
        return self._shown or super().request_info

    async def send(self, conn: aiohttp.connector.Connection) -> aiohttp.ClientResponse:
        used, queries, secret_headers = _exchange.get()
        used.append(conn.transport)
        if self.method == "CONNECT" or not (queries or secret_headers):
            return await super().send(conn)
        self._shown = self.request_info
        url, headers = self.url, self.headers
        target = with_queries(url.raw_path_qs.encode(), queries).decode()
        self.url = URL(f"{url.origin()}{target}", encoded=True)
        self.headers = CIMultiDict(headers)
        self.headers.update({name: value.reveal() for name, value in secret_headers})
        try:
            return await super().send(conn)
        finally:
            self.url, self.headers = url, headers


def _new_session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        request_class=_KeyedRequest,
    )
    # Instrumentation adds itself to every session, and would see the unredacted response heads.
    session.trace_configs.clear()
    # aiohttp retries any GET, and some GETs of this API change a state. There is no public
    # option for it.
    session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return session


def _abort_closing(transports: Used) -> None:
    """Abort the connections that aiohttp has closed.

    A closed connection remains until its peer has received the rest of the request, or has
    closed TLS, and a server may do neither.
    """
    for transport in transports:
        if transport is not None and transport.is_closing():
            transport.abort()


@attrs.define(eq=False)
class _Stream(httpx.AsyncByteStream):
    _inner: httpx.AsyncByteStream
    _used: Used

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        with _original_failures():
            async for chunk in self._inner:
                yield chunk

    async def aclose(self) -> None:
        try:
            await self._inner.aclose()
        finally:
            _abort_closing(self._used)


@contextmanager
def _original_failures() -> Generator[None, None, None]:
    """Raise aiohttp's exceptions in place of those to which httpx-aiohttp converts them.

    It converts a broken connection to a failure to connect, after which calls that are not
    idempotent would be retried. Read timeouts are converted correctly.
    """
    try:
        yield
    except httpx.TransportError as error:
        cause = error.__cause__
        timed_out = isinstance(cause, aiohttp.ServerTimeoutError)
        if isinstance(cause, aiohttp.ClientError | TimeoutError) and not timed_out:
            raise cause from cause.__cause__
        raise
