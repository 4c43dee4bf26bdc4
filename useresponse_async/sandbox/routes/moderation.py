"""What do the calls do that let through, or turn down, what somebody has written?"""

from dataclasses import replace
from http import HTTPStatus
from typing import Literal

from starlette.responses import Response

from useresponse_async.sandbox.answers import Refusal, success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.changes import Action
from useresponse_async.sandbox.comment_json import comment_json
from useresponse_async.sandbox.editing import log_object, save_object
from useresponse_async.sandbox.kinds import HELPDESK
from useresponse_async.sandbox.lookups import find_comment, find_object
from useresponse_async.sandbox.object_json import object_json
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.wire import to_json

_Decision = Literal["active", "declined"]


def approve_topic(call: Call) -> Response:
    """Let a topic through."""
    return _decide_topic(call, "active")


def decline_topic(call: Call) -> Response:
    """Turn a topic down."""
    return _decide_topic(call, "declined")


def approve_comment(call: Call) -> Response:
    """Let a comment through."""
    return _decide_comment(call, "active")


def decline_comment(call: Call) -> Response:
    """Turn a comment down."""
    return _decide_comment(call, "declined")


MODERATION_ROUTES: Routes = {
    "/topic/{id:int}/approve.json": {"POST": approve_topic},
    "/topic/{id:int}/decline.json": {"POST": decline_topic},
    "/comment/{id:int}/approve.json": {"POST": approve_comment},
    "/comment/{id:int}/decline.json": {"POST": decline_comment},
}


def _decide_topic(call: Call, decision: _Decision) -> Response:
    call.require_staff()
    record = find_object(call, call.id)
    if record.ownership == HELPDESK:
        raise Refusal(HTTPStatus.NOT_FOUND)
    reason = _reason(call, decision)
    after = save_object(call, record, state=decision)
    log_object(call, record.id, *reason)
    return success(to_json(object_json(call, after)))


def _decide_comment(call: Call, decision: _Decision) -> Response:
    call.require_staff()
    comment = find_comment(call, call.id)
    reason = _reason(call, decision)
    after = replace(comment, state=decision)
    call.state.comments.change(after)
    log_object(call, comment.object, Action("comment_state", comment.state, decision), *reason)
    target = find_object(call, comment.object)
    return success(to_json(comment_json(call, after, target)))


def _reason(call: Call, decision: _Decision) -> tuple[Action, ...]:
    if decision == "active":
        return ()
    reason = call.body.text("reason")
    call.body.check()
    return (Action("reason", None, reason),) if reason else ()
