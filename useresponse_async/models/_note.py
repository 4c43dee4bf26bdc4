"""What is known of a note about a user?"""

from __future__ import annotations

from datetime import datetime

import attrs

from useresponse_async.models._user import User
from useresponse_async.models._wire import Model, wire

__all__ = ["UserNote"]


@attrs.define(kw_only=True, repr=False)
class UserNote(Model):
    """A note that agents keep about a user.

    ``created_at_text`` and ``updated_at`` are the installation's local time, as text;
    ``created_ago`` is how it shows the age.
    """

    id: int | None = None
    content: str | None = None
    author: User | None = None
    created_at: datetime | None = wire("createdAtPosix")
    created_at_text: str | None = wire("createdAt")
    created_ago: str | None = wire("createdAgo")
    updated_at: str | None = wire("updatedAt")
