"""What do the calls about categories, forums and statuses do?"""

from http import HTTPStatus

from starlette.responses import Response

from useresponse_async.sandbox.answers import Refusal, json_answer
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.categories import (
    CATEGORIES,
    FORUMS,
    categories_for,
    category_json,
    forum_json,
)
from useresponse_async.sandbox.kinds import KINDS, OWNERSHIPS
from useresponse_async.sandbox.pages import listed
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.statuses import BY_TYPE, STATUSES, status_json
from useresponse_async.sandbox.wire import to_json


def list_categories(call: Call) -> Response:
    """List the categories of a module and a type, or all."""
    ownership = call.query.choice("ownership", OWNERSHIPS)
    kind = call.query.choice("type", KINDS)
    call.query.check()
    found = categories_for(ownership, kind, staff=call.viewer.is_staff)
    return listed(
        call, [to_json(category_json(category.id)) for category in found], under_success=False
    )


def get_category(call: Call) -> Response:
    """Show one category."""
    category = CATEGORIES.get(call.id)
    if category is None or (category.private and not call.viewer.is_staff):
        raise Refusal(HTTPStatus.NOT_FOUND)
    return json_answer(to_json(category_json(category.id)))


def list_forums(call: Call) -> Response:
    """List the forums."""
    return listed(call, [to_json(forum_json(number)) for number in FORUMS], under_success=False)


def list_statuses(call: Call) -> Response:
    """List the statuses of a type, or all."""
    kind = call.query.choice("object_type", KINDS)
    call.query.check()
    numbers = BY_TYPE[kind] if kind else tuple(STATUSES)
    shown = [to_json(status_json(number)) for number in numbers]
    return listed(call, shown, under_success=call.is_old)


CATEGORY_ROUTES: Routes = {
    "/categories.json": {"GET": list_categories},
    "/categories/{id:int}.json": {"GET": get_category},
    "/forums.json": {"GET": list_forums},
    "/statuses.json": {"GET": list_statuses},
}
