"""Parquet files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from importlib import import_module
from itertools import islice
from typing import Any, BinaryIO, Final, get_origin

import attrs

from useresponse_async._decode import is_array
from useresponse_async.cli._formats import Field, Row, Shape, utf8

_ROWS_IN_GROUP: Final = 10_000
_INT64_BITS: Final = 63


def write_parquet(rows: Callable[[], Iterable[Row]], shape: Shape, file: BinaryIO) -> list[str]:
    """Write rows as a Parquet file, in row groups of 10,000, one of which is held in memory.

    Integers are ``int64``, times ``timestamp[us, UTC]``, models structs. What the server sends
    beyond the known fields, and what has no documented type, is JSON in a string. A column with
    an integer that needs more than 64 bits is written as text, all of it.

    Returns:
        The names of the columns that are text for that reason.
    """
    # Imported by name: pyarrow has no types of its own to check against.
    pyarrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    changed: list[str] = []
    unread = iter(rows())
    while True:
        schema = pyarrow.schema([(field.name, _type_of(field, pyarrow)) for field in shape])
        file.seek(0)
        file.truncate()
        with parquet.ParquetWriter(file, schema) as writer:
            while group := list(islice(unread, _ROWS_IN_GROUP)):
                wider = _widened(shape, group, changed)
                if wider != shape:
                    break
                records = [
                    {field.name: _value(field, row[field.name]) for field in shape} for row in group
                ]
                writer.write_table(pyarrow.Table.from_pylist(records, schema=schema))
            else:
                return changed
        shape, unread = wider, iter(rows())


def _widened(shape: Shape, rows: list[Row], changed: list[str], prefix: str = "") -> Shape:
    """Return ``shape`` with text fields in place of those whose integers exceed int64."""
    fields: list[Field] = []
    for field in shape:
        values = [row[field.name] for row in rows if row[field.name] is not None]
        name, new = f"{prefix}{field.name}", field
        if field.type is int and any(_is_too_big(value) for value in values):
            new = attrs.evolve(field, type=str)
            changed.append(name)
        elif field.fields:
            is_list = get_origin(field.type) is list
            inner = [row for them in values for row in them] if is_list else values
            new = attrs.evolve(field, fields=_widened(field.fields, inner, changed, f"{name}."))
        fields.append(new)
    return tuple(fields)


def _is_too_big(value: int) -> bool:
    return (value if value >= 0 else ~value).bit_length() > _INT64_BITS


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
