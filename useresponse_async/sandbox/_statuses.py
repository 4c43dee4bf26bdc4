"""Statuses of objects, by object type."""

from dataclasses import dataclass

from starlette.responses import Response

from useresponse_async.sandbox._calls import Access, Call, Routes
from useresponse_async.sandbox._installation import KINDS


@dataclass(frozen=True, slots=True)
class Status:
    id: int
    title: str
    slug: str
    type: str
    order: int
    closed: bool
    color: str


_GREY, _BLUE, _ORANGE, _GREEN, _RED = "#8e8e8e", "#3a7bd5", "#f0932b", "#27ae60", "#c0392b"

# Type to the titles and colors of its statuses; a new object gets the first, green and red ones
# end the work.
_SCHEME = {
    "ticket": (
        ("Opened", _BLUE),
        ("In Progress", _ORANGE),
        ("Awaiting Reply", _GREY),
        ("On Hold", _GREY),
        ("Completed", _GREEN),
    ),
    "idea": (
        ("New", _BLUE),
        ("Under Review", _ORANGE),
        ("Planned", _ORANGE),
        ("Completed", _GREEN),
        ("Rejected", _RED),
    ),
    "problem": (("New", _BLUE), ("In Progress", _ORANGE), ("Completed", _GREEN)),
    "question": (("New", _BLUE), ("Answered", _GREEN)),
    "thanks": (("New", _BLUE), ("Acknowledged", _GREEN)),
}

#: Status id to status; an object without a status has 0.
STATUSES: dict[int, Status] = {}
for _type, _rows in _SCHEME.items():
    for _order, (_title, _color) in enumerate(_rows, start=1):
        _slug = _title.lower().replace(" ", "_")
        _number = len(STATUSES) + 1
        _closed = _color in (_GREEN, _RED)
        STATUSES[_number] = Status(_number, _title, _slug, _type, _order, _closed, _color)

#: Type to the ids of its statuses, that of a new object first; announcements and articles have
#: none.
BY_TYPE: dict[str, tuple[int, ...]] = {
    kind: tuple(status.id for status in STATUSES.values() if status.type == kind) for kind in KINDS
}

#: Values of `status` in a list of tickets.
TICKET_WORDS = (
    "all", "opened", "on_hold", "in_progress", "awaiting_reply", "all-active", "completed",
)  # fmt: skip

#: Values of `status` in a search: also those of the other types.
SEARCH_WORDS = (*TICKET_WORDS, *sorted({status.slug for status in STATUSES.values()}))

#: Status id to status as JSON.
STATUS_JSON: dict[int, dict[str, object]] = {
    status.id: {
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
    for status in STATUSES.values()
}


def statuses_called(word: str | None) -> frozenset[int] | None:
    """Return the statuses that a filter word stands for, or None for all."""
    if word in (None, "all"):
        return None
    if word == "all-active":
        return frozenset({0, *(s.id for s in STATUSES.values() if not s.closed)})
    return frozenset(status.id for status in STATUSES.values() if status.slug == word)


def first_status(kind: str) -> int:
    return next(iter(BY_TYPE[kind]), 0)


def is_closed(status: int) -> bool:
    return status in STATUSES and STATUSES[status].closed


def list_statuses(call: Call) -> Response:
    kind = call.query.choice("object_type", KINDS)
    call.query.check()
    numbers = BY_TYPE[kind] if kind else tuple(STATUSES)
    return call.listed((STATUS_JSON[number] for number in numbers), under_success=call.is_old)


STATUS_ROUTES: Routes = {"GET /statuses.json": (Access.GUEST, list_statuses)}
