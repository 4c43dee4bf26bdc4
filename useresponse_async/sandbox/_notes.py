"""Notes that staff writes about users."""

from dataclasses import dataclass, replace

from starlette.responses import Response

from useresponse_async.sandbox._calls import Access, Call, Refusal, Routes, success
from useresponse_async.sandbox._installation import LONGEST_CONTENT
from useresponse_async.sandbox._text import MOMENT, ago, local_text


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRecord:
    user: int
    author: int
    content: str
    created: int
    updated: int | None = None
    remind: int | None = None


def list_notes(call: Call) -> Response:
    return call.listed(_about(call, call.state.users.find(call.id).id), under_success=True)


def add_note(call: Call) -> Response:
    user = call.state.users.find(call.id).id
    content, remind = _read(call)
    note = NoteRecord(
        user=user, author=call.caller, content=content, created=call.now, remind=remind
    )
    call.state.notes[next(call.state.note_ids)] = note
    return success(_about(call, user))


def edit_note(call: Call) -> Response:
    note = _find(call)
    content, remind = _read(call)
    if "remind_at" not in call.body:
        remind = note.remind
    edited = replace(note, content=content, remind=remind, updated=call.now)
    call.state.notes[call.id] = edited
    return success(_about(call, note.user))


def delete_note(call: Call) -> Response:
    note = _find(call)
    del call.state.notes[call.id]
    return success(_about(call, note.user))


def _find(call: Call) -> NoteRecord:
    note = call.state.notes.get(call.id)
    if note is None:
        raise Refusal(404)
    return note


def _read(call: Call) -> tuple[str, int | None]:
    content = call.body.text("content", required=True, longest=LONGEST_CONTENT)
    remind = call.body.time("remind_at", MOMENT)
    call.body.check()
    return content or "", remind


def _about(call: Call, user: int) -> list[dict[str, object]]:
    return [
        {
            "id": number,
            "content": note.content,
            "author": call.state.users.person_json(call.viewer, note.author),
            "createdAt": local_text(note.created),
            "createdAtPosix": note.created,
            "createdAgo": ago(note.created, call.now),
            "updatedAt": note.updated and local_text(note.updated),
        }
        for number, note in reversed(call.state.notes.items())
        if note.user == user
    ]


NOTE_ROUTES: Routes = {
    "GET /users/{id}/notes.json": (Access.STAFF, list_notes),
    "POST /users/{id}/notes/add.json": (Access.STAFF, add_note),
    "POST /users/notes/{id}/edit.json": (Access.STAFF, edit_note),
    "POST /users/notes/{id}/delete.json": (Access.STAFF, delete_note),
}
