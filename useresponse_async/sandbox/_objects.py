"""Routes about objects, the fields that they read, and the JSON that they return."""

from collections.abc import Callable
from functools import partial
from typing import Any

from starlette.responses import Response

from useresponse_async.sandbox._calls import Call, Fields, Routes
from useresponse_async.sandbox._catalog import (
    FEEDBACK,
    HELPDESK,
    KINDS,
    LONGEST_CONTENT,
    LONGEST_TITLE,
    OWNERSHIPS,
    SITE,
    WITH_CONTENT,
    forum_json,
    kind_json,
)
from useresponse_async.sandbox._categories import CATEGORIES, category_json, forum_of
from useresponse_async.sandbox._changelog import Action
from useresponse_async.sandbox._custom_fields import (
    Properties,
    fields_for,
    merged,
    values_json,
)
from useresponse_async.sandbox._files import attachments_json, read_file, read_new_files
from useresponse_async.sandbox._object_records import (
    DUE_SECONDS,
    STATE_NUMBERS,
    ObjectRecord,
    ObjectState,
    sees_object,
)
from useresponse_async.sandbox._responses import Refusal, json_response, success, to_json
from useresponse_async.sandbox._statuses import BY_TYPE, first_status, is_closed, status_json
from useresponse_async.sandbox._text import DAY, local_text, optional_text
from useresponse_async.sandbox._user_records import team_json
from useresponse_async.sandbox._users import add_user, read_email, read_team

_FOR_STAFF = ("force_author", "responsible_id", "team_id", "status_id")


def object_json(call: Call, record: ObjectRecord) -> dict[str, object]:
    """Return an object as JSON for a caller who may see it."""
    viewer, state = call.viewer, call.state
    linked = [_link_json(call, number) for number in record.links]
    positive = record.positive + len(record.voters)
    votes = positive + record.negative
    return {
        "id": record.id,
        "ownership": record.ownership,
        "type": kind_json(record.type, plain_title=call.is_old),
        "title": record.title,
        "slug": _slug(record.title),
        "url": _url(record),
        "content": call.content_json(record.content, is_html=record.html),
        "author": state.users.person_json(viewer, record.author),
        "responsible": state.users.person_json(viewer, record.responsible),
        "team": team_json(record.team),
        "category": category_json(record.category),
        "forum": forum_json(forum_of(record.category)),
        "status": status_json(record.status),
        "state": {"identifier": STATE_NUMBERS[record.state], "name": record.state},
        "source": {"identifier": record.source, "name": record.source.capitalize()},
        "tags": record.tags,
        "custom_fields": values_json("tickets", record.properties.items(), staff=viewer.is_staff),
        "attachments": attachments_json(call, record.files),
        "recipients": record.recipients if viewer.is_staff else (),
        "links": [link for link in linked if link],
        "parentObject": _link_json(call, record.parent),
        "bestComment": state.comments.best_json(call, record),
        "completedBy": state.users.person_json(viewer, record.completed_by),
        "completedOn": optional_text(record.completed),
        "createdAt": local_text(record.created),
        "createdAtPosix": record.created,
        "commentedAt": optional_text(record.commented),
        "latestActivityPosix": record.activity,
        "slaDatePosix": record.due,
        "commentsNum": len(state.comments.seen_on(record.id, viewer)),
        "votes": {
            "all": votes,
            "positive": positive,
            "negative": record.negative,
            "canVote": viewer.user_id is not None,
            "isVoted": viewer.user_id in record.voters,
            "plural": "vote" if votes == 1 else "votes",
        },
        "views": record.views,
        "score": record.score,
        "scoreComment": record.score_comment,
        "scoreReason": record.score_reason,
        "language": "en",
        "canBeCommented": not record.closed,
        "isAbused": record.abused,
        "isFeatured": record.featured,
        "isPrivate": record.private,
        "isSubscribed": int(viewer.user_id in record.subscribers),
    }


def object_writer(call: Call) -> Callable[[int], bytes]:
    """Return a function that writes the existing object with an id as JSON."""

    def write(number: int) -> bytes:
        record = call.state.objects.get(number)
        return to_json(None if record is None else object_json(call, record))

    return write


