"""Custom fields of users and objects, and their values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Literal

from starlette.responses import Response

from useresponse_async.sandbox._calls import Access, Call, Routes

Module = Literal["users", "tickets"]

#: Values by the id of their custom field.
Properties = dict[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class CustomField:
    """One field; `options` are its values, each with its title."""

    id: int
    label: str
    module: Module
    type: Literal["text", "date", "select", "checkbox"] = "text"
    options: Mapping[str, str] = field(default_factory=dict[str, str])
    description: str | None = None
    private: bool = False


_PLANS = {"Free": "Free", "Team": "Team", "Business": "Business"}
_REGIONS = {"EU": "Europe", "US": "United States", "APAC": "Asia and the Pacific"}
_INTERESTS = {"api": "API", "mobile": "Mobile", "reports": "Reports"}
_URGENCIES = {"low": "Low", "normal": "Normal", "high": "High"}

_ALL = (
    CustomField(1, "Company", "users"),
    CustomField(2, "Plan", "users", "select", _PLANS),
    CustomField(3, "Interests", "users", "checkbox", _INTERESTS),
    CustomField(7, "Region", "users", "select", _REGIONS, "Where the user works"),
    CustomField(7, "Region", "tickets", "select", _REGIONS),
    CustomField(11, "Order Number", "tickets", description="As on the invoice"),
    CustomField(12, "Urgency", "tickets", "select", _URGENCIES),
    CustomField(13, "Products", "tickets", "checkbox", _INTERESTS),
    CustomField(14, "Needed By", "tickets", "date"),
    CustomField(15, "Internal Code", "tickets", private=True),
)

#: Custom fields of users and of objects, by id.
USER_FIELDS = {custom.id: custom for custom in _ALL if custom.module == "users"}
OBJECT_FIELDS = {custom.id: custom for custom in _ALL if custom.module == "tickets"}
_FIELDS: dict[Module, dict[int, CustomField]] = {"users": USER_FIELDS, "tickets": OBJECT_FIELDS}


def fields_for(module: Module, *, staff: bool) -> list[CustomField]:
    """Return the fields of a module, the private ones for staff only."""
    return [custom for custom in _FIELDS[module].values() if staff or not custom.private]


def merged(old: Properties, new: Properties) -> Properties:
    """Return old values replaced by new ones; an empty value removes its field."""
    return {number: values for number, values in (old | new).items() if values}


def properties_text(values: Properties) -> str:
    return "; ".join(f"property_{number}={'|'.join(texts)}" for number, texts in values.items())


def values_json(module: Module, properties: Properties, *, staff: bool) -> list[dict[str, object]]:
    return [
        _value_json(module, number, values)
        for number, values in properties.items()
        if staff or not _FIELDS[module][number].private
    ]


# Most users share a few values, and no caller changes the result.
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


def list_fields(call: Call, module: Module) -> Response:
    found = fields_for(module, staff=call.viewer.is_staff)
    return call.listed(
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
        for custom in found
    )


def list_old_fields(call: Call, module: Module) -> Response:
    """List fields as version 4.0 does, in every version."""
    found = fields_for(module, staff=call.viewer.is_staff)
    shown = (
        {
            "id": custom.id,
            "slug": f"property_{custom.id}",
            "title": custom.label,
            "description": custom.description,
            "type": custom.type,
            "is_private": int(custom.private),
            "is_required": 0,
            "options": [{"value": value, "title": text} for value, text in custom.options.items()],
        }
        for custom in found
    )
    return call.listed(shown, under_success=True)


_OF_USERS = (Access.GUEST, partial(list_fields, module="users"))
_OF_OBJECTS = (Access.GUEST, partial(list_fields, module="tickets"))
_OLD_OF_USERS = (Access.GUEST, partial(list_old_fields, module="users"))
_OLD_OF_OBJECTS = (Access.GUEST, partial(list_old_fields, module="tickets"))

CUSTOM_FIELD_ROUTES: Routes = {
    "GET /users/custom-fields/list.json": _OF_USERS,
    "GET /objects/custom-fields/list.json": _OF_OBJECTS,
    "GET /custom-fields/users.json": _OLD_OF_USERS,
    "GET /custom-fields/tickets.json": _OLD_OF_OBJECTS,
    "GET /custom-fields/topics.json": _OLD_OF_OBJECTS,
    "GET /custom-fields/objects.json": _OLD_OF_OBJECTS,
}
