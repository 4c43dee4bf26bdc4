"""How are files made that nobody but their owner can read, whatever the umask?"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

__all__ = ["make_private", "private_file_in_place_of"]

_OWNER_ONLY: Final = 0o600


@contextmanager
def private_file_in_place_of(path: Path) -> Generator[BinaryIO, None, None]:
    """Give a file to write, which takes the place of ``path`` in one step when it is whole."""
    # Always the same name, so that the next run takes away what one that was killed has left; and
    # one that nobody else gives to a file.
    fresh = path.with_name(f".{path.name}.useresponse-async")
    fresh.unlink(missing_ok=True)
    try:
        with open(_new_private_file(fresh), "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def make_private(descriptor: int) -> None:
    """Let nobody but the owner read or write the file, where the system knows owners."""
    if os.name == "posix":
        os.fchmod(descriptor, _OWNER_ONLY)


def _new_private_file(path: Path) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, _OWNER_ONLY)
    make_private(descriptor)
    return descriptor
