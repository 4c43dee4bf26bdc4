"""Chats and their messages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

from starlette.responses import Response

from useresponse_async.sandbox._calls import Call, Routes, Viewer
from useresponse_async.sandbox._catalog import KEY_HOLDERS, SITE
from useresponse_async.sandbox._files import Files
from useresponse_async.sandbox._responses import Refusal, success, to_json
from useresponse_async.sandbox._seeding import Seeding
from useresponse_async.sandbox._text import local_text, optional_text

MessageType = Literal["text", "article", "image"]

# Added to a chat's id, so that confusing the two does not go unnoticed.
_EXTERNAL = 900_000

# A message's id is its chat's id, then its number in the chat.
_MOST_MESSAGES = 10_000
_LONG_CHAT, _LONG_CHAT_MESSAGES = 1, 120

_LINES = ("Hello!", "How can I help?", "It says <error>.", "Одну хвилину…", "Thanks, that's it.")
_SOURCES = ("website", "messenger", "mobile")


@dataclass(slots=True, kw_only=True)
class MessageRecord:
    """One message; the `token` of an image is that of its file."""

    id: int
    chat: int
    parent: int
    type: MessageType
    content: str
    author: int
    system: bool
    token: str
    file_name: str | None
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

    def search(self, viewer: Viewer, author: int | None) -> Sequence[int]:
        """Return the ids of the chats that a viewer sees, newest first."""
        return [
            number
            for number in range(self._seeding.chats, 0, -1)
            if (viewer.is_staff or self.author(number) == viewer.user_id)
            and author in (None, self.author(number))
        ]

    def messages(self, chat: int, newest: int | None = None) -> Sequence[int]:
        """Return the ids of a chat's messages up to `newest`, newest first."""
        first = chat * _MOST_MESSAGES
        last = first + self._length(chat)
        return range(last if newest is None else min(last, newest), first, -1)

    def message(self, number: int) -> MessageRecord:
        """Return a message of an existing chat."""
        chat, place = divmod(number, _MOST_MESSAGES)
        seeded = self._seeded_length(chat)
        if place > seeded:
            return self._added[chat][place - seeded - 1]
        return self._seeded_message(chat, place)

    def say(self, chat: int, content: str, now: int, author: int | None = None) -> MessageRecord:
        """Add a message at the end of a chat; the default author is that of the chat."""
        number = self.id_of(chat)
        if number is None:
            raise LookupError(f"the sandbox has no chat {chat}")
        message = MessageRecord(
            id=number * _MOST_MESSAGES + self._length(number) + 1,
            chat=number,
            parent=0,
            type="text",
            content=content,
            author=self.author(number) if author is None else author,
            system=False,
            token="",
            file_name=None,
            created=now,
        )
        self._added.setdefault(number, []).append(message)
        return message

    def json(self, call: Call, number: int) -> dict[str, object]:
        """Return a chat as JSON, with its last message."""
        dice = self._seeding.dice("chat", number)
        created = self._seeding.chatted(number)
        added = self._added.get(number)
        updated = added[-1].created if added else created + 60 * self._seeded_length(number)
        completed = updated if dice[2] % 2 and not added else None
        responsible = KEY_HOLDERS["agent"] if dice[1] % 3 else 0
        person = partial(call.state.users.person_json, call.viewer)
        return {
            "id": number,
            "externalId": _EXTERNAL + number,
            "title": f"Chat #{number}",
            "token": dice.hex()[:32],
            "source": _SOURCES[dice[0] % len(_SOURCES)],
            "author": person(self.author(number)),
            "responsible": person(responsible),
            "lastMessage": _message_json(call, self.messages(number)[0]),
            "seenByClient": dice[3] % 2 == 0,
            "score": 1 + dice[4] % 5 if dice[2] % 4 == 1 else None,
            "createdAt": local_text(created),
            "createdAtPosix": created,
            "updatedAt": local_text(updated),
            "updatedAtPosix": updated,
            "completedAt": optional_text(completed),
            "completedAtPosix": completed,
        }

    def _seeded_message(self, chat: int, place: int) -> MessageRecord:
        number = chat * _MOST_MESSAGES + place
        dice = self._seeding.dice("message", number)
        kinds: tuple[MessageType, ...] = ("text", "text", "text", "text", "article", "image")
        kind: MessageType = "text" if place == 1 else kinds[dice[0] % len(kinds)]
        content = _LINES[dice[1] % len(_LINES)]
        file = None
        if kind == "article":
            content = json.dumps({"title": "First steps", "link": f"{SITE}/first-steps"})
        elif kind == "image":
            file = self._files.get(self._files.token("m", number))
            content = file.name if file else ""
        return MessageRecord(
            id=number,
            chat=chat,
            parent=number - 1 if place > 1 and dice[2] % 6 == 0 else 0,
            type=kind,
            content="The chat has begun" if place == 1 else content,
            author=self.author(chat) if place % 2 else KEY_HOLDERS["agent"],
            system=place == 1,
            token=file.token if file else "",
            file_name=file.name if file else None,
            created=self._seeding.chatted(chat) + 60 * place,
        )

    def author(self, chat: int) -> int:
        """Return the user whose chat it is."""
        # Every fifth chat is with the holder of the plain user's key.
        if chat % 5 == 2:  # noqa: PLR2004
            return KEY_HOLDERS["user"]
        return self._seeding.somebody(self._seeding.dice("chat", chat)[5:7])

    def _seeded_length(self, chat: int) -> int:
        if chat == _LONG_CHAT:
            return _LONG_CHAT_MESSAGES
        return 3 + self._seeding.dice("chat", chat)[7] % 20

    def _length(self, chat: int) -> int:
        return self._seeded_length(chat) + len(self._added.get(chat, ()))


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
    """List the chats that the caller may see, newest first."""
    call.require_key()
    author = call.query.number("authorId")
    call.query.check()
    found = call.state.chats.search(call.viewer, author)

    def write(number: int) -> bytes:
        return to_json(call.state.chats.json(call, number))

    return call.page(found, write, under_success=True)


def get_chat(call: Call) -> Response:
    """Return one chat."""
    return success(call.state.chats.json(call, _find(call)))


def list_messages(call: Call) -> Response:
    """List the messages of a chat, newest first; version 4.0 puts a page around them."""
    chat = _find(call)
    newest = call.query.number("top_id", least=1)
    call.query.check()
    found = call.state.chats.messages(chat, newest)

    def write(number: int) -> bytes:
        return to_json(_message_json(call, number))

    if call.is_old:
        return call.page(found, write, under_success=True)
    return call.listed([write(number) for number in call.cut(found)], under_success=True)


def _find(call: Call) -> int:
    caller = call.require_key()
    chat = call.state.chats.id_of(call.id)
    if chat is None or not (call.viewer.is_staff or call.state.chats.author(chat) == caller):
        raise Refusal(404)
    return chat


CHAT_ROUTES: Routes = {
    "/chats.json": {"GET": list_chats},
    "/chats/{id:int}.json": {"GET": get_chat},
    "/chats/{id:int}/messages.json": {"GET": list_messages},
}
