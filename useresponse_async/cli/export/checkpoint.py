"""How far had an export come, and what was it asked for? Kept beside it, for --resume."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import attrs
from attrs.validators import and_, ge, instance_of, matches_re, not_

from useresponse_async._secret import Secret
from useresponse_async.cli.export.asker import GUEST, MARK_FORM, is_mark_of
from useresponse_async.cli.export.private_files import private_file_in_place_of
from useresponse_async.cli.failures import CommandError, MisuseError

__all__ = ["Checkpoint"]

_VERSION: Final = 2


def _at_least(least: int) -> Any:
    # To Python, true is an int.
    return and_(instance_of(int), not_(instance_of(bool)), ge(least))


@attrs.frozen(kw_only=True)
class Checkpoint:
    """What of an export is on the disk for good.

    Attributes:
        request: What was asked for; never the API key.
        asker: The mark of who asked.
        next_page: The first page that is not written yet.
        offset: How much of the part file holds, in bytes.
        items: How many items that is.
        complete: Whether these are all, and only the file's last form is missing.
    """

    request: dict[str, Any] = attrs.field(validator=instance_of(dict))
    asker: str = attrs.field(validator=matches_re(MARK_FORM))
    next_page: int = attrs.field(default=1, validator=_at_least(1))
    offset: int = attrs.field(default=0, validator=_at_least(0))
    items: int = attrs.field(default=0, validator=_at_least(0))
    complete: bool = attrs.field(default=False, validator=instance_of(bool))

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """Return what the resume file says; ``None`` if there is none.

        Raises:
            CommandError: It is no such file.
        """
        try:
            content = json.loads(path.read_bytes())
            if content.pop("version") != _VERSION:
                raise ValueError  # noqa: TRY301 - one way to be no such file among others
            return cls(**content)
        except FileNotFoundError:
            return None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise CommandError(
                f"{path} is no resume file of this version; --overwrite begins anew"
            ) from None

    def save(self, path: Path) -> None:
        """Write the resume file, which only its owner can read, so that it is old or new."""
        with private_file_in_place_of(path) as file:
            file.write(json.dumps({"version": _VERSION, **attrs.asdict(self)}).encode())

    def check(self, request: dict[str, Any], key: Secret | None) -> None:
        """Refuse to go on with something else than what was asked for, or as somebody else.

        Args:
            request: What is asked for now.
            key: The key of who asks now; ``None`` for a guest.

        Raises:
            MisuseError: It was something else, or somebody else.
        """
        for name in {**self.request, **request}:
            before, now = self.request.get(name), request.get(name)
            if before != now:
                raise MisuseError(
                    f"--resume goes on with the same export only: {name} was {_shown(before)} and "
                    f"now is {_shown(now)}; --overwrite begins anew"
                )
        if not is_mark_of(self.asker, key):
            raise MisuseError(
                f"--resume goes on as the same user only: the export was begun "
                f"{_asked_as(self.asker, key)}; --overwrite begins anew"
            )


def _shown(value: Any) -> str:
    return "not given" if value is None else json.dumps(value, ensure_ascii=False)


def _asked_as(asker: str, key: Secret | None) -> str:
    if asker == GUEST:
        return "as a guest, and now an API key is given"
    if key is None:
        return "with an API key, and now a guest asks"
    return "with another API key (one that was changed since counts as another too)"
