"""Custom fields of users and objects, and their values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

from starlette.responses import Response

from useresponse_async.sandbox._calls import Call, Routes
from useresponse_async.sandbox._responses import Refusal

Module = Literal["users", "tickets"]

#: Values by the id of their custom field.
Properties = dict[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """One field; `options` are its values, each with its title."""

    id: int
    label: str
    module: Module
    type: Literal["text", "date", "select", "checkbox"] = "text"
    description: str | None = None
    private: bool = False
    options: Mapping[str, str] = field(default_factory=dict[str, str])


_PLANS = {"Free": "Free", "Team": "Team", "Business": "Business"}
_REGIONS = {"EU": "Europe", "US": "United States", "APAC": "Asia and the Pacific"}
_INTERESTS = {"api": "API", "mobile": "Mobile", "reports": "Reports"}
_URGENCIES = {"low": "Low", "normal": "Normal", "high": "High"}

#: Custom fields of users.
USER_FIELDS: Mapping[int, CustomField] = {
    custom.id: custom
    for custom in (
        CustomField(id=1, label="Company", module="users"),
        CustomField(id=2, label="Plan", module="users", type="select", options=_PLANS),
        CustomField(id=3, label="Interests", module="users", type="checkbox", options=_INTERESTS),
        CustomField(
            id=7,
            label="Region",
            module="users",
            type="select",
            description="Where the user works",
            options=_REGIONS,
        ),
    )
}

#: Custom fields of objects.
OBJECT_FIELDS: Mapping[int, CustomField] = {
    custom.id: custom
    for custom in (
        CustomField(id=7, label="Region", module="tickets", type="select", options=_REGIONS),
        CustomField(id=11, label="Order Number", module="tickets", description="As on the invoice"),
        CustomField(id=12, label="Urgency", module="tickets", type="select", options=_URGENCIES),
        CustomField(id=13, label="Products", module="tickets", type="checkbox", options=_INTERESTS),
        CustomField(id=14, label="Needed By", module="tickets", type="date"),
        CustomField(id=15, label="Internal Code", module="tickets", private=True),
    )
}

_FIELDS: dict[Module, Mapping[int, CustomField]] = {"users": USER_FIELDS, "tickets": OBJECT_FIELDS}

# The names of the modules in version 4.0.
_OLD_NAMES: dict[str, Module] = {
    "tickets": "tickets",
    "topics": "tickets",
    "objects": "tickets",
    "users": "users",
}


def fields_for(module: Module, *, staff: bool) -> list[CustomField]:
    """Return the fields of a module, the private ones for staff only."""
    return [custom for custom in _FIELDS[module].values() if staff or not custom.private]


def merged(old: Properties, new: Properties) -> Properties:
    """Return old values replaced by new ones; an empty value removes its field."""
    return {number: values for number, values in (old | new).items() if values}


def properties_text(values: Properties) -> str:
    """Return the values of custom fields as the changelog shows them."""
    return "; ".join(f"property_{number}={'|'.join(texts)}" for number, texts in values.items())


def values_json(
    module: Module, properties: Iterable[tuple[int, tuple[str, ...]]], *, staff: bool
) -> list[dict[str, object]]:
    """Return the values of a user or an object as JSON."""
    known = _FIELDS[module]
    return [
        _value_json(module, number, values)
        for number, values in properties
        if staff or not known[number].private
    ]


# Most users share a few values, and nobody changes what this returns.
@lru_cache(maxsize=1024)
def _value_json(module: Module, number: int, values: tuple[str, ...]) -> dict[str, object]:
    custom = _FIELDS[module][number]
    return {
        "id": number,
        "label": custom.label,
        "name": f"property_{number}",
        "value": values,
        "textValue": tuple(custom.options.get(value, value) for value in values),
    }


def list_user_fields(call: Call) -> Response:
    """List the fields of users."""
    return _list(call, "users")


def list_object_fields(call: Call) -> Response:
    """List the fields of objects."""
    return _list(call, "tickets")


def _list(call: Call, module: Module) -> Response:
    shown = [
        {
            "id": custom.id,
            "name": f"property_{custom.id}",
            "label": custom.label,
            "description": custom.description,
            "type": custom.type,
            "field_type": custom.type,
            "module": custom.module,
            "is_active": 1,
            "is_private": int(custom.private),
            "is_required": 0,
            # PHP writes an empty mapping as an empty list.
            "options": dict(custom.options) or [],
        }
        for custom in fields_for(module, staff=call.viewer.is_staff)
    ]
    return call.listed(shown)


def list_old_fields(call: Call) -> Response:
    """List fields as version 4.0 does, whatever version the caller asks for."""
    module = _OLD_NAMES.get(call.path["type"])
    if module is None:
        raise Refusal(404)
    shown = [
        {
            "id": custom.id,
            "slug": f"property_{custom.id}",
            "title": custom.label,
            "description": custom.description,
            "type": custom.type,
            "is_private": int(custom.private),
            "is_required": 0,
            "options": [{"value": v, "title": title} for v, title in custom.options.items()],
        }
        for custom in fields_for(module, staff=call.viewer.is_staff)
    ]
    return call.listed(shown, under_success=True)


CUSTOM_FIELD_ROUTES: Routes = {
    "/users/custom-fields/list.json": {"GET": list_user_fields},
    "/objects/custom-fields/list.json": {"GET": list_object_fields},
    "/custom-fields/{type}.json": {"GET": list_old_fields},
}
