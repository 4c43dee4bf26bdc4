"""How does a file travel? Read in pieces, and made base64 while it is sent."""

from __future__ import annotations

import base64
import io
import json
import os
import secrets
from collections.abc import AsyncGenerator
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final, Protocol

import anyio
import httpx

from useresponse_async._exceptions import ArgumentError
from useresponse_async._lifetime import opened, to_the_end

__all__ = ["DEFAULT_MAX_BYTES", "AsyncReadable", "Attachment"]

DEFAULT_MAX_BYTES: Final = 64 * 1024 * 1024

# A multiple of 3, so that the base64 of the pieces is the base64 of the whole.
_PIECE: Final = 3 * 64 * 1024


class AsyncReadable(Protocol):
    """A file opened for reading bytes, e.g. by :func:`anyio.open_file`."""

    async def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; none at the end."""
        ...

    async def seek(self, offset: int, whence: int = ..., /) -> int:
        """Go to a place in the file, and return where that is."""
        ...


class Attachment:
    """A file to send. Make one with :meth:`from_path`, :meth:`from_bytes` or :meth:`from_file`.

    Nothing is read before the call that sends it, and no more than a piece of it is held then.

    Attributes:
        name: The file's name, as the server is told.
        max_bytes: The most bytes that are sent, in bytes.
    """

    def __init__(self, name: str, source: _Source, *, max_bytes: int) -> None:
        if not name or set(name) & {"/", "\\", "\0"}:
            raise ArgumentError("name", f"{name!r} is no file name")
        self.name = name
        self.max_bytes = max_bytes
        self._source = source

    @classmethod
    def from_path(
        cls,
        path: str | os.PathLike[str],
        *,
        name: str | None = None,
        max_bytes: int = DEFAULT_MAX_BYTES,
    ) -> Attachment:
        """Return an attachment that is read from ``path`` when it is sent.

        Args:
            path: Where the file is.
            name: The name to give it; its own unless told.
            max_bytes: The most it may hold, in bytes; a larger one is refused before any
                request.

        Raises:
            ArgumentError: The name is no file name.
        """
        return cls(name or Path(path).name, _PathSource(path), max_bytes=max_bytes)

    @classmethod
    def from_bytes(
        cls, name: str, data: bytes, *, max_bytes: int = DEFAULT_MAX_BYTES
    ) -> Attachment:
        """Return an attachment that holds ``data``.

        Args:
            name: The name to give it.
            data: What it holds.
            max_bytes: The most it may hold, in bytes; more is refused before any request.

        Raises:
            ArgumentError: The name is no file name.
        """
        return cls(name, _BytesSource(data), max_bytes=max_bytes)

    @classmethod
    def from_file(
        cls, file: AsyncReadable, *, name: str, max_bytes: int = DEFAULT_MAX_BYTES
    ) -> Attachment:
        """Return an attachment that is read from an open file when it is sent.

        Args:
            file: A file opened for reading bytes, e.g. by :func:`anyio.open_file`; it is read
                from its beginning, and stays open.
            name: The name to give it.
            max_bytes: The most it may hold, in bytes; a larger one is refused before any
                request.

        Raises:
            ArgumentError: The name is no file name.
        """
        return cls(name, _FileSource(file), max_bytes=max_bytes)

    async def measure(self) -> int:
        """Return how much it holds, in bytes.

        Raises:
            ArgumentError: It cannot be read, or holds too much.
        """
        try:
            size = await self._source.size()
        except OSError as error:
            raise ArgumentError("attachment", f"{self.name}: {error.strerror or error}") from None
        if size > self.max_bytes:
            raise ArgumentError(
                "attachment", f"{self.name}: {size} bytes are more than {self.max_bytes}"
            )
        return size

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Return what it holds, piece by piece.

        Returns:
            A generator of pieces, of which all but the last are of one size.

        Raises:
            ArgumentError: It cannot be read.
        """
        pieces = self._source.pieces()
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    yield piece
        except Exception as error:
            # Whatever it is, it must not be taken for the server's failure.
            raise ArgumentError(
                "attachment", f"{self.name}: {type(error).__name__}: {error}"
            ) from error

    def __repr__(self) -> str:
        return f"Attachment({self.name!r})"


class _Source(Protocol):
    async def size(self) -> int: ...

    def pieces(self) -> AsyncGenerator[bytes, None]: ...


class _PathSource:
    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = anyio.Path(path)

    async def size(self) -> int:
        # Opened and not only looked at, so that one that may not be read is told of now.
        async with opened(self._path, "rb") as file:
            return await file.seek(0, io.SEEK_END)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        async with opened(self._path, "rb") as file, aclosing(_pieces_of(file)) as pieces:
            async for piece in pieces:
                yield piece


