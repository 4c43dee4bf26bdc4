"""Objects: records, those that exist at the start, and which ones a search finds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from useresponse_async.sandbox._calls import Call, Viewer
from useresponse_async.sandbox._catalog import (
    ANNOUNCEMENTS,
    FEEDBACK,
    HELPDESK,
    KEY_HOLDERS,
    KINDS,
    OWNERSHIPS,
    TEAMS,
)
from useresponse_async.sandbox._categories import CATEGORIES, categories_for, forum_of
from useresponse_async.sandbox._changelog import Action
from useresponse_async.sandbox._custom_fields import Properties, properties_text
from useresponse_async.sandbox._files import Files
from useresponse_async.sandbox._responses import Refusal
from useresponse_async.sandbox._seeding import Seeding
from useresponse_async.sandbox._statuses import BY_TYPE, STATUSES, first_status, is_closed
from useresponse_async.sandbox._text import DAY_SECONDS

ObjectState = Literal["active", "archived", "trashed", "moderation", "declined"]

#: State to the number shown beside it.
STATE_NUMBERS: dict[ObjectState, int] = {
    "active": 1,
    "archived": 2,
    "trashed": 3,
    "moderation": 4,
    "declined": 5,
}

# States of objects that wait for a moderator, or were declined.
_WAITING: tuple[ObjectState, ...] = ("moderation", "declined")

# States that the usual lists show.
_LISTED: tuple[ObjectState, ...] = ("active", "moderation")

# Fields whose changes the changelog shows.
_LOGGED = (
    "title", "content", "type", "author", "responsible", "team", "category", "status", "state",
    "tags", "properties", "files", "private", "closed", "best",
)  # fmt: skip

_THINGS = ("Printer", "Invoice", "Login", "Export", "Mobile app", "Dashboard", "Übersicht", "Звіт")
_TROUBLES = ("on fire", "is missing", "does not load", "shows ???", "needs <b>bold</b>", "is great")
_SENTENCES = (
    "It began [b]yesterday[/b] after lunch.",
    "Nobody else sees it.",
    "See [url=https://example.com/?a=1&b=2]our page[/url].",
    'The screen says "5 < 6".',
    "Дякую!",
)
_TAGS = ((), (), ("printer",), ("billing", "urgent"), ("mobile",), ("vip", "eu", "follow up"))
_SOURCES = ("web", "email", "widget", "mobile")
_PROPERTIES: tuple[Properties, ...] = (
    {},
    {7: ("EU",)},
    {11: ("A-1001",), 12: ("high",)},
    {7: ("US",), 13: ("api", "mobile")},
    {12: ("low",), 14: ("2024-12-31",), 15: ("x-7",)},
)

#: Seconds in which a ticket is due.
DUE_SECONDS = 2 * DAY_SECONDS


@dataclass(slots=True, kw_only=True)
class ObjectRecord:
    """All data of one object; an id of 0 means none.

    `positive` and `negative` count the votes from before the start, `voters` are the users who have
    voted for it since. `came_from` is the state from before the trash or the archive.
    """

    id: int
    ownership: str
    type: str
    title: str
    content: str = ""
    html: bool = False
    author: int
    created: int
    activity: int
    commented: int | None = None
    source: str = "api"
    responsible: int = 0
    team: int = 0
    category: int = 0
    status: int = 0
    state: ObjectState = "active"
    came_from: ObjectState = "active"
    tags: tuple[str, ...] = ()
    properties: Properties = field(default_factory=dict[int, tuple[str, ...]])
    files: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    links: tuple[int, ...] = ()
    parent: int = 0
    best: int = 0
    completed_by: int = 0
    completed: int | None = None
    due: int | None = None
    private: bool = False
    featured: bool = False
    abused: bool = False
    closed: bool = False
    views: int = 0
    positive: int = 0
    negative: int = 0
    voters: frozenset[int] = frozenset()
    subscribers: frozenset[int] = frozenset()
    score: int | None = None
    score_comment: str | None = None
    score_reason: str | None = None
    expires: int = 0


def seeded_object(seeding: Seeding, files: Files, number: int) -> ObjectRecord:
    """Return object `number`; the same seed and number always give the same object."""
    dice = seeding.dice("object", number)
    record = _draft(seeding, dice, number, seeding.ownership_of(number), seeding.written(number))
    comments = seeding.comments_on(number)
    if comments:
        record.commented = record.activity = seeding.commented(comments[-1])
    if record.type == "question" and comments and dice[15] % 2:
        record.best = comments[0]
    if dice[10] % 8 == 0:
        record.files = (files.token("o", number),)
    siblings = seeding.object_ids(record.ownership)
    if number - 1 in siblings and dice[11] % 8 == 0:
        record.links = (number - 1,)
    if number - 2 in siblings and dice[11] % 16 == 1:
        record.parent = number - 2
    return record


def inserted_ticket(seeding: Seeding, number: int, now: int) -> ObjectRecord:
    """Return a ticket that came in after the start."""
    return _draft(seeding, seeding.dice("object", number), number, HELPDESK, now)


def _draft(
    seeding: Seeding, dice: bytes, number: int, ownership: str, created: int
) -> ObjectRecord:
    kinds = [kind.slug for kind in KINDS.values() if kind.ownership == ownership]
    kind = kinds[dice[0] % len(kinds)]
    statuses = BY_TYPE[kind]
    status = statuses[dice[1] % len(statuses)] if statuses else 0
    categories = categories_for(ownership, kind, staff=False)
    # Every tenth object belongs to the holder of the plain user's key.
    author = KEY_HOLDERS["user"] if number % 10 == 3 else seeding.somebody(dice[2:4])  # noqa: PLR2004
    record = ObjectRecord(
        id=number,
        ownership=ownership,
        type=kind,
        title=f"{_THINGS[dice[4] % len(_THINGS)]} {_TROUBLES[dice[5] % len(_TROUBLES)]} #{number}",
        content="\n".join(_SENTENCES[die % len(_SENTENCES)] for die in dice[6 : 7 + dice[9] % 3]),
        author=author,
        created=created,
        activity=created,
        source=_SOURCES[dice[12] % len(_SOURCES)],
        category=categories[dice[13] % len(categories)] if dice[13] % 3 else 0,
        status=status,
        tags=_TAGS[dice[14] % len(_TAGS)],
        properties=_PROPERTIES[dice[16] % len(_PROPERTIES)],
        views=dice[17] * 3,
        subscribers=frozenset({author}),
    )
    if is_closed(status):
        record.completed = record.activity = created + DUE_SECONDS
        record.completed_by = KEY_HOLDERS["agent"]
    if ownership == HELPDESK:
        if dice[18] % 4:
            record.responsible = KEY_HOLDERS["admin" if dice[18] % 2 else "agent"]
            record.team = 1 + dice[19] % len(TEAMS)
        if record.completed is None:
            record.due = created + DUE_SECONDS
        elif dice[20] % 2:
            record.score = 1 + dice[20] % 5
            record.score_comment = "Quick and kind"
            record.score_reason = "speed"
        return record
    record.positive = dice[18] % 90
    record.negative = dice[19] % 9 if kind == "idea" else 0
    record.abused = dice[21] % 50 == 0
    # Not at random: a few topics are enough to have some of each.
    record.featured = number % 7 == 1
    if ownership == FEEDBACK:
        record.private = number % 7 == 3  # noqa: PLR2004
        record.state = "moderation" if number % 7 == 5 else "active"  # noqa: PLR2004
    return record


def sees_object(viewer: Viewer, record: ObjectRecord, today: int) -> bool:
    """Return whether a viewer may see an object; `today` is when the day began."""
    if viewer.is_staff:
        return True
    if record.state == "trashed":
        return False
    if record.author == viewer.user_id:
        return True
    expired = record.ownership == ANNOUNCEMENTS and 0 < record.expires <= today
    return not (
        record.ownership == HELPDESK or record.private or record.state in _WAITING or expired
    )


#: Values of `sort` in lists of objects.
SORTS = ("new", "updated", "new_updated")

_MOST_SEARCHES = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSearch:
    """The conditions of a search by a viewer; `today` is when the day began."""

    viewer: Viewer
    today: int
    ownership: str | None = None
    type: str | None = None
    text: str | None = None
    statuses: frozenset[int] | None = None
    created: tuple[int, int] | None = None
    author: int | None = None
    responsible: int | None = None
    category: int | None = None
    forum: int | None = None
    featured: bool | None = None
    properties: tuple[tuple[int, tuple[str, ...]], ...] = ()
    state: ObjectState | None = None
    sort: str = "new"

    @property
    def is_plain(self) -> bool:
        """Whether only module and state decide, so that no record needs to be built."""
        plain = ObjectSearch(
            viewer=self.viewer, today=self.today, ownership=self.ownership, state=self.state
        )
        return self.viewer.is_staff and self == plain

    def matches(self, record: ObjectRecord) -> bool:  # noqa: PLR0911 - one for each condition
        """Return whether an object in the right module and state fits."""
        for name in ("type", "author", "responsible", "category", "featured"):
            wanted = getattr(self, name)
            if wanted is not None and getattr(record, name) != wanted:
                return False
        if self.forum is not None and forum_of(record.category) != self.forum:
            return False
        if not sees_object(self.viewer, record, self.today):
            return False
        if self.text:
            text = self.text.lower()
            words = (record.title.lower(), record.content.lower())
            if not any(text in word for word in words) and text not in (
                tag.lower() for tag in record.tags
            ):
                return False
        if self.statuses is not None and record.status not in self.statuses:
            return False
        if self.created is not None and not self.created[0] <= record.created < self.created[1]:
            return False
        return all(
            any(value in record.properties.get(number, ()) for value in values)
            for number, values in self.properties
            if values
        )

    def order(self, record: ObjectRecord) -> tuple[int, ...]:
        """Return the sort key of an object."""
        if self.sort == "new":
            return (-record.created, -record.id)
        if self.sort == "updated":
            return (-record.activity, -record.id)
        return (record.status != first_status(record.type), -record.activity, -record.id)


class Objects:
    """The objects of one sandbox: computed from the seed until a call changes them."""

    def __init__(self, seeding: Seeding, files: Files) -> None:
        self._seeding = seeding
        self._files = files
        self.next_id: int = seeding.objects + 1
        self._ids = {ownership: list(seeding.object_ids(ownership)) for ownership in OWNERSHIPS}
        self._changed: dict[int, ObjectRecord] = {}
        self._removed: set[int] = set()
        self._unlisted: dict[int, ObjectState] = {}
        self._searches: dict[ObjectSearch, Sequence[int]] = {}
        self._counts: dict[ObjectSearch, Mapping[int, int]] = {}

    def get(self, number: int) -> ObjectRecord | None:
        """Return an object by id, in whatever state."""
        if not 0 < number < self.next_id or number in self._removed:
            return None
        return self._changed.get(number) or seeded_object(self._seeding, self._files, number)

    def find(self, call: Call, number: int) -> ObjectRecord:
        """Return an object that the caller may see, or refuse it as not found."""
        record = self.get(number)
        if record is None or not sees_object(call.viewer, record, call.state.today):
            raise Refusal(404)
        return record

    def find_own(self, call: Call, number: int) -> ObjectRecord:
        """Return an object that the caller may change: staff any, a user their own."""
        call.require_key()
        record = self.find(call, number)
        call.require_own(record.author)
        return record

    def add(self, record: ObjectRecord) -> ObjectRecord:
        """Add an object with the next free id."""
        self.next_id = record.id + 1
        self._ids[record.ownership].append(record.id)
        self.change(record)
        return record

    def change(self, record: ObjectRecord) -> None:
        """Replace the record of an object."""
        self._changed[record.id] = record
        self._unlisted.pop(record.id, None)
        if record.state not in _LISTED:
            self._unlisted[record.id] = record.state
        self._forget_searches()

    def save(self, call: Call, before: ObjectRecord, **changes: Any) -> ObjectRecord:
        """Store an object with some fields changed, and log the changes."""
        after = replace(before, **changes)
        actions = [
            Action(name, _logged(call, name, old), _logged(call, name, new))
            for name in _LOGGED
            if (old := getattr(before, name)) != (new := getattr(after, name))
        ]
        if actions:
            after.activity = call.now
        self.change(after)
        call.state.changes.log(call, "object", after.id, *actions)
        return after

    def remove(self, number: int) -> None:
        """Delete an object permanently; the id is not used again."""
        record = self._existing(number)
        self._changed.pop(number, None)
        self._unlisted.pop(number, None)
        self._ids[record.ownership].remove(number)
        self._removed.add(number)
        self._forget_searches()

    def search(self, search: ObjectSearch) -> Sequence[int]:
        """Return the ids a search finds, in order; the same list until something changes."""
        found = self._searches.get(search)
        if found is None:
            if len(self._searches) >= _MOST_SEARCHES:
                self._forget_searches()
            found = self._searches[search] = self._search(search)
        return found

    def count_by_status(self, search: ObjectSearch) -> Mapping[int, int]:
        """Count what a search finds, by status id."""
        counts = self._counts.get(search)
        if counts is None:
            statuses = (self._existing(number).status for number in self.search(search))
            counts = self._counts[search] = Counter(statuses)
        return counts

    def _search(self, search: ObjectSearch) -> Sequence[int]:
        modules = OWNERSHIPS if search.ownership is None else (search.ownership,)
        numbers = [
            number
            for module in modules
            for number in self._ids[module]
            if self._unlisted.get(number) == search.state
        ]
        if search.is_plain:
            return sorted(numbers, key=self._newest_first)
        records = (self._existing(number) for number in numbers)
        found = [record for record in records if search.matches(record)]
        return [record.id for record in sorted(found, key=search.order)]

    def _newest_first(self, number: int) -> tuple[int, int]:
        changed = self._changed.get(number)
        return (-(changed.created if changed else self._seeding.written(number)), -number)

    def _existing(self, number: int) -> ObjectRecord:
        record = self.get(number)
        if record is None:
            raise LookupError(f"the sandbox has no object {number}")
        return record

    def _forget_searches(self) -> None:
        self._searches.clear()
        self._counts.clear()


def _logged(call: Call, name: str, value: Any) -> str | None:
    """Return the value of a field as the changelog shows it."""
    if name == "tags":
        return ", ".join(value)
    if name == "properties":
        return properties_text(value)
    if name in ("team", "best", "category", "status", "author", "responsible"):
        return _name(call, name, value) if value else None
    if name == "files":
        return str(len(value))
    return str(int(value)) if isinstance(value, bool) else str(value)


def _name(call: Call, name: str, number: int) -> str | None:
    if name == "category":
        return CATEGORIES[number].name
    if name == "status":
        return STATUSES[number].title
    if name in ("team", "best"):
        return str(number)
    user = call.state.users.get(number)
    return user.name if user else None
