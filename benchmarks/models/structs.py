"""A page of users as msgspec structs."""

from __future__ import annotations

from typing import Any

import msgspec

__all__ = ["UserPage"]


class Avatar(msgspec.Struct):
    """Addresses of a user's picture, by size."""

    big: str | None = None
    medium: str | None = None
    small: str | None = None
    tiny: str | None = None


class Role(msgspec.Struct):
    """What a user may do."""

    id: int | None = None
    alias: str | None = None


class Team(msgspec.Struct):
    """A team of agents."""

    id: int | None = None
    name: str | None = None


class FieldValue(msgspec.Struct, rename="camel"):
    """The values that a user has in one custom field."""

    id: int | None = None
    label: str | None = None
    name: str | None = None
    value: list[Any] = []
    text_value: list[Any] = []


class User(msgspec.Struct, rename="camel"):
    """A user of the installation."""

    id: int | None = None
    name: str | None = None
    short_name: str | None = None
    email: str | None = None
    phone: str | None = None
    avatar: Avatar | None = None
    is_default_avatar: bool | None = None
    gravatar_email: str | None = None
    profile_url: str | None = None
    registration_date: str | None = None
    last_visit_at: str | None = None
    role: Role | None = None
    team: Team | None = None
    tags: str | None = None
    custom_fields: list[FieldValue] = msgspec.field(
        default_factory=list[FieldValue], name="custom_fields"
    )


class UserPage(msgspec.Struct, rename="camel"):
    """One page of users."""

    data: list[User]
    current_page: int
    objects_per_page: int
    total_objects: int
    total_pages: int
    next_page: int | None = None
