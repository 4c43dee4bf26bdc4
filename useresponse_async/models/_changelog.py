"""What is known of a change to an object or a user?"""

from __future__ import annotations

from datetime import datetime

import attrs

from useresponse_async.models._user import User
from useresponse_async.models._wire import Model, listed, wire

__all__ = ["Changelog", "ChangelogAction"]


@attrs.define(kw_only=True, repr=False)
class ChangelogAction(Model):
    """One field that changed, from ``previous`` to ``value``; ``change_id`` is a text."""

    change_id: str | None = None
    field: str | None = None
    previous: str | None = None
    value: str | None = None


@attrs.define(kw_only=True, repr=False)
class Changelog(Model):
    """What somebody changed at one time."""

    created_at: datetime | None = wire("createdAtPosix")
    created_by: User | None = wire("createdBy")
    source: str | None = None
    actions: list[ChangelogAction] = listed()
