"""Objects (tickets, topics, articles, announcements), their comments and files."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from useresponse_async.models._settings import Category, Forum, Status
from useresponse_async.models._user import FieldValue, Team, User
from useresponse_async.models._wire import Model, listed, wire

__all__ = [
    "AttachedFile",
    "Comment",
    "CommentVotes",
    "FileName",
    "Link",
    "Object",
    "ObjectType",
    "ObjectVotes",
    "Source",
    "State",
    "TypeIcon",
    "TypeSupport",
    "TypeTitle",
    "UploadedFile",
]


@attrs.define(kw_only=True, repr=False)
class FileName(Model):
    """A file's name: in full, shortened for display, and its extension alone."""

    full: str | None = wire(alone=True)
    short: str | None = None
    ext: str | None = None


@attrs.define(kw_only=True, repr=False)
class AttachedFile(Model):
    """A file on the server: ``url`` shows it, ``direct_url`` downloads it."""

    id: int | None = None
    name: FileName | None = None
    url: str | None = None
    direct_url: str | None = wire("directUrl")
    icon: str | None = None


@attrs.define(kw_only=True, repr=False)
class UploadedFile(Model):
    """An uploaded file: its ``token`` attaches it to a comment, ``url`` shows it.

    ``name`` is the name of the attachment that was uploaded; the server does not return it.
    """

    token: str | None = None
    name: str | None = None
    url: str | None = None


@attrs.define(kw_only=True, repr=False)
class CommentVotes(Model):
    """The votes for a comment; ``plural`` is their number as the site shows it."""

    amount: int | None = None
    can_vote: bool | None = wire("canVote")
    is_voted: bool | None = wire("isVoted")
    plural: str | None = None


@attrs.define(kw_only=True, repr=False)
class Comment(Model):
    """A comment on an object.

    ``created_at_text`` and ``updated_at_text`` are in the site's local time; ``created_ago`` is
    the age as the site shows it.
    """

    id: int
    object_id: int | None = wire("objectId")
    content: str | None = None
    author: User | None = None
    created_at: datetime | None = wire("createdAtPosix")
    created_at_text: str | None = wire("createdAt")
    created_ago: str | None = wire("createdAgo")
    updated_at_text: str | None = wire("updatedAt")
    is_best: bool | None = None
    ownership: str | None = None
    reply_to_id: int | None = wire("replyToId")
    attachments: list[AttachedFile] = listed()
    votes: CommentVotes | None = None


@attrs.define(kw_only=True, repr=False)
class TypeTitle(Model):
    """The name of an object type; API version 4.0 sends only one, which is ``single``."""

    single: str | None = wire(alone=True)
    plural: str | None = None


@attrs.define(kw_only=True, repr=False)
class TypeIcon(Model):
    """The URLs of an object type's icon, by size."""

    big: str | None = None
    small: str | None = None


@attrs.define(kw_only=True, repr=False)
class TypeSupport(Model):
    """The features of an object type."""

    comments: bool | None = None
    votes: bool | None = None
    negative_vote: bool | None = wire("negativeVote")


@attrs.define(kw_only=True, repr=False)
class ObjectType(Model):
    """A type of objects: ``slug`` is e.g. ``ticket``, ``idea`` or ``article``."""

    slug: str | None = None
    title: TypeTitle | None = None
    icon: TypeIcon | None = None
    order: int | None = None
    supports: TypeSupport | None = None


@attrs.define(kw_only=True, repr=False)
class State(Model):
    """The state of an object, as a number and a name."""

    identifier: int | None = None
    name: str | None = None


@attrs.define(kw_only=True, repr=False)
class Source(Model):
    """The origin of an object, e.g. the web or an email."""

    identifier: str | None = None
    name: str | None = None


@attrs.define(kw_only=True, repr=False)
class Link(Model):
    """A link to another object; ``object_id`` is a string."""

    object_id: str | None = None
    title: str | None = None
    type: str | None = None
    url: str | None = None


@attrs.define(kw_only=True, repr=False)
class ObjectVotes(Model):
    """The votes for an object; ``plural`` is their number as the site shows it."""

    all: int | None = None
    positive: int | None = None
    negative: int | None = None
    can_vote: bool | None = wire("canVote")
    is_voted: bool | None = wire("isVoted")
    plural: str | None = None


@attrs.define(kw_only=True, repr=False)
class Object(Model):
    """A ticket, a topic, an article or an announcement.

    ``created_at_text``, ``commented_at_text`` and ``completed_on_text`` are in the site's local
    time. ``parent_object`` is unchanged JSON, because the API does not document its structure.
    ``score``, ``score_comment`` and ``score_reason`` are the author's rating.
    """

    id: int
    ownership: str | None = None
    type: ObjectType | None = None
    title: str | None = None
    slug: str | None = None
    url: str | None = None
    content: str | None = None
    author: User | None = None
    responsible: User | None = None
    team: Team | None = None
    category: Category | None = None
    forum: Forum | None = None
    status: Status | None = None
    state: State | None = None
    source: Source | None = None
    tags: list[str] = listed()
    custom_fields: list[FieldValue] = listed()
    attachments: list[AttachedFile] = listed()
    recipients: list[str] = listed()
    links: list[Link] = listed()
    parent_object: Any = wire("parentObject")
    best_comment: Comment | None = wire("bestComment")
    completed_by: User | None = wire("completedBy")
    completed_on_text: str | None = wire("completedOn")
    created_at: datetime | None = wire("createdAtPosix")
    created_at_text: str | None = wire("createdAt")
    commented_at_text: str | None = wire("commentedAt")
    latest_activity: datetime | None = wire("latestActivityPosix")
    sla_date: datetime | None = wire("slaDatePosix")
    comments_num: int | None = wire("commentsNum")
    views: int | None = None
    votes: ObjectVotes | None = None
    score: int | None = None
    score_comment: str | None = wire("scoreComment")
    score_reason: str | None = wire("scoreReason")
    language: str | None = None
    can_be_commented: bool | None = wire("canBeCommented")
    is_abused: bool | None = wire("isAbused")
    is_featured: bool | None = wire("isFeatured")
    is_private: bool | None = wire("isPrivate")
    is_subscribed: bool | None = wire("isSubscribed")
