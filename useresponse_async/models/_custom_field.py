"""What is known of a custom field?"""

from __future__ import annotations

import attrs

from useresponse_async.models._wire import Model, listed, wire

__all__ = ["CustomField", "FieldOption"]


@attrs.define(kw_only=True, repr=False)
class FieldOption(Model):
    """A choice of a custom field: ``value`` is stored, ``title`` is shown.

    7.0 sends a mapping of the first to the second. PHP sends a mapping with the keys 0, 1, 2, …
    as a list of texts, whose values are therefore their places.
    """

    value: str | None = wire(key=True)
    title: str | None = wire(alone=True)


@attrs.define(kw_only=True, repr=False)
class CustomField(Model):
    """A field that the administrator added to users or objects.

    ``name`` is what the API calls it, ``property_<id>`` (``slug`` in 4.0); ``label`` is what
    people read (``title`` in 4.0).
    """

    id: int | None = None
    name: str | None = wire(alias="slug")
    label: str | None = wire(alias="title")
    description: str | None = None
    type: str | None = None
    field_type: str | None = None
    module: str | None = None
    is_active: bool | None = None
    is_private: bool | None = None
    is_required: bool | None = None
    options: list[FieldOption] = listed()
