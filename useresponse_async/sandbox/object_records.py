"""What is known of an object, and which object is number N when nobody has changed it?"""

from dataclasses import dataclass, field
from typing import Literal

from useresponse_async.sandbox.catalog import TEAMS
from useresponse_async.sandbox.categories import categories_for
from useresponse_async.sandbox.files import Files
from useresponse_async.sandbox.kinds import FEEDBACK, HELPDESK, kinds_of
from useresponse_async.sandbox.people import KEY_HOLDERS
from useresponse_async.sandbox.seeding import Seeding
from useresponse_async.sandbox.statuses import BY_TYPE, STATUSES

ObjectState = Literal["active", "archived", "trashed", "moderation", "declined"]

#: State to the number shown beside it.
STATE_NUMBERS: dict[ObjectState, int] = {
    "active": 1,
    "archived": 2,
    "trashed": 3,
    "moderation": 4,
    "declined": 5,
}

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
_PROPERTIES: tuple[dict[int, tuple[str, ...]], ...] = (
    {},
    {7: ("EU",)},
    {11: ("A-1001",), 12: ("high",)},
    {7: ("US",), 13: ("api", "mobile")},
    {12: ("low",), 14: ("2024-12-31",), 15: ("x-7",)},
)

_TWO_DAYS = 2 * 86_400


@dataclass(slots=True, kw_only=True)
class ObjectRecord:
    """All the installation knows about one object; an id of 0 means none.

    `positive` and `negative` count the votes of before the start, `voters` are the users who have
    voted for it since. `came_from` is the state it had before it went to the trash or the archive.
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
    properties: dict[int, tuple[str, ...]] = field(default_factory=dict[int, tuple[str, ...]])
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
    """Build object `number`; the same seed and number always give the same object."""
    dice = seeding.dice("object", number)
    record = _draft(seeding, dice, number, seeding.ownership_of(number), seeding.written(number))
    comments = seeding.comments_on(number)
    if comments:
        record.commented = record.activity = seeding.commented(comments[-1])
    if record.type == "question" and comments and dice[15] % 2:
        record.best = comments[0]
    if dice[10] % 8 == 0:
        record.files = (files.of_object(number),)
    siblings = seeding.object_ids(record.ownership)
    if number - 1 in siblings and dice[11] % 8 == 0:
        record.links = (number - 1,)
    if number - 2 in siblings and dice[11] % 16 == 1:
        record.parent = number - 2
    return record


def inserted_ticket(seeding: Seeding, number: int, now: int) -> ObjectRecord:
    """Build a ticket that came in after the start."""
    return _draft(seeding, seeding.dice("object", number), number, HELPDESK, now)


def _draft(
    seeding: Seeding, dice: bytes, number: int, ownership: str, created: int
) -> ObjectRecord:
    kinds = kinds_of(ownership)
    kind = kinds[dice[0] % len(kinds)]
    statuses = BY_TYPE[kind]
    status = statuses[dice[1] % len(statuses)] if statuses else 0
    categories = categories_for(ownership, kind, staff=False)
    # Every tenth belongs to the holder of the plain user's key.
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
        category=categories[dice[13] % len(categories)].id if dice[13] % 3 else 0,
        status=status,
        tags=_TAGS[dice[14] % len(_TAGS)],
        properties=_PROPERTIES[dice[16] % len(_PROPERTIES)],
        views=dice[17] * 3,
        subscribers=frozenset({author}),
    )
    if status and STATUSES[status].closed:
        record.completed = record.activity = created + _TWO_DAYS
        record.completed_by = KEY_HOLDERS["agent"]
    if ownership == HELPDESK:
        _assign(record, dice)
    else:
        _publish(record, dice)
    return record


def _assign(ticket: ObjectRecord, dice: bytes) -> None:
    if dice[18] % 4:
        ticket.responsible = KEY_HOLDERS["admin" if dice[18] % 2 else "agent"]
        ticket.team = 1 + dice[19] % len(TEAMS)
    if ticket.completed is None:
        ticket.due = ticket.created + _TWO_DAYS
    elif dice[20] % 2:
        ticket.score = 1 + dice[20] % 5
        ticket.score_comment = "Quick and kind"
        ticket.score_reason = "speed"


def _publish(topic: ObjectRecord, dice: bytes) -> None:
    topic.positive = dice[18] % 90
    topic.negative = dice[19] % 9 if topic.type == "idea" else 0
    topic.abused = dice[21] % 50 == 0
    # Not by chance, so that a few topics are enough to have some of each.
    topic.featured = topic.id % 7 == 1
    if topic.ownership == FEEDBACK:
        topic.private = topic.id % 7 == 3  # noqa: PLR2004
        topic.state = "moderation" if topic.id % 7 == 5 else "active"  # noqa: PLR2004
