"""NDJSON responses, which end when the client disconnects and do not look complete when cut."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Mapping
from contextlib import aclosing
from tempfile import SpooledTemporaryFile
from traceback import walk_tb
from typing import IO, Any, Final

import anyio
import anyio.to_thread
from pydantic import TypeAdapter
from starlette.background import BackgroundTask
from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from useresponse_async._exceptions import UseResponseError
from useresponse_async._pagination import Pages
from useresponse_async.integrations._problems import log_failure

__all__ = ["NDJSONResponse"]

_BLOCK_BYTES: Final = 256 * 1024
"""Size of one read or write of the spooled file by a thread, in bytes."""

_SPOOL_BYTES: Final = 1024 * 1024
"""Maximum size of an HTTP/1.0 response in memory, in bytes; a larger one is in a file."""


class NDJSONResponse(StreamingResponse):
    """A streamed response with one JSON text per line (``application/x-ndjson``).

    The headers are sent together with the first lines, so that an earlier failure is a normal
    error response. A later failure is logged and closes the connection, so that no client takes
    an incomplete response for a complete one. When the client disconnects, its upstream requests
    are cancelled.

    On HTTP/1.0 a closed connection is the normal end. There the complete response is collected
    first, beyond 1 MiB in a temporary file, and sent with ``Content-Length``; every failure is
    an error response. Some proxies, nginx before 1.29.7 among them, speak HTTP/1.0 to the
    application unless configured otherwise (``proxy_http_version 1.1;``). A ``HEAD`` request
    gets a response without a request upstream.

    The response is not compressed (``Content-Encoding: identity``): behind a middleware that
    compresses it and other middleware, an incomplete response could look complete.

    Args:
        content: The items: :class:`~useresponse_async.Pages`, read with several pages in
            flight, or any other asynchronous iterable, which is closed at the end.
        model: The type to write each item as, e.g. a pydantic model with fewer fields, filled
            from the item's attributes; default: the item's own class.
        status_code: The status.
        headers: Headers to send.
        background: A task to run after the response.
    """

    media_type = "application/x-ndjson"

    def __init__(
        self,
        content: AsyncIterable[Any],
        *,
        model: Any = None,
        status_code: int = 200,
        headers: Mapping[str, str] | None = None,
        background: BackgroundTask | None = None,
    ) -> None:
        self._chunks = _chunks(content, _line_writer(model))
        super().__init__(self._chunks, status_code, headers, background=background)
        self.headers.setdefault("Content-Encoding", "identity")

    @staticmethod
    def documentation(model: Any, description: str = "One to a line") -> dict[int | str, Any]:
        """Return ``responses`` that document the lines of a path operation in OpenAPI.

        Args:
            model: The type of each line.
            description: A description of the response.
        """
        # FastAPI documents a response that is not JSON as text by default.
        content = {NDJSONResponse.media_type: {"schema": {"type": "object"}}}
        return {200: {"model": model, "description": description, "content": content}}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response, to its end or until the client disconnects."""
        started = False
        failure: Exception | None = None

        async def send_to_client(message: Message) -> None:
            nonlocal started
            started = True
            try:
                await send(message)
            except OSError as error:
                raise _ClientGoneError from error

        async with anyio.create_task_group() as group:
            group.start_soon(_cancel_on_disconnect, receive, group.cancel_scope)
            try:
                if scope["method"] == "HEAD":
                    await self._chunks.aclose()  # no request is sent upstream
                    await self.stream_response(send_to_client)
                elif scope["http_version"] == "1.0":
                    await self._send_complete(send_to_client)
                else:
                    await self.stream_response(send_to_client)
            except _ClientGoneError:
                pass
            except Exception as error:  # noqa: BLE001 - raised below, without the group around it
                failure = error
            group.cancel_scope.cancel()
        if failure is not None and started:
            expected = isinstance(failure, UseResponseError)
            log_failure(scope, "was cut", failure, trace=not expected)
            await _cut(send, f"the stream was interrupted: {failure}")
            return
        if failure is not None:
            raise failure
        if self.background is not None:
            await self.background()

    async def stream_response(self, send: Send) -> None:
        """Send the headers when the first lines are available, then each chunk at once."""
        async with aclosing(self._chunks) as chunks:
            chunk = await anext(chunks, b"")
            headers = self.raw_headers
            status = self.status_code
            await send({"type": "http.response.start", "status": status, "headers": headers})
            while chunk:
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
                chunk = await anext(chunks, b"")
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send_complete(self, send: Send) -> None:
        """Collect all chunks, then send them with their length."""
        with SpooledTemporaryFile(max_size=_SPOOL_BYTES) as file:
            self.headers["Content-Length"] = str(await _fill(file, self._chunks))
            self._chunks = _blocks(file)
            await self.stream_response(send)


class _ClientGoneError(Exception):
    """The server reports that the client has disconnected."""


async def _cancel_on_disconnect(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass  # the rest of the request's body
    scope.cancel()


class _Unsendable:
    """A body that makes the server fail, which expects bytes."""

    def __init__(self, problem: str) -> None:
        self._problem = problem

    def __bool__(self) -> bool:
        return True

    def __len__(self) -> int:
        raise RuntimeError(self._problem)


async def _cut(send: Send, problem: str) -> None:
    """Make the server close the connection.

    After an exception alone, Starlette's ``BaseHTTPMiddleware`` completes the response. But it
    passes a body that is not bytes on to the server, which then fails. If the server is uvicorn,
    and its exception is raised here, it closes the connection in any case, and prints one line
    rather than a traceback if nothing is raised.

    Raises:
        RuntimeError: With ``problem``, unless uvicorn closes the connection without it.
    """
    try:
        await send({"type": "http.response.body", "body": _Unsendable(problem), "more_body": True})
    except Exception as refusal:  # noqa: BLE001 - any exception of the server
        frames = [frame for frame, _ in walk_tb(refusal.__traceback__)]
        if any(frame.f_globals.get("__name__", "").startswith("uvicorn.") for frame in frames):
            return
    raise RuntimeError(problem)


async def _blocks(file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    while block := await anyio.to_thread.run_sync(file.read, _BLOCK_BYTES):
        yield block


async def _fill(file: IO[bytes], chunks: AsyncGenerator[bytes, None]) -> int:
    """Write ``chunks`` to ``file`` in threads, rewind it, and return its size in bytes."""
    size = 0
    block = bytearray()
    async with aclosing(chunks):
        async for chunk in chunks:
            block += chunk
            if len(block) >= _BLOCK_BYTES:
                size += await anyio.to_thread.run_sync(file.write, bytes(block))
                block.clear()
    size += await anyio.to_thread.run_sync(file.write, bytes(block))
    await anyio.to_thread.run_sync(file.seek, 0)
    return size


async def _chunks(
    content: AsyncIterable[Any], line: Callable[[Any], bytes]
) -> AsyncGenerator[bytes, None]:
    if isinstance(content, Pages):
        async with aclosing(content.by_page()) as pages:
            async for page in pages:
                if page.items:
                    yield b"".join([line(item) for item in page.items])
        return
    items = aiter(content)
    try:
        async for item in items:
            yield line(item)
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


def _line_writer(model: Any) -> Callable[[Any], bytes]:
    if model is None:
        return _own_line
    adapter: TypeAdapter[Any] = TypeAdapter(model)

    def line(item: Any) -> bytes:
        written = adapter.validate_python(item, from_attributes=True)
        return adapter.dump_json(written, by_alias=True) + b"\n"

    return line


def _own_line(item: Any) -> bytes:
    return _adapter(item.__class__).dump_json(item, by_alias=True) + b"\n"


@functools.lru_cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
