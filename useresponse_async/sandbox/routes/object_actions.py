"""What do the calls do that put an object away, or react to it?"""

from starlette.responses import Response

from useresponse_async.sandbox.answers import success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.editing import save_object
from useresponse_async.sandbox.lookups import find_object
from useresponse_async.sandbox.object_json import object_json
from useresponse_async.sandbox.object_records import ObjectRecord, ObjectState
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.wire import to_json


def archive(call: Call) -> Response:
    """Put an object into the archive; asked again, take it out."""
    return _put(call, "archived")


def trash(call: Call) -> Response:
    """Put an object into the trash; asked again, take it out."""
    return _put(call, "trashed")


def subscribe(call: Call) -> Response:
    """Tell the caller about what becomes of an object."""
    caller = call.require_key()
    record = find_object(call, call.id)
    return _save(call, record, subscribers=record.subscribers | {caller})


def unsubscribe(call: Call) -> Response:
    """Tell the caller no more."""
    caller = call.require_key()
    record = find_object(call, call.id)
    return _save(call, record, subscribers=record.subscribers - {caller})


def toggle_vote(call: Call) -> Response:
    """Give the caller's vote, or take it back."""
    caller = call.require_key()
    record = find_object(call, call.id)
    return _save(call, record, voters=record.voters ^ {caller})


def toggle_comments(call: Call) -> Response:
    """Close an object to comments, or open it again."""
    call.require_staff()
    record = find_object(call, call.id)
    return _save(call, record, closed=not record.closed)


OBJECT_ACTION_ROUTES: Routes = {
    "/objects/{id:int}/archive.json": {"GET": archive},
    "/objects/{id:int}/trash.json": {"GET": trash, "DELETE": trash},
    "/objects/{id:int}/subscribe.json": {"POST": subscribe},
    "/objects/{id:int}/unsubscribe.json": {"POST": unsubscribe},
    "/objects/{id:int}/votes/toggle.json": {"POST": toggle_vote},
    "/objects/{id:int}/comments/toggle.json": {"POST": toggle_comments},
}


def _put(call: Call, place: ObjectState) -> Response:
    call.require_staff()
    record = find_object(call, call.id)
    if record.state == place:
        return _save(call, record, state=record.came_from)
    # Out of the archive into the trash, and back out: to where it was before both.
    away = record.state in ("archived", "trashed")
    return _save(call, record, state=place, came_from=record.came_from if away else record.state)


def _save(call: Call, record: ObjectRecord, **changes: object) -> Response:
    return success(to_json(object_json(call, save_object(call, record, **changes))))
