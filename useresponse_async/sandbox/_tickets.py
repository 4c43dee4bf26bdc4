"""Lists of objects by page: tickets, search, and what a user has written."""

from starlette.responses import Response

from useresponse_async.sandbox._calls import Call, Routes
from useresponse_async.sandbox._catalog import HELPDESK, KINDS, KNOWLEDGE_BASE, OWNERSHIPS
from useresponse_async.sandbox._custom_fields import OBJECT_FIELDS
from useresponse_async.sandbox._object_records import SORTS, ObjectSearch
from useresponse_async.sandbox._objects import object_writer
from useresponse_async.sandbox._responses import json_response, no_content
from useresponse_async.sandbox._statuses import SEARCH_WORDS, TICKET_WORDS, statuses_called
from useresponse_async.sandbox._text import PERIODS, period


def list_tickets(call: Call) -> Response:
    """List the tickets that the caller may see."""
    call.require_key()
    query = call.query
    date = query.choice("date", PERIODS)
    search = ObjectSearch(
        viewer=call.viewer,
        today=call.state.today,
        ownership=HELPDESK,
        text=query.text("text") or None,
        statuses=statuses_called(query.choice("status", TICKET_WORDS) or "all"),
        created=period(date, call.now) if date else None,
        author=query.number("author_id"),
        properties=tuple(query.properties(OBJECT_FIELDS).items()),
        sort=query.choice("sort", SORTS) or "new",
    )
    query.flag("bbcode")
    query.check()
    found = call.state.objects.search(search)
    return call.page(found, object_writer(call), under_success=call.is_old)


def search_objects(call: Call) -> Response:
    """List the objects of all modules that the caller may see and that fit."""
    query = call.query
    search = ObjectSearch(
        viewer=call.viewer,
        today=call.state.today,
        text=query.text("text") or None,
        ownership=query.choice("ownership", OWNERSHIPS),
        type=query.choice("type", KINDS),
        category=query.number("category_id") or None,
        forum=query.number("forum_id") or None,
        # 0 leaves the choice open, as if it was not sent.
        featured=query.flag("featured") or None,
        statuses=statuses_called(query.choice("status", SEARCH_WORDS) or "all"),
        sort=query.choice("sort", SORTS) or "new",
    )
    query.flag("bbcode")
    query.check()
    found = call.state.objects.search(search)
    write = object_writer(call)
    if not (call.is_old and search.ownership == KNOWLEDGE_BASE):
        return call.page(found, write, under_success=True)
    # Version 4.0 groups by module instead.
    shown = [write(number) for number in call.cut(found)]
    if not shown and call.state.options.empty == "204":
        return no_content()
    return json_response(b'{"knowledgeBase":[%b]}' % b",".join(shown))


def list_activity(call: Call) -> Response:
    """List what a user has written and the caller may see, newest first."""
    author = call.state.users.find(call.id).id
    call.query.flag("bbcode")
    search = ObjectSearch(viewer=call.viewer, today=call.state.today, author=author)
    return call.page(call.state.objects.search(search), object_writer(call))


TICKET_ROUTES: Routes = {
    "/tickets.json": {"GET": list_tickets},
    "/search.json": {"GET": search_objects},
    "/users/{id:int}/activity.json": {"GET": list_activity},
}
