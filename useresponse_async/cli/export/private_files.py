"""How are files made that nobody but their owner can read, whatever the umask?"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

__all__ = ["make_private", "new_private_file"]

_OWNER_ONLY: Final = 0o600


def new_private_file(path: Path) -> int:
    """Make a file, in place of one that may be there, and return its descriptor for writing."""
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, _OWNER_ONLY)
    make_private(descriptor)
    return descriptor


def make_private(descriptor: int) -> None:
    """Let nobody but the owner read or write the file, where the system knows owners."""
    if os.name == "posix":
        os.fchmod(descriptor, _OWNER_ONLY)
