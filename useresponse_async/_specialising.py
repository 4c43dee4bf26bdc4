"""How does a JSON object become a model in the fewest steps? By code made for its very keys.

A large part of a walk's time goes into making models. The objects of a list have the same keys
nearly always, so for the first one a function is generated that takes these keys, each once,
and asks nothing but what each value is. Whatever it fails on goes the general way, which knows
what every value may mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeAlias, get_args, get_origin

import attrs
from cattrs import Converter

from useresponse_async.models._wire import known_fields, name_of_key, wire_aliases, wire_name

__all__ = ["Specialised"]

_Hook: TypeAlias = Callable[[Any, Any], Any]
_Maker: TypeAlias = Callable[[Any], Any]

_TAKEN_AS_IT_IS: Final[dict[Any, str]] = {int | None: "int", str | None: "str", bool | None: "bool"}

_SOURCE: Final = """\
def make(value):
    try:
        made = new(model)
        {assignments}
        made._extra = {extra}
    except KeyError:
        return exact(value, make)
    except Exception:
        return general(value, model)
    return made
"""

_MOST_MAKERS: Final = 64
"""How many lists of keys a model has makers for; a server could make up any number."""


@attrs.define
class _Makers:
    """The makers of one model.

    Attributes:
        by_length: The first maker for objects with so many keys; to be tried without a look at
            the keys, since it fails where they are others.
        by_keys: The maker for objects with just these keys.
    """

    by_length: dict[int, _Maker] = attrs.Factory(dict[int, _Maker])
    by_keys: dict[tuple[str, ...], _Maker] = attrs.Factory(dict[tuple[str, ...], _Maker])


class Specialised:
    """The makers of one converter's models, each for objects with certain keys.

    Args:
        converter: What knows the general way for every type.
        model_in: Returns the model that an optional type is about, if it is.
    """

    def __init__(self, converter: Converter, model_in: Callable[[Any], type[Any] | None]) -> None:
        self._converter = converter
        self._model_in = model_in
        self._makers: dict[type[Any], _Makers] = {}

    def hook(self, model: type[Any], general: _Hook) -> _Hook:
        """Return a hook that makes a ``model``, and goes the general way where it must.

        Args:
            model: What is to be made.
            general: Makes it of whatever can be meant, or raises.
        """
        makers = self._makers_of(model)
        aliases = wire_aliases(model)

        def may_specialise(value: dict[str, Any]) -> bool:
            # What is empty, or in another version's words, means what only the general way knows.
            room = len(makers.by_keys) < _MOST_MAKERS
            return bool(value) and room and aliases.keys().isdisjoint(value)

        def exact(value: dict[str, Any], failed: _Maker | None = None) -> Any:
            keys = tuple(value)
            make = makers.by_keys.get(keys)
            if make is not None and make is not failed:
                return make(value)
            made = general(value, model)
            if make is None and may_specialise(value):
                make = self._maker(model, frozenset(keys), exact=exact, general=general)
                makers.by_keys[keys] = make
                makers.by_length.setdefault(len(keys), make)
            return made

        def hook(value: Any, wanted: Any) -> Any:
            if value.__class__ is not dict:
                return general(value, wanted)
            make = makers.by_length.get(len(value))
            return exact(value) if make is None else make(value)

        return hook

    def list_of(self, model: type[Any]) -> Callable[[list[Any]], list[Any]]:
        """Return what makes a list of ``model``.

        Args:
            model: What is to be made of each item.
        """
        make_for = self._makers_of(model).by_length.get
        hook = _alone(self._converter.get_structure_hook(model))

        def make(items: list[Any]) -> list[Any]:
            try:
                return [make_for(len(item), hook)(item) for item in items]
            except TypeError:  # not all have a length
                return [hook(item) for item in items]

        return make

    def _makers_of(self, model: type[Any]) -> _Makers:
        return self._makers.setdefault(model, _Makers())

    def _maker(self, model: type[Any], keys: frozenset[str], **ways: Any) -> _Maker:
        fields = known_fields(attrs.resolve_types(model))
        unknown = tuple(keys.difference(map(wire_name, fields)))
        names: dict[str, Any] = {"model": model, "new": object.__new__, "unknown": unknown, **ways}
        source = _SOURCE.format(
            assignments="\n        ".join(
                f"made.{field.name} = {self._expression(field, keys, names)}" for field in fields
            ),
            extra="{key: value[key] for key in unknown}" if unknown else "None",
        )
        # The source holds names of our own fields only, never what a server sent.
        exec(source, names)  # noqa: S102
        maker: _Maker = names["make"]
        return maker

    def _expression(
        self, field: attrs.Attribute[Any], keys: frozenset[str], names: dict[str, Any]
    ) -> str:
        """Return the code for a field's value; put what it needs into ``names``."""
        key, name, wanted = wire_name(field), field.name, field.type
        if key not in keys:
            return "[]" if get_origin(wanted) is list else "None"
        given = f"value[{key!r}]"
        if wanted is Any:
            return given
        names[f"to_{name}"] = hook = self._converter.get_structure_hook(wanted)
        if wanted in _TAKEN_AS_IT_IS:
            kind = _TAKEN_AS_IT_IS[wanted]
            return f"v if (v := {given}).__class__ is {kind} or v is None else to_{name}(v, None)"
        model = self._model_in(wanted)
        if model is not None:
            names[f"maker_{name}"] = self._makers_of(model).by_length.get
            names[f"to_{name}"] = _alone(hook)
            made = f"maker_{name}(len(v), to_{name})(v) if v.__class__ is dict else to_{name}(v)"
            return f"None if (v := {given}) is None else {made}"
        return self._list_expression(field, given, names)

    def _list_expression(
        self, field: attrs.Attribute[Any], given: str, names: dict[str, Any]
    ) -> str:
        name, wanted = field.name, field.type
        member = get_args(wanted)[0] if get_origin(wanted) is list else None
        if member is Any:
            return f"v if (v := {given}).__class__ is list else to_{name}(v, None)"
        if member is str:
            return f"[] if (v := {given}) == '' else to_{name}(v, None)"
        if member is not None and attrs.has(member) and name_of_key(member) is None:
            hook = self._converter.get_structure_hook(member)
            names[f"maker_{name}"] = self._makers_of(member).by_length.get
            names[f"item_{name}"] = _alone(hook)
            made = f"[maker_{name}(len(i), item_{name})(i) for i in v]"
            return f"{made} if (v := {given}).__class__ is list else to_{name}(v, None)"
        return f"to_{name}({given}, None)"


def _alone(hook: _Hook) -> _Maker:
    """Return ``hook`` for those who do not say what they want."""

    def make(value: Any) -> Any:
        return hook(value, None)

    return make
