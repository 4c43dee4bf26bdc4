"""Attachments, JSON bodies with attachments, and downloads."""

from __future__ import annotations

import base64
import errno
import io
import json
import os
import re
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, asynccontextmanager, contextmanager, suppress
from functools import partial
from inspect import isawaitable
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, TypeVar

import anyio
import anyio.to_thread
import attrs
import httpx

from useresponse_async._exceptions import ArgumentError
from useresponse_async._secret import Secret

T = TypeVar("T")

DEFAULT_MAX_BYTES: Final = 64 * 1024 * 1024

# A multiple of 3, so that the base64 of the pieces is the base64 of the complete file.
_PIECE: Final = 3 * 64 * 1024
_LONGEST_NAME: Final = 255
# Separators, control characters, and marks that change the direction of text.
_NOT_IN_A_NAME: Final = re.compile(
    r"[/\\\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_PERMISSIONS: Final = 0o777
_NO_HARD_LINKS: Final = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)

ProgressCallback: TypeAlias = Callable[[int, int | None], Awaitable[None] | None]
"""Called with the number of bytes received so far and the total, or ``None`` if unknown."""


class CallersFailure(Exception):
    """A wrapper around an exception of the caller's own file or callback.

    Args:
        error: The exception; the package's frames are removed from its traceback.
    """

    def __init__(self, error: Exception) -> None:
        super().__init__()
        traceback = error.__traceback__
        self.error: Exception = error.with_traceback(traceback and traceback.tb_next)


class AsyncReadable(Protocol):
    """A file opened for reading bytes, e.g. by :func:`anyio.open_file`."""

    async def read(self, size: int, /) -> bytes:
        """Return up to ``size`` bytes; ``b""`` at the end."""
        ...

    async def seek(self, offset: int, whence: int = ..., /) -> int:
        """Change the position in the file, and return the new one."""
        ...


class AsyncWritable(Protocol):
    """A file opened for writing bytes, e.g. by :func:`anyio.open_file`."""

    async def write(self, data: bytes, /) -> int:
        """Write ``data``."""
        ...

    async def seek(self, offset: int, whence: int = ..., /) -> int:
        """Change the position in the file, and return the new one."""
        ...

    async def tell(self) -> int:
        """Return the position in the file."""
        ...

    async def truncate(self, size: int | None = ..., /) -> int:
        """Truncate the file."""
        ...


class Attachment:
    """A file to send, from :meth:`from_path`, :meth:`from_bytes` or :meth:`from_file`.

    The call that sends the file reads it in pieces, with one piece in memory at a time.

    Attributes:
        name: The file name that is sent to the server.
        max_bytes: Maximum size of the file, in bytes.
    """

    def __init__(self, name: str, source: bytes | Path | AsyncReadable, *, max_bytes: int) -> None:
        if not isinstance(name, str) or not name.strip() or name in (".", ".."):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentError("name", f"{name!r} is not a valid file name")
        if _NOT_IN_A_NAME.search(name):
            raise ArgumentError(
                "name", f"{name!r} contains a separator, a control character or a direction mark"
            )
        if len(name.encode()) > _LONGEST_NAME:
            raise ArgumentError("name", f"is longer than {_LONGEST_NAME} bytes")
        self.name = name
        self.max_bytes = max_bytes
        self._source = source
        self._lock = anyio.Lock()

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
            path: The file's path.
            name: The name to send; default: the file's name.
            max_bytes: Maximum size, in bytes; a larger file raises an error before any request.

        Raises:
            ArgumentError: The name is not a valid file name.
        """
        return cls(name or Path(path).name, Path(path), max_bytes=max_bytes)

    @classmethod
    def from_bytes(
        cls, name: str, data: bytes, *, max_bytes: int = DEFAULT_MAX_BYTES
    ) -> Attachment:
        """Return an attachment with ``data`` as its content.

        Args:
            name: The name to send.
            data: The content.
            max_bytes: Maximum size, in bytes; larger data raise an error before any request.

        Raises:
            ArgumentError: The name is not a valid file name.
        """
        return cls(name, data, max_bytes=max_bytes)

    @classmethod
    def from_file(
        cls, file: AsyncReadable, *, name: str, max_bytes: int = DEFAULT_MAX_BYTES
    ) -> Attachment:
        """Return an attachment that is read from an open file when it is sent.

        Args:
            file: A file opened for reading bytes, e.g. by :func:`anyio.open_file`; it is read
                from its beginning, and remains open.
            name: The name to send.
            max_bytes: Maximum size, in bytes; a larger file raises an error before any request.

        Raises:
            ArgumentError: The name is not a valid file name.
        """
        return cls(name, file, max_bytes=max_bytes)

    async def measure(self) -> int:
        """Return the size, in bytes.

        Raises:
            ArgumentError: The file cannot be read, or is too large.
        """
        with self._errors_named():
            if isinstance(self._source, bytes):
                size = len(self._source)
            elif isinstance(self._source, Path):
                size = await _in_thread(partial(_size_of, self._source))
            else:
                async with self._lock:
                    size = await self._source.seek(0, io.SEEK_END)
                    if isinstance(await self._source.read(0), str):  # pyright: ignore[reportUnnecessaryIsInstance]
                        raise TypeError("the file is open for text")
        if size > self.max_bytes:
            raise ArgumentError(
                "attachment", f"{self.name}: {size} bytes is more than max_bytes, {self.max_bytes}"
            )
        return size

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """Yield the content in pieces of the same size; the last may be shorter.

        Returns:
            A generator of the pieces.

        Raises:
            ArgumentError: The file cannot be read.
        """
        offset, version = 0, None
        while True:
            with self._errors_named():
                piece, seen = await self._read(offset)
            if not piece:
                return
            if version not in (None, seen):
                raise self.changed()
            version = seen
            offset += len(piece)
            yield piece

    async def _read(self, offset: int) -> tuple[bytes, object]:
        """Return a piece, and an identifier of the file's version."""
        if isinstance(self._source, bytes):
            return self._source[offset : offset + _PIECE], None
        if isinstance(self._source, Path):
            return await _in_thread(partial(_read_piece, self._source, offset))
        piece = b""
        # A read may return fewer bytes than requested, and several calls may send the same
        # open file concurrently.
        async with self._lock:
            await self._source.seek(offset)
            while len(piece) < _PIECE and (part := await self._source.read(_PIECE - len(piece))):
                piece += part
        return piece, None

    def changed(self) -> ArgumentError:
        """Return the error for a file that changed while it was being sent."""
        return ArgumentError("attachment", f"{self.name}: the file changed while it was being sent")

    @contextmanager
    def _errors_named(self) -> Generator[None, None, None]:
        """Raise an error with the attachment's name if the block cannot read the file."""
        try:
            yield
        except Exception as error:
            reason = getattr(error, "strerror", None) or error
            problem = f"{self.name}: {type(error).__name__}: {reason}"
            raise ArgumentError("attachment", problem) from error

    def __repr__(self) -> str:
        return f"Attachment({self.name!r})"


