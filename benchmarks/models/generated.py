"""A page of users as pydantic models, as a generated SDK has them."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

__all__ = ["UserPage"]


class _Model(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, extra="allow")


class Avatar(_Model):
    """Addresses of a user's picture, by size."""

    big: str | None = None
    medium: str | None = None
    small: str | None = None
    tiny: str | None = None


class Role(_Model):
    """What a user may do."""

    id: int | None = None
    alias: str | None = None


class Team(_Model):
    """A team of agents."""

    id: int | None = None
    name: str | None = None


class FieldValue(_Model):
    """The values that a user has in one custom field."""

    id: int | None = None
    label: str | None = None
    name: str | None = None
    value: list[Any] = []
    text_value: list[Any] = []


class User(_Model):
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
    custom_fields: list[FieldValue] = Field(default=[], alias="custom_fields")


class UserPage(_Model):
    """One page of users."""

    data: list[User]
    current_page: int
    objects_per_page: int
    total_objects: int
    total_pages: int
    next_page: int | None = None
