"""Which statuses can an object have?"""

from collections.abc import Mapping
from dataclasses import dataclass

from useresponse_async.sandbox.kinds import KINDS


@dataclass(frozen=True, slots=True)
class Status:
    """One status of one object type."""

    id: int
    title: str
    slug: str
    type: str
    order: int
    closed: bool
    color: str


_GREY, _BLUE, _ORANGE, _GREEN, _RED = "#8e8e8e", "#3a7bd5", "#f0932b", "#27ae60", "#c0392b"

# Type to its statuses: the first is what a new object gets; a closed one is said to be.
_SCHEME: dict[str, tuple[tuple[str, str, bool, str], ...]] = {
    "ticket": (
        ("Opened", "opened", False, _BLUE),
        ("In Progress", "in_progress", False, _ORANGE),
        ("Awaiting Reply", "awaiting_reply", False, _GREY),
        ("On Hold", "on_hold", False, _GREY),
        ("Completed", "completed", True, _GREEN),
    ),
    "idea": (
        ("New", "new", False, _BLUE),
        ("Under Review", "under_review", False, _ORANGE),
        ("Planned", "planned", False, _ORANGE),
        ("Completed", "completed", True, _GREEN),
        ("Rejected", "rejected", True, _RED),
    ),
    "problem": (
        ("New", "new", False, _BLUE),
        ("In Progress", "in_progress", False, _ORANGE),
        ("Completed", "completed", True, _GREEN),
    ),
    "question": (("New", "new", False, _BLUE), ("Answered", "answered", True, _GREEN)),
    "thanks": (("New", "new", False, _BLUE), ("Acknowledged", "acknowledged", True, _GREEN)),
}


def _build() -> dict[int, Status]:
    built: dict[int, Status] = {}
    for kind, rows in _SCHEME.items():
        for order, row in enumerate(rows, start=1):
            title, slug, closed, color = row
            number = len(built) + 1
            built[number] = Status(number, title, slug, kind, order, closed, color)
    return built


#: Status id to status; an object without one has 0, which is not in here.
STATUSES: Mapping[int, Status] = _build()

#: Type to the ids of its statuses, the one of a new object first; announcements and articles
#: have none.
BY_TYPE: Mapping[str, tuple[int, ...]] = {
    kind: tuple(status.id for status in STATUSES.values() if status.type == kind) for kind in KINDS
}

#: What `status` may be in a list of tickets.
TICKET_WORDS = (
    "all", "opened", "on_hold", "in_progress", "awaiting_reply", "all-active", "completed",
)  # fmt: skip

#: What `status` may be in a search: also the words of the other types.
SEARCH_WORDS = (*TICKET_WORDS, *sorted({status.slug for status in STATUSES.values()}))


def statuses_called(word: str) -> frozenset[int] | None:
    """Tell which statuses a filter word stands for; `None` stands for all."""
    if word == "all":
        return None
    if word == "all-active":
        return frozenset({0, *(s.id for s in STATUSES.values() if not s.closed)})
    return frozenset(status.id for status in STATUSES.values() if status.slug == word)


def first_status(kind: str) -> int:
    """Tell which status a new object has, 0 for none."""
    return next(iter(BY_TYPE[kind]), 0)


def status_json(number: int) -> dict[str, object] | None:
    """Show a status, or that there is none."""
    return _SHOWN.get(number)


def _show(status: Status) -> dict[str, object]:
    return {
        "id": status.id,
        "title": status.title,
        "slug": status.slug,
        "type": status.type,
        "ownership": KINDS[status.type].ownership,
        "order": status.order,
        "isDefault": status.order == 1,
        "isClosed": status.closed,
        "isSystem": status.order == 1 or status.closed,
        "color": {"background": status.color, "text": "#ffffff"},
    }


_SHOWN = {number: _show(status) for number, status in STATUSES.items()}
