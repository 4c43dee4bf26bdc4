"""How do a chat and its messages look on the wire?"""

from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.chats import ChatRecord, MessageRecord
from useresponse_async.sandbox.clock import local_text, optional_text
from useresponse_async.sandbox.shared_json import person_json


def chat_json(call: Call, chat: ChatRecord) -> dict[str, object]:
    """Show a chat with the last that was said in it."""
    chats = call.state.chats
    return {
        "id": chat.id,
        "externalId": chat.external,
        "title": chat.title,
        "token": chat.token,
        "source": chat.source,
        "author": person_json(call, chat.author),
        "responsible": person_json(call, chat.responsible),
        "lastMessage": message_json(call, chats.message(chats.messages(chat.id)[0])),
        "seenByClient": chat.seen,
        "score": chat.score,
        "createdAt": local_text(chat.created),
        "createdAtPosix": chat.created,
        "updatedAt": local_text(chat.updated),
        "updatedAtPosix": chat.updated,
        "completedAt": optional_text(chat.completed),
        "completedAtPosix": chat.completed,
    }


def message_json(call: Call, message: MessageRecord) -> dict[str, object]:
    """Show a message; what the system says has no author."""
    return {
        "id": message.id,
        "parentId": message.parent or None,
        "type": message.type,
        "content": message.content,
        "author": None if message.system else person_json(call, message.author),
        "isSystem": message.system,
        "token": message.token,
        "fileName": message.file_name,
        "createdAtPosix": message.created,
    }
