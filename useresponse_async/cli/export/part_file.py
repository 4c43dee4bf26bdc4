"""Where do items stand until an export is whole? On lines, of which none is ever half."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from useresponse_async._decode import MalformedBody, parse
from useresponse_async.cli.export.private_files import make_private
from useresponse_async.cli.export.shape import Row
from useresponse_async.cli.failures import CommandError

if sys.platform != "win32":
    import fcntl

__all__ = ["PartFile"]

# O_BINARY: Windows would turn line ends into its own. It has no O_NOFOLLOW.
_FLAGS: Final = (
    os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
)


class PartFile:
    """Lines of JSON that only their owner can read, and only one process writes.

    Attributes:
        path: Where it is.
        size: How much of it holds, in bytes; what may be behind that is cut off at the end.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.path = path
        self.size: int = os.fstat(descriptor).st_size
        self._descriptor = descriptor

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Generator[PartFile, None, None]:
        """Open the file, or make it, for this process alone.

        Raises:
            CommandError: Another export is writing it.
        """
        descriptor = os.open(path, _FLAGS, 0o600)
        try:
            _lock(path, descriptor)
            make_private(descriptor)
            part = cls(path, descriptor)
            try:
                yield part
            finally:
                os.ftruncate(descriptor, part.size)
        finally:
            os.close(descriptor)

    def cut(self, size: int) -> None:
        """Forget what stands behind the first ``size`` bytes."""
        os.ftruncate(self._descriptor, size)
        self.size = size

    def append(self, lines: bytes) -> None:
        """Add whole lines."""
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self.size += len(lines)

    def sync(self) -> None:
        """Return when all that was added is on the disk."""
        os.fsync(self._descriptor)

    def rows(self) -> Iterator[Row]:
        """Yield the items.

        Raises:
            CommandError: A line holds none: somebody else has written there.
        """
        with self.path.open("rb") as file:
            for line in file:
                try:
                    row = parse(line)
                except MalformedBody:
                    row = None
                if not isinstance(row, dict):
                    raise CommandError(f"{self.path} was changed; --overwrite begins anew")
                yield row


def _lock(path: Path, descriptor: int) -> None:
    if sys.platform == "win32":
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The other one may have made the file's last form of it since it was opened.
        is_still_there = path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor))
    except BlockingIOError:
        is_still_there = False
    if not is_still_there:
        raise CommandError(f"another export is writing {path}")
