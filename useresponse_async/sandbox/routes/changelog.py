"""What do the calls do that tell what became of an object or a user?"""

from collections.abc import Sequence

from starlette.responses import Response

from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.changes import Action, Change
from useresponse_async.sandbox.clock import read_moment
from useresponse_async.sandbox.lookups import find_object, find_user
from useresponse_async.sandbox.pages import listed
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.shared_json import person_json
from useresponse_async.sandbox.wire import to_json


def of_object(call: Call) -> Response:
    """Tell what became of an object, its writing first."""
    call.require_staff()
    record = find_object(call, call.id)
    changes = call.state.changes.of("object", record.id)
    if record.id <= call.state.seeding.objects:
        changes = [
            _beginning(record.created, record.author, record.source, "created", record.title),
            *changes,
        ]
    return _answer(call, changes)


def of_user(call: Call) -> Response:
    """Tell what became of a user's account, its opening first."""
    call.require_staff()
    user = find_user(call, call.id)
    changes = call.state.changes.of("user", user.id)
    if not any(action.field == "registered" for change in changes for action in change.actions):
        opened = read_moment(user.registered) or 0
        changes = [_beginning(opened, user.id, "web", "registered", user.name), *changes]
    return _answer(call, changes)


CHANGELOG_ROUTES: Routes = {
    "/changelog/object/{id:int}.json": {"GET": of_object},
    "/changelog/user/{id:int}.json": {"GET": of_user},
}


def _beginning(at: int, by: int, source: str, field: str, value: str) -> Change:
    return Change(id=0, at=at, by=by, source=source, actions=(Action(field, None, value),))


def _answer(call: Call, changes: Sequence[Change]) -> Response:
    return listed(
        call, [to_json(_change_json(call, change)) for change in changes], under_success=False
    )


def _change_json(call: Call, change: Change) -> dict[str, object]:
    return {
        "createdAtPosix": change.at,
        "createdBy": person_json(call, change.by),
        "source": change.source,
        "actions": [
            {
                "change_id": str(number),
                "field": action.field,
                "previous": action.previous,
                "value": action.value,
            }
            for number, action in enumerate(change.actions, start=change.id)
        ],
    }
