"""Moderation: topics and comments that wait for approval."""

from typing import Literal

from starlette.responses import Response

from useresponse_async.sandbox._calls import Call, Routes
from useresponse_async.sandbox._catalog import HELPDESK
from useresponse_async.sandbox._changelog import Action
from useresponse_async.sandbox._comments import save_comment
from useresponse_async.sandbox._objects import object_json
from useresponse_async.sandbox._responses import Refusal, success

_Decision = Literal["active", "declined"]


def approve_topic(call: Call) -> Response:
    """Approve a topic."""
    return _decide_topic(call, "active")


def decline_topic(call: Call) -> Response:
    """Decline a topic."""
    return _decide_topic(call, "declined")


def approve_comment(call: Call) -> Response:
    """Approve a comment."""
    return _decide_comment(call, "active")


def decline_comment(call: Call) -> Response:
    """Decline a comment."""
    return _decide_comment(call, "declined")


def _decide_topic(call: Call, decision: _Decision) -> Response:
    call.require_staff()
    record = call.state.objects.find(call, call.id)
    if record.ownership == HELPDESK:
        raise Refusal(404)
    reason = _read_reason(call, decision)
    after = call.state.objects.save(call, record, state=decision)
    call.state.changes.log(call, "object", record.id, *reason)
    return success(object_json(call, after))


def _decide_comment(call: Call, decision: _Decision) -> Response:
    call.require_staff()
    comment = call.state.comments.find(call, call.id)
    return save_comment(call, comment, *_read_reason(call, decision), state=decision)


def _read_reason(call: Call, decision: _Decision) -> tuple[Action, ...]:
    if decision == "active":
        return ()
    reason = call.body.text("reason")
    call.body.check()
    return (Action("reason", None, reason),) if reason else ()


MODERATION_ROUTES: Routes = {
    "/topic/{id:int}/approve.json": {"POST": approve_topic},
    "/topic/{id:int}/decline.json": {"POST": decline_topic},
    "/comment/{id:int}/approve.json": {"POST": approve_comment},
    "/comment/{id:int}/decline.json": {"POST": decline_comment},
}
