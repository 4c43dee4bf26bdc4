"""Which chats are there, and what was said in them?"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from useresponse_async.sandbox.catalog import SITE
from useresponse_async.sandbox.files import Files
from useresponse_async.sandbox.people import KEY_HOLDERS
from useresponse_async.sandbox.seeding import Seeding
from useresponse_async.sandbox.visibility import Eyes

MessageType = Literal["text", "article", "image"]

# Added to a chat's id, so that nobody takes the one for the other unnoticed.
_EXTERNAL = 900_000

# A message's id is its chat's id, then its number in the chat.
_MOST_MESSAGES = 10_000
_LONG_CHAT, _LONG_CHAT_MESSAGES = 1, 120

_LINES = ("Hello!", "How can I help?", "It says <error>.", "Одну хвилину…", "Thanks, that's it.")
_SOURCES = ("website", "messenger", "mobile")


@dataclass(slots=True, kw_only=True)
class ChatRecord:
    """All the installation knows about one chat; a responsible of 0 means nobody."""

    id: int
    external: int
    title: str
    token: str
    source: str
    author: int
    responsible: int
    created: int
    updated: int
    completed: int | None
    seen: bool
    score: int | None


@dataclass(slots=True, kw_only=True)
class MessageRecord:
    """One message; of an image `token` fetches the file."""

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
    """The chats of one sandbox: computed from the seed; messages can be added.

    Not locked in itself; whoever calls it holds the lock of the state it belongs to.
    """

    def __init__(self, seeding: Seeding, files: Files) -> None:
        self._seeding = seeding
        self._files = files
        self._added: dict[int, list[MessageRecord]] = {}

    def get(self, number: int) -> ChatRecord | None:
        """Find a chat by its id or by its external id."""
        number = number - _EXTERNAL if number > _EXTERNAL else number
        if not 0 < number <= self._seeding.chats:
            return None
        chat = self._seeded(number)
        added = self._added.get(number)
        return replace(chat, updated=added[-1].created, completed=None) if added else chat

    def find(self, eyes: Eyes, author: int | None) -> Sequence[int]:
        """List the chats that show to somebody, newest first."""
        return [
            number
            for number in range(self._seeding.chats, 0, -1)
            if (eyes.staff or self._author(number) == eyes.user)
            and author in (None, self._author(number))
        ]

    def messages(self, chat: int, newest: int | None = None) -> Sequence[int]:
        """List a chat's messages, newest first, beginning with message `newest` or before it."""
        first = chat * _MOST_MESSAGES
        last = first + self._length(chat)
        return range(last if newest is None else min(last, newest), first, -1)

    def message(self, number: int) -> MessageRecord:
        """Build or find a message that is in a chat."""
        chat, place = divmod(number, _MOST_MESSAGES)
        seeded = self._seeded_length(chat)
        if place > seeded:
            return self._added[chat][place - seeded - 1]
        return self._seeded_message(chat, place)

    def say(self, chat: int, content: str, now: int, author: int | None = None) -> MessageRecord:
        """Add a message at the end of a chat; its author speaks unless another is named."""
        record = self.get(chat)
        if record is None:
            raise LookupError(f"the sandbox has no chat {chat}")
        message = MessageRecord(
            id=record.id * _MOST_MESSAGES + self._length(record.id) + 1,
            chat=record.id,
            parent=0,
            type="text",
            content=content,
            author=record.author if author is None else author,
            system=False,
            token="",
            file_name=None,
            created=now,
        )
        self._added.setdefault(record.id, []).append(message)
        return message

    def _seeded(self, number: int) -> ChatRecord:
        dice = self._seeding.dice("chat", number)
        created = self._seeding.chatted(number)
        updated = created + 60 * self._seeded_length(number)
        return ChatRecord(
            id=number,
            external=_EXTERNAL + number,
            title=f"Chat #{number}",
            token=dice.hex()[:32],
            source=_SOURCES[dice[0] % len(_SOURCES)],
            author=self._author(number),
            responsible=KEY_HOLDERS["agent"] if dice[1] % 3 else 0,
            created=created,
            updated=updated,
            completed=updated if dice[2] % 2 else None,
            seen=dice[3] % 2 == 0,
            score=1 + dice[4] % 5 if dice[2] % 4 == 1 else None,
        )

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
            file = self._files.get(self._files.of_message(number))
            content = file.name if file else ""
        return MessageRecord(
            id=number,
            chat=chat,
            parent=number - 1 if place > 1 and dice[2] % 6 == 0 else 0,
            type=kind,
            content="The chat has begun" if place == 1 else content,
            author=self._author(chat) if place % 2 else KEY_HOLDERS["agent"],
            system=place == 1,
            token=file.token if file else "",
            file_name=file.name if file else None,
            created=self._seeding.chatted(chat) + 60 * place,
        )

    def _author(self, chat: int) -> int:
        # Every fifth is with the holder of the plain user's key.
        if chat % 5 == 2:  # noqa: PLR2004
            return KEY_HOLDERS["user"]
        return self._seeding.somebody(self._seeding.dice("chat", chat)[5:7])

    def _seeded_length(self, chat: int) -> int:
        if chat == _LONG_CHAT:
            return _LONG_CHAT_MESSAGES
        return 3 + self._seeding.dice("chat", chat)[7] % 20

    def _length(self, chat: int) -> int:
        return self._seeded_length(chat) + len(self._added.get(chat, ()))
