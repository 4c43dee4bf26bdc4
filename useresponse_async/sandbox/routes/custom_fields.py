"""What do the calls do that list custom fields?"""

from http import HTTPStatus

from starlette.responses import Response

from useresponse_async.sandbox.answers import Refusal
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.custom_fields import Module, field_json, fields_for, old_field_json
from useresponse_async.sandbox.pages import listed
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.wire import to_json

# What 4.0 may call the fields of each module.
_OLD_NAMES: dict[str, Module] = {
    "tickets": "tickets",
    "topics": "tickets",
    "objects": "tickets",
    "users": "users",
}


def list_user_fields(call: Call) -> Response:
    """List the fields of users."""
    return _list(call, "users")


def list_object_fields(call: Call) -> Response:
    """List the fields of objects."""
    return _list(call, "tickets")


def list_old(call: Call) -> Response:
    """List fields as version 4.0 does, in its shape whichever version is asked."""
    module = _OLD_NAMES.get(call.path["type"])
    if module is None:
        raise Refusal(HTTPStatus.NOT_FOUND)
    found = fields_for(module, staff=call.viewer.is_staff)
    return listed(call, [to_json(old_field_json(custom)) for custom in found], under_success=True)


CUSTOM_FIELD_ROUTES: Routes = {
    "/users/custom-fields/list.json": {"GET": list_user_fields},
    "/objects/custom-fields/list.json": {"GET": list_object_fields},
    "/custom-fields/{type}.json": {"GET": list_old},
}


def _list(call: Call, module: Module) -> Response:
    found = fields_for(module, staff=call.viewer.is_staff)
    return listed(call, [to_json(field_json(custom)) for custom in found], under_success=False)
