"""Checkpoints: the state of an export, saved beside its file for ``--resume``."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import attrs

from useresponse_async.cli._errors import CommandError, MisuseError
from useresponse_async.models._plain import from_plain

OWNER_ONLY: Final = 0o600
START_AGAIN: Final = "--overwrite without --resume starts again"

_VERSION: Final = 3
_VERSIONS_OF_0_1: Final = (1, 2)


@attrs.frozen(kw_only=True)
class Checkpoint:
    """The state of an export.

    Attributes:
        request: The options that define the export, without the API key, and the user's id.
        replaces: Whether the export may replace a file under its final name.
        next_page: The first page that is not yet written.
        offset: The size of the valid content of the part file, in bytes.
        items: Number of items in the part file.
        made: Device, inode and size of the final file, before it gets its final name.
    """

    request: dict[str, Any]
    replaces: bool = False
    next_page: int = 1
    offset: int = 0
    items: int = 0
    made: list[int] | None = None

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """Return the content of the resume file; ``None`` if it does not exist."""
        try:
            content = json.loads(path.read_bytes())
            version = content.pop("version")
            if version == _VERSION:
                return from_plain(content, cls)
            was_0_1 = version in _VERSIONS_OF_0_1 and "asker" in content
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            was_0_1 = False
        if was_0_1:
            raise CommandError(
                f"{path} was written by version 0.1 of useresponse-async, and this version "
                f"cannot resume it; {START_AGAIN}"
            )
        raise CommandError(f"{path} is not a resume file of this version; {START_AGAIN}")

    def save(self, path: Path) -> None:
        """Write the resume file atomically, readable only by its owner."""
        fresh = hidden_beside(path)
        with new_file(fresh) as file:
            file.write(json.dumps({"version": _VERSION, **attrs.asdict(self)}).encode())
        fresh.replace(path)

    def check(self, request: dict[str, Any]) -> None:
        """Raise an error if the options, or the user, define another export."""
        for name, value in request.items():
            before, now = _shown(self.request.get(name)), _shown(value)
            if before != now:
                raise MisuseError(
                    f"--resume needs the user and the options of the original export: {name} was "
                    f"{before}, now it is {now}; {START_AGAIN}"
                )


def _shown(value: Any) -> str:
    return "not set" if value is None else json.dumps(value, ensure_ascii=False)


def hidden_beside(path: Path) -> Path:
    """Return the temporary name of ``path``.

    It is always the same, so that a run removes the file of a killed one, and other programs do
    not use it.
    """
    return path.with_name(f".{path.name}.useresponse-async")


@contextmanager
def new_file(path: Path) -> Generator[BinaryIO, None, None]:
    """Create a file readable only by its owner, and sync it to disk when the block ends."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            os.fchmod(descriptor, OWNER_ONLY)  # the umask may have taken that from us too
            yield file
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
