"""The base of the models: fields with the wire's names, ``extra``, and plain data."""

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
# Named once with their types: calling list[Any] itself would cost more than a user does.
_no_items = cast("Callable[[], list[Any]]", list)
_IDENTIFYING: Final = ("id", "name", "title")


def wire(
    name: str | None = None, *, alias: str | None = None, alone: bool = False, key: bool = False
) -> Any:
    """Return an attrs field, ``None`` where it is left out.

    Args:
        name: What the wire calls it, where that is not the field's own name.
        alias: What another version of the API calls it.
        alone: A bare text, sent in place of the object, is this field.
        key: This field is the key, where a list of these objects is sent as a mapping.
    """
    marks = {_WIRE_NAME: name, _ALIAS: alias, _ALONE: alone, _KEY: key}
    return attrs.field(default=None, metadata={k: mark for k, mark in marks.items() if mark})


def listed(name: str | None = None) -> Any:
    """Return an attrs field for a list, empty where it is left out."""
    return attrs.field(factory=_no_items, metadata={_WIRE_NAME: name} if name else None)


def known_fields(model: type[Any]) -> list[attrs.Attribute[Any]]:
    """Return the fields of ``model`` that the wire has too."""
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
    """Return what the wire calls ``attribute``."""
    return str(attribute.metadata.get(_WIRE_NAME, attribute.name))


def wire_aliases(model: type[Any]) -> dict[str, str]:
    """Return the wire's name of each field of ``model`` that has another one, by the other."""
    return {
        field.metadata[_ALIAS]: wire_name(field)
        for field in attrs.fields(model)
        if _ALIAS in field.metadata
    }


def name_alone(model: type[Any]) -> str | None:
    """Return the wire's name of the field that a bare text in place of a ``model`` is."""
    return _marked(model, _ALONE)


def name_of_key(model: type[Any]) -> str | None:
    """Return the wire's name of the field that is the key in a mapping of ``model``."""
    return _marked(model, _KEY)


def _marked(model: type[Any], mark: str) -> str | None:
    names = (wire_name(field) for field in attrs.fields(model) if field.metadata.get(mark))
    return next(names, None)


def _keys_or_none(keys: dict[str, Any] | None) -> dict[str, Any] | None:
    return keys or None


class PydanticType:
    """A class that pydantic, where it is used, can check, write as JSON and describe."""

    __slots__ = ()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        # Only pydantic calls this, so that it is there: it is not needed for anything else.
        from useresponse_async.models._pydantic import schema_of  # noqa: PLC0415

        return schema_of(cls, source, handler)


@attrs.define(kw_only=True, repr=False)
class Model(PydanticType):
    """Plain data that can be shown, and given back as plain data."""

    # Made when it is asked for: most objects have none, and a page of users has hundreds of
    # objects, whose empty dictionaries would cost a tenth of a walk's time.
    _extra: dict[str, Any] | None = attrs.field(default=None, alias="extra", eq=_keys_or_none)

    @property
    def extra(self) -> dict[str, Any]:
        """What the server sent beyond the known fields."""
        if self._extra is None:
            self._extra = {}
        return self._extra

    @extra.setter
    def extra(self, keys: dict[str, Any]) -> None:
        self._extra = keys

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name as data that JSON can hold.

        Returns:
            A new dictionary: times as ISO 8601 text, secrets as ``***``, unknown keys in
            ``extra``.
        """
        known = {name: _plain(value) for name, value in _fields_of(self)}
        return {**known, "extra": _plain(self._extra or {})}

    def to_json(self) -> str:
        """Return :meth:`to_dict` as JSON text, on one line.

        Returns:
            The text, letters of any language as they are.
        """
        return json.dumps(self.to_dict(), ensure_ascii=False)

    @classmethod
    def from_dict(cls: type[M], data: Mapping[str, Any]) -> M:  # noqa: PYI019 - needs Python 3.11
        """Return the object of which :meth:`to_dict` made ``data``.

        It also reads a line of a JSON Lines export, unless its ``--fields`` left out an id. A
        masked secret stays unknown: it is equal to no other, and reveals no text.

        Args:
            data: The fields by name; those that are left out are ``None`` or empty.

        Returns:
            A new object, which may share what is in ``extra`` with ``data``.

        Raises:
            ValueError: A field is unknown, missing or of another type; says where.
        """
        return from_plain(data, cls)

    def __repr__(self) -> str:
        shown = _identity_of(self) if _has_identity(self) else _scalars_of(self)
        fields = ", ".join(f"{name}={value!r}" for name, value in shown)
        return f"{type(self).__name__}({fields})"


def _fields_of(model: Model) -> Iterator[tuple[str, Any]]:
    for field in known_fields(type(model)):
        yield field.name, getattr(model, field.name)


def _has_identity(model: Model) -> bool:
    return any(hasattr(model, name) for name in _IDENTIFYING)


def _identity_of(model: Model) -> Iterator[tuple[str, Any]]:
    for name in _IDENTIFYING:
        value = getattr(model, name, None)
        if value is not None:
            yield name, value


def _scalars_of(model: Model) -> Iterator[tuple[str, Any]]:
    for name, value in _fields_of(model):
        if value is not None and not isinstance(value, Model | list | dict):
            yield name, value


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