def _size_of(path: Path) -> int:
    with path.open("rb") as file:
        return file.seek(0, io.SEEK_END)


def _read_piece(path: Path, offset: int) -> tuple[bytes, object]:
    # Opened for each piece, so that an abandoned thread cannot read a file that another closes.
    with path.open("rb") as file:
        file.seek(offset)
        piece, state = file.read(_PIECE), os.fstat(file.fileno())
    return piece, (state.st_dev, state.st_ino, state.st_mtime_ns)


async def _in_thread(function: Callable[[], T]) -> T:
    """Call ``function`` in a thread, which is abandoned if it hangs (a FIFO, a dead mount)."""
    return await anyio.to_thread.run_sync(function, abandon_on_cancel=True)


class JSONBody(httpx.AsyncByteStream):
    """A JSON body that reads its attachments each time it is sent.

    Args:
        texts: The JSON before, between and after the attachments.
        files: The attachments, with their sizes in bytes.

    Attributes:
        content: The body; ``None`` if it has attachments.
        length: The size of the body, in bytes.
        sent: The size of what the transport has taken, in bytes.
        failure: The exception from reading an attachment.
        on_piece: Called before the transport gets a piece, and with ``waiting=False`` before
            a piece is read and after the last one was sent.
    """

    def __init__(self, texts: list[bytes], files: list[tuple[Attachment, int]]) -> None:
        self._texts = texts
        self._files = files
        self._sending = self._pieces()
        self.content: bytes | None = None if files else texts[0]
        self.length: int = sum(map(len, texts)) + sum(4 * -(-size // 3) for _, size in files)
        self.sent: int = 0
        self.failure: Exception | None = None
        self.on_piece: Callable[..., None] = _ignore

    def __aiter__(self) -> AsyncGenerator[bytes, None]:
        self.sent = 0
        self._sending = self._pieces()
        return self._sending

    async def aclose(self) -> None:
        """Close the generator that a failed attempt did not exhaust, or trio would warn."""
        with suppress(RuntimeError):  # a task of aiohttp may still be taking a piece
            await self._sending.aclose()

    async def _pieces(self) -> AsyncGenerator[bytes, None]:
        try:
            yield self._taken(self._texts[0])
            for (attachment, size), text in zip(self._files, self._texts[1:], strict=True):
                read = 0
                self.on_piece(waiting=False)
                async with aclosing(attachment.pieces()) as pieces:
                    async for piece in pieces:
                        read += len(piece)
                        if read > size:
                            break
                        yield self._taken(base64.b64encode(piece))
                        self.on_piece(waiting=False)
                if read != size:
                    raise attachment.changed()  # noqa: TRY301 - recorded below
                yield self._taken(text)
            self.on_piece(waiting=False)
        except Exception as error:
            self.failure = error
            raise

    def _taken(self, piece: bytes) -> bytes:
        self.sent += len(piece)
        self.on_piece(waiting=True)
        return piece


def _ignore(*, waiting: bool) -> None:
    """Do nothing."""


async def json_body(body: Any) -> JSONBody:
    """Return ``body`` as JSON, with secrets revealed and attachments in base64.

    Raises:
        ArgumentError: It cannot be sent as JSON, or an attachment cannot be read.
    """
    found: list[Attachment] = []
    # No string of the caller can contain this, so it is unique in the JSON.
    mark = f"attachment-{secrets.token_hex(16)}"

    def stand_in(value: object) -> str:
        if isinstance(value, Secret):
            return value.reveal()
        if not isinstance(value, Attachment):
            raise TypeError(f"a {type(value).__name__} is not JSON serializable")
        found.append(value)
        return mark

    try:
        text = json.dumps(
            body, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=stand_in
        )
        plain = [piece.encode() for piece in text.split(mark)]
    except (TypeError, ValueError, RecursionError) as error:
        is_surrogate = isinstance(error, UnicodeEncodeError)
        problem = "a string contains a lone surrogate" if is_surrogate else error
        raise ArgumentError("body", f"cannot be sent as JSON: {problem}") from None
    return JSONBody(plain, [(attachment, await attachment.measure()) for attachment in found])


@attrs.define(eq=False)
class Sink:
    """Writes a download to a file, from the beginning at each attempt.

    Attributes:
        file: The file to write to.
        start: The position in the file at which the download begins.
        max_bytes: Maximum size, in bytes.
        on_progress: The caller's callback.
        received: The size so far, in bytes.
    """

    file: AsyncWritable
    start: int
    max_bytes: int
    on_progress: ProgressCallback | None
    received: int = 0
    _total: int | None = None

    async def begin(self, total: int | None) -> None:
        """Prepare for the first byte; truncate what an earlier attempt wrote.

        Raises:
            CallersFailure: The file cannot be written.
        """
        self._total = total
        self.received = 0
        try:
            await self.file.seek(self.start)
            await self.file.truncate()
        except Exception as error:  # noqa: BLE001 - raised unchanged
            raise CallersFailure(error) from None

    async def write(self, chunk: bytes) -> None:
        """Write the next bytes.

        Raises:
            CallersFailure: The file cannot be written, or the callback failed.
        """
        try:
            written = await self.file.write(chunk)
            if written in range(len(chunk)):  # by an unbuffered file on a full disk
                raise OSError(f"only {written} of {len(chunk)} bytes were written")  # noqa: TRY301 - raised unchanged
            self.received += len(chunk)
            if self.on_progress is not None:
                reported = self.on_progress(self.received, self._total)
                if isawaitable(reported):
                    await reported
        except Exception as error:  # noqa: BLE001 - raised unchanged
            raise CallersFailure(error) from None


@asynccontextmanager
async def opened_sink(
    to: str | os.PathLike[str] | AsyncWritable,
    *,
    max_bytes: int,
    overwrite: bool,
    on_progress: ProgressCallback | None,
) -> AsyncGenerator[Sink, None]:
    """Return a context manager with a sink for a path, or for an open file at its position.

    For a path, a file with an unpredictable name in the same directory is written, and renamed
    when the block ends without an exception, so that no partial file has the final name.

    Raises:
        ArgumentError: The path is not that of a file, or exists and ``overwrite`` is false.
        OSError: The file cannot be written.
    """
    if not isinstance(to, str | os.PathLike):
        yield Sink(to, start=await to.tell(), max_bytes=max_bytes, on_progress=on_progress)
        return
    target = Path(to)
    problem = await _in_thread(partial(_problem_with, target, overwrite=overwrite))
    if problem:
        raise ArgumentError("to", f"{os.fspath(to)!r} {problem}")
    partial_file = target.with_name(f".{secrets.token_hex(12)}.part")
    # Opened and closed here, as a cancellation could abandon a thread between the two. Mode x
    # neither replaces a file nor follows a link.
    try:
        file = partial_file.open("xb")
    except OSError as error:  # with the caller's path
        raise OSError(error.errno, error.strerror, os.fspath(to)) from None
    try:
        if overwrite:
            with suppress(OSError):  # if there is no file, or modes cannot be changed there
                partial_file.chmod(target.stat().st_mode & _PERMISSIONS)  # noqa: ASYNC240 - as above
        yield Sink(anyio.wrap_file(file), start=0, max_bytes=max_bytes, on_progress=on_progress)
        file.close()
        # Not in a thread either, which a cancellation could abandon.
        commit(partial_file, target, overwrite=overwrite)
    finally:
        with suppress(OSError):  # on a full disk; nobody needs what is left in the buffer
            file.close()
        with suppress(OSError):
            partial_file.unlink()


def _problem_with(target: Path, *, overwrite: bool) -> str:
    """Return why a download cannot be written to ``target``, or an empty text."""
    if not target.name or target.name == ".." or "\0" in str(target):
        return "is not the path of a file"
    if target.is_dir():
        return "is a directory"
    if target.exists() and not target.is_file():
        return "is not a regular file"
    if not overwrite and os.path.lexists(target):
        return "already exists; pass overwrite=True to replace it"
    return ""


def commit(source: Path, target: Path, *, overwrite: bool) -> None:
    """Rename a complete file to its final name."""
    if overwrite:
        source.replace(target)
        return
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        # A file system without hard links: reserve the name, then replace the file.
        target.open("xb").close()
        source.replace(target)
