"""Which notes has staff written about users?"""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRecord:
    """One note about a user."""

    id: int
    user: int
    author: int
    content: str
    created: int
    updated: int | None = None
    remind: int | None = None


class Notes:
    """The notes of one sandbox; there are none at the start.

    Not locked in itself; whoever calls it holds the lock of the state it belongs to.
    """

    def __init__(self) -> None:
        self._next = 1
        self._notes: dict[int, NoteRecord] = {}

    def get(self, number: int) -> NoteRecord | None:
        """Find a note by id."""
        return self._notes.get(number)

    def about(self, user: int) -> Sequence[NoteRecord]:
        """List the notes about a user, newest first."""
        return [note for note in reversed(self._notes.values()) if note.user == user]

    def add(
        self, *, user: int, author: int, content: str, created: int, remind: int | None
    ) -> NoteRecord:
        """Write a note."""
        note = NoteRecord(
            id=self._next,
            user=user,
            author=author,
            content=content,
            created=created,
            remind=remind,
        )
        self._next += 1
        self._notes[note.id] = note
        return note

    def change(self, note: NoteRecord) -> None:
        """Put a changed note in the place of the old one."""
        self._notes[note.id] = note

    def remove(self, number: int) -> None:
        """Take a note away."""
        del self._notes[number]
