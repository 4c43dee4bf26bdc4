"""What is known of a comment?"""

from __future__ import annotations

from datetime import datetime

import attrs

from useresponse_async.models._attached_file import AttachedFile
from useresponse_async.models._user import User
from useresponse_async.models._wire import Model, listed, wire

__all__ = ["Comment", "CommentVotes"]


@attrs.define(kw_only=True, repr=False)
class CommentVotes(Model):
    """The votes for a comment; ``plural`` is their number as shown."""

    amount: int | None = None
    can_vote: bool | None = wire("canVote")
    is_voted: bool | None = wire("isVoted")
    plural: str | None = None


@attrs.define(kw_only=True, repr=False)
class Comment(Model):
    """A comment on an object.

    ``created_at_text`` and ``updated_at`` are the installation's local time, as text;
    ``created_ago`` is how it shows the age.
    """

    id: int | None = None
    object_id: int | None = wire("objectId")
    content: str | None = None
    author: User | None = None
    created_at: datetime | None = wire("createdAtPosix")
    created_at_text: str | None = wire("createdAt")
    created_ago: str | None = wire("createdAgo")
    updated_at: str | None = wire("updatedAt")
    is_best: bool | None = None
    ownership: str | None = None
    reply_to_id: int | None = wire("replyToId")
    attachments: list[AttachedFile] = listed()
    votes: CommentVotes | None = None
