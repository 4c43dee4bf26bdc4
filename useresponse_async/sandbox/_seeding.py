"""What the seed decides about everything that exists at the start."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from useresponse_async.sandbox._catalog import FEEDBACK, HELPDESK, KEY_HOLDERS, KNOWLEDGE_BASE
from useresponse_async.sandbox._options import Options

# Objects were written in 2024, comments and chats in 2025: the same days at every start.
_OBJECTS_FROM, _OBJECTS_SECONDS = 1_704_100_000, 360 * 86_400
_COMMENTS_FROM, _COMMENTS_SECONDS = 1_735_700_000, 150 * 86_400
_CHATS_FROM, _CHATS_SECONDS = 1_750_000_000, 60 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding:
    """Numbers, places and times of everything that exists at the start.

    Objects share their ids: tickets come first, then topics, then articles. Comment K is on
    object K, starting over when there are more comments than objects.
    """

    seed: int
    users: int
    tickets: int
    topics: int
    articles: int
    comments: int
    chats: int

    @classmethod
    def of(cls, options: Options) -> "Seeding":
        """Return the seeding that the options ask for."""
        objects = options.tickets + options.topics + options.articles
        return cls(
            seed=options.seed,
            users=options.users,
            tickets=options.tickets,
            topics=options.topics,
            articles=options.articles,
            # Without objects there is nothing to comment on.
            comments=options.comments if objects else 0,
            chats=options.chats,
        )

    @property
    def objects(self) -> int:
        """Number of objects."""
        return self.tickets + self.topics + self.articles

    def object_ids(self, ownership: str) -> range:
        """Return the ids of the objects of a module."""
        if ownership == HELPDESK:
            return range(1, self.tickets + 1)
        if ownership == FEEDBACK:
            return range(self.tickets + 1, self.tickets + self.topics + 1)
        if ownership == KNOWLEDGE_BASE:
            return range(self.tickets + self.topics + 1, self.objects + 1)
        return range(0)

    def ownership_of(self, number: int) -> str:
        """Return the module of an object."""
        if number <= self.tickets:
            return HELPDESK
        return FEEDBACK if number <= self.tickets + self.topics else KNOWLEDGE_BASE

    def written(self, number: int) -> int:
        """Return when an object was written; within a module a higher id is never older."""
        ids = self.object_ids(self.ownership_of(number))
        return _OBJECTS_FROM + (number - ids.start) * _OBJECTS_SECONDS // len(ids)

    def comments_on(self, number: int) -> range:
        """Return the ids of the comments on an object."""
        return range(number, self.comments + 1, self.objects) if self.objects else range(0)

    def commented_object(self, comment: int) -> int:
        """Return the object of a comment."""
        return (comment - 1) % self.objects + 1

    def commented(self, comment: int) -> int:
        """Return when a comment was written; a higher id is never older."""
        return _COMMENTS_FROM + comment * _COMMENTS_SECONDS // (self.comments + 1)

    def chatted(self, chat: int) -> int:
        """Return when a chat began; a higher id is never older."""
        return _CHATS_FROM + chat * _CHATS_SECONDS // (self.chats + 1)

    def dice(self, what: str, number: int) -> bytes:
        """Return 24 random bytes for one thing, the same ones every time."""
        return blake2b(f"{self.seed}:{what}:{number}".encode(), digest_size=24).digest()

    def somebody(self, dice: Sequence[int]) -> int:
        """Return the user that two random bytes stand for."""
        return 1 + (dice[0] * 256 + dice[1]) % max(self.users, *KEY_HOLDERS.values())
