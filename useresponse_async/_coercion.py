"""What does a JSON value mean where another type is wanted? PHP leaves much to be guessed."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import Any, Final, TypeGuard

from useresponse_async._secret import Secret

__all__ = [
    "StructureError",
    "is_array",
    "is_object",
    "kind_of",
    "to_flag",
    "to_list",
    "to_moment",
    "to_secret",
    "to_text",
    "to_texts",
    "whole_number",
]

_WHOLE_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,4000}")
_LONGEST_QUOTE: Final = 40
_EXACT_FLOATS: Final = 2**53
"""Beyond it a reader that makes floats of large integers has changed them."""


class StructureError(ValueError):
    """JSON does not fit the type that is wanted.

    Attributes:
        problem: What does not fit.
        place: Where, e.g. ``data[3].role.id``.
    """

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(problem, place)
        self.problem = problem
        self.place = place

    def below(self, parent: str) -> StructureError:
        """Return the same misfit, seen from ``parent``'s parent."""
        joint = "." if self.place and not self.place.startswith("[") else ""
        return StructureError(self.problem, f"{parent}{joint}{self.place}")


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Return whether ``value`` is a JSON object."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Return whether ``value`` is a JSON array."""
    return isinstance(value, list)


def kind_of(value: Any) -> str:
    """Return what JSON calls the kind of ``value``."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return "a text"
    return "null" if value is None else "a number"


def whole_number(value: Any, _wanted: object = None) -> int | None:
    """Return an integer, also from its text; ``None`` for null and an empty text."""
    if type(value) is int:
        return value
    if value is None or value == "":
        return None
    if isinstance(value, str):
        digits = value.strip()
        if not _WHOLE_NUMBER.fullmatch(digits):
            raise StructureError(f"{_quoted(value)} is no whole number")
        return int(digits)
    if isinstance(value, bool) or (isinstance(value, float) and abs(value) <= _EXACT_FLOATS):
        if value != int(value):
            raise StructureError(f"{value} is no whole number")
        return int(value)
    raise StructureError(f"{kind_of(value)}, where a whole number was promised")


def _quoted(text: str) -> str:
    # Whole or not at all: half a secret could not be told from any other text.
    return repr(text) if len(text) <= _LONGEST_QUOTE else f"a text of {len(text)} characters"


def to_text(value: Any, _wanted: object) -> str | None:
    """Return a text, also from a number; ``None`` for null and ``false``."""
    if value is None or type(value) is str:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if value is False:
        return None
    raise StructureError(f"{kind_of(value)}, where a text was promised")


def to_flag(value: Any, _wanted: object) -> bool | None:
    """Return a flag, also from 0 and 1 and their texts; ``None`` for null and an empty text."""
    if value is None or type(value) is bool:
        return value
    if isinstance(value, str):
        value = {"true": 1, "false": 0}.get(value.lower(), value)
    number = whole_number(value)
    if number not in (None, 0, 1):
        raise StructureError(f"{number} is neither 0 nor 1")
    return None if number is None else bool(number)


def to_moment(value: Any, _wanted: object) -> datetime | None:
    """Return the time of a Unix time in seconds; ``None`` for null, an empty text and 0."""
    seconds = whole_number(value)
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        raise StructureError(f"{seconds} is no Unix time") from None


def to_secret(value: Any, wanted: object) -> Secret | None:
    """Return a text as a secret; ``None`` for null and an empty text."""
    text = to_text(value, wanted)
    return Secret(text) if text else None


def to_list(value: Any) -> list[Any] | None:
    """Return a list, also where PHP writes one as an object or nothing; ``None`` if it is none."""
    if is_array(value):
        return value
    if is_object(value):
        return list(value.values()) if all(key.isdecimal() for key in value) else None
    return [] if value is None or value is False or value == "" else None


def to_texts(value: Any, _wanted: object) -> list[str]:
    """Read a list of texts, which some endpoints send as one text with commas."""
    if value.__class__ is list:
        try:
            return [text for item in value if (text := item.strip())]
        except AttributeError:
            pass  # not all are texts
    if isinstance(value, str):
        if "," in value:
            return [*filter(None, map(str.strip, value.split(",")))]
        return [text] if (text := value.strip()) else []
    items = to_list(value)
    if items is None:
        raise StructureError(f"{kind_of(value)}, where a list of texts was promised")
    texts = (_text_at(index, item) for index, item in enumerate(items))
    return [text.strip() for text in texts if text and text.strip()]


def _text_at(index: int, item: Any) -> str | None:
    try:
        return to_text(item, str)
    except StructureError as misfit:
        raise misfit.below(f"[{index}]") from None
