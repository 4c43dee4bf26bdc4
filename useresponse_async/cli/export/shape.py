"""Which fields has a model, of which kind, down to the last? Columns are made from it."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from datetime import datetime
from types import NoneType
from typing import Any, Final, TypeAlias, get_args, get_origin, get_type_hints

import attrs

from useresponse_async._decode import is_array
from useresponse_async._secret import Secret
from useresponse_async.cli.failures import MisuseError
from useresponse_async.models._wire import known_fields

__all__ = ["Field", "Kind", "Row", "Shape", "chosen", "only", "shape_of"]

Row: TypeAlias = dict[str, Any]
"""An item as plain data, as ``to_dict()`` gives it."""


class Kind(enum.Enum):
    """What a field holds."""

    INTEGER = "integer"
    TEXT = "text"
    FLAG = "flag"
    MOMENT = "moment"
    TEXTS = "texts"
    MODEL = "model"
    MODELS = "models"
    JSON = "json"


@attrs.frozen(kw_only=True)
class Field:
    """A field of a model.

    Attributes:
        name: Its name.
        kind: What it holds; ``JSON`` for whatever the server sends.
        fields: The fields of the model or models that it holds.
    """

    name: str
    kind: Kind
    fields: Shape = ()


Shape: TypeAlias = tuple[Field, ...]
"""The fields of a model, in their order."""

_KINDS: Final[dict[Any, Kind]] = {
    int: Kind.INTEGER,
    str: Kind.TEXT,
    bool: Kind.FLAG,
    datetime: Kind.MOMENT,
    list[str]: Kind.TEXTS,
}
_EXTRA: Final = Field(name="extra", kind=Kind.JSON)


def shape_of(model: type[Any]) -> Shape:
    """Return the fields of ``model``; a key that it may hold is none of them."""
    hints = get_type_hints(model)
    types = {field.name: _without_none(hints[field.name]) for field in known_fields(model)}
    return (*(_field(name, held) for name, held in types.items() if held is not Secret), _EXTRA)


def chosen(shape: Shape, names: Iterable[str]) -> Shape:
    """Return the fields called ``names``, which may have dots: ``role.alias``.

    Raises:
        MisuseError: There is no such field; names those there are.
    """
    parts: dict[str, list[str]] = {}
    for name in names:
        head, _, rest = name.partition(".")
        parts.setdefault(head, []).append(rest)
    fields = {field.name: field for field in shape}
    return tuple(_part(fields, name, rests) for name, rests in parts.items())


def only(shape: Shape, value: Any) -> Any:
    """Return ``value``, a row or a list of rows, with no other fields than those of ``shape``."""
    if is_array(value):
        return [only(shape, row) for row in value]
    if value is None or not shape:
        return value
    return {field.name: only(field.fields, value[field.name]) for field in shape}


def _part(fields: dict[str, Field], name: str, rests: list[str]) -> Field:
    field = fields.get(name)
    if field is None:
        raise MisuseError(f"--fields: there is no {name!r}, but {', '.join(fields)}")
    if "" in rests:
        return field
    if not field.fields:
        raise MisuseError(f"--fields: {name!r} has no fields of its own")
    return attrs.evolve(field, fields=chosen(field.fields, rests))


def _field(name: str, held: Any) -> Field:
    if attrs.has(held):
        return Field(name=name, kind=Kind.MODEL, fields=shape_of(held))
    if get_origin(held) is list and attrs.has(get_args(held)[0]):
        return Field(name=name, kind=Kind.MODELS, fields=shape_of(get_args(held)[0]))
    return Field(name=name, kind=_KINDS.get(held, Kind.JSON))


def _without_none(annotation: Any) -> Any:
    held = [arg for arg in get_args(annotation) if arg is not NoneType]
    is_optional = NoneType in get_args(annotation) and len(held) == 1
    return held[0] if is_optional else annotation