class _BytesSource:
    def __init__(self, data: bytes) -> None:
        self._data = data

    async def size(self) -> int:
        return len(self._data)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        for start in range(0, len(self._data), _PIECE):
            yield self._data[start : start + _PIECE]


class _FileSource:
    def __init__(self, file: AsyncReadable) -> None:
        self._file = file
        self._lock = anyio.Lock()

    async def size(self) -> int:
        async with self._lock:
            return await self._file.seek(0, io.SEEK_END)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        async with aclosing(_pieces_of(_FileView(self._file, self._lock))) as pieces:
            async for piece in pieces:
                yield piece


class _FileView:
    """An open file read from its beginning, whoever else reads it meanwhile."""

    def __init__(self, file: AsyncReadable, lock: anyio.Lock) -> None:
        self._file = file
        self._lock = lock
        self._offset = 0

    async def read(self, size: int, /) -> bytes:
        async with self._lock:
            # Whoever reads next must not find a thread that still reads for this one.
            chunk = await to_the_end(lambda: self._read(size))
        self._offset += len(chunk)
        return chunk

    async def _read(self, size: int) -> bytes:
        await self._file.seek(self._offset)
        return await self._file.read(size)


class _Reader(Protocol):
    async def read(self, size: int, /) -> bytes: ...


async def _pieces_of(file: _Reader) -> AsyncGenerator[bytes, None]:
    """Yield pieces of one size, although a read may return less than it was asked for."""
    held = b""
    while chunk := await file.read(_PIECE - len(held)):
        held += chunk
        if len(held) == _PIECE:
            yield held
            held = b""
    if held:
        yield held


class Base64Of:
    """Stands in a body for the base64 text of an attachment.

    Args:
        attachment: The file whose content is meant.
    """

    def __init__(self, attachment: Attachment) -> None:
        self.attachment = attachment


class JSONBody(httpx.AsyncByteStream):
    """A JSON body, of which attachments are read anew each time it is sent.

    Use :meth:`of` to make one. A body without attachments is one piece of bytes.

    Attributes:
        length: How much is sent, in bytes.
    """

    def __init__(self, parts: list[bytes | tuple[Attachment, int]]) -> None:
        self._parts = parts
        self._sending: AsyncGenerator[bytes, None] | None = None
        self.length: int = sum(
            len(part) if isinstance(part, bytes) else 4 * -(-part[1] // 3) for part in parts
        )

    @classmethod
    async def of(cls, body: Any) -> JSONBody:
        """Return ``body``, in which a :class:`Base64Of` may stand for a text, as JSON.

        Raises:
            ArgumentError: It cannot be sent as JSON, or an attachment cannot be read.
        """
        found: list[Attachment] = []
        # No text of the caller's can hold this, so it can be looked for in the JSON.
        mark = f"attachment-{secrets.token_hex(16)}"

        def stand_in(value: object) -> str:
            if not isinstance(value, Base64Of):
                raise TypeError(f"a {type(value).__name__} is not JSON")
            found.append(value.attachment)
            return mark

        try:
            text = json.dumps(
                body,
                ensure_ascii=False,
                allow_nan=False,
                separators=(",", ":"),
                default=stand_in,
            )
            plain = [piece.encode() for piece in text.split(mark)]
        except (TypeError, ValueError, RecursionError) as error:
            raise ArgumentError("body", f"it cannot be sent as JSON: {error}") from None
        parts: list[bytes | tuple[Attachment, int]] = [plain[0]]
        for attachment, piece in zip(found, plain[1:], strict=True):
            parts += [(attachment, await attachment.measure()), piece]
        return cls(parts)

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        self._sending = self._pieces()
        return self._sending

    async def aclose(self) -> None:
        """Close what a request that broke off was reading."""
        if self._sending is not None:
            await self._sending.aclose()

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        for part in self._parts:
            if isinstance(part, bytes):
                yield part
            else:
                async with aclosing(_base64(*part)) as pieces:
                    async for piece in pieces:
                        yield piece


async def _base64(attachment: Attachment, size: int) -> AsyncGenerator[bytes, None]:
    sent = 0
    async with aclosing(attachment.pieces()) as pieces:
        async for piece in pieces:
            sent += len(piece)
            if sent > size:
                break
            yield base64.b64encode(piece)
    if sent != size:
        raise ArgumentError("attachment", f"{attachment.name}: it changed while it was sent")
