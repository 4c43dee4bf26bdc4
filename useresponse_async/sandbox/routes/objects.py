"""What do the calls do that read, write and delete an object?"""

from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from useresponse_async.sandbox.answers import Refusal, json_answer, success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.changes import Action
from useresponse_async.sandbox.editing import log_object, save_object
from useresponse_async.sandbox.kinds import FEEDBACK, HELPDESK, KINDS, OWNERSHIPS, WITH_CONTENT
from useresponse_async.sandbox.lookups import find_object, find_own_object
from useresponse_async.sandbox.object_fields import (
    FOR_STAFF,
    keep_files,
    merged,
    read_new_files,
    read_object_fields,
    read_properties,
    read_recipient,
)
from useresponse_async.sandbox.object_json import object_json
from useresponse_async.sandbox.object_records import ObjectRecord
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.statuses import BY_TYPE, STATUSES, first_status
from useresponse_async.sandbox.wire import to_json

_TWO_DAYS = 2 * 86_400


def get_object(call: Call) -> Response:
    """Show one object."""
    call.query.flag("bbcode")
    call.query.check()
    return json_answer(to_json(object_json(call, find_object(call, call.id))))


def create_object(call: Call) -> Response:
    """Write a ticket, a topic, an announcement or an article."""
    caller = call.require_key()
    body = call.body
    ownership = body.choice("ownership", OWNERSHIPS, required=True)
    kind = body.choice("object_type", KINDS, required=True)
    if ownership and kind and KINDS[kind].ownership != ownership:
        body.wrong("object_type")
    _require(call, "title")
    if ownership in WITH_CONTENT:
        _require(call, "content")
    fields: dict[str, Any] = {"author": caller} | read_object_fields(call, ownership)
    properties = merged({}, read_properties(call))
    files = read_new_files(body)
    recipients = read_recipient(body)
    body.check()
    _refuse_what_is_for_staff(call, ownership or "")
    record = call.state.objects.create(
        lambda number: ObjectRecord(
            id=number,
            ownership=ownership or "",
            type=kind or "",
            created=call.now,
            activity=call.now,
            status=first_status(kind or ""),
            state="active" if call.viewer.is_staff or ownership != FEEDBACK else "moderation",
            due=call.now + _TWO_DAYS if ownership == HELPDESK else None,
            properties=properties,
            files=keep_files(call, files),
            recipients=recipients,
            subscribers=frozenset({caller, fields["author"]}),
            **fields,
        )
    )
    log_object(call, record.id, Action("created", None, record.title))
    return _answer(call, record)


def edit_object(call: Call) -> Response:
    """Change what was sent of an object, and nothing else."""
    record = find_own_object(call, call.id)
    body = call.body
    if "ownership" in body:
        body.wrong("ownership")
    fields = read_object_fields(call, record.ownership)
    if record.ownership in WITH_CONTENT and fields.get("content") == "":
        body.wrong("content")
    fields |= _read_type_and_status(call, record)
    properties = read_properties(call)
    files = read_new_files(body)
    body.check()
    _refuse_what_is_for_staff(call, record.ownership)
    after = save_object(
        call,
        record,
        **fields,
        properties=merged(record.properties, properties),
        files=record.files + keep_files(call, files),
    )
    return _answer(call, after)


def delete_object(call: Call) -> Response:
    """Remove an object and its comments for good and show what it was."""
    call.require_staff()
    record = find_object(call, call.id)
    last_seen = _answer(call, record)
    call.state.objects.remove(record.id)
    call.state.comments.remove_all_on(record.id)
    return last_seen


OBJECT_ROUTES: Routes = {
    "/objects.json": {"POST": create_object},
    "/objects/{id:int}.json": {"GET": get_object, "PUT": edit_object, "DELETE": delete_object},
}


def _answer(call: Call, record: ObjectRecord) -> Response:
    return success(to_json(object_json(call, record)))


def _require(call: Call, name: str) -> None:
    call.body.text(name, required=True)


def _refuse_what_is_for_staff(call: Call, ownership: str) -> None:
    if call.viewer.is_staff:
        return
    if ownership not in (FEEDBACK, HELPDESK) or any(name in call.body for name in FOR_STAFF):
        raise Refusal(HTTPStatus.FORBIDDEN)


def _read_type_and_status(call: Call, record: ObjectRecord) -> dict[str, Any]:
    body = call.body
    kind = body.choice("object_type", KINDS) or record.type
    if KINDS[kind].ownership != record.ownership:
        body.wrong("object_type")
        return {}
    status = body.number("status_id", least=1)
    if status is None:
        status = record.status if kind == record.type else first_status(kind)
    elif status not in BY_TYPE[kind]:
        body.wrong("status_id")
        return {}
    changes: dict[str, Any] = {"type": kind, "status": status}
    is_closed, was_closed = _is_closed(status), _is_closed(record.status)
    if is_closed and not was_closed:
        changes |= {"completed": call.now, "completed_by": call.viewer.user_id or 0, "due": None}
    elif was_closed and not is_closed:
        changes |= {"completed": None, "completed_by": 0}
    return changes


def _is_closed(status: int) -> bool:
    return status in STATUSES and STATUSES[status].closed
