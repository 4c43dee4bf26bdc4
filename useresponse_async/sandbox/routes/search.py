"""What does the call do that searches objects of every kind?"""

from starlette.responses import Response

from useresponse_async.sandbox.answers import json_answer, no_content
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.kinds import KINDS, KNOWLEDGE_BASE, OWNERSHIPS
from useresponse_async.sandbox.object_json import object_writer
from useresponse_async.sandbox.objects import SORTS, ObjectSearch
from useresponse_async.sandbox.pages import cut, paginate
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.statuses import SEARCH_WORDS, statuses_called


def search_objects(call: Call) -> Response:
    """List by page what the caller may see of what is looked for."""
    query = call.query
    search = ObjectSearch(
        eyes=call.eyes,
        today=call.state.today,
        text=query.text("text") or None,
        ownership=query.choice("ownership", OWNERSHIPS) or None,
        type=query.choice("type", KINDS) or None,
        category=query.number("category_id") or None,
        forum=query.number("forum_id") or None,
        # Asking for 0 leaves the choice open, as not asking does.
        featured=query.flag("featured") or None,
        statuses=statuses_called(query.choice("status", SEARCH_WORDS) or "all"),
        sort=query.choice("sort", SORTS) or "new",
    )
    query.flag("bbcode")
    query.check()
    found = call.state.objects.find(search)
    if call.is_old and search.ownership == KNOWLEDGE_BASE:
        return _by_module(call, [object_writer(call)(number) for number in cut(call, found)])
    return paginate(call, found, object_writer(call), under_success=True)


SEARCH_ROUTES: Routes = {"/search.json": {"GET": search_objects}}


def _by_module(call: Call, shown: list[bytes]) -> Response:
    if not shown and call.state.options.empty == "204":
        return no_content()
    return json_answer(b'{"knowledgeBase":[%b]}' % b",".join(shown))
