"""The models as pydantic types.

pydantic validates, serializes and describes them by their fields' names, with ``include``,
``exclude`` and ``exclude_none`` as for its own models. It finds a model through
``__get_pydantic_core_schema__``; this module is imported only then.
"""

from __future__ import annotations

import inspect
import re
from operator import attrgetter
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import attrs
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, GetPydanticSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticSerializationUnexpectedValue, core_schema

from useresponse_async._secret import Secret

__all__ = ["schema_of"]

_ATTRIBUTES: Final = "\n\nAttributes:\n"
_DOCUMENTED: Final = re.compile(r"^ {4}(\w+): (.+(?:\n {5,}.+)*)", re.MULTILINE)


def _secret_schema(_source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
    text = handler.generate_schema(str)
    return core_schema.no_info_after_validator_function(
        Secret, text, serialization=core_schema.to_string_ser_schema()
    )


_SECRET: Final[Any] = Annotated[
    Secret, GetPydanticSchema(_secret_schema), Field(json_schema_extra={"format": "password"})
]
_FORMS: Final[dict[Any, Any]] = {Secret | None: _SECRET | None}
"""Replacements for types that pydantic does not know."""


def schema_of(model: type[Any], source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
    """Return pydantic's schema of ``model``.

    An instance of the class is accepted unchanged, and a mapping is converted to one by the
    fields' own names; unknown keys are ignored. Secrets are serialized as ``***``.

    Args:
        model: One of our models, or :class:`~useresponse_async.Page`.
        source: The annotation, e.g. ``Page[User]``.
        handler: Generates the schemas of the fields' types.

    Returns:
        A schema with its own name, so that OpenAPI refers to it.
    """
    name, fields = _name_of(model, source), _fields_of(model, source)
    return core_schema.dataclass_schema(
        model,
        core_schema.dataclass_args_schema(
            name,
            [
                core_schema.dataclass_field(field.name, field.schema(handler), kw_only=True)
                for field in fields
            ],
        ),
        [field.name for field in fields],
        cls_name=name,
        slots=True,
        ref=_reference(model, source),
        metadata={"pydantic_js_functions": [_titled(name, _summary_of(model))]},
        serialization=_serialization(model, fields, handler),
    )


def _serialization(
    model: type[Any], fields: list[_Field], handler: GetCoreSchemaHandler
) -> core_schema.SerSchema:
    """Return the serialization of an object: its values by name, each serialized by its type."""
    names = [field.name for field in fields]
    values_of = attrgetter(*names)

    def write(value: Any, write_values: core_schema.SerializerFunctionWrapHandler) -> Any:
        if not isinstance(value, model):  # a union then uses its next type
            kind = type(value).__name__
            raise PydanticSerializationUnexpectedValue(f"expected {model.__name__}, got {kind}")
        return write_values(dict(zip(names, values_of(value), strict=True)))

    written = {
        field.name: core_schema.typed_dict_field(field.schema(handler), required=field.required)
        for field in fields
    }
    # Around the fields' schema, so that include and exclude reach the fields.
    return core_schema.wrap_serializer_function_ser_schema(
        write, schema=core_schema.typed_dict_schema(written)
    )


@attrs.frozen
class _Field:
    """A field, as pydantic sees it."""

    name: str
    hint: Any
    default: Any

    @property
    def required(self) -> bool:
        return self.default is attrs.NOTHING

    def schema(self, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler.generate_schema(self.hint)
        if self.required:
            return schema
        if self.default is None:
            return core_schema.with_default_schema(schema, default=None)
        return core_schema.with_default_schema(schema, default_factory=self.default.factory)


def _fields_of(model: type[Any], source: Any) -> list[_Field]:
    hints, descriptions = _hints_of(model, source), _descriptions_of(model)
    fields = [
        _Field(
            field.name,
            _described(hints[field.name], descriptions.get(field.name)),
            field.default,
        )
        for field in attrs.fields(model)
        if field.init and field.name != "_extra"
    ]
    if "_extra" in attrs.fields_dict(model):
        hint = _described(dict[str, Any], inspect.getdoc(model.extra))
        fields.append(_Field("extra", hint, attrs.Factory(dict[str, Any])))
    return fields


def _name_of(model: type[Any], source: Any) -> str:
    arguments = ", ".join(getattr(item, "__name__", str(item)) for item in get_args(source))
    return f"{model.__name__}[{arguments}]" if arguments else model.__name__


def _reference(model: type[Any], source: Any) -> str:
    """Return a unique reference for ``source``, in the form of pydantic's own."""
    arguments = ",".join(
        _reference(item, item) if isinstance(item, type) else repr(item)
        for item in get_args(source)
    )
    own = f"{model.__module__}.{model.__qualname__}:{id(model)}"
    return f"{own}[{arguments}]" if arguments else own


def _hints_of(model: type[Any], source: Any) -> dict[str, Any]:
    """Return the fields' types by name, with type variables replaced."""
    bound: dict[Any, Any] = {}
    for form in (*getattr(model, "__orig_bases__", ()), source):
        bound.update(
            zip(getattr(get_origin(form), "__parameters__", ()), get_args(form), strict=False)
        )

    def filled(hint: Any) -> Any:
        variables = getattr(hint, "__parameters__", ())
        return (
            hint[tuple(bound.get(variable, Any) for variable in variables)] if variables else hint
        )

    return {name: filled(_FORMS.get(hint, hint)) for name, hint in get_type_hints(model).items()}


def _described(hint: Any, description: str | None) -> Any:
    return Annotated[hint, Field(description=description)] if description else hint


def _summary_of(model: type[Any]) -> str:
    return (inspect.getdoc(model) or "").partition(_ATTRIBUTES)[0]


def _descriptions_of(model: type[Any]) -> dict[str, str]:
    descriptions: dict[str, str] = {}
    for base in reversed(model.__mro__):
        listed = inspect.cleandoc(base.__doc__ or "").partition(_ATTRIBUTES)[2]
        descriptions.update(
            (name, " ".join(text.split())) for name, text in _DOCUMENTED.findall(listed)
        )
    return descriptions


def _titled(name: str, summary: str) -> Any:
    def describe(schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        described = handler(schema)
        own = handler.resolve_ref_schema(described)
        own["title"] = name
        own["description"] = summary
        return described

    return describe
