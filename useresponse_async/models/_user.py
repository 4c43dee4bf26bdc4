"""Users, with their roles, teams, custom fields and notes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from useresponse_async._secret import Secret
from useresponse_async.models._wire import Model, listed, wire

__all__ = [
    "Avatar",
    "FieldValue",
    "Role",
    "Team",
    "User",
    "UserNote",
]


@attrs.define(kw_only=True, repr=False)
class Avatar(Model):
    """The URLs of a user's picture, by size."""

    big: str | None = None
    medium: str | None = None
    small: str | None = None
    tiny: str | None = None


@attrs.define(kw_only=True, repr=False)
class Role(Model):
    """A user's permissions: ``alias`` is e.g. ``user``, ``agent`` or ``admin``."""

    id: int | None = None
    alias: str | None = None


@attrs.define(kw_only=True, repr=False)
class Team(Model):
    """A team of agents."""

    id: int | None = None
    name: str | None = None


@attrs.define(kw_only=True, repr=False)
class FieldValue(Model):
    """The values that a user or an object has in one custom field.

    ``value`` contains them as stored, ``text_value`` as shown; ``name`` is ``property_<id>``.
    """

    id: int | None = None
    label: str | None = None
    name: str | None = None
    value: list[Any] = listed()
    text_value: list[Any] = listed("textValue")


@attrs.define(kw_only=True, repr=False)
class User(Model):
    """A user of the site: a customer, an agent or an administrator.

    ``registration_date_text`` and ``last_visit_at_text`` are in the site's local time; the API
    does not send its time zone. The server sends ``api_key`` only to the user itself: from
    ``users.me``, a login or a registration.
    """

    id: int
    name: str | None = None
    short_name: str | None = wire("shortName")
    email: str | None = None
    phone: str | None = None
    avatar: Avatar | None = None
    is_default_avatar: bool | None = wire("isDefaultAvatar")
    gravatar_email: str | None = wire("gravatarEmail")
    profile_url: str | None = wire("profileUrl")
    registration_date_text: str | None = wire("registrationDate")
    last_visit_at_text: str | None = wire("lastVisitAt")
    role: Role | None = None
    team: Team | None = None
    tags: list[str] = listed()
    custom_fields: list[FieldValue] = listed()
    api_key: Secret | None = wire("apiKey")


@attrs.define(kw_only=True, repr=False)
class UserNote(Model):
    """An agent's note about a user.

    ``created_at_text`` and ``updated_at_text`` are in the site's local time; ``created_ago`` is
    the age as the site shows it.
    """

    id: int
    content: str | None = None
    author: User | None = None
    created_at: datetime | None = wire("createdAtPosix")
    created_at_text: str | None = wire("createdAt")
    created_ago: str | None = wire("createdAgo")
    updated_at_text: str | None = wire("updatedAt")
