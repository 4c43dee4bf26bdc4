"""What is known of a status?"""

from __future__ import annotations

import attrs

from useresponse_async.models._wire import Model, wire

__all__ = ["Status", "StatusColor"]


@attrs.define(kw_only=True, repr=False)
class StatusColor(Model):
    """The colours a status is shown in."""

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
