"""How does an object look on the wire, to whom?"""

from collections.abc import Callable

from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.catalog import SITE
from useresponse_async.sandbox.categories import CATEGORIES, category_json, forum_json
from useresponse_async.sandbox.clock import local_text, optional_text
from useresponse_async.sandbox.comment_json import comment_json
from useresponse_async.sandbox.custom_fields import values_json
from useresponse_async.sandbox.kinds import kind_json
from useresponse_async.sandbox.object_records import STATE_NUMBERS, ObjectRecord
from useresponse_async.sandbox.shared_json import attachments_json, content_json, person_json
from useresponse_async.sandbox.statuses import status_json
from useresponse_async.sandbox.user_json import team_json
from useresponse_async.sandbox.visibility import sees_comment, sees_object
from useresponse_async.sandbox.wire import to_json


def object_json(call: Call, record: ObjectRecord) -> dict[str, object]:
    """Show an object to somebody who may see it."""
    staff = call.viewer.is_staff
    slug = _slug(record.title)
    return {
        "id": record.id,
        "ownership": record.ownership,
        "type": kind_json(record.type, plain_title=call.is_old),
        "title": record.title,
        "slug": slug,
        "url": _url(record),
        "content": content_json(call, record.content, is_html=record.html),
        "author": person_json(call, record.author),
        "responsible": person_json(call, record.responsible),
        "team": team_json(record.team),
        "category": category_json(record.category),
        "forum": forum_json(CATEGORIES[record.category].forum if record.category else 1),
        "status": status_json(record.status),
        "state": {"identifier": STATE_NUMBERS[record.state], "name": record.state},
        "source": {"identifier": record.source, "name": record.source.capitalize()},
        "tags": record.tags,
        "custom_fields": values_json("tickets", record.properties.items(), staff=staff),
        "attachments": attachments_json(call, record.files),
        "recipients": record.recipients if staff else (),
        **_relations(call, record),
        **_times(call, record),
        **_reactions(call, record),
        "views": record.views,
        "score": record.score,
        "scoreComment": record.score_comment,
        "scoreReason": record.score_reason,
        "language": "en",
        "canBeCommented": not record.closed,
        "isAbused": record.abused,
        "isFeatured": record.featured,
        "isPrivate": record.private,
        "isSubscribed": int(call.viewer.user_id in record.subscribers),
    }


def object_writer(call: Call) -> Callable[[int], bytes]:
    """Show the existing objects with the ids a search has found."""

    def write(number: int) -> bytes:
        record = call.state.objects.get(number)
        return to_json(None if record is None else object_json(call, record))

    return write


def _relations(call: Call, record: ObjectRecord) -> dict[str, object]:
    objects = call.state.objects
    links = (objects.get(number) for number in record.links)
    parent = objects.get(record.parent) if record.parent else None
    best = call.state.comments.get(record.best) if record.best else None
    return {
        "links": [_link_json(linked) for linked in links if linked and _sees(call, linked)],
        "parentObject": _link_json(parent) if parent and _sees(call, parent) else None,
        "bestComment": comment_json(call, best, record)
        if best and best.state != "trashed" and sees_comment(call.eyes, best)
        else None,
    }


def _times(call: Call, record: ObjectRecord) -> dict[str, object]:
    return {
        "completedBy": person_json(call, record.completed_by),
        "completedOn": optional_text(record.completed),
        "createdAt": local_text(record.created),
        "createdAtPosix": record.created,
        "commentedAt": optional_text(record.commented),
        "latestActivityPosix": record.activity,
        "slaDatePosix": record.due,
    }


def _reactions(call: Call, record: ObjectRecord) -> dict[str, object]:
    positive = record.positive + len(record.voters)
    amount = positive + record.negative
    return {
        "commentsNum": len(call.state.comments.seen_on(record.id, call.eyes)),
        "votes": {
            "all": amount,
            "positive": positive,
            "negative": record.negative,
            "canVote": call.viewer.user_id is not None,
            "isVoted": call.viewer.user_id in record.voters,
            "plural": "vote" if amount == 1 else "votes",
        },
    }


def _link_json(record: ObjectRecord) -> dict[str, object]:
    return {
        "object_id": str(record.id),
        "title": record.title,
        "type": record.type,
        "url": _url(record),
    }


def _sees(call: Call, record: ObjectRecord) -> bool:
    return sees_object(call.eyes, record, call.state.today)


def _url(record: ObjectRecord) -> str:
    return f"{SITE}/{record.ownership}/{record.type}/{record.id}-{_slug(record.title)}"


def _slug(title: str) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in title.lower()).split()
    return "-".join(words) or "untitled"
