"""Notes about users."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from useresponse_async._arguments import (
    Params,
    body_of,
    moment_text,
    positive_id,
    query_of,
    text,
)
from useresponse_async._decode import Decoder, StructureError, is_confirmation, list_of, unwrap
from useresponse_async.models import UserNote
from useresponse_async.resources._resource import Resource

__all__ = ["Notes"]


class Notes(Resource):
    """Agents' notes about users.

    The API responds to a change with either the note or all notes about the user; the methods
    return the changed note.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    async def list(self, user_id: int, *, params: Params | None = None) -> list[UserNote]:
        """List the notes about a user.

        Args:
            user_id: The user's id.
            params: Query parameters, sent unchanged.

        Returns:
            The notes.

        Raises:
            NotFoundError: The user does not exist, or this key has no access to it.

        Endpoint: ``GET users/{id}/notes.json``.
        """
        path = f"users/{positive_id('user_id', user_id)}/notes.json"
        query = query_of({}, params)
        return await self._call("GET", path, list_of(UserNote), query=query)

    async def create(
        self, user_id: int, content: str, *, remind_at: datetime | None = None
    ) -> UserNote:
        """Create a note about a user.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            user_id: The user's id.
            content: The note; servers may reject more than 12000 characters.
            remind_at: When to remind the author: a ``datetime`` without a time zone, in the
                site's local time. Fractions of a second are dropped.

        Returns:
            The new note; if the server returns several, the one with the highest id.

        Raises:
            ArgumentError: ``remind_at`` has a time zone, or another argument is invalid.
            NotFoundError: The user does not exist, or this key has no access to it.

        Endpoint: ``POST users/{id}/notes/add.json``.
        """
        path = f"users/{positive_id('user_id', user_id)}/notes/add.json"
        return await self._call("POST", path, _newest, body=_note_body(content, remind_at))

    async def update(
        self, note_id: int, content: str, *, remind_at: datetime | None = None
    ) -> UserNote | None:
        """Update a note.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            note_id: The note's id.
            content: The new text; servers may reject more than 12000 characters.
            remind_at: When to remind the author: a ``datetime`` without a time zone, in the
                site's local time. Fractions of a second are dropped.

        Returns:
            The updated note; ``None`` if the response does not contain it.

        Raises:
            ArgumentError: ``remind_at`` has a time zone, or another argument is invalid.
            NotFoundError: The note does not exist, or this key has no access to it.

        Endpoint: ``POST users/notes/{id}/edit.json``.
        """
        path = f"users/notes/{positive_id('note_id', note_id)}/edit.json"
        body = _note_body(content, remind_at)
        return await self._call("POST", path, _note(note_id), body=body)

    async def delete(self, note_id: int) -> UserNote | None:
        """Delete a note permanently.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            note_id: The note's id.

        Returns:
            The deleted note; ``None`` if the response does not contain it.

        Raises:
            NotFoundError: The note does not exist, or this key has no access to it.

        Endpoint: ``POST users/notes/{id}/delete.json``.
        """
        path = f"users/notes/{positive_id('note_id', note_id)}/delete.json"
        return await self._call("POST", path, _note(note_id))


def _note_body(content: str, remind_at: datetime | None) -> dict[str, Any]:
    return body_of(
        {"content": text("content", content), "remind_at": moment_text("remind_at", remind_at)}
    )


def _newest(payload: Any) -> UserNote:
    notes = list_of(UserNote)(payload)
    if not notes:
        raise StructureError("nothing, expected UserNote")
    return max(notes, key=lambda note: note.id)


def _note(note_id: int) -> Decoder[UserNote | None]:
    def decode(payload: Any) -> UserNote | None:
        if is_confirmation(unwrap(payload)):
            return None
        notes = list_of(UserNote)(payload)
        return next((note for note in notes if note.id == note_id), None)

    return decode
