"""Moderation: topics and comments that wait for approval."""

from functools import partial
from typing import Literal

from starlette.responses import Response

from useresponse_async.sandbox._calls import Call, Routes
from useresponse_async.sandbox._catalog import HELPDESK
from useresponse_async.sandbox._changelog import Action
from useresponse_async.sandbox._comments import save_comment
from useresponse_async.sandbox._objects import object_json
from useresponse_async.sandbox._responses import Refusal, success

_Decision = Literal["active", "declined"]


def decide_topic(call: Call, decision: _Decision) -> Response:
    """Approve or decline a topic."""
    call.require_staff()
    record = call.state.objects.find(call, call.id)
    if record.ownership == HELPDESK:
        raise Refusal(404)
    reason = _read_reason(call, decision)
    after = call.state.objects.save(call, record, state=decision)
    call.state.changes.log(call, "object", record.id, *reason)
    return success(object_json(call, after))


def decide_comment(call: Call, decision: _Decision) -> Response:
    """Approve or decline a comment."""
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
    "/topic/{id:int}/approve.json": {"POST": partial(decide_topic, decision="active")},
    "/topic/{id:int}/decline.json": {"POST": partial(decide_topic, decision="declined")},
    "/comment/{id:int}/approve.json": {"POST": partial(decide_comment, decision="active")},
    "/comment/{id:int}/decline.json": {"POST": partial(decide_comment, decision="declined")},
}
