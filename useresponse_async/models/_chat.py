"""Chats and their messages."""

from __future__ import annotations

from datetime import datetime

import attrs

from useresponse_async.models._user import User
from useresponse_async.models._wire import Model, wire

__all__ = [
    "Chat",
    "Message",
]


@attrs.define(kw_only=True, repr=False)
class Message(Model):
    """A message in a chat: ``type`` is e.g. ``text``, ``image``, ``document`` or ``article``.

    The ``content`` of an article is itself JSON text, with its title and link.
    """

    id: int | None = None
    parent_id: int | None = wire("parentId")
    type: str | None = None
    content: str | None = None
    author: User | None = None
    is_system: bool | None = wire("isSystem")
    token: str | None = None
    file_name: str | None = wire("fileName")
    created_at: datetime | None = wire("createdAtPosix")


@attrs.define(kw_only=True, repr=False)
class Chat(Model):
    """A chat with a customer.

    Fields whose names end in ``_text`` are in the site's local time. The vendor's own apps use
    ``external_id`` where the API expects a chat's id.
    """

    id: int
    external_id: int | None = wire("externalId")
    title: str | None = None
    token: str | None = None
    source: str | None = None
    author: User | None = None
    responsible: User | None = None
    last_message: Message | None = wire("lastMessage")
    seen_by_client: bool | None = wire("seenByClient")
    score: int | None = None
    created_at: datetime | None = wire("createdAtPosix")
    created_at_text: str | None = wire("createdAt")
    updated_at: datetime | None = wire("updatedAtPosix")
    updated_at_text: str | None = wire("updatedAt")
    completed_at: datetime | None = wire("completedAtPosix")
    completed_at_text: str | None = wire("completedAt")
