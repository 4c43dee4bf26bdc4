"""Parameters of a call, checked while they are read."""

import binascii
from base64 import b64decode
from collections.abc import Collection, Mapping
from typing import cast

from useresponse_async.sandbox._responses import bad_request
from useresponse_async.sandbox._text import read_time

# No id, page or count has more, and a longer number takes long to read.
_MOST_DIGITS = 18
_PROPERTY = "property_"


class Fields:
    """Reads parameters one by one, collects the wrong ones, and refuses them all at once.

    Each reader returns `None` for a parameter that was not sent and for a wrong one; `check`
    after the last reader raises if any was wrong.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self._wrong: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(
        self, name: str, *, required: bool = False, filled: bool = False, longest: int | None = None
    ) -> str | None:
        """Read a text; `filled` refuses an empty one, `required` also a missing one."""
        if name not in self._values:
            if required:
                self.wrong(name)
            return None
        text = _as_text(self._values[name])
        if (
            text is None
            or (not text and (filled or required))
            or (longest is not None and len(text) > longest)
        ):
            self.wrong(name)
            return None
        return text

    def number(self, name: str, *, least: int = 0, required: bool = False) -> int | None:
        """Read an integer, sent as a number or as its digits."""
        text = self.text(name, required=required)
        if text is None:
            return None
        digits = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        if not digits or int(text) < least:
            self.wrong(name)
            return None
        return int(text)

    def choice(self, name: str, allowed: Collection[str], *, required: bool = False) -> str | None:
        """Read one of the given words; an empty text stands for none."""
        text = self.text(name, required=required)
        if text and text not in allowed:
            self.wrong(name)
        return text if text in allowed else None

    def flag(self, name: str) -> bool | None:
        """Read a 0 or a 1; JSON's own booleans are refused."""
        text = self.text(name)
        if text not in (None, "0", "1"):
            self.wrong(name)
        return text == "1" if text in ("0", "1") else None

    def boolean(self, name: str) -> bool | None:
        """Read one of JSON's booleans; a form can only send their names."""
        value = self._values.get(name)
        if isinstance(value, bool):
            return value
        if name in self and value not in ("true", "false"):
            self.wrong(name)
        return value == "true" if value in ("true", "false") else None

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Read a list of texts; empty ones do not count."""
        items = self._list(name)
        if items is None:
            return None
        texts = [_as_text(item) for item in items]
        if None in texts:
            self.wrong(name)
        return tuple(text for text in texts if text)

    def entries(self, name: str) -> list["Fields"]:
        """Read a list of mappings; one that was not sent is empty."""
        items = self._list(name) or []
        entries = [Fields(cast("dict[str, object]", i)) for i in items if isinstance(i, dict)]
        if len(entries) != len(items):
            self.wrong(name)
        return entries

    def mapping(self, name: str) -> "Fields":
        """Read a mapping; one that was not sent is empty."""
        value = self._values.get(name)
        if isinstance(value, dict):
            return Fields(cast("dict[str, object]", value))
        # PHP writes an empty mapping as an empty list.
        if name in self and value not in (None, [], ""):
            self.wrong(name)
        return Fields({})

    def content(self, name: str) -> bytes | None:
        """Read the content of a file in base64; it is required, but a file may be empty."""
        text = self.text(name)
        try:
            if text is not None:
                return b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            pass
        self.wrong(name)
        return None

    def time(self, name: str, pattern: str) -> int | None:
        """Read a local time in a format; an empty text stands for none."""
        text = self.text(name)
        moment = read_time(text, pattern) if text else None
        if text and moment is None:
            self.wrong(name)
        return moment

    def properties(self, known: Collection[int]) -> dict[int, tuple[str, ...]]:
        """Read every `property_<id>`; several values of one field are joined by a bar."""
        found: dict[int, tuple[str, ...]] = {}
        for name in self._values:
            if not name.startswith(_PROPERTY):
                continue
            digits = name.removeprefix(_PROPERTY)
            text = self.text(name)
            if text is None or not digits.isdecimal() or int(digits) not in known:
                self.wrong(name)
            else:
                found[int(digits)] = tuple(text.split("|")) if text else ()
        return found

    def wrong(self, *names: str) -> None:
        """Note wrong parameters, each once."""
        self._wrong += [name for name in names if name not in self._wrong]

    @property
    def wrong_names(self) -> tuple[str, ...]:
        """The parameters that were wrong so far."""
        return tuple(self._wrong)

    def check(self) -> None:
        """Refuse the call if any parameter read so far was wrong.

        Raises:
            Refusal: A 400 whose context names the wrong ones.
        """
        if self._wrong:
            raise bad_request(*self._wrong)

    def _list(self, name: str) -> list[object] | None:
        value = self._values.get(name)
        if isinstance(value, list):
            return cast("list[object]", value)
        if name in self:
            self.wrong(name)
        return None


def _as_text(value: object) -> str | None:
    if value is None:
        return ""
    # A number is as good as its digits: forms cannot tell the two apart.
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    try:
        # JSON can escape half of a surrogate pair; no response could carry it back.
        text.encode()
    except UnicodeEncodeError:
        return None
    return text
