"""What do the calls do that put a comment away, or react to it?"""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from useresponse_async.sandbox.answers import Refusal, success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.changes import Action
from useresponse_async.sandbox.comment_json import comment_json
from useresponse_async.sandbox.comment_records import CommentRecord
from useresponse_async.sandbox.editing import log_object, save_object
from useresponse_async.sandbox.lookups import find_comment, find_object, find_own_comment
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.wire import to_json


def trash(call: Call) -> Response:
    """Put a comment into the trash."""
    comment = find_own_comment(call, call.id)
    if comment.state == "trashed":
        return _answer(call, comment)
    return _save(call, comment, state="trashed", came_from=comment.state)


def recover(call: Call) -> Response:
    """Take a comment out of the trash."""
    call.require_staff()
    comment = find_comment(call, call.id)
    if comment.state != "trashed":
        return _answer(call, comment)
    return _save(call, comment, state=comment.came_from)


def toggle_best(call: Call) -> Response:
    """Make a comment the best one of its object, or no longer; there is one at most."""
    caller = call.require_key()
    comment = find_comment(call, call.id)
    record = find_object(call, comment.object)
    if not call.viewer.is_staff and record.author != caller:
        raise Refusal(HTTPStatus.FORBIDDEN)
    save_object(call, record, best=0 if record.best == comment.id else comment.id)
    return _answer(call, comment)


def toggle_vote(call: Call) -> Response:
    """Give the caller's vote, or take it back."""
    caller = call.require_key()
    comment = find_comment(call, call.id)
    comment = replace(comment, voters=comment.voters ^ {caller})
    call.state.comments.change(comment)
    return _answer(call, comment)


COMMENT_ACTION_ROUTES: Routes = {
    "/comments/{id:int}/trash.json": {"POST": trash, "DELETE": trash},
    "/comments/{id:int}/recovery.json": {"POST": recover},
    "/comments/{id:int}/best/toggle.json": {"POST": toggle_best},
    "/comments/{id:int}/votes/toggle.json": {"POST": toggle_vote},
}


def _save(call: Call, comment: CommentRecord, **changes: Any) -> Response:
    after = replace(comment, **changes)
    call.state.comments.change(after)
    log_object(call, comment.object, Action("comment_state", comment.state, after.state))
    return _answer(call, after)


def _answer(call: Call, comment: CommentRecord) -> Response:
    return success(to_json(comment_json(call, comment, find_object(call, comment.object))))
