"""How far had an export come, and what was it asked for? Kept beside it, for --resume."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import attrs

from useresponse_async.cli.export.private_files import new_private_file
from useresponse_async.cli.failures import CommandError, MisuseError

__all__ = ["Checkpoint"]

_VERSION: Final = 1


@attrs.frozen(kw_only=True)
class Checkpoint:
    """What of an export is on the disk for good.

    Attributes:
        request: What was asked for; never the API key.
        next_page: The first page that is not written yet.
        offset: How much of the part file holds, in bytes.
        items: How many items that is.
        complete: Whether these are all, and only the file's last form is missing.
    """

    request: dict[str, Any]
    next_page: int = 1
    offset: int = 0
    items: int = 0
    complete: bool = False

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
        except (ValueError, TypeError, KeyError, AttributeError):
            raise CommandError(
                f"{path} is no resume file of this version; --overwrite begins anew"
            ) from None

    def save(self, path: Path) -> None:
        """Write the resume file, which only its owner can read, so that it is old or new."""
        fresh = path.with_name(f"{path.name}.new")
        descriptor = new_private_file(fresh)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
            json.dump({"version": _VERSION, **attrs.asdict(self)}, file)
            file.flush()
            os.fsync(descriptor)
        fresh.replace(path)

    def check(self, request: dict[str, Any]) -> None:
        """Refuse to go on with something else than what was asked for.

        Raises:
            MisuseError: It was something else; names the first difference.
        """
        for name in {**self.request, **request}:
            before, now = self.request.get(name), request.get(name)
            if before != now:
                raise MisuseError(
                    f"--resume goes on with the same export only: {name} was {_shown(before)} and "
                    f"now is {_shown(now)}; --overwrite begins anew"
                )


def _shown(value: Any) -> str:
    return "not given" if value is None else json.dumps(value, ensure_ascii=False)
