"""How does JSON become attrs classes? By cattrs, and with the place of what does not fit."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeAlias, TypeVar, Union, cast, get_args, get_origin

import attrs
from cattrs import BaseValidationError, Converter, IterableValidationError
from cattrs.errors import AttributeValidationNote, IterableValidationNote
from cattrs.gen import make_dict_structure_fn, override

from useresponse_async._coercion import (
    StructureError,
    is_array,
    is_object,
    kind_of,
    to_flag,
    to_list,
    to_moment,
    to_secret,
    to_text,
    to_texts,
    whole_number,
)
from useresponse_async._secret import Secret
from useresponse_async._specialising import Specialised
from useresponse_async.models._wire import (
    known_fields,
    name_alone,
    name_of_key,
    wire_aliases,
    wire_name,
)

__all__ = ["structure", "structure_all", "wire_names"]

T = TypeVar("T")

_Hook: TypeAlias = Callable[[Any, Any], Any]


def structure(value: Any, wanted: type[T]) -> T:
    """Return ``value`` as a ``wanted``.

    Raises:
        StructureError: It does not fit; says where.
    """
    try:
        return _converter(detailed=False).structure(value, wanted)
    except Exception:  # noqa: BLE001 - whatever it was, the second pass finds its place
        return _structure_with_place(value, wanted)


def structure_all(values: Any, wanted: type[T]) -> list[T]:
    """Return ``values`` as a list of ``wanted``.

    Raises:
        StructureError: One of them does not fit, or they are no list; says where.
    """
    return structure(values, cast("type[list[T]]", types.GenericAlias(list, wanted)))


def _structure_with_place(value: Any, wanted: type[T]) -> T:
    try:
        return _converter(detailed=True).structure(value, wanted)
    except Exception as error:  # noqa: BLE001 - hooks raise what int() and datetime raise
        raise _located(error) from None


def _located(error: BaseException) -> StructureError:
    if not isinstance(error, BaseValidationError):
        return (
            error
            if isinstance(error, StructureError)
            else StructureError(str(error) or type(error).__name__)
        )
    inner: BaseException = cast("Any", error).exceptions[0]
    misfit = _located(inner)
    for note in getattr(inner, "__notes__", ()):
        if isinstance(note, IterableValidationNote):
            return misfit.below(f"[{note.index}]")
        if isinstance(note, AttributeValidationNote):
            return misfit.below(wire_name(attrs.fields_dict(error.cl)[note.name]))
    return misfit


@functools.cache
def _converter(*, detailed: bool) -> Converter:
    converter = Converter(detailed_validation=detailed)
    # What tells where a thing does not fit takes its time over it.
    specialised = None if detailed else Specialised(converter, _model_in)
    converter.register_structure_hook(int | None, whole_number)
    converter.register_structure_hook(str | None, to_text)
    converter.register_structure_hook(bool | None, to_flag)
    converter.register_structure_hook(datetime | None, to_moment)
    converter.register_structure_hook(Secret | None, to_secret)
    converter.register_structure_hook_factory(_is_list, _list_hook(converter, specialised))
    converter.register_structure_hook_func(lambda wanted: wanted == list[str], to_texts)
    converter.register_structure_hook_factory(_is_optional_model, _optional_model_hook(converter))
    converter.register_structure_hook_factory(attrs.has, _model_hook(converter, specialised))
    return converter


def _is_list(wanted: Any) -> bool:
    return get_origin(wanted) is list


def _model_in(wanted: Any) -> type[Any] | None:
    if get_origin(wanted) not in (Union, types.UnionType):
        return None
    members = [member for member in get_args(wanted) if member is not type(None)]
    return members[0] if len(members) == 1 and attrs.has(members[0]) else None


def _is_optional_model(wanted: Any) -> bool:
    return _model_in(wanted) is not None


def _optional_model_hook(converter: Converter) -> Callable[[Any], _Hook]:
    def factory(wanted: Any) -> _Hook:
        model = cast("type[Any]", _model_in(wanted))
        structure_model = converter.get_structure_hook(model)

        def hook(value: Any, _wanted: object) -> Any:
            return structure_model(value, model) if value and value != "0" else None

        return hook

    return factory


def wire_names(model: type[Any]) -> frozenset[str]:
    """Return what the wire calls the fields of ``model``, in every version of the API."""
    return frozenset((*_own_names(model), *wire_aliases(model)))


def _own_names(model: type[Any]) -> list[str]:
    return [wire_name(field) for field in known_fields(model)]


def _model_hook(converter: Converter, specialised: Specialised | None) -> Callable[[Any], _Hook]:
    def factory(model: type[Any]) -> _Hook:
        hook = _lenient_hook(model, converter)
        return hook if specialised is None else specialised.hook(model, hook)

    return factory


def _as_mapping(value: Any, model: type[Any]) -> dict[str, Any]:
    if value == []:
        return {}
    if not is_object(value):
        raise StructureError(f"{kind_of(value)}, where a {model.__name__} was promised")
    return value


def _unknown_keys(value: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    return {key: value[key] for key in value if key not in known}


def _adapter(model: type[Any]) -> Callable[[Any], Any] | None:
    """Return what makes other versions' forms of a ``model`` into its own, if it has any."""
    alone, aliases = name_alone(model), wire_aliases(model)
    if alone is None and not aliases:
        return None

    def adapt(value: Any) -> Any:
        if alone is not None and isinstance(value, str):
            return {alone: value}
        if not is_object(value) or aliases.keys().isdisjoint(value):
            return value
        renamed = {alias: own for alias, own in aliases.items() if own not in value}
        return {renamed.get(key, key): item for key, item in value.items()}

    return adapt


