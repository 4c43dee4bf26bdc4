"""The installation: its constants, the seeding, and records computed from the seed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from typing import Generic, Literal, Protocol, TypeVar

from useresponse_async.sandbox._options import Options

Role = Literal["user", "agent", "admin"]

#: Role alias to the id shown beside it.
ROLE_IDS: dict[Role, int] = {"user": 1, "agent": 2, "admin": 3}

#: The accounts behind the three keys that exist at the start.
KEY_HOLDERS: dict[Role, int] = {"admin": 1, "agent": 2, "user": 3}
HOLDER_ROLES: dict[int, Role] = {number: role for role, number in KEY_HOLDERS.items()}

#: Team id to name; 0 means no team.
TEAMS: dict[int, str] = {1: "Support", 2: "Sales", 3: "Development", 4: "Back Office"}

#: Base URL of the installation in links; nothing fetches it.
SITE = "https://sandbox.example"

LONGEST_TITLE = 100
LONGEST_CONTENT = 12_000

Ownership = Literal["feedback", "helpdesk", "announcements", "knowledge-base"]

#: The modules, as `ownership` names them.
OWNERSHIPS: tuple[Ownership, ...] = ("feedback", "helpdesk", "announcements", "knowledge-base")

# Objects were written in 2024, comments and chats in 2025: the same days at every start.
_OBJECTS_FROM, _OBJECTS_SECONDS = 1_704_100_000, 360 * 86_400
_COMMENTS_FROM, _COMMENTS_SECONDS = 1_735_700_000, 150 * 86_400
_CHATS_FROM, _CHATS_SECONDS = 1_750_000_000, 60 * 86_400


@dataclass(frozen=True, slots=True)
class Kind:
    """One value of `object_type`."""

    slug: str
    ownership: Ownership
    single: str
    plural: str
    negative_votes: bool = False


#: Object type to its description, in display order.
KINDS: dict[str, Kind] = {
    kind.slug: kind
    for kind in (
        Kind("idea", "feedback", "Idea", "Ideas", negative_votes=True),
        Kind("problem", "feedback", "Problem", "Problems"),
        Kind("question", "feedback", "Question", "Questions"),
        Kind("thanks", "feedback", "Thanks", "Thanks"),
        Kind("ticket", "helpdesk", "Ticket", "Tickets"),
        Kind("announcement", "announcements", "Announcement", "Announcements"),
        Kind("article", "knowledge-base", "Article", "Articles", negative_votes=True),
        Kind("faq", "knowledge-base", "FAQ", "FAQs", negative_votes=True),
    )
}


@lru_cache(maxsize=32)
def kind_json(slug: str, *, plain_title: bool) -> dict[str, object]:
    """Return an object type as JSON; version 4.0 has its title as one text."""
    kind = KINDS[slug]
    return {
        "slug": slug,
        "title": kind.single if plain_title else {"single": kind.single, "plural": kind.plural},
        "icon": images(slug, "big", "small"),
        "order": list(KINDS).index(slug) + 1,
        "supports": {"comments": True, "votes": True, "negativeVote": kind.negative_votes},
    }


def images(name: str, *sizes: str) -> dict[str, str]:
    return {size: f"{SITE}/images/{name}_{size}.png" for size in sizes}


class Seeding:
    """Numbers, places and times of everything that exists at the start.

    Objects share their ids: tickets come first, then topics, then articles. Comment K is on
    object K, starting over when there are more comments than objects. Within a module, and
    among comments and chats, a higher id is never older.
    """

    def __init__(self, options: Options) -> None:
        topics_from = options.tickets + 1
        articles_from = topics_from + options.topics
        self.seed: int = options.seed
        self.users: int = max(options.users, *KEY_HOLDERS.values())
        self.objects: int = options.tickets + options.topics + options.articles
        self.object_ids: dict[Ownership, range] = {
            "helpdesk": range(1, topics_from),
            "feedback": range(topics_from, articles_from),
            "knowledge-base": range(articles_from, self.objects + 1),
            "announcements": range(0),
        }
        # Without objects there is nothing to comment on.
        self.comments: int = options.comments if self.objects else 0
        self.chats: int = options.chats

    def ownership_of(self, number: int) -> Ownership:
        return next(module for module, ids in self.object_ids.items() if number in ids)

    def written(self, number: int) -> int:
        ids = self.object_ids[self.ownership_of(number)]
        return _OBJECTS_FROM + (number - ids.start) * _OBJECTS_SECONDS // len(ids)

    def comments_on(self, number: int) -> range:
        return range(number, self.comments + 1, self.objects) if self.objects else range(0)

    def commented(self, comment: int) -> int:
        return _COMMENTS_FROM + comment * _COMMENTS_SECONDS // (self.comments + 1)

    def chatted(self, chat: int) -> int:
        return _CHATS_FROM + chat * _CHATS_SECONDS // (self.chats + 1)

    def dice(self, what: str, number: int) -> bytes:
        """Return 24 random bytes for one thing, the same ones every time."""
        return blake2b(f"{self.seed}:{what}:{number}".encode(), digest_size=24).digest()

    def somebody(self, dice: Sequence[int]) -> int:
        return 1 + (dice[0] * 256 + dice[1]) % self.users


class _Identified(Protocol):
    id: int


Record = TypeVar("Record", bound=_Identified)


class Records(Generic[Record]):
    """Records by id: computed from the seed until a call changes them."""

    what: str

    def __init__(self, seeded: Callable[[int], Record], count: int) -> None:
        self.next_id: int = count + 1
        self._seeded = lru_cache(maxsize=256)(seeded)
        self._changed: dict[int, Record] = {}
        self._removed: set[int] = set()

    def get(self, number: int) -> Record | None:
        if not 0 < number < self.next_id or number in self._removed:
            return None
        return self._changed.get(number) or self._seeded(number)

    def existing(self, number: int) -> Record:
        """Return a record that must be there, or raise `LookupError`."""
        record = self.get(number)
        if record is None:
            raise LookupError(f"the sandbox has no {self.what} {number}")
        return record

    def reserve(self, count: int) -> list[int]:
        """Take the next free ids."""
        self.next_id += count
        return list(range(self.next_id - count, self.next_id))

    def add(self, record: Record) -> None:
        """Add a record with the next free id."""
        self.next_id = record.id + 1
        self.change(record)

    def change(self, record: Record) -> None:
        """Replace a record."""
        self._changed[record.id] = record

    def remove(self, number: int) -> None:
        """Delete a record permanently; the id is not used again."""
        self._changed.pop(number, None)
        self._removed.add(number)