def _link_json(call: Call, number: int) -> dict[str, object] | None:
    record = call.state.objects.get(number) if number else None
    if record is None or not sees_object(call.viewer, record, call.state.today):
        return None
    return {
        "object_id": str(record.id),
        "title": record.title,
        "type": record.type,
        "url": _url(record),
    }


def _url(record: ObjectRecord) -> str:
    return f"{SITE}/{record.ownership}/{record.type}/{record.id}-{_slug(record.title)}"


def _slug(title: str) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in title.lower()).split()
    return "-".join(words) or "untitled"


def _read_fields(call: Call, ownership: str | None) -> dict[str, Any]:
    """Read what creating and editing have in common, as fields of the record."""
    body = call.body
    sent = {
        "title": body.text("title", filled=True, longest=LONGEST_TITLE),
        "content": body.text("content", longest=LONGEST_CONTENT),
        "category": _read_category(body, ownership),
        "responsible": _read_responsible(call),
        "team": read_team(body),
        "tags": body.texts("tags"),
        "private": body.flag("is_private"),
        "author": _read_author(call),
        "html": body.flag("treat_as_html"),
        "expires": _read_expiry(body),
    }
    fields = {name: value for name, value in sent.items() if value is not None}
    if "content" in fields:
        fields.setdefault("html", False)
    else:
        fields.pop("html", None)
    return fields


def _read_properties(call: Call) -> Properties:
    known = [custom.id for custom in fields_for("tickets", staff=call.viewer.is_staff)]
    return call.body.properties(known)


def _read_category(body: Fields, ownership: str | None) -> int | None:
    number = body.number("category_id")
    if number:
        category = CATEGORIES.get(number)
        if category is None or category.ownership not in (None, ownership or category.ownership):
            body.wrong("category_id")
    return number


def _read_responsible(call: Call) -> int | None:
    number = call.body.number("responsible_id")
    if number:
        user = call.state.users.get(number)
        if user is None or user.role == "user":
            call.body.wrong("responsible_id")
    return number


def _read_author(call: Call) -> int | str | None:
    """Read an author: a user's id, or the address of somebody who becomes a user."""
    text = call.body.text("force_author", filled=True)
    if text is None:
        return None
    users = call.state.users
    if not (text.isascii() and text.isdigit()):
        user = users.with_email(text)
        return read_email(call.body, "force_author") if user is None else user.id
    number = call.body.number("force_author", least=1)
    if number and users.get(number) is None:
        call.body.wrong("force_author")
    return number


def _read_expiry(body: Fields) -> int | None:
    select = body.choice("expire_select", ("never", "on_date"))
    day = body.time("expires_at", DAY)
    if select == "on_date" and day is None:
        body.wrong("expires_at")
    return 0 if select == "never" else day


def _allow(call: Call, ownership: str, fields: dict[str, Any]) -> None:
    """Refuse what is for staff, then create the author if nobody has the address yet."""
    if not call.viewer.is_staff and (
        ownership not in (FEEDBACK, HELPDESK) or any(name in call.body for name in _FOR_STAFF)
    ):
        raise Refusal(403)
    author = fields.get("author")
    if isinstance(author, str):
        fields["author"] = add_user(call, author.partition("@")[0], author).id


def get_object(call: Call) -> Response:
    """Return one object."""
    call.query.flag("bbcode")
    call.query.check()
    record = call.state.objects.find(call, call.id)
    return json_response(object_json(call, record))


def create_object(call: Call) -> Response:
    """Create a ticket, a topic, an announcement or an article."""
    caller = call.require_key()
    body = call.body
    ownership = body.choice("ownership", OWNERSHIPS, required=True) or ""
    kind = body.choice("object_type", KINDS, required=True) or ""
    if ownership and kind and KINDS[kind].ownership != ownership:
        body.wrong("object_type")
    body.text("title", required=True)
    if ownership in WITH_CONTENT:
        body.text("content", required=True)
    fields: dict[str, Any] = {"author": caller} | _read_fields(call, ownership or None)
    properties = merged({}, _read_properties(call))
    files = read_new_files(body)
    recipient = read_email(body, "notify_email")
    body.text("notify_name")
    body.check()
    _allow(call, ownership, fields)
    objects = call.state.objects
    record = objects.add(
        ObjectRecord(
            id=objects.next_id,
            ownership=ownership,
            type=kind,
            created=call.now,
            activity=call.now,
            status=first_status(kind),
            state="active" if call.viewer.is_staff or ownership != FEEDBACK else "moderation",
            due=call.now + DUE_SECONDS if ownership == HELPDESK else None,
            properties=properties,
            files=call.state.files.add_all(files),
            recipients=(recipient,) if recipient else (),
            subscribers=frozenset({caller, fields["author"]}),
            **fields,
        )
    )
    call.state.changes.log(call, "object", record.id, Action("created", None, record.title))
    return success(object_json(call, record))


