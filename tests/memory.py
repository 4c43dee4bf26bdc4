"""A server in memory, whose steps a test can count, delay or fail."""

from collections.abc import AsyncIterator

import anyio.lowlevel
import httpx


class Memory(httpx.AsyncBaseTransport):
    """Responds to every request, and awaits ``reach`` in each of its steps.

    The steps are ``upload`` for each chunk of a file that is sent, ``head``, ``first``, ``later``
    and ``last`` around the two chunks of a response's body, and ``close``.
    """

    pages = 3
    rows = 2

    async def reach(self, step: str, target: str) -> None:
        """Do what a subclass does in a step of the request for this path."""
        await anyio.lowlevel.checkpoint()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        target = request.url.raw_path.decode()
        if not isinstance(request.stream, httpx.ByteStream):
            async for _ in request.stream:
                await self.reach("upload", target)
        await self.reach("head", target)
        page = int(request.url.params.get("page", 1))
        first = self.rows * (page - 1) + 1
        body = {
            "data": [{"id": number} for number in range(first, first + self.rows)],
            "totalObjects": self.rows * self.pages,
            "totalPages": self.pages,
            "currentPage": page,
        }
        if "search" not in target:
            body = {"id": 1, "name": "Ada", "token": "t"}
        return httpx.Response(200, stream=_Body(self, target, httpx.Response(200, json=body)))


class _Body(httpx.AsyncByteStream):
    def __init__(self, server: Memory, target: str, response: httpx.Response) -> None:
        self._server = server
        self._target = target
        self._content = response.content
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        await self._server.reach("first", self._target)
        yield self._content[:9]
        await self._server.reach("later", self._target)
        yield self._content[9:]
        await self._server.reach("last", self._target)

    async def aclose(self) -> None:
        if not self._closed:
            await self._server.reach("close", self._target)
            self._closed = True
