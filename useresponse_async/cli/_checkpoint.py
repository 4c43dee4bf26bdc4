"""Checkpoints: the state of an export, saved beside its file for ``--resume``."""

from __future__ import annotations

import json
import os
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final

import attrs
from attrs.validators import and_, deep_iterable, ge, instance_of, not_, optional

from useresponse_async.cli._errors import CommandError, MisuseError

OWNER_ONLY: Final = 0o600

_VERSION: Final = 3
_VERSIONS_OF_0_1: Final = (1, 2)


def _at_least(least: int) -> Any:
    # To Python, true is an int.
    return and_(instance_of(int), not_(instance_of(bool)), ge(least))


@attrs.frozen(kw_only=True)
class Checkpoint:
    """The state of an export.

    Attributes:
        request: The options that define the export, without the API key.
        user_id: The id of the user who exports; ``None`` for a guest.
        replaces: Whether the export may replace a file under its final name.
        next_page: The first page that is not yet written.
        offset: The size of the valid content of the part file, in bytes.
        items: Number of items in the part file.
        complete: Whether all items are written, and only the final file is missing.
        made: Device, inode and size of the final file, before it gets its final name.
    """

    request: dict[str, Any] = attrs.field(validator=instance_of(dict))
    user_id: int | None = attrs.field(validator=optional(_at_least(0)))
    replaces: bool = attrs.field(default=False, validator=instance_of(bool))
    next_page: int = attrs.field(default=1, validator=_at_least(1))
    offset: int = attrs.field(default=0, validator=_at_least(0))
    items: int = attrs.field(default=0, validator=_at_least(0))
    complete: bool = attrs.field(default=False, validator=instance_of(bool))
    made: list[int] | None = attrs.field(
        default=None, validator=optional(deep_iterable(_at_least(0), instance_of(list)))
    )

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """Return the content of the resume file; ``None`` if it does not exist."""
        try:
            content = json.loads(path.read_bytes())
            version = content.pop("version")
            if version in _VERSIONS_OF_0_1 and "asker" in content:
                raise CommandError(
                    f"{path} was written by version 0.1 of useresponse-async, and this version "
                    "cannot resume it; --overwrite without --resume starts again"
                )
            if version != _VERSION:
                raise ValueError  # noqa: TRY301 - one way not to be one among others
            return cls(**content)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise CommandError(
                f"{path} is not a resume file of this version; --overwrite without --resume "
                "starts again"
            ) from None

    def save(self, path: Path) -> None:
        """Write the resume file atomically, readable only by its owner."""
        fresh = hidden_beside(path)
        with new_file(fresh) as file:
            file.write(json.dumps({"version": _VERSION, **attrs.asdict(self)}).encode())
        fresh.replace(path)

    def check(self, request: dict[str, Any]) -> None:
        """Raise an error if the options define another export."""
        for name in {**self.request, **request}:
            before, now = self.request.get(name), request.get(name)
            if before != now:
                raise MisuseError(
                    f"--resume needs the options of the original export: {name} was "
                    f"{_shown(before)}, now it is {_shown(now)}; --overwrite without --resume "
                    "starts again"
                )

    def check_user(self, user_id: int | None) -> None:
        """Raise an error if another user began the export."""
        if self.user_id != user_id:
            began, asks = (
                "a guest" if it is None else f"user {it}" for it in (self.user_id, user_id)
            )
            raise MisuseError(
                f"--resume must run as the same user: {began} began the export, now {asks} resumes "
                "it; --overwrite without --resume starts again"
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
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            if os.name == "posix":
                os.fchmod(descriptor, OWNER_ONLY)  # the umask may have taken that from us too
            yield file
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
