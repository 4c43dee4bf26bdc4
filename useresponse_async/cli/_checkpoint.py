"""Checkpoints: how far an export has come, kept beside it for ``--resume``."""

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
    """What of an export is on the disk.

    Attributes:
        request: What was asked for; never the API key.
        user_id: The user whose key it was; ``None`` for a guest.
        replaces: The export may replace a file under its final name.
        next_page: The first page that is not written yet.
        offset: The size of the part file's valid content, in bytes.
        items: Number of items in it.
        complete: These are all, and only the file's final form is missing.
        made: Device, number and size of the file in its final form, which is about to be named.
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
        """Return what the resume file says; ``None`` if there is none."""
        try:
            content = json.loads(path.read_bytes())
            version = content.pop("version")
            if version in _VERSIONS_OF_0_1 and "asker" in content:
                raise CommandError(
                    f"{path} was written by version 0.1 of useresponse-async, whose exports this "
                    "version cannot resume; --overwrite alone begins anew"
                )
            if version != _VERSION:
                raise ValueError  # noqa: TRY301 - one way not to be one among others
            return cls(**content)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise CommandError(
                f"{path} is not a resume file of this version; --overwrite alone begins anew"
            ) from None

    def save(self, path: Path) -> None:
        """Write the resume file, which only its owner can read, so that it is old or new."""
        fresh = hidden_beside(path)
        with new_file(fresh) as file:
            file.write(json.dumps({"version": _VERSION, **attrs.asdict(self)}).encode())
        fresh.replace(path)

    def check(self, request: dict[str, Any]) -> None:
        """Refuse to resume another export."""
        for name in {**self.request, **request}:
            before, now = self.request.get(name), request.get(name)
            if before != now:
                raise MisuseError(
                    f"--resume continues the same export only: {name} was {_shown(before)} and "
                    f"now is {_shown(now)}; --overwrite alone begins anew"
                )

    def check_user(self, user_id: int | None) -> None:
        """Refuse to resume the export of another user."""
        if self.user_id != user_id:
            began, asks = (
                "a guest" if it is None else f"user {it}" for it in (self.user_id, user_id)
            )
            raise MisuseError(
                f"--resume continues as the same user only: the export was begun by {began}, and "
                f"now {asks} asks; --overwrite alone begins anew"
            )


def _shown(value: Any) -> str:
    return "not given" if value is None else json.dumps(value, ensure_ascii=False)


def hidden_beside(path: Path) -> Path:
    """Return the name under which ``path`` is prepared.

    It is always the same, so that a run removes what a killed one has left; and one that nobody
    else gives to a file.
    """
    return path.with_name(f".{path.name}.useresponse-async")


@contextmanager
def new_file(path: Path) -> Generator[BinaryIO, None, None]:
    """Make a file that only its owner can read; when the block ends, it is on the disk."""
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
