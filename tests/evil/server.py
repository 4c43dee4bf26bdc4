"""A server that misbehaves below HTTP, by a script for each connection.

A step of a script is bytes that are sent, or a function of the server and the connection.
"""

import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme

from useresponse_async import APIConnectionError, AsyncClient, Attachment, RetryPolicy

ONCE = RetryPolicy(attempts=1)
ME = b'{"success": {"id": 1, "name": "Ada Lovelace", "email": "ada@example.com"}}'


class Raw(bytes):
    """Bytes that are sent below TLS, on the socket itself."""


def drip(data: bytes, seconds: float) -> list[Any]:
    """Return the steps that send bytes one by one."""
    return [step for byte in data for step in (bytes([byte]), sleep(seconds))]


def answer(body: bytes = ME, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    """Return a complete and correct response."""
    length = b"Content-Length: %d" % len(body)
    return b"\r\n".join([b"HTTP/1.1 " + status, length, *headers, b"", body])


IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunked(*chunks: bytes) -> bytes:
    """Return a correct response in chunks."""
    return IN_CHUNKS + b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in (*chunks, b""))


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


async def _walk(client: AsyncClient, _folder: Path) -> None:
    users = [user.id async for user in client.users.search(count=2)]
    assert users == [*range(1, len(users) + 1)]


CALLS: dict[str, Callable[[AsyncClient, Path], Awaitable[object]]] = {
    "get": lambda client, folder: client.users.get(1),
    "post": lambda client, folder: create(client),
    "upload": lambda client, folder: client.files.upload(Attachment.from_bytes("a", bytes(10**6))),
    "download": lambda client, folder: client.files.download("/f", folder / "f", overwrite=True),
    "walk": _walk,
}


async def failure(
    call: Awaitable[object], kind: Any = APIConnectionError, match: Any = None
) -> Any:
    """Return the error of a call, which ends."""
    with anyio.fail_after(30), pytest.raises(kind, match=match) as caught:
        await call
    return caught.value


class EvilServer:
    """Plays one script on each connection in sequence; when none is left, it serves."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.otherwise = answer()
        self.scripts: deque[tuple[Any, ...]] = deque()
        self.heads: list[bytes] = []
        self.connections = self.sent = self.drained = 0
        self.open_connections: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        # So that what a client may send ahead of a server that does not read is not much.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://localhost:{self.port}"
        self._start(self._accept)

    def play(self, *steps: Any, times: int = 1) -> None:
        """Add a script, for one connection or for several."""
        self.scripts.extend([steps] * times)

    def stop(self) -> None:
        """Break every connection off, and return when all threads have ended."""
        self._stopping.set()
        for connection in (self._listener, *self.open_connections):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive()

    def _start(self, target, *args) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.connections += 1
                self.open_connections.add(connection)
                steps = self.scripts.popleft() if self.scripts else (SERVE,)
                self._start(self._play, connection, steps)

    def _play(self, connection: socket.socket, steps: tuple[Any, ...]) -> None:
        plain = connection
        with suppress(OSError):  # the client has gone, or the server stops
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self.tls is not None and steps[0] not in (SILENCE, RESET):
                connection = self.tls.wrap_socket(connection, server_side=True)
                self.open_connections.add(connection)
            for step in steps:
                self._take(connection, step)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
        self.open_connections -= {connection, plain}

    def _take(self, connection: socket.socket, step: Any) -> None:
        if isinstance(step, Raw):
            with socket.socket(fileno=socket.dup(connection.fileno())) as below:
                below.sendall(step)
        elif isinstance(step, bytes):
            connection.sendall(step)
            self.sent += len(step)
        else:
            step(self, connection)

    def read_request(self, connection: socket.socket, *, body: bool = True) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += _received(connection, 1)
        self.heads.append(head)
        _, _, length = head.lower().partition(b"\r\ncontent-length:")
        left = int(length.partition(b"\r\n")[0] or 0) if body else 0
        while left:
            left -= len(_received(connection, min(left, 65536)))

    def end(self, connection: socket.socket, *, data: bytes) -> None:
        """Send bytes and, in the same packet, the end of TLS or of the connection."""
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
        connection.sendall(data)
        if isinstance(connection, ssl.SSLSocket):
            connection.settimeout(0)
            with suppress(ssl.SSLWantReadError):  # the client's own end of TLS
                connection.unwrap()
            connection.settimeout(None)
        else:
            connection.shutdown(socket.SHUT_WR)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 0)

    def sleep(self, _connection: socket.socket, *, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise ConnectionAbortedError

    def flood(self, connection: socket.socket, *, data: bytes, seconds: float) -> None:
        while True:
            self._take(connection, data)
            self.sleep(connection, seconds=seconds)

    def silence(self, connection: socket.socket) -> None:
        """Neither read nor send, until the client hangs up: only a closed connection shows."""
        info = b"\1"
        while info[0] == 1 and not self._stopping.wait(0.005):  # TCP_ESTABLISHED
            info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)

    def drain(self, connection: socket.socket) -> None:
        """Read all that the client has sent and sends, until it hangs up."""
        while taken := connection.recv(65536):
            self.drained += len(taken)

    def reset(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
        raise ConnectionAbortedError

    def serve(self, connection: socket.socket) -> None:
        while True:
            self.read_request(connection)
            connection.sendall(self.otherwise)


REQUEST, DRAIN, SERVE = EvilServer.read_request, EvilServer.drain, EvilServer.serve
HEAD, SILENCE, RESET = partial(REQUEST, body=False), EvilServer.silence, EvilServer.reset


def end_with(data: bytes) -> Any:
    """Return the step that sends bytes and the end of TLS or of the connection at once."""
    return partial(EvilServer.end, data=data)


def sleep(seconds: float) -> Any:
    return partial(EvilServer.sleep, seconds=seconds)


def flood(data: bytes, seconds: float = 0) -> Any:
    """Return the step that sends the same bytes again and again."""
    return partial(EvilServer.flood, data=data, seconds=seconds)


def _received(connection: socket.socket, size: int) -> bytes:
    if received := connection.recv(size):
        return received
    raise ConnectionAbortedError
