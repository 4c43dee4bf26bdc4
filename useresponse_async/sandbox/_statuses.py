"""Statuses of objects, by object type."""

from typing import Any

from starlette.responses import Response

from useresponse_async.sandbox._calls import Access, Call, Routes
from useresponse_async.sandbox._installation import KINDS

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

#: Status id to status as JSON; an object without a status has 0.
STATUSES: dict[int, dict[str, Any]] = {}
for _type, _rows in _SCHEME.items():
    for _order, (_title, _color) in enumerate(_rows, start=1):
        _closed = _color in (_GREEN, _RED)
        _number = len(STATUSES) + 1
        STATUSES[_number] = {
            "id": _number,
            "title": _title,
            "slug": _title.lower().replace(" ", "_"),
            "type": _type,
            "ownership": KINDS[_type].ownership,
            "order": _order,
            "isDefault": _order == 1,
            "isClosed": _closed,
            "isSystem": _order == 1 or _closed,
            "color": {"background": _color, "text": "#ffffff"},
        }

#: Type to the ids of its statuses, that of a new object first; announcements and articles have
#: none.
BY_TYPE: dict[str, tuple[int, ...]] = {
    kind: tuple(number for number, it in STATUSES.items() if it["type"] == kind) for kind in KINDS
}

#: The statuses that end the work on an object.
CLOSED = frozenset(number for number, status in STATUSES.items() if status["isClosed"])

#: Values of `status` in a list of tickets.
TICKET_WORDS = (
    "all", "opened", "on_hold", "in_progress", "awaiting_reply", "all-active", "completed",
)  # fmt: skip

#: Values of `status` in a search: also those of the other types.
SEARCH_WORDS = (*TICKET_WORDS, *sorted({status["slug"] for status in STATUSES.values()}))


def statuses_called(word: str | None) -> frozenset[int] | None:
    """Return the statuses that a filter word means, or None for all."""
    if word in (None, "all"):
        return None
    if word == "all-active":
        return frozenset({0, *STATUSES} - CLOSED)
    return frozenset(number for number, status in STATUSES.items() if status["slug"] == word)


def first_status(kind: str) -> int:
    return next(iter(BY_TYPE[kind]), 0)


def list_statuses(call: Call) -> Response:
    kind = call.query.choice("object_type", KINDS)
    call.query.check()
    numbers = BY_TYPE[kind] if kind else tuple(STATUSES)
    return call.listed((STATUSES[number] for number in numbers), under_success=call.is_old)


STATUS_ROUTES: Routes = {"GET /statuses.json": (Access.GUEST, list_statuses)}
