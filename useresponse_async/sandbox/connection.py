"""How does the application get hold of the connection a request came by, to break it?"""

import asyncio
import socket
import struct
from contextlib import suppress
from functools import partial
from typing import cast

from starlette.types import ASGIApp, Receive, Scope, Send

from useresponse_async.sandbox.misbehaving import CONNECTION
from useresponse_async.sandbox.traffic import Traffic

# On, after 0 seconds: closing sends a reset and drops what was not sent yet.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class SocketConnection:
    """A TCP connection that can be reset."""

    __slots__ = ("_transport",)

    def __init__(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)

    def reset(self) -> None:
        """Break the connection off at once with a TCP reset."""
        peer = self._transport.get_extra_info("socket")
        with suppress(OSError, ValueError):  # closed already
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self._transport.abort()


def protocol_class(traffic: Traffic) -> type[asyncio.Protocol]:
    """Make uvicorn's HTTP protocol count connections and put each into its requests' scopes."""

    class Counted(asyncio.Protocol):
        app: ASGIApp

        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            traffic.connected()
            self.app = partial(_with_connection, self.app, SocketConnection(transport))

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            traffic.disconnected()

    try:
        from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol  # noqa: PLC0415
    except ImportError:
        from uvicorn.protocols.http.h11_impl import H11Protocol  # noqa: PLC0415

        class CountedH11(Counted, H11Protocol):
            pass

        return CountedH11

    class CountedHttpTools(Counted, HttpToolsProtocol):
        pass

    return CountedHttpTools


async def _with_connection(
    app: ASGIApp, connection: SocketConnection, scope: Scope, receive: Receive, send: Send
) -> None:
    scope.setdefault("extensions", {})[CONNECTION] = connection
    await app(scope, receive, send)