def _keyed(value: Any, member: type[Any]) -> Any:
    """Return a mapping as a list of ``member``, the keys in the field that is meant for them."""
    key, alone = name_of_key(member), name_alone(member)
    if not value or key is None or alone is None:
        return value
    if is_object(value):
        pairs = value.items()
        return [{key: at, **(it if is_object(it) else {alone: it})} for at, it in pairs]
    if is_array(value):
        return [it if is_object(it) else {key: str(at), alone: it} for at, it in enumerate(value)]
    return value


def _lenient_hook(model: type[Any], converter: Converter) -> _Hook:
    """Return a hook that makes a ``model`` of whatever can be meant by it."""
    known = frozenset(_own_names(model))
    overrides: dict[str, Any] = {
        field.name: override(rename=wire_name(field)) for field in known_fields(model)
    }
    overrides["_extra"] = override(omit=True)
    make = make_dict_structure_fn(model, converter, _cattrs_use_linecache=False, **overrides)
    adapt = _adapter(model)

    def hook(value: Any, wanted: Any) -> Any:
        mapping = _as_mapping(value if adapt is None else adapt(value), model)
        made = make(mapping, wanted)
        if not known.issuperset(mapping):
            made.extra = _unknown_keys(mapping, known)
        return made

    return hook


def _anything(value: Any, _wanted: object) -> list[Any]:
    if value.__class__ is list:
        return value
    items = to_list(value)
    if items is None:
        raise StructureError(f"{kind_of(value)}, where a list was promised")
    return items


def _list_hook(converter: Converter, specialised: Specialised | None) -> Callable[[Any], _Hook]:
    def factory(wanted: Any) -> _Hook:
        (member,) = get_args(wanted)
        if member is Any:
            return _anything
        keyed = attrs.has(member) and name_of_key(member) is not None
        if specialised is None or not attrs.has(member):
            make_all = _one_by_one(converter.get_structure_hook(member), member)
        else:
            make_all = specialised.list_of(member)

        def hook(value: Any, _wanted: object) -> list[Any]:
            items = to_list(_keyed(value, member) if keyed else value)
            if items is None:
                raise StructureError(f"{kind_of(value)}, where a list was promised")
            return make_all(items)

        return hook

    return factory


def _one_by_one(
    structure_member: Callable[[Any, Any], Any], member: Any
) -> Callable[[list[Any]], list[Any]]:
    def make_all(items: list[Any]) -> list[Any]:
        return [
            _with_index(structure_member, item, member, index) for index, item in enumerate(items)
        ]

    return make_all


def _with_index(
    structure_member: Callable[[Any, Any], Any], item: Any, member: Any, index: int
) -> Any:
    try:
        return structure_member(item, member)
    except Exception as error:  # noqa: BLE001 - raised again, with its place
        note = IterableValidationNote(f"at index {index}", index, member)
        vars(error)["__notes__"] = [*getattr(error, "__notes__", ()), note]
        raise IterableValidationError("a list does not fit", [error], member) from None
