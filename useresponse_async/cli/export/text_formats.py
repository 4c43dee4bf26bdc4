"""How do rows become JSON Lines or CSV?"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, Protocol

from useresponse_async.cli.export.shape import Field, Kind, Row, Shape, only

__all__ = ["CSV", "JSONLines", "TextFormat", "json_line"]

# Letters to JSON, but ends of lines to many who read line by line.
_LINE_ENDS: Final = "\x85\u2028\u2029"

# A formula to spreadsheets: full-width signs are signs to some of them, and what is blank or not
# seen is passed over by others.
_FORMULA: Final = re.compile(
    r"[\t\r\n]|[\s\x00-\x1f\u200b-\u200f\u2060\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]"
)
_BYTE_ORDER_MARK: Final = "\ufeff"


class TextFormat(Protocol):
    """A format that is written from the first row to the last."""

    def header(self) -> bytes:
        """Return what stands before the first row."""
        ...

    def encoded(self, rows: Iterable[Row]) -> bytes:
        """Return ``rows`` as they are written."""
        ...


def json_line(row: Row) -> str:
    """Return a row as one line of JSON, whatever takes what for the end of a line."""
    line = json.dumps(row, ensure_ascii=False)
    for mark in _LINE_ENDS:
        line = line.replace(mark, f"\\u{ord(mark):04x}")
    return f"{line}\n"


class JSONLines:
    """One JSON object on each line.

    Args:
        shape: The fields to write; ``None`` writes rows as they are.
    """

    def __init__(self, shape: Shape | None = None) -> None:
        self._shape = shape

    def header(self) -> bytes:
        """Return nothing."""
        return b""

    def encoded(self, rows: Iterable[Row]) -> bytes:
        """Return a line for each row."""
        if self._shape is not None:
            rows = [only(self._shape, row) for row in rows]
        return _utf8("".join(map(json_line, rows)))


class CSV:
    """Comma-separated values, as RFC 4180 has them: a header, then a line for each row.

    A model in a field has a column for each of its own fields, ``role.alias``. What is nested
    deeper, lists, and keys unknown to the model are JSON in one cell. ``None`` and an empty list
    are empty cells.

    Args:
        shape: The fields to write.
        excel_safe: Whether a byte order mark tells spreadsheets the encoding, and an apostrophe
            keeps them from running text as a formula.
    """

    def __init__(self, shape: Shape, *, excel_safe: bool = False) -> None:
        self._columns = list(_columns(shape))
        self._excel_safe = excel_safe

    def header(self) -> bytes:
        """Return the line with the columns' names."""
        names = [".".join(field.name for field in column) for column in self._columns]
        mark = _BYTE_ORDER_MARK if self._excel_safe else ""
        return _utf8(mark + _lines([names]))

    def encoded(self, rows: Iterable[Row]) -> bytes:
        """Return a line for each row."""
        return _utf8(_lines([self._cell(row, c) for c in self._columns] for row in rows))

    def _cell(self, row: Row, column: tuple[Field, ...]) -> str:
        value: Any = row
        for field in column:
            value = None if value is None else value[field.name]
        text = _cell_text(only(column[-1].fields, value))
        if self._excel_safe and isinstance(value, str) and _FORMULA.match(text):
            return f"'{text}"
        return text


def _columns(shape: Shape) -> Iterator[tuple[Field, ...]]:
    for field in shape:
        if field.kind is Kind.MODEL:
            yield from ((field, inner) for inner in field.fields)
        else:
            yield (field,)


def _cell_text(value: Any) -> str:
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False)


def _lines(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _utf8(text: str) -> bytes:
    # Half of a surrogate pair, which JSON can hold, is spelled out: in JSON it stays the same.
    return text.encode("utf-8", "backslashreplace")
