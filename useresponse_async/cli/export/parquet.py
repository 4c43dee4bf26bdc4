"""How do rows become a Parquet file?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import datetime
from importlib import import_module
from itertools import islice
from typing import Any, BinaryIO, Final

from useresponse_async.cli.export.shape import Field, Kind, Row, Shape
from useresponse_async.cli.failures import CommandError

__all__ = ["write_parquet"]

_ROWS_IN_GROUP: Final = 10_000


def write_parquet(rows: Iterable[Row], shape: Shape, file: BinaryIO) -> None:
    """Write rows as a Parquet file, 10,000 in a group; no more than that are held in memory.

    Whole numbers are ``int64``, times ``timestamp[us, UTC]``, models structs. What the server
    sends beyond the known fields, and what has no documented type, is JSON in a string.

    Args:
        rows: The rows.
        shape: The fields to write.
        file: Where to write.

    Raises:
        CommandError: A value does not fit its column.
    """
    # Imported by name: pyarrow has no types of its own to check against.
    pyarrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    schema = pyarrow.schema([(field.name, _type_of(field, pyarrow)) for field in shape])
    unread = iter(rows)
    with parquet.ParquetWriter(file, schema) as writer:
        while group := [_record(shape, row) for row in islice(unread, _ROWS_IN_GROUP)]:
            try:
                table = pyarrow.Table.from_pylist(group, schema=schema)
            except (pyarrow.ArrowException, OverflowError) as error:
                raise CommandError(f"a value does not fit into Parquet: {error}") from None
            writer.write_table(table)


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


def _storable(text: str) -> str:
    """Return ``text`` with half of a surrogate pair, which is no UTF-8, spelled out."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode()


_MAKERS: Final[dict[Kind, Callable[[Shape, Any], Any]]] = {
    Kind.TEXT: lambda _, text: _storable(text),
    Kind.TEXTS: lambda _, texts: [_storable(text) for text in texts],
    Kind.MOMENT: lambda _, text: datetime.fromisoformat(text),
    Kind.MODEL: _record,
    Kind.MODELS: lambda shape, rows: [_record(shape, row) for row in rows],
}
