"""What does the call do that lists tickets?"""

from starlette.responses import Response

from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.clock import PERIODS, period
from useresponse_async.sandbox.kinds import HELPDESK
from useresponse_async.sandbox.object_fields import read_filter
from useresponse_async.sandbox.object_json import object_writer
from useresponse_async.sandbox.objects import SORTS, ObjectSearch
from useresponse_async.sandbox.pages import paginate
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.statuses import TICKET_WORDS, statuses_called


def list_tickets(call: Call) -> Response:
    """List by page the tickets that the caller may see."""
    call.require_key()
    query = call.query
    date = query.choice("date", PERIODS)
    search = ObjectSearch(
        eyes=call.eyes,
        today=call.state.today,
        ownership=HELPDESK,
        text=query.text("text") or None,
        statuses=statuses_called(query.choice("status", TICKET_WORDS) or "all"),
        created=period(date, call.now) if date else None,
        author=query.number("author_id"),
        properties=read_filter(call),
        sort=query.choice("sort", SORTS) or "new",
    )
    query.flag("bbcode")
    query.check()
    found = call.state.objects.find(search)
    return paginate(call, found, object_writer(call), under_success=call.is_old)


TICKET_ROUTES: Routes = {"/tickets.json": {"GET": list_tickets}}
