"""What does the call do that keeps a user out?"""

from dataclasses import replace
from http import HTTPStatus

from starlette.responses import Response

from useresponse_async.sandbox.answers import Refusal, success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.editing import save_object, save_user
from useresponse_async.sandbox.lookups import find_user
from useresponse_async.sandbox.objects import ObjectSearch
from useresponse_async.sandbox.people import Ban
from useresponse_async.sandbox.routing import Routes

_DAY_SECONDS = 86_400
_MOST_DAYS = 36_500


def ban_user(call: Call) -> Response:
    """Keep a user out, for some days or, when none are named, for good."""
    call.require_admin()
    user = find_user(call, call.id)
    body = call.body
    days = body.number("ban_duration_days", least=1)
    if days is not None and days > _MOST_DAYS:
        body.wrong("ban_duration_days")
    reason = body.text("ban_reason") or ""
    delete = body.boolean("delete_related_objects") or False
    permanent = body.boolean("permanent") or days is None
    body.check()
    if user.id == call.viewer.user_id:
        raise Refusal(HTTPStatus.FORBIDDEN)
    until = None if permanent or days is None else call.now + days * _DAY_SECONDS
    save_user(call, user, replace(user, ban=Ban(reason=reason, until=until)))
    if delete:
        _trash_everything(call, user.id)
    return success(call.state.users.full_json(user.id))


BAN_ROUTES: Routes = {"/users/{id:int}/ban.json": {"POST": ban_user}}


def _trash_everything(call: Call, author: int) -> None:
    state = call.state
    written = ObjectSearch(eyes=call.eyes, today=state.today, author=author)
    for number in state.objects.find(written):
        record = state.objects.get(number)
        if record is not None:
            save_object(call, record, state="trashed", came_from=record.state)
    for comment in state.comments.by(author):
        state.comments.change(replace(comment, state="trashed", came_from=comment.state))
