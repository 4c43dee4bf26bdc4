"""A server that misbehaves below HTTP, by a script for each connection."""

import socket
import ssl
import struct
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import anyio
import pytest
import trustme

from useresponse_async import APIConnectionError, AsyncClient, Attachment, RetryPolicy

ONCE = RetryPolicy(attempts=1)
ME = b'{"success": {"id": 1, "name": "Ada Lovelace", "email": "ada@example.com"}}'


@dataclass
class Request:
    """Reads the head of a request, and by default its body."""

    body: bool = True


@dataclass
class Sleep:
    seconds: float


@dataclass
class Flood:
    """Sends the same bytes again and again."""

    data: bytes
    seconds: float = 0


class Raw(bytes):
    """Bytes that are sent below TLS, on the socket itself."""


class Do(Enum):
    """Steps without a parameter."""

    SILENCE = "neither read nor send, until the client hangs up"
    DRAIN = "read all that the client has sent and sends, until it hangs up"
    RESET = "break the connection off with a RST"
    SERVE = "respond to every request with the server's `otherwise`"


SILENCE, DRAIN, RESET, SERVE = Do


def drip(data: bytes, seconds: float) -> list[Any]:
    """Return the steps that send bytes one by one."""
    return [step for byte in data for step in (bytes([byte]), Sleep(seconds))]


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
                self._start(
                    self._play, connection, self.scripts.popleft() if self.scripts else (SERVE,)
                )

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

    def _take(self, connection: socket.socket, step: Any) -> None:  # noqa: C901, PLR0912 - one case each
        match step:
            case Raw():
                with socket.socket(fileno=socket.dup(connection.fileno())) as below:
                    below.sendall(step)
            case bytes():
                connection.sendall(step)
                self.sent += len(step)
            case Request(body):
                self._read_request(connection, body=body)
            case Sleep(seconds):
                self._wait(seconds)
            case Flood(data, seconds):
                while True:
                    self._take(connection, data)
                    self._wait(seconds)
            case Do.SILENCE:
                # Only a closed connection shows, so that nothing that was sent is taken.
                while not self._stopping.is_set() and not _hung_up(connection):
                    time.sleep(0.005)
            case Do.DRAIN:
                while taken := connection.recv(65536):
                    self.drained += len(taken)
            case Do.RESET:
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                connection.close()
                raise ConnectionAbortedError
            case Do.SERVE:
                while True:
                    self._read_request(connection, body=True)
                    connection.sendall(self.otherwise)

    def _wait(self, seconds: float) -> None:
        if self._stopping.wait(seconds):
            raise ConnectionAbortedError

    def _read_request(self, connection: socket.socket, *, body: bool) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += _received(connection, 1)
        self.heads.append(head)
        _, _, length = head.lower().partition(b"\r\ncontent-length:")
        left = int(length.partition(b"\r\n")[0] or 0) if body else 0
        while left:
            left -= len(_received(connection, min(left, 65536)))


def _received(connection: socket.socket, size: int) -> bytes:
    if received := connection.recv(size):
        return received
    raise ConnectionAbortedError


def _hung_up(connection: socket.socket) -> bool:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return info[0] != 1  # TCP_ESTABLISHED
