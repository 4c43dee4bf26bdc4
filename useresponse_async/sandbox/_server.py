"""The sandbox on a real socket, served by a background thread."""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial, wraps
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, cast

import uvicorn
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from useresponse_async.sandbox._app import SandboxApp
from useresponse_async.sandbox._controls import State
from useresponse_async.sandbox._faults import RESET
from useresponse_async.sandbox._options import Options

if TYPE_CHECKING:
    from typing_extensions import Self

_Options = ParamSpec("_Options")

# As common servers do.
_KEEP_ALIVE_SECONDS = 75

# uvicorn renews the Date header at each tick.
_TICK_SECONDS = 1.0

_BACKLOG = 2048

# SO_LINGER on, with 0 seconds: closing sends a reset and drops unsent data.
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


def _as_options(
    _options: Callable[_Options, Options],
) -> Callable[[Callable[..., None]], Callable[Concatenate["Sandbox", _Options], None]]:
    """Give a constructor the keywords of `Options`, to type checkers and to `inspect`."""
    return wraps(Options.__init__)


class Sandbox(SandboxApp):
    """A UseResponse API on a socket of this machine, served by a background thread.

        with Sandbox(users=200, faults=0.02) as sandbox:
            ...  # sandbox.url, sandbox.api_key

    User N logs in with the password `password-N`. Comments and topics of plain users wait
    for a moderator. A second call to an object's `archive` or `trash` undoes the first. The
    options are those of `Options`.

    It works beside asyncio, trio and plain threads, and can be started once.
    """

    @_as_options(Options)
    def __init__(self, **options: Any) -> None:
        self.options: Options = Options(**options)
        super().__init__(State(self.options))
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None
        self._url = ""

    @classmethod
    def from_options(cls, options: Options) -> "Self":
        """Return a sandbox with these options."""
        return cls(**vars(options))

    def __enter__(self) -> "Self":
        self.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        """Base URL: the address before `/api/…`, sub-path included.

        Raises:
            RuntimeError: The sandbox was not started.
        """
        if not self._url:
            raise RuntimeError("the sandbox was not started: use it in a with statement")
        return self._url

    @property
    def is_running(self) -> bool:
        """Whether the server is running."""
        return self._thread is not None and self._thread.is_alive()

    def start(self) -> None:
        """Start the server; when this returns, it accepts connections.

        Raises:
            OSError: The server cannot listen on the address.
            RuntimeError: It was started before, or its server failed.
        """
        if self._thread is not None:
            raise RuntimeError("a sandbox can be started only once")
        host = self.options.host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        created = socket.create_server((host, self.options.port), family=family, backlog=_BACKLOG)
        # Without a named protocol asyncio does not set TCP_NODELAY, which costs 40 ms per response.
        listener = socket.socket(
            family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=created.detach()
        )
        host = f"[{host}]" if ":" in host else host
        self._url = f"http://{host}:{listener.getsockname()[1]}{self.options.root_path}"
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.run_here, args=(listener,), name="useresponse-sandbox", daemon=True
        )
        self._thread.start()
        self._server.accepting.wait()
        if not self._server.started:
            self._thread.join()
            raise RuntimeError("the sandbox could not start; the log says why")

    def stop(self) -> None:
        """Close every connection and stop; does nothing if the server is not running."""
        if self._server is not None and self._thread is not None:
            self._server.stop()
            self._thread.join()


class _Server(uvicorn.Server):
    """uvicorn in a thread of its own, which stops at once although clients are connected."""

    def __init__(self, app: SandboxApp) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                http=_Protocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                backlog=_BACKLOG,
            )
        )
        self.accepting = threading.Event()
        self._loop = _new_loop()
        self._stopping = asyncio.Event()

    def run_here(self, listener: socket.socket) -> None:
        """Serve in the calling thread until `stop`."""
        try:
            self._loop.run_until_complete(self.serve([listener]))
        finally:
            self._loop.close()
            listener.close()
            # A start that failed must not leave its caller waiting.
            self.accepting.set()

    def stop(self) -> None:
        """End `run_here`, from any thread."""
        # An error may have closed the loop already.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._stopping.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()

    async def main_loop(self) -> None:
        while not self._stopping.is_set():
            await self.on_tick(0)
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK_SECONDS)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for listener in sockets or ():
            listener.close()
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        tasks = list(self.server_state.tasks)
        # uvicorn must see the disconnections before the tasks end without a response.
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)


def _reset(transport: asyncio.WriteTransport) -> None:
    """Close a connection at once with a TCP reset."""
    peer = transport.get_extra_info("socket")
    with suppress(OSError, ValueError):  # closed already
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()


class _Protocol(HttpToolsProtocol):
    """uvicorn's HTTP protocol, counting connections, with a reset in every scope."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.sandbox = cast("SandboxApp", self.config.app)
        self.sandbox.connections += 1
        self.sandbox.connections_opened += 1
        app, reset = self.app, partial(_reset, transport)

        async def with_reset(scope: Scope, receive: Receive, send: Send) -> None:
            scope.setdefault("extensions", {})[RESET] = reset
            # Only the server's own stop cancels a request, which then ends quietly.
            with suppress(asyncio.CancelledError):
                await app(scope, receive, send)

        self.app = with_reset

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.sandbox.connections -= 1


def _new_loop() -> asyncio.AbstractEventLoop:
    try:
        import uvloop  # noqa: PLC0415 - only faster
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()
