"""Notes that staff writes about users."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from starlette.responses import Response

from useresponse_async.sandbox._calls import Call, Routes
from useresponse_async.sandbox._catalog import LONGEST_CONTENT
from useresponse_async.sandbox._responses import Refusal, success, to_json
from useresponse_async.sandbox._text import MOMENT, ago, local_text, optional_text


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
    """The notes of one sandbox; there are none at the start."""

    def __init__(self) -> None:
        self.next_id: int = 1
        self._notes: dict[int, NoteRecord] = {}

    def find(self, number: int) -> NoteRecord:
        """Return a note, or refuse the call with a 404."""
        note = self._notes.get(number)
        if note is None:
            raise Refusal(404)
        return note

    def about(self, user: int) -> Sequence[NoteRecord]:
        """Return the notes about a user, newest first."""
        return [note for note in reversed(self._notes.values()) if note.user == user]

    def put(self, note: NoteRecord) -> None:
        """Add a note, or replace the one with its id."""
        self._notes[note.id] = note
        self.next_id = max(self.next_id, note.id + 1)

    def remove(self, number: int) -> None:
        """Delete a note."""
        del self._notes[number]


def list_notes(call: Call) -> Response:
    """List the notes about a user, newest first."""
    call.require_staff()
    user = call.state.users.find(call.id)
    return call.listed(_shown(call, user.id), under_success=True)


def add_note(call: Call) -> Response:
    """Add a note and return all notes about the user."""
    author = call.require_staff()
    user = call.state.users.find(call.id).id
    content, remind = _read(call)
    notes = call.state.notes
    notes.put(
        NoteRecord(
            id=notes.next_id,
            user=user,
            author=author,
            content=content,
            created=call.now,
            remind=remind,
        )
    )
    return _all_about(call, user)


def edit_note(call: Call) -> Response:
    """Change a note and return all notes about the user."""
    call.require_staff()
    note = call.state.notes.find(call.id)
    content, remind = _read(call)
    if "remind_at" not in call.body:
        remind = note.remind
    call.state.notes.put(replace(note, content=content, remind=remind, updated=call.now))
    return _all_about(call, note.user)


def delete_note(call: Call) -> Response:
    """Delete a note and return the notes that are left about the user."""
    call.require_staff()
    note = call.state.notes.find(call.id)
    call.state.notes.remove(note.id)
    return _all_about(call, note.user)


def _read(call: Call) -> tuple[str, int | None]:
    content = call.body.text("content", required=True, longest=LONGEST_CONTENT)
    remind = call.body.time("remind_at", MOMENT)
    call.body.check()
    return content or "", remind


def _all_about(call: Call, user: int) -> Response:
    return success(b"[%b]" % b",".join(_shown(call, user)))


def _shown(call: Call, user: int) -> Sequence[bytes]:
    return [
        to_json(
            {
                "id": note.id,
                "content": note.content,
                "author": call.state.users.person_json(call.viewer, note.author),
                "createdAt": local_text(note.created),
                "createdAtPosix": note.created,
                "createdAgo": ago(note.created, call.now),
                "updatedAt": optional_text(note.updated),
            }
        )
        for note in call.state.notes.about(user)
    ]


NOTE_ROUTES: Routes = {
    "/users/{id:int}/notes.json": {"GET": list_notes},
    "/users/{id:int}/notes/add.json": {"POST": add_note},
    "/users/notes/{id:int}/edit.json": {"POST": edit_note},
    "/users/notes/{id:int}/delete.json": {"POST": delete_note},
}
