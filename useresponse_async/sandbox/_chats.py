"""Chats and their messages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from starlette.responses import Response

from useresponse_async.sandbox._calls import Access, Call, Refusal, Routes, success, to_json
from useresponse_async.sandbox._files import Files
from useresponse_async.sandbox._installation import KEY_HOLDERS, SITE, Seeding
from useresponse_async.sandbox._text import local_text

MessageType = Literal["text", "article", "image"]

# Added to a chat's id, so that confusing the two does not go unnoticed.
_EXTERNAL = 900_000

# A message's id is its chat's id, then its number in the chat.
_MOST_MESSAGES = 10_000
_LONG_CHAT, _LONG_CHAT_MESSAGES = 1, 120

_LINES = ("Hello!", "How can I help?", "It says <error>.", "Одну хвилину…", "Thanks, that's it.")
_SOURCES = ("website", "messenger", "mobile")
_TYPES: tuple[MessageType, ...] = ("text", "text", "text", "text", "article", "image")


@dataclass(slots=True, kw_only=True)
class MessageRecord:
    """One message; the `token` of an image is that of its file."""

    id: int
    chat: int
    parent: int = 0
    type: MessageType = "text"
    content: str
    author: int
    system: bool = False
    token: str = ""
    file_name: str | None = None
    created: int


class Chats:
    """The chats of one sandbox: computed from the seed; messages can be added."""

    def __init__(self, seeding: Seeding, files: Files) -> None:
        self._seeding = seeding
        self._files = files
        self._added: dict[int, list[MessageRecord]] = {}

    def id_of(self, number: int) -> int | None:
        """Return the id of a chat, by its id or by its external id."""
        number = number - _EXTERNAL if number > _EXTERNAL else number
        return number if 0 < number <= self._seeding.chats else None

    def author(self, chat: int) -> int:
        # Every fifth chat is with the holder of the plain user's key.
        if chat % 5 == 2:  # noqa: PLR2004
            return KEY_HOLDERS["user"]
        return self._seeding.somebody(self._seeding.dice("chat", chat)[5:7])

    def messages(self, chat: int, newest: int | None = None) -> Sequence[int]:
        """Return the ids of a chat's messages up to `newest`, newest first."""
        first = chat * _MOST_MESSAGES
        last = first + self._seeded_length(chat) + len(self._added.get(chat, ()))
        return range(last if newest is None else min(last, newest), first, -1)

    def message(self, number: int) -> MessageRecord:
        chat, place = divmod(number, _MOST_MESSAGES)
        seeded = self._seeded_length(chat)
        if place > seeded:
            return self._added[chat][place - seeded - 1]
        dice = self._seeding.dice("message", number)
        message = MessageRecord(
            id=number,
            chat=chat,
            parent=number - 1 if place > 1 and dice[2] % 6 == 0 else 0,
            content=_LINES[dice[1] % len(_LINES)],
            author=self.author(chat) if place % 2 else KEY_HOLDERS["agent"],
            created=self._seeding.chatted(chat) + 60 * place,
        )
        if place == 1:
            message.system, message.content = True, "The chat has begun"
            return message
        message.type = _TYPES[dice[0] % len(_TYPES)]
        if message.type == "article":
            message.content = json.dumps({"title": "First steps", "link": f"{SITE}/first-steps"})
        elif message.type == "image":
            message.token = self._files.token("m", number)
            file = self._files.get(message.token)
            message.content = message.file_name = file.name if file else ""
        return message

    def say(self, chat: int, content: str, now: int, author: int | None = None) -> MessageRecord:
        number = self.id_of(chat)
        if number is None:
            raise LookupError(f"the sandbox has no chat {chat}")
        message = MessageRecord(
            id=self.messages(number)[0] + 1,
            chat=number,
            content=content,
            author=self.author(number) if author is None else author,
            created=now,
        )
        self._added.setdefault(number, []).append(message)
        return message

    def json(self, call: Call, number: int) -> dict[str, object]:
        person = call.state.users.person_json
        dice = self._seeding.dice("chat", number)
        created = self._seeding.chatted(number)
        last = self.message(self.messages(number)[0])
        is_seeded = number not in self._added
        completed = last.created if dice[2] % 2 and is_seeded else None
        responsible = KEY_HOLDERS["agent"] if dice[1] % 3 else 0
        return {
            "id": number,
            "externalId": _EXTERNAL + number,
            "title": f"Chat #{number}",
            "token": dice.hex()[:32],
            "source": _SOURCES[dice[0] % len(_SOURCES)],
            "author": person(call.viewer, self.author(number)),
            "responsible": person(call.viewer, responsible),
            "lastMessage": _message_json(call, last.id),
            "seenByClient": dice[3] % 2 == 0,
            "score": 1 + dice[4] % 5 if dice[2] % 4 == 1 else None,
            "createdAt": local_text(created),
            "createdAtPosix": created,
            "updatedAt": local_text(last.created),
            "updatedAtPosix": last.created,
            "completedAt": completed and local_text(completed),
            "completedAtPosix": completed,
        }

    def _seeded_length(self, chat: int) -> int:
        if chat == _LONG_CHAT:
            return _LONG_CHAT_MESSAGES
        return 3 + self._seeding.dice("chat", chat)[7] % 20


def _message_json(call: Call, number: int) -> dict[str, object]:
    message = call.state.chats.message(number)
    # A message of the system has no author.
    author = 0 if message.system else message.author
    return {
        "id": message.id,
        "parentId": message.parent or None,
        "type": message.type,
        "content": message.content,
        "author": call.state.users.person_json(call.viewer, author),
        "isSystem": message.system,
        "token": message.token,
        "fileName": message.file_name,
        "createdAtPosix": message.created,
    }


def list_chats(call: Call) -> Response:
    author = call.query.number("authorId")
    call.query.check()
    chats = call.state.chats
    found = [
        number
        for number in range(call.state.seeding.chats, 0, -1)
        if (call.viewer.is_staff or chats.author(number) == call.caller)
        and author in (None, chats.author(number))
    ]
    return call.page(found, lambda number: to_json(chats.json(call, number)), under_success=True)


def get_chat(call: Call) -> Response:
    return success(call.state.chats.json(call, _find(call)))


def list_messages(call: Call) -> Response:
    """List the messages of a chat, newest first; version 4.0 puts a page around them."""
    chat = _find(call)
    newest = call.query.number("top_id", least=1)
    call.query.check()
    found = call.state.chats.messages(chat, newest)
    if call.is_old:
        return call.page(
            found, lambda number: to_json(_message_json(call, number)), under_success=True
        )
    return call.listed([_message_json(call, n) for n in call.cut(found)], under_success=True)


def _find(call: Call) -> int:
    chats = call.state.chats
    chat = chats.id_of(call.id)
    if chat is None or not (call.viewer.is_staff or chats.author(chat) == call.caller):
        raise Refusal(404)
    return chat


CHAT_ROUTES: Routes = {
    "GET /chats.json": (Access.USER, list_chats),
    "GET /chats/{id}.json": (Access.USER, get_chat),
    "GET /chats/{id}/messages.json": (Access.USER, list_messages),
}
