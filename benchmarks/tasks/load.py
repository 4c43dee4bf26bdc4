"""Speed of the server, measured with the smallest possible client."""

import asyncio
import time
from typing import Any, cast
from urllib.parse import urlsplit

__all__ = ["load"]

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class _Asker(asyncio.Protocol):
    """Requests one page after another, and counts the bytes of each response."""

    def __init__(self, targets: list[bytes], ended: asyncio.Future[None]) -> None:
        self._targets = targets
        self._ended = ended
        self._head = b""
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        if not self._missing:
            self._head += data
            end = self._head.find(_HEAD_END)
            if end < 0:
                return
            start = self._head.index(_LENGTH) + len(_LENGTH)
            length = int(self._head[start : self._head.index(b"\r\n", start)])
            self._missing = length + end + len(_HEAD_END)
            data, self._head = self._head, b""
        self._missing -= len(data)
        if not self._missing:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_exception(exc or ConnectionError("the server closed the connection"))

    def _ask(self) -> None:
        if self._targets:
            self._transport.write(b"GET %b HTTP/1.1\r\n\r\n" % self._targets.pop())
        elif not self._ended.done():
            self._ended.set_result(None)
            self._transport.close()


async def load(*, url: str, pages: int, connections: int) -> dict[str, Any]:
    """Request each of ``pages`` once, over ``connections``, and read the responses.

    Returns:
        How long it took, in seconds.
    """
    loop = asyncio.get_running_loop()
    address = urlsplit(url)
    targets = [b"/api/3.0/users/search.json?page=%d&count=50" % n for n in range(pages, 0, -1)]
    ends = [loop.create_future() for _ in range(connections)]
    started = time.perf_counter()
    for ended in ends:
        await loop.create_connection(
            lambda ended=ended: _Asker(targets, ended),  # type: ignore[misc]
            address.hostname or "",
            address.port or 80,
        )
    await asyncio.gather(*ends)
    return {"seconds": time.perf_counter() - started}
