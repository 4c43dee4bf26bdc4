"""What is known of a category?"""

from __future__ import annotations

from typing import Any

import attrs

from useresponse_async.models._forum import Forum
from useresponse_async.models._wire import Model, wire

__all__ = ["Category", "CategoryImage"]


@attrs.define(kw_only=True, repr=False)
class CategoryImage(Model):
    """Addresses of a category's picture, by size."""

    big: str | None = None
    medium: str | None = None
    small: str | None = None


@attrs.define(kw_only=True, repr=False)
class Category(Model):
    """A category of objects.

    ``type`` is as the server sends it: the slug of an object type in 4.0, undocumented in 7.0.
    """

    id: int | None = None
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
