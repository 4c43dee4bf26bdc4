"""What do the calls about chats do?"""

from http import HTTPStatus

from starlette.responses import Response

from useresponse_async.sandbox.answers import Refusal, success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.chat_json import chat_json, message_json
from useresponse_async.sandbox.chats import ChatRecord
from useresponse_async.sandbox.pages import cut, listed, paginate
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.wire import to_json


def list_chats(call: Call) -> Response:
    """List by page the chats that the caller may see, newest first."""
    call.require_key()
    author = call.query.number("authorId")
    call.query.check()
    found = call.state.chats.find(call.eyes, author)

    def write(number: int) -> bytes:
        chat = call.state.chats.get(number)
        return to_json(chat_json(call, chat) if chat else None)

    return paginate(call, found, write, under_success=True)


def get_chat(call: Call) -> Response:
    """Show one chat."""
    return success(to_json(chat_json(call, _existing(call))))


def list_messages(call: Call) -> Response:
    """List what was said, newest first; version 4.0 puts a page around it."""
    chat = _existing(call)
    newest = call.query.number("top_id", least=1)
    call.query.check()
    found = call.state.chats.messages(chat.id, newest)

    def write(number: int) -> bytes:
        return to_json(message_json(call, call.state.chats.message(number)))

    if call.is_old:
        return paginate(call, found, write, under_success=True)
    return listed(call, [write(number) for number in cut(call, found)], under_success=True)


CHAT_ROUTES: Routes = {
    "/chats.json": {"GET": list_chats},
    "/chats/{id:int}.json": {"GET": get_chat},
    "/chats/{id:int}/messages.json": {"GET": list_messages},
}


def _existing(call: Call) -> ChatRecord:
    caller = call.require_key()
    chat = call.state.chats.get(call.id)
    if chat is None or not (call.viewer.is_staff or chat.author == caller):
        raise Refusal(HTTPStatus.NOT_FOUND)
    return chat
