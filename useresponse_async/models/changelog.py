"""What is known of a change to an object or a user?"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from useresponse_async.models._wire import Model, listed, unknown_keys, wire
from useresponse_async.models.user import User

__all__ = ["Changelog", "ChangelogAction"]


@attrs.define(kw_only=True, repr=False)
class ChangelogAction(Model):
    """One field that changed, from ``previous`` to ``value``; ``change_id`` is a text."""

    change_id: str | None = None
    field: str | None = None
    previous: str | None = None
    value: str | None = None
    extra: dict[str, Any] = unknown_keys()


@attrs.define(kw_only=True, repr=False)
class Changelog(Model):
    """What somebody changed at one time."""

    created_at: datetime | None = wire("createdAtPosix")
    created_by: User | None = wire("createdBy")
    source: str | None = None
    actions: list[ChangelogAction] = listed()
    extra: dict[str, Any] = unknown_keys()
