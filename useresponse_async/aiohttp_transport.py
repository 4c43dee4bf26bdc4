"""How does a request reach the wire through aiohttp, in place of httpx's own pools?"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, Generator
from contextlib import contextmanager
from typing import cast

import aiohttp
import httpx
import httpx_aiohttp

from useresponse_async.errors import ConfigurationError
from useresponse_async.transport import default_ssl_context

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
        with _failures_told_apart():
            response = await self._inner.handle_async_request(request)
        response.stream = _Stream(cast("httpx.AsyncByteStream", response.stream))
        return response

    async def aclose(self) -> None:
        """Close the session and its connections."""
        await self._inner.aclose()


def _session(context: ssl.SSLContext) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=context, limit=0),
        # Cookies are httpx's business, above.
        cookie_jar=aiohttp.DummyCookieJar(),
    )


class _Stream(httpx.AsyncByteStream):
    def __init__(self, inner: httpx.AsyncByteStream) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncGenerator[bytes, None]:
        with _failures_told_apart():
            async for chunk in self._inner:
                yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


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