def edit_object(call: Call) -> Response:
    """Change the fields of an object that were sent."""
    record = call.state.objects.find_own(call, call.id)
    body = call.body
    if "ownership" in body:
        body.wrong("ownership")
    fields = _read_fields(call, record.ownership)
    if record.ownership in WITH_CONTENT and fields.get("content") == "":
        body.wrong("content")
    fields |= _read_type_and_status(call, record)
    properties = _read_properties(call)
    files = read_new_files(body)
    body.check()
    _allow(call, record.ownership, fields)
    return _save(
        call,
        record,
        **fields,
        properties=merged(record.properties, properties),
        files=record.files + call.state.files.add_all(files),
    )


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
    if is_closed(status) and not is_closed(record.status):
        changes |= {"completed": call.now, "completed_by": call.viewer.user_id or 0, "due": None}
    elif is_closed(record.status) and not is_closed(status):
        changes |= {"completed": None, "completed_by": 0}
    return changes


def delete_object(call: Call) -> Response:
    """Delete an object and its comments permanently, and return the last state."""
    call.require_staff()
    record = call.state.objects.find(call, call.id)
    last_seen = to_json(object_json(call, record))
    call.state.objects.remove(record.id)
    call.state.comments.remove_all_on(record.id)
    return success(last_seen)


def attach(call: Call) -> Response:
    """Add a file to an object."""
    record = call.state.objects.find_own(call, call.id)
    file = call.state.files.add(*read_file(call.body, "body"))
    return _save(call, record, files=(*record.files, file.token))


def put_away(call: Call, place: ObjectState) -> Response:
    """Put an object into the archive or the trash; a second call takes it out."""
    call.require_staff()
    record = call.state.objects.find(call, call.id)
    if record.state == place:
        return _save(call, record, state=record.came_from)
    # Archive, then trash, then recovery: back to the state from before both.
    away = record.state in ("archived", "trashed")
    return _save(call, record, state=place, came_from=record.came_from if away else record.state)


def subscribe(call: Call, *, on: bool) -> Response:
    """Subscribe the caller to an object, or end the subscription."""
    caller = frozenset({call.require_key()})
    record = call.state.objects.find(call, call.id)
    subscribers = record.subscribers | caller if on else record.subscribers - caller
    return _save(call, record, subscribers=subscribers)


def toggle_vote(call: Call) -> Response:
    """Add the caller's vote, or take it back."""
    caller = call.require_key()
    record = call.state.objects.find(call, call.id)
    return _save(call, record, voters=record.voters ^ {caller})


def toggle_comments(call: Call) -> Response:
    """Close an object to comments, or open it again."""
    call.require_staff()
    record = call.state.objects.find(call, call.id)
    return _save(call, record, closed=not record.closed)


def _save(call: Call, record: ObjectRecord, **changes: Any) -> Response:
    after = call.state.objects.save(call, record, **changes)
    return success(object_json(call, after))


_TRASH = partial(put_away, place="trashed")

OBJECT_ROUTES: Routes = {
    "/objects.json": {"POST": create_object},
    "/objects/{id:int}.json": {"GET": get_object, "PUT": edit_object, "DELETE": delete_object},
    "/objects/{id:int}/attach-file.json": {"POST": attach},
    "/objects/{id:int}/archive.json": {"GET": partial(put_away, place="archived")},
    "/objects/{id:int}/trash.json": {"GET": _TRASH, "DELETE": _TRASH},
    "/objects/{id:int}/subscribe.json": {"POST": partial(subscribe, on=True)},
    "/objects/{id:int}/unsubscribe.json": {"POST": partial(subscribe, on=False)},
    "/objects/{id:int}/votes/toggle.json": {"POST": toggle_vote},
    "/objects/{id:int}/comments/toggle.json": {"POST": toggle_comments},
}
