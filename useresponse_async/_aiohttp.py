"""How does a request reach the wire through aiohttp, in place of httpx's own pools?"""

from __future__ import annotations

import asyncio
import math
import ssl
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, cast

import aiohttp
import anyio
import httpx
import httpx_aiohttp

from useresponse_async._exceptions import ConfigurationError
from useresponse_async._files import JSONBody
from useresponse_async._transport import default_ssl_context

__all__ = ["AiohttpTransport"]


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends through one aiohttp session, whose connections are as many as requests need.

    Args:
        verify: The TLS context to check the server with; the default authorities unless given.
        proxy: The proxy to go through, if any.
    """

    def __init__(self, *, verify: ssl.SSLContext | None, proxy: httpx.Proxy | None) -> None:
        context = verify or default_ssl_context()
        self._inner = httpx_aiohttp.AiohttpTransport(
            verify=context, proxy=proxy, client=lambda: _session(context)
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request``; return its response, the body not yet read."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            raise ConfigurationError("transport: aiohttp runs on asyncio only") from None
        used: list[asyncio.Transport] = []
        token = _used.set(used)
        try:
            with _failures_told_apart():
                response = await self._answer_to(request)
        except BaseException:
            _end_what_closes(used)
            raise
        finally:
            _used.reset(token)
        response.stream = _Stream(cast("httpx.AsyncByteStream", response.stream), used)
        return response

    async def _answer_to(self, request: httpx.Request) -> httpx.Response:
        if not isinstance(request.stream, JSONBody):
            # What is read and empty goes without a body; else in chunks, as of a redirect's.
            await request.aread()
            return await self._inner.handle_async_request(request)
        seconds = request.extensions.get("timeout", {}).get("write")
        with anyio.CancelScope() as scope:
            body = _Watched(request.stream, scope, seconds)
            try:
                return await self._inner.handle_async_request(
                    httpx.Request(
                        request.method,
                        request.url,
                        headers=request.headers,
                        stream=body,
                        extensions=request.extensions,
                    )
                )
            except Exception:
                if body.failure is not None:
                    raise body.failure from None
                raise
        raise httpx.WriteTimeout("the server did not take the request in time")

    async def aclose(self) -> None:
        """Close the session and its connections."""
        await self._inner.aclose()


_used: ContextVar[list[asyncio.Transport]] = ContextVar("useresponse_async_aiohttp_transports")


class _Connector(aiohttp.TCPConnector):
    """Tells a request which connection it was given."""

    async def connect(self, *args: Any, **options: Any) -> aiohttp.connector.Connection:
        connection = await super().connect(*args, **options)
        transport = connection.transport
        if transport is not None:
            _used.get([]).append(transport)
        return connection


def _end_what_closes(transports: list[asyncio.Transport]) -> None:
    """End the connections that aiohttp has closed.

    A closed one stays open until its peer has taken what was still to be sent, or has done its
    part in closing TLS, and a server may do neither.
    """
    for transport in transports:
        if transport.is_closing():
            transport.abort()


def _session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    session = aiohttp.ClientSession(
        connector=_Connector(ssl=context, limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
    )
    # What instruments aiohttp adds itself to every session, and would see the key in the URL.
    session.trace_configs.clear()
    # What is sent again, and how often, is said elsewhere: aiohttp would do so by the method
    # alone. There is no public name for it.
    session._retry_connection = False  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
    return session


class _Watched(httpx.AsyncByteStream):
    """A request's body of which each piece must be taken in time.

    aiohttp has no time-out of its own for it, and waits for the answer only then. What the body
    itself fails with it takes for a failure to send.
    """

    def __init__(
        self, inner: httpx.AsyncByteStream, scope: anyio.CancelScope, seconds: float | None
    ) -> None:
        self._inner = inner
        self._scope = scope
        self._seconds = math.inf if seconds is None else seconds
        self.failure: Exception | None = None

    def __aiter__(self) -> AsyncIterator[bytes]:
        self._pieces = aiter(self._inner)
        return self

    async def __anext__(self) -> bytes:
        self._scope.deadline = math.inf
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            raise
        except Exception as error:
            self.failure = error
            raise
        self._scope.deadline = anyio.current_time() + self._seconds
        return piece


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
            _end_what_closes(self._used)


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
        if isinstance(cause, aiohttp.ConnectionTimeoutError):
            raise httpx.ConnectTimeout(str(error)) from cause
        if isinstance(cause, aiohttp.ServerTimeoutError):
            raise httpx.ReadTimeout(str(error) or "no answer in time") from cause
        if isinstance(cause, aiohttp.ClientConnectorError):
            raise httpx.ConnectError(str(error)) from cause
        if isinstance(cause, aiohttp.ClientConnectionError):
            raise httpx.ReadError(str(error)) from cause
        raise
    except aiohttp.ClientError as error:
        raise httpx.RemoteProtocolError(str(error)) from error
