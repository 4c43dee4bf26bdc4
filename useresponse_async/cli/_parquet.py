"""Parquet files."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from importlib import import_module
from itertools import islice
from typing import Any, BinaryIO, Final

import attrs

from useresponse_async.cli._errors import CommandError
from useresponse_async.cli._formats import Field, Kind, Row, Shape

_ROWS_IN_GROUP: Final = 10_000
_INT64_BITS: Final = 63


def write_parquet(rows: Callable[[], Iterable[Row]], shape: Shape, file: BinaryIO) -> list[str]:
    """Write rows as a Parquet file, in row groups of 10,000, one of which is held in memory.

    Integers are ``int64``, times ``timestamp[us, UTC]``, models structs. What the server sends
    beyond the known fields, and what has no documented type, is JSON in a string. A column with
    an integer that needs more than 64 bits is written as text, all of it.
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
                records = [_record(shape, row) for row in group]
                try:
                    table = pyarrow.Table.from_pylist(records, schema=schema)
                except (pyarrow.ArrowException, OverflowError) as error:
                    raise CommandError(
                        f"a value cannot be written to Parquet: {error}; export to .jsonl or "
                        ".csv, or omit its field with --fields"
                    ) from None
                writer.write_table(table)
            else:
                return changed
        shape, unread = wider, iter(rows())


def _widened(shape: Shape, rows: list[Row], changed: list[str], prefix: str = "") -> Shape:
    """Return ``shape`` with text fields in place of those whose integers exceed int64."""
    fields: list[Field] = []
    for field in shape:
        values = [row[field.name] for row in rows if row[field.name] is not None]
        name, new = f"{prefix}{field.name}", field
        if field.kind is Kind.INTEGER and any(_is_too_big(value) for value in values):
            new = attrs.evolve(field, kind=Kind.TEXT)
            changed.append(name)
        elif field.kind in (Kind.MODEL, Kind.MODELS):
            inner = values if field.kind is Kind.MODEL else [row for them in values for row in them]
            new = attrs.evolve(field, fields=_widened(field.fields, inner, changed, f"{name}."))
        fields.append(new)
    return tuple(fields)


def _is_too_big(value: int) -> bool:
    return (value if value >= 0 else ~value).bit_length() > _INT64_BITS


def _type_of(field: Field, pyarrow: Any) -> Any:
    inner = [(part.name, _type_of(part, pyarrow)) for part in field.fields]
    types = {
        Kind.INTEGER: pyarrow.int64,
        Kind.TEXT: pyarrow.string,
        Kind.FLAG: pyarrow.bool_,
        Kind.MOMENT: lambda: pyarrow.timestamp("us", tz="UTC"),
        Kind.TEXTS: lambda: pyarrow.list_(pyarrow.string()),
        Kind.MODEL: lambda: pyarrow.struct(inner),
        Kind.MODELS: lambda: pyarrow.list_(pyarrow.struct(inner)),
        Kind.JSON: pyarrow.string,
    }
    return types[field.kind]()


def _record(shape: Shape, row: Row) -> Row:
    return {field.name: _value(field, row[field.name]) for field in shape}


def _value(field: Field, value: Any) -> Any:
    if value is None:
        return None
    if field.kind is Kind.JSON:
        return None if value == {} else _storable(json.dumps(value, ensure_ascii=False))
    make = _MAKERS.get(field.kind)
    return make(field.fields, value) if make else value


def _storable(text: object) -> str:
    """Return a string with lone surrogates escaped, which UTF-8 cannot encode."""
    return str(text).encode("utf-8", "backslashreplace").decode()


_MAKERS: Final[dict[Kind, Callable[[Shape, Any], Any]]] = {
    Kind.TEXT: lambda _, text: _storable(text),
    Kind.TEXTS: lambda _, texts: [_storable(text) for text in texts],
    Kind.MOMENT: lambda _, text: datetime.fromisoformat(text),
    Kind.MODEL: _record,
    Kind.MODELS: lambda shape, rows: [_record(shape, row) for row in rows],
}
