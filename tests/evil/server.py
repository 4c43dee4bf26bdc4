"""A server that misbehaves below HTTP, by a script for each connection."""

import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Awaitable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import anyio
import pytest
import trustme

from useresponse_async import APIConnectionError, AsyncClient, RetryPolicy

ONCE = RetryPolicy(attempts=1)
ME = b'{"success": {"id": 1, "name": "Ada Lovelace", "email": "ada@example.com"}}'


@dataclass
class Request:
    """Reads the head of a request, and by default its body."""

    body: bool = True


@dataclass
class Drip:
    """Sends bytes one by one."""

    data: bytes
    seconds: float


@dataclass
class Sleep:
    """Does nothing for a while."""

    seconds: float


@dataclass
class Flood:
    """Sends the same bytes again and again, or ``times`` times."""

    data: bytes
    times: int | None = None
    seconds: float = 0


@dataclass
class Silence:
    """Neither reads nor sends, until the client hangs up."""


@dataclass
class Drain:
    """Reads all that the client has sent and sends, until it hangs up."""


@dataclass
class Reset:
    """Breaks the connection off with a RST."""


@dataclass
class Serve:
    """Responds to every request with the server's ``otherwise``."""


Step = bytes | Request | Drip | Sleep | Flood | Silence | Drain | Reset | Serve


def options_of(wire: str) -> dict[str, str]:
    """Return the options of a client for a wire: our own pools, or aiohttp."""
    return {"transport": "aiohttp"} if wire == "aiohttp" else {}


def answer(body: bytes = ME, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a complete and correct response."""
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, length, *headers, b"", body])


def chunked(*chunks: bytes) -> bytes:
    """Return a correct response in chunks."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in chunks) + b"0\r\n\r\n"


AUTHORITY = trustme.CA()


def tls_context(
    name: str = "localhost", *, authority: trustme.CA = AUTHORITY, **options: Any
) -> ssl.SSLContext:
    """Return a TLS context with a certificate for that name."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name, **options).configure_cert(context)
    return context


def create(client: AsyncClient) -> Awaitable[Any]:
    """Make a call that must not be made twice."""
    return client.users.create("ada@example.com", full_name="Ada")


async def failure(
    call: Awaitable[object],
    kind: type[Exception] | tuple[type[Exception], ...] = APIConnectionError,
    *,
    within: float = 5,
    match: str | None = None,
) -> Any:
    """Return the error of a call, which ends within so many seconds."""
    with anyio.fail_after(within), pytest.raises(kind, match=match) as caught:
        await call
    return caught.value


@dataclass
class EvilServer:
    """Plays one script on each connection in sequence; when none is left, it serves.

    Args:
        tls: The TLS context (default: plain HTTP).
    """

    tls: ssl.SSLContext | None = None
    heads: list[bytes] = field(default_factory=list)
    connections: int = 0
    otherwise: bytes = answer()
    sent: int = 0
    drained: int = 0
    _scripts: deque[tuple[Step, ...]] = field(default_factory=deque)
    _open: set[socket.socket] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)
    _stopping: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        # So that what a client may send ahead of a server that does not read is not much.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.port: int = self._listener.getsockname()[1]
        self._start(self._accept)

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http{'s' if self.tls else ''}://localhost:{self.port}"

    @property
    def open_connections(self) -> int:
        """How many connections are being played to."""
        return len(self._open)

    def play(self, *steps: Step, times: int = 1) -> None:
        """Add a script, for one connection or for several."""
        self._scripts.extend([steps] * times)

    def stop(self) -> None:
        """Break every connection off, and return when all threads have ended."""
        self._stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _start(self, target, *args) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            steps = self._scripts.popleft() if self._scripts else (Serve(),)
            self._open.add(connection)
            self._start(self._play, connection, steps)

    def _play(self, connection: socket.socket, steps: tuple[Step, ...]) -> None:
        plain = connection
        try:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None and not isinstance(steps[0], Silence | Reset):
                connection = self.tls.wrap_socket(connection, server_side=True)
                self._open.add(connection)
            for step in steps:
                self._take(connection, step)
        except OSError:
            pass  # the client has gone, or the server stops
        finally:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()
            self._open -= {connection, plain}

    def _take(self, connection: socket.socket, step: Step) -> None:  # noqa: C901, PLR0912 - one case each
        match step:
            case bytes():
                connection.sendall(step)
                self.sent += len(step)
            case Request(body):
                self._read_request(connection, body=body)
            case Drip(data, seconds):
                for byte in data:
                    connection.sendall(bytes([byte]))
                    self._wait(seconds)
            case Sleep(seconds):
                self._wait(seconds)
            case Flood(data, times, seconds):
                count = 0
                while (times is None or count < times) and not self._stopping.is_set():
                    self._take(connection, data)
                    count += 1
                    if seconds:
                        self._wait(seconds)
            case Silence():
                # Only a closed connection shows, so that nothing that was sent is taken.
                while not self._stopping.is_set() and not _hung_up(connection):
                    time.sleep(0.005)
            case Drain():
                while taken := connection.recv(65536):
                    self.drained += len(taken)
            case Reset():
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.close()
                raise ConnectionAbortedError
            case Serve():
                while True:
                    self._read_request(connection, body=True)
                    connection.sendall(self.otherwise)

    def _wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise ConnectionAbortedError

    def _read_request(self, connection: socket.socket, *, body: bool) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = connection.recv(1)
            if not byte:
                raise ConnectionAbortedError
            head += byte
        self.heads.append(head)
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        while body and length:
            taken = connection.recv(min(length, 65536))
            if not taken:
                raise ConnectionAbortedError
            length -= len(taken)


def _hung_up(connection: socket.socket) -> bool:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return info[0] != 1  # TCP_ESTABLISHED


def refusing_address() -> tuple[socket.socket, str]:
    """Return a socket that holds a port, and the URL of the port, on which no server listens."""
    holder = socket.socket()
    holder.bind(("127.0.0.1", 0))
    return holder, f"http://127.0.0.1:{holder.getsockname()[1]}"
