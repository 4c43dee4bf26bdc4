"""Fields of the exported models, and the formats: JSON Lines, CSV and Parquet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from importlib import import_module
from itertools import islice
from typing import Any, BinaryIO, Final, TypeAlias, get_args, get_origin

import attrs

from useresponse_async._decode import is_array
from useresponse_async.cli._errors import MisuseError
from useresponse_async.models._wire import exported_types

Row: TypeAlias = dict[str, Any]
"""An item as plain data, as ``to_dict()`` returns it."""


@attrs.frozen
class Field:
    """A field of a model, with the fields of the model, or of the models in a list, in it."""

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
    """Return a row as one line of JSON, also for readers that know Unicode's line ends."""
    line = json.dumps(row, ensure_ascii=False)
    for mark in "\x85\u2028\u2029":
        line = line.replace(mark, f"\\u{ord(mark):04x}")
    return f"{line}\n"


def utf8(text: str) -> bytes:
    """Return ``text`` in UTF-8, half of a surrogate pair escaped: in JSON it stays the same."""
    return text.encode("utf-8", "backslashreplace")


@attrs.frozen
class JSONLines:
    """One JSON object per line, with the fields of ``shape``; an empty one writes all fields."""

    shape: Shape

    def header(self) -> bytes:
        return b""

    def encoded(self, rows: Iterable[Row]) -> bytes:
        return utf8("".join(json_line(_only(self.shape, row)) for row in rows))


_BYTE_ORDER_MARK: Final = "\ufeff"

# Invisible characters, which some spreadsheets skip before a formula.
_INVISIBLE: Final = (
    "\x00-\x08\x0e-\x1f\x7f\xad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060"
    "\u2066-\u2069\ufeff\U000e0001"
)
# A formula begins a cell, or follows what ends a cell or a row where the file is read with other
# separators. Full-width signs count too. Each run of blanks is read once.
_FORMULA: Final = re.compile(
    rf"^(?=[\t\r\n]|[\s{_INVISIBLE}]*[=+\-@\uff1d\uff0b\uff0d\uff20])"
    rf"|(?<=[;\t\r\n])(?=(?:(?![\t\r\n])[\s{_INVISIBLE}])*[=+\-@\uff1d\uff0b\uff0d\uff20])"
)


class CSV:
    """Comma-separated values by RFC 4180: a header, then a line for each row.

    A model in a field has a column for each of its own fields, ``role.alias``. Values that are
    nested deeper, lists, and unknown keys are JSON in one cell. ``None`` and an empty list are
    empty cells. With ``excel_safe``, a byte order mark tells spreadsheets the encoding, and
    everything that they would run as a formula begins with an apostrophe.
    """

    def __init__(self, shape: Shape, *, excel_safe: bool = False) -> None:
        self._columns = list(_columns(shape))
        self._excel_safe = excel_safe

    def header(self) -> bytes:
        names = [".".join(field.name for field in column) for column in self._columns]
        mark = _BYTE_ORDER_MARK if self._excel_safe else ""
        return utf8(mark + _lines([names]))

    def encoded(self, rows: Iterable[Row]) -> bytes:
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


_ROWS_IN_GROUP: Final = 10_000
_INT64_LIMIT: Final = 2**63


def write_parquet(rows: Callable[[], Iterable[Row]], shape: Shape, file: BinaryIO) -> list[str]:
    """Write rows as a Parquet file, in row groups of 10,000, one of which is held in memory.

    Integers are ``int64``, times ``timestamp[us, UTC]``, models structs. Unknown fields, and
    fields without a documented type, are JSON in a string. A column with an integer that needs
    more than 64 bits is written as text.

    Returns:
        The names of the columns that are text for that reason.
    """
    # Imported by name: pyarrow has no types of its own to check against.
    pyarrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    changed: list[str] = []
    unread = iter(rows())
    while group := list(islice(unread, _ROWS_IN_GROUP)):
        shape = _widened(shape, group, changed)
    schema = pyarrow.schema([(field.name, _type_of(field, pyarrow)) for field in shape])
    unread = iter(rows())
    with parquet.ParquetWriter(file, schema) as writer:
        while group := list(islice(unread, _ROWS_IN_GROUP)):
            records = [{it.name: _value(it, row[it.name]) for it in shape} for row in group]
            writer.write_table(pyarrow.Table.from_pylist(records, schema=schema))
    return changed


def _widened(shape: Shape, rows: list[Row], changed: list[str], prefix: str = "") -> Shape:
    """Return ``shape`` with text fields in place of those whose integers exceed int64."""
    fields: list[Field] = []
    for field in shape:
        values = [row[field.name] for row in rows if row[field.name] is not None]
        name, new = f"{prefix}{field.name}", field
        if field.type is int and any(not -_INT64_LIMIT <= value < _INT64_LIMIT for value in values):
            new = attrs.evolve(field, type=str)
            changed.append(name)
        elif field.fields:
            is_list = get_origin(field.type) is list
            inner = [row for them in values for row in them] if is_list else values
            new = attrs.evolve(field, fields=_widened(field.fields, inner, changed, f"{name}."))
        fields.append(new)
    return tuple(fields)


def _type_of(field: Field, pyarrow: Any) -> Any:
    text = pyarrow.string()
    if field.fields:
        struct = pyarrow.struct([(part.name, _type_of(part, pyarrow)) for part in field.fields])
        return pyarrow.list_(struct) if get_origin(field.type) is list else struct
    if field.type == list[str]:
        return pyarrow.list_(text)
    moment = pyarrow.timestamp("us", tz="UTC")
    return {int: pyarrow.int64(), bool: pyarrow.bool_(), datetime: moment}.get(field.type, text)


def _value(field: Field, value: Any) -> Any:
    """Return ``value`` as pyarrow takes it for the type of ``field``."""
    if value is None or field.type in (int, bool):
        return value
    if field.type is datetime:
        return datetime.fromisoformat(value)
    if field.fields and not is_array(value):
        return {part.name: _value(part, value[part.name]) for part in field.fields}
    if field.fields or field.type == list[str]:
        inner = field if field.fields else Field(field.name, str)
        return [_value(inner, item) for item in value]
    if field.type is not str and value == {}:
        return None
    text = str(value) if field.type is str else json.dumps(value, ensure_ascii=False)
    return utf8(text).decode()
