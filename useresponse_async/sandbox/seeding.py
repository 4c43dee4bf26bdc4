"""What does the seed decide about everything that exists at the start?"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from useresponse_async.sandbox.kinds import FEEDBACK, HELPDESK, KNOWLEDGE_BASE
from useresponse_async.sandbox.options import Options
from useresponse_async.sandbox.people import KEY_HOLDERS

# Objects were written in 2024, comments and chats in 2025: the same days with every start.
_OBJECTS_FROM, _OBJECTS_SECONDS = 1_704_100_000, 360 * 86_400
_COMMENTS_FROM, _COMMENTS_SECONDS = 1_735_700_000, 150 * 86_400
_CHATS_FROM, _CHATS_SECONDS = 1_750_000_000, 60 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding:
    """How much of everything there is at the start, and where and when each of it is.

    Objects share their ids: tickets come first, then topics, then articles. Comment number K is
    on object K, and round again when there are more comments than objects.
    """

    seed: int
    users: int
    tickets: int
    topics: int
    articles: int
    comments: int
    chats: int

    @property
    def objects(self) -> int:
        """How many objects there are."""
        return self.tickets + self.topics + self.articles

    def object_ids(self, ownership: str) -> range:
        """Tell which objects a module has."""
        if ownership == HELPDESK:
            return range(1, self.tickets + 1)
        if ownership == FEEDBACK:
            return range(self.tickets + 1, self.tickets + self.topics + 1)
        if ownership == KNOWLEDGE_BASE:
            return range(self.tickets + self.topics + 1, self.objects + 1)
        return range(0)

    def ownership_of(self, number: int) -> str:
        """Tell which module an object is in."""
        if number <= self.tickets:
            return HELPDESK
        return FEEDBACK if number <= self.tickets + self.topics else KNOWLEDGE_BASE

    def written(self, number: int) -> int:
        """Tell when an object was written; in one module a higher id is never older."""
        ids = self.object_ids(self.ownership_of(number))
        return _OBJECTS_FROM + (number - ids.start) * _OBJECTS_SECONDS // len(ids)

    def comments_on(self, number: int) -> range:
        """Tell which comments an object has."""
        return range(number, self.comments + 1, self.objects) if self.objects else range(0)

    def commented_object(self, comment: int) -> int:
        """Tell which object a comment is on."""
        return (comment - 1) % self.objects + 1

    def commented(self, comment: int) -> int:
        """Tell when a comment was written; a higher id is never older."""
        return _COMMENTS_FROM + comment * _COMMENTS_SECONDS // (self.comments + 1)

    def chatted(self, chat: int) -> int:
        """Tell when a chat began; a higher id is never older."""
        return _CHATS_FROM + chat * _CHATS_SECONDS // (self.chats + 1)

    def dice(self, what: str, number: int) -> bytes:
        """Throw 24 dice for one thing, which always fall the same way."""
        return blake2b(f"{self.seed}:{what}:{number}".encode(), digest_size=24).digest()

    def somebody(self, dice: Sequence[int]) -> int:
        """Choose a user by two dice."""
        return 1 + (dice[0] * 256 + dice[1]) % max(self.users, *KEY_HOLDERS.values())


def seeding_of(options: Options) -> Seeding:
    """Take from the options what the seed is for."""
    return Seeding(
        seed=options.seed,
        users=options.users,
        tickets=options.tickets,
        topics=options.topics,
        articles=options.articles,
        # There is nothing to comment on without objects.
        comments=options.comments if options.tickets + options.topics + options.articles else 0,
        chats=options.chats,
    )
