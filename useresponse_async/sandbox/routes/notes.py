"""What do the calls about notes on users do?"""

from collections.abc import Sequence
from dataclasses import replace
from http import HTTPStatus

from starlette.responses import Response

from useresponse_async.sandbox.answers import Refusal, success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.clock import ago, local_text, optional_text
from useresponse_async.sandbox.lookups import find_user
from useresponse_async.sandbox.notes import NoteRecord
from useresponse_async.sandbox.object_fields import LONGEST_CONTENT
from useresponse_async.sandbox.pages import listed
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.shared_json import person_json
from useresponse_async.sandbox.wire import to_json


def list_notes(call: Call) -> Response:
    """List the notes about a user, newest first."""
    call.require_staff()
    return listed(call, _shown(call, find_user(call, call.id).id), under_success=True)


def add_note(call: Call) -> Response:
    """Write a note; answers all notes about the user."""
    author = call.require_staff()
    user = find_user(call, call.id).id
    content, remind = _read(call)
    call.state.notes.add(user=user, author=author, content=content, created=call.now, remind=remind)
    return _all_about(call, user)


def edit_note(call: Call) -> Response:
    """Change a note; answers all notes about the user."""
    call.require_staff()
    note = _existing(call)
    content, remind = _read(call)
    if "remind_at" not in call.body:
        remind = note.remind
    call.state.notes.change(replace(note, content=content, remind=remind, updated=call.now))
    return _all_about(call, note.user)


def delete_note(call: Call) -> Response:
    """Take a note away; answers the notes that are left about the user."""
    call.require_staff()
    note = _existing(call)
    call.state.notes.remove(note.id)
    return _all_about(call, note.user)


NOTE_ROUTES: Routes = {
    "/users/{id:int}/notes.json": {"GET": list_notes},
    "/users/{id:int}/notes/add.json": {"POST": add_note},
    "/users/notes/{id:int}/edit.json": {"POST": edit_note},
    "/users/notes/{id:int}/delete.json": {"POST": delete_note},
}


def _read(call: Call) -> tuple[str, int | None]:
    content = call.body.text("content", required=True, longest=LONGEST_CONTENT)
    remind = call.body.moment("remind_at")
    call.body.check()
    return content or "", remind


def _existing(call: Call) -> NoteRecord:
    note = call.state.notes.get(call.id)
    if note is None:
        raise Refusal(HTTPStatus.NOT_FOUND)
    return note


def _all_about(call: Call, user: int) -> Response:
    return success(b"[%b]" % b",".join(_shown(call, user)))


def _shown(call: Call, user: int) -> Sequence[bytes]:
    return [to_json(_note_json(call, note)) for note in call.state.notes.about(user)]


def _note_json(call: Call, note: NoteRecord) -> dict[str, object]:
    return {
        "id": note.id,
        "content": note.content,
        "author": person_json(call, note.author),
        "createdAt": local_text(note.created),
        "createdAtPosix": note.created,
        "createdAgo": ago(note.created, call.now),
        "updatedAt": optional_text(note.updated),
    }
