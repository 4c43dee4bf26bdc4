"""What does the call do that lists what a user has written?"""

from starlette.responses import Response

from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.lookups import find_user
from useresponse_async.sandbox.object_json import object_writer
from useresponse_async.sandbox.objects import ObjectSearch
from useresponse_async.sandbox.pages import paginate
from useresponse_async.sandbox.routing import Routes


def list_activity(call: Call) -> Response:
    """List by page what a user has written and the caller may see, newest first."""
    author = find_user(call, call.id).id
    call.query.flag("bbcode")
    search = ObjectSearch(eyes=call.eyes, today=call.state.today, author=author)
    return paginate(call, call.state.objects.find(search), object_writer(call))


ACTIVITY_ROUTES: Routes = {"/users/{id:int}/activity.json": {"GET": list_activity}}
