"""The base class of the models: fields with the API's names, ``extra``, and plain data."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from types import NoneType
from typing import Any, Final, TypeVar, cast, get_args, get_type_hints

import attrs

from useresponse_async._secret import Secret
from useresponse_async.models._plain import from_plain

M = TypeVar("M", bound="Model")

_WIRE_NAME: Final = "wire_name"
_ALIAS: Final = "wire_alias"
_ALONE: Final = "stands_alone"
_KEY: Final = "is_key"
# A typed name for list, because calling list[Any] takes longer than creating a user.
_no_items = cast("Callable[[], list[Any]]", list)
_IDENTIFYING: Final = ("id", "name", "title")


def wire(
    name: str | None = None, *, alias: str | None = None, alone: bool = False, key: bool = False
) -> Any:
    """Return an attrs field that is ``None`` by default.

    Args:
        name: The field's name in the API; default: the same name.
        alias: Its name in another version of the API.
        alone: A string in place of an object is the value of this field.
        key: The keys of a mapping in place of a list of objects are the values of this field.
    """
    marks = {_WIRE_NAME: name, _ALIAS: alias, _ALONE: alone, _KEY: key}
    return attrs.field(default=None, metadata={k: mark for k, mark in marks.items() if mark})


def listed(name: str | None = None) -> Any:
    """Return an attrs field for a list that is empty by default."""
    return attrs.field(factory=_no_items, metadata={_WIRE_NAME: name} if name else None)


def known_fields(model: type[Any]) -> list[attrs.Attribute[Any]]:
    """Return the fields of ``model`` that the API documents."""
    return [field for field in attrs.fields(model) if field.name != "_extra"]


def exported_types(model: type[Any]) -> dict[str, Any]:
    """Return the types of the fields of ``model`` by name: without ``None``, and without keys."""
    hints = get_type_hints(model)
    types: dict[str, Any] = {}
    for field in known_fields(model):
        held = [arg for arg in get_args(hints[field.name]) if arg is not NoneType]
        is_optional = NoneType in get_args(hints[field.name]) and len(held) == 1
        types[field.name] = held[0] if is_optional else hints[field.name]
    return {name: held for name, held in types.items() if held is not Secret}


def wire_name(attribute: attrs.Attribute[Any]) -> str:
    """Return the name of ``attribute`` in the API."""
    return str(attribute.metadata.get(_WIRE_NAME, attribute.name))


def wire_aliases(model: type[Any]) -> dict[str, str]:
    """Return the API's names of the fields of ``model`` that have an alias, by alias."""
    return {
        field.metadata[_ALIAS]: wire_name(field)
        for field in attrs.fields(model)
        if _ALIAS in field.metadata
    }


def name_alone(model: type[Any]) -> str | None:
    """Return the API's name of the field that a string in place of a ``model`` sets."""
    return _marked(model, _ALONE)


def name_of_key(model: type[Any]) -> str | None:
    """Return the API's name of the field that the keys of a mapping of ``model`` set."""
    return _marked(model, _KEY)


def _marked(model: type[Any], mark: str) -> str | None:
    names = (wire_name(field) for field in attrs.fields(model) if field.metadata.get(mark))
    return next(names, None)


def _keys_or_none(keys: dict[str, Any] | None) -> dict[str, Any] | None:
    return keys or None


class PydanticType:
    """A class that pydantic accepts as a type: in validation, serialization and JSON Schema."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        # Imported here, because pydantic is optional; if this is called, it is installed.
        from useresponse_async.models._pydantic import schema_of  # noqa: PLC0415

        return schema_of(cls, source, handler)


@attrs.define(kw_only=True, repr=False)
class Model(PydanticType):
    """Base class of the models."""

    # Created on first use: most objects have none, and a page of users has hundreds of objects,
    # whose empty dictionaries would take a tenth of a walk's time.
    _extra: dict[str, Any] | None = attrs.field(default=None, alias="extra", eq=_keys_or_none)

    @property
    def extra(self) -> dict[str, Any]:
        """The fields that the server sent and the model does not have, by name."""
        if self._extra is None:
            self._extra = {}
        return self._extra

    @extra.setter
    def extra(self, keys: dict[str, Any]) -> None:
        self._extra = keys

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, as data that can be serialized as JSON.

        Returns:
            A new dictionary: times as ISO 8601 text, secrets as ``***``, unknown keys in
            ``extra``.
        """
        known = {name: _plain(value) for name, value in _fields_of(self)}
        return {**known, "extra": _plain(self._extra or {})}

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON text, on one line.

        Returns:
            The JSON, with non-ASCII characters unescaped.
        """
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_dict(cls: type[M], data: Mapping[str, Any]) -> M:  # noqa: PYI019 - needs Python 3.11
        """Return the model that :meth:`to_dict` serialized as ``data``.

        It also reads a line of a JSON Lines export, unless ``--fields`` omitted an id. A masked
        secret stays unknown: it is not equal to any other, and has no text to reveal.

        Args:
            data: The fields by name; missing ones are ``None`` or empty.

        Returns:
            A new object; values in ``extra`` may be shared with ``data``.

        Raises:
            ArgumentError: A field is unknown, missing or of another type; the message names it.
        """
        return from_plain(data, cls)

    def __repr__(self) -> str:
        shown = {name: getattr(self, name) for name in _IDENTIFYING if hasattr(self, name)}
        if not shown:
            shown = {k: v for k, v in _fields_of(self) if not isinstance(v, Model | list | dict)}
        fields = ", ".join(f"{k}={v!r}" for k, v in shown.items() if v is not None)
        return f"{type(self).__name__}({fields})"


def _fields_of(model: Model) -> Iterator[tuple[str, Any]]:
    for field in known_fields(type(model)):
        yield field.name, getattr(model, field.name)


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return value.to_dict()
    if isinstance(value, list):
        return [_plain(item) for item in cast("Iterable[Any]", value)]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in cast("Mapping[str, Any]", value).items()}
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Secret) else value
