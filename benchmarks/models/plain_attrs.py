"""A page of users as attrs classes that stock cattrs can fill."""

from __future__ import annotations

from typing import Any

import attrs

__all__ = ["UserPage"]


@attrs.define
class Avatar:
    """Addresses of a user's picture, by size."""

    big: str | None = None
    medium: str | None = None
    small: str | None = None
    tiny: str | None = None


@attrs.define
class Role:
    """What a user may do."""

    id: int | None = None
    alias: str | None = None


@attrs.define
class Team:
    """A team of agents."""

    id: int | None = None
    name: str | None = None


@attrs.define
class FieldValue:
    """The values that a user has in one custom field."""

    id: int | None = None
    label: str | None = None
    name: str | None = None
    value: list[Any] = attrs.Factory(list[Any])
    textValue: list[Any] = attrs.Factory(list[Any])  # noqa: N815 - as on the wire


@attrs.define
class User:
    """A user of the installation."""

    id: int | None = None
    name: str | None = None
    shortName: str | None = None  # noqa: N815 - as on the wire
    email: str | None = None
    phone: str | None = None
    avatar: Avatar | None = None
    isDefaultAvatar: bool | None = None  # noqa: N815 - as on the wire
    gravatarEmail: str | None = None  # noqa: N815 - as on the wire
    profileUrl: str | None = None  # noqa: N815 - as on the wire
    registrationDate: str | None = None  # noqa: N815 - as on the wire
    lastVisitAt: str | None = None  # noqa: N815 - as on the wire
    role: Role | None = None
    team: Team | None = None
    tags: str | None = None
    custom_fields: list[FieldValue] = attrs.Factory(list[FieldValue])


@attrs.define
class UserPage:
    """One page of users."""

    data: list[User]
    currentPage: int  # noqa: N815 - as on the wire
    objectsPerPage: int  # noqa: N815 - as on the wire
    totalObjects: int  # noqa: N815 - as on the wire
    totalPages: int  # noqa: N815 - as on the wire
    nextPage: int | None = None  # noqa: N815 - as on the wire
