"""Fields of the exported models, and the text formats made of them: JSON Lines and CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeAlias, get_args, get_origin

import attrs

from useresponse_async._decode import is_array
from useresponse_async.cli._errors import MisuseError
from useresponse_async.models._wire import exported_types

Row: TypeAlias = dict[str, Any]
"""An item as plain data, as ``to_dict()`` returns it."""


@attrs.frozen
class Field:
    """A field of a model.

    Attributes:
        name: Its name.
        type: Its type; ``Any`` for anything that the server may send.
        fields: The fields of the model, or of the models in a list, that it holds.
    """

    name: str
    type: Any
    fields: Shape = ()


Shape: TypeAlias = tuple[Field, ...]
"""The fields of a model, in their order."""


def shape_of(model: type[Any]) -> Shape:
    """Return the fields of ``model``, except those that may contain a key."""
    fields: list[Field] = []
    for name, held in exported_types(model).items():
        inner = get_args(held)[0] if get_origin(held) is list else held
        fields.append(Field(name, held, shape_of(inner) if attrs.has(inner) else ()))
    return (*fields, Field("extra", Any))


def chosen(shape: Shape, names: Iterable[str]) -> Shape:
    """Return the fields with these ``names``, which may be nested: ``role.alias``."""
    parts: dict[str, list[str]] = {}
    for name in names:
        head, _, rest = name.partition(".")
        parts.setdefault(head, []).append(rest)
    known = {field.name: field for field in shape}
    fields: list[Field] = []
    for name, rests in parts.items():
        field = known.get(name)
        if field is None:
            raise MisuseError(f"--fields: {name!r} is not one of {', '.join(known)}")
        if "" not in rests:
            if not field.fields:
                raise MisuseError(f"--fields: {name!r} has no subfields")
            field = attrs.evolve(field, fields=chosen(field.fields, rests))
        fields.append(field)
    return tuple(fields)


def _only(shape: Shape, value: Any) -> Any:
    """Return ``value``, a row or a list of rows, with only the fields of ``shape``."""
    if is_array(value):
        return [_only(shape, row) for row in value]
    if value is None or not shape:
        return value
    return {field.name: _only(field.fields, value[field.name]) for field in shape}


def json_line(row: Row) -> str:
    """Return a row as one line of JSON, also for readers with other ideas of line ends."""
    line = json.dumps(row, ensure_ascii=False)
    for mark in "\x85\u2028\u2029":
        line = line.replace(mark, f"\\u{ord(mark):04x}")
    return f"{line}\n"


def utf8(text: str) -> bytes:
    """Return ``text`` in UTF-8, half of a surrogate pair escaped: in JSON it stays the same."""
    return text.encode("utf-8", "backslashreplace")


@attrs.frozen
class JSONLines:
    """One JSON object on each line.

    Attributes:
        shape: The fields to write; none writes rows as they are.
    """

    shape: Shape

    def header(self) -> bytes:
        """Return nothing."""
        return b""

    def encoded(self, rows: Iterable[Row]) -> bytes:
        """Return a line for each row."""
        return utf8("".join(json_line(_only(self.shape, row)) for row in rows))


_BYTE_ORDER_MARK: Final = "\ufeff"

# What some spreadsheets skip in front of a formula: characters that are not seen.
_UNSEEN: Final = (
    "\x00-\x08\x0e-\x1f\x7f\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060"
    "\u2066-\u2069\ufeff\U000e0001"
)
# A formula begins a cell, or stands behind what ends a cell or a row where the file is read with
# other separators. Full-width signs count too. Each run of blanks is read once.
_FORMULA: Final = re.compile(
    rf"^(?=[\t\r\n]|[\s{_UNSEEN}]*[=+\-@\uff1d\uff0b\uff0d\uff20])"
    rf"|(?<=[;\t\r\n])(?=(?:(?![\t\r\n])[\s{_UNSEEN}])*[=+\-@\uff1d\uff0b\uff0d\uff20])"
)


class CSV:
    """Comma-separated values, as RFC 4180 has them: a header, then a line for each row.

    A model in a field has a column for each of its own fields, ``role.alias``. What is nested
    deeper, lists, and keys unknown to the model are JSON in one cell. ``None`` and an empty list
    are empty cells.

    Args:
        shape: The fields to write.
        excel_safe: Begin with a byte order mark, which tells spreadsheets the encoding, and put
            an apostrophe before all that they would run as a formula.
    """

    def __init__(self, shape: Shape, *, excel_safe: bool = False) -> None:
        self._columns = list(_columns(shape))
        self._excel_safe = excel_safe

    def header(self) -> bytes:
        """Return the line with the columns' names."""
        names = [".".join(field.name for field in column) for column in self._columns]
        mark = _BYTE_ORDER_MARK if self._excel_safe else ""
        return utf8(mark + _lines([names]))

    def encoded(self, rows: Iterable[Row]) -> bytes:
        """Return a line for each row."""
        return utf8(_lines([self._cell(row, c) for c in self._columns] for row in rows))

    def _cell(self, row: Row, column: Shape) -> str:
        value: Any = row
        for field in column:
            value = None if value is None else value[field.name]
        if value is None or value in ([], {}):
            return ""
        text: str = (
            value
            if isinstance(value, str)
            else json.dumps(_only(column[-1].fields, value), ensure_ascii=False)
        )
        is_number = isinstance(value, int | float)
        return _FORMULA.sub("'", text) if self._excel_safe and not is_number else text


def _columns(shape: Shape) -> Iterator[Shape]:
    for field in shape:
        if field.fields and get_origin(field.type) is not list:
            yield from ((field, inner) for inner in field.fields)
        else:
            yield (field,)


def _lines(rows: Iterable[Iterable[str]]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue()
