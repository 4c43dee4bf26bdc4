"""Settings of a site: forums, categories, statuses and custom fields."""

from __future__ import annotations

from typing import Any

import attrs

from useresponse_async.models._wire import Model, listed, wire

__all__ = [
    "Category",
    "CategoryImage",
    "CustomField",
    "FieldOption",
    "Forum",
    "Status",
    "StatusColor",
]


@attrs.define(kw_only=True, repr=False)
class Forum(Model):
    """A forum of the community; its ``id`` is a string."""

    id: str | None = None
    name: str | None = None


@attrs.define(kw_only=True, repr=False)
class CategoryImage(Model):
    """The URLs of a category's picture, by size."""

    big: str | None = None
    medium: str | None = None
    small: str | None = None


@attrs.define(kw_only=True, repr=False)
class Category(Model):
    """A category of objects.

    ``type`` is as the server sends it: the slug of an object type in 4.0, undocumented in 7.0.
    """

    id: int
    name: str | None = None
    slug: str | None = None
    description: str | None = None
    order: int | None = None
    ownership: str | None = None
    type: Any = None
    parent_id: int | None = None
    is_private: bool | None = wire("isPrivate")
    forum: Forum | None = None
    image: CategoryImage | None = None


@attrs.define(kw_only=True, repr=False)
class StatusColor(Model):
    """The colours of a status."""

    background: str | None = None
    text: str | None = None


@attrs.define(kw_only=True, repr=False)
class Status(Model):
    """A status that objects of a type can have."""

    id: int | None = None
    title: str | None = None
    slug: str | None = None
    type: str | None = None
    ownership: str | None = None
    order: int | None = None
    is_default: bool | None = wire("isDefault")
    is_closed: bool | None = wire("isClosed")
    is_system: bool | None = wire("isSystem")
    color: StatusColor | None = None


@attrs.define(kw_only=True, repr=False)
class FieldOption(Model):
    """An option of a custom field: ``value`` is stored, ``title`` is shown.

    API version 7.0 sends a mapping of values to titles. If the values are 0, 1, 2, …, the server
    sends a list of titles, whose indexes are the values.
    """

    value: str | None = wire(key=True)
    title: str | None = wire(alone=True)


@attrs.define(kw_only=True, repr=False)
class CustomField(Model):
    """A field that an administrator added to users or objects.

    ``name`` is its name in the API, ``property_<id>`` (``slug`` in version 4.0); ``label`` is the
    name that users see (``title`` in version 4.0).
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
