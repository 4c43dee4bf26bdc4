"""What do the calls do that bring files?"""

from starlette.responses import Response

from useresponse_async.sandbox.answers import success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.downloads import file_url
from useresponse_async.sandbox.editing import save_object
from useresponse_async.sandbox.lookups import find_own_object
from useresponse_async.sandbox.object_json import object_json
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.wire import to_json


def upload(call: Call) -> Response:
    """Keep a file; its token can go into a comment's attachments."""
    call.require_key()
    name, content = _read(call, "content")
    file = call.state.files.add(name, content)
    url = file_url(call.site, file.token, file.name)
    return success(to_json({"token": file.token, "url": url}))


def attach(call: Call) -> Response:
    """Put a file on an object."""
    record = find_own_object(call, call.id)
    name, content = _read(call, "body")
    token = call.state.files.add(name, content).token
    after = save_object(call, record, files=(*record.files, token))
    return success(to_json(object_json(call, after)))


FILE_ROUTES: Routes = {
    "/upload-file.json": {"POST": upload},
    "/objects/{id:int}/attach-file.json": {"POST": attach},
}


def _read(call: Call, field: str) -> tuple[str, bytes]:
    name = call.body.text("name", required=True)
    content = call.body.content(field)
    call.body.check()
    return name or "", content or b""
