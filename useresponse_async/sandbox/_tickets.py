"""Lists of objects: tickets, search, activity of a user, and reports."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Literal

from starlette.responses import Response

from useresponse_async.sandbox._calls import Access, Call, Refusal, Routes, json_response, to_json
from useresponse_async.sandbox._custom_fields import OBJECT_FIELDS
from useresponse_async.sandbox._installation import KINDS, OWNERSHIPS, Ownership
from useresponse_async.sandbox._objects import SORTS, ObjectSearch, ObjectState, object_json
from useresponse_async.sandbox._statuses import (
    SEARCH_WORDS,
    STATUSES,
    TICKET_WORDS,
    statuses_called,
)
from useresponse_async.sandbox._text import periods


def list_tickets(call: Call) -> Response:
    query = call.query
    dates = periods(call.now)
    search = ObjectSearch(
        viewer=call.viewer,
        ownership="helpdesk",
        text=query.text("text") or None,
        statuses=statuses_called(query.choice("status", TICKET_WORDS)),
        created=dates.get(query.choice("date", dates) or ""),
        author=query.number("author_id"),
        properties=tuple(query.properties(OBJECT_FIELDS).items()),
        sort=query.choice("sort", SORTS) or "new",
    )
    query.flag("bbcode")
    query.check()
    return _page(call, search, under_success=call.is_old)


def search_objects(call: Call) -> Response:
    query = call.query
    search = ObjectSearch(
        viewer=call.viewer,
        text=query.text("text") or None,
        ownership=query.choice("ownership", OWNERSHIPS),
        type=query.choice("type", KINDS),
        category=query.number("category_id") or None,
        forum=query.number("forum_id") or None,
        # 0 leaves the choice open, as if it was not sent.
        featured=query.flag("featured") or None,
        statuses=statuses_called(query.choice("status", SEARCH_WORDS)),
        sort=query.choice("sort", SORTS) or "new",
    )
    query.flag("bbcode")
    query.check()
    if not (call.is_old and search.ownership == "knowledge-base"):
        return _page(call, search, under_success=True)
    # Version 4.0 groups by module instead.
    objects = call.state.objects
    rows = call.cut(objects.search(search))
    if not rows and call.state.options.empty == "204":
        return Response(status_code=204)
    shown = [object_json(call, record) for record in map(objects.existing, rows)]
    return json_response({"knowledgeBase": shown})


def list_activity(call: Call) -> Response:
    author = call.state.users.find(call.id).id
    call.query.flag("bbcode")
    search = ObjectSearch(viewer=call.viewer, author=author)
    return _page(call, search)


def _page(
    call: Call, search: ObjectSearch, *, under_success: bool = False, extra: bytes = b""
) -> Response:
    objects = call.state.objects
    return call.page(
        objects.search(search),
        lambda number: to_json(object_json(call, objects.existing(number))),
        under_success=under_success,
        extra=extra,
    )


_ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    name: str
    ownership: Ownership | None = "helpdesk"
    status: str = _ALL
    responsible: Literal["anybody", "me", "nobody"] = "anybody"
    state: ObjectState | None = None


_REPORTS = {
    4: _Report(name="Inbox", status="all-active"),
    5: _Report(name="My Tickets", status="all-active", responsible="me"),
    6: _Report(name="Unassigned", status="all-active", responsible="nobody"),
    7: _Report(name="Completed", status="completed"),
    8: _Report(name="Community", ownership="feedback"),
    9: _Report(name="Archive", ownership=None, state="archived"),
    10: _Report(name="Trash", ownership=None, state="trashed"),
}


def list_reports(call: Call) -> Response:
    return call.listed({"id": number, "name": it.name} for number, it in _REPORTS.items())


def list_report(call: Call) -> Response:
    report = _REPORTS.get(call.id)
    if report is None:
        raise Refusal(404)
    group = call.query.text("group") or _ALL
    if group != _ALL and group not in {"0", *map(str, STATUSES)}:
        call.query.wrong("group")
    call.query.flag("bbcode")
    call.query.check()
    search = ObjectSearch(
        viewer=call.viewer,
        ownership=report.ownership,
        statuses=statuses_called(report.status),
        responsible={"anybody": None, "me": call.caller, "nobody": 0}[report.responsible],
        state=report.state,
        sort="updated",
    )
    objects = call.state.objects
    counts = Counter(record.status for record in map(objects.existing, objects.search(search)))
    if group != _ALL:
        search = replace(search, statuses=frozenset({int(group)} & set(counts)))
    groups: list[dict[str, object]] = [{"id": _ALL, "name": "All", "count": sum(counts.values())}]
    for status, count in sorted(counts.items()):
        name = STATUSES[status]["title"] if status else "Without a status"
        groups.append({"id": str(status), "name": name, "count": count})
    extra = b'"groups":%b,"activeGroup":%b,' % (to_json(groups), to_json(group))
    return _page(call, search, extra=extra)


TICKET_ROUTES: Routes = {
    "GET /tickets.json": (Access.USER, list_tickets),
    "GET /search.json": (Access.GUEST, search_objects),
    "GET /users/{id}/activity.json": (Access.GUEST, list_activity),
    "GET /reports/list.json": (Access.STAFF, list_reports),
    "GET /report/{id}/objects.json": (Access.STAFF, list_report),
}
