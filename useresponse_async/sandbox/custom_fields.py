"""Which custom fields do users and objects have, and how are they written?"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal

Module = Literal["users", "tickets"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CustomField:
    """One field; `options` are its values, each with the text that people read."""

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


def _by_id(*fields: CustomField) -> dict[int, CustomField]:
    return {custom.id: custom for custom in fields}


#: Custom fields of users.
USER_FIELDS: Mapping[int, CustomField] = _by_id(
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

#: Custom fields of objects.
OBJECT_FIELDS: Mapping[int, CustomField] = _by_id(
    CustomField(id=7, label="Region", module="tickets", type="select", options=_REGIONS),
    CustomField(id=11, label="Order Number", module="tickets", description="As on the invoice"),
    CustomField(id=12, label="Urgency", module="tickets", type="select", options=_URGENCIES),
    CustomField(id=13, label="Products", module="tickets", type="checkbox", options=_INTERESTS),
    CustomField(id=14, label="Needed By", module="tickets", type="date"),
    CustomField(id=15, label="Internal Code", module="tickets", private=True),
)

_FIELDS: dict[Module, Mapping[int, CustomField]] = {"users": USER_FIELDS, "tickets": OBJECT_FIELDS}


def fields_for(module: Module, *, staff: bool) -> list[CustomField]:
    """List a module's fields, the private ones for staff only."""
    return [custom for custom in _FIELDS[module].values() if staff or not custom.private]


def field_json(custom: CustomField) -> dict[str, object]:
    """Show a field as the 7.0 lists do."""
    return {
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


def old_field_json(custom: CustomField) -> dict[str, object]:
    """Show a field as the 4.0 list does."""
    return {
        "id": custom.id,
        "slug": f"property_{custom.id}",
        "title": custom.label,
        "description": custom.description,
        "type": custom.type,
        "is_private": int(custom.private),
        "is_required": 0,
        "options": [{"value": value, "title": title} for value, title in custom.options.items()],
    }


def values_json(
    module: Module, properties: Iterable[tuple[int, tuple[str, ...]]], *, staff: bool
) -> list[dict[str, object]]:
    """Show what a user or an object has in its fields."""
    known = _FIELDS[module]
    return [
        _value_json(module, number, values)
        for number, values in properties
        if staff or not known[number].private
    ]


# The same few values come up for everybody, and nobody changes what comes back from here.
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
