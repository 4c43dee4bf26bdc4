"""Categories and forums."""

from typing import Any

from starlette.responses import Response

from useresponse_async.sandbox._calls import Access, Call, Refusal, Routes, json_response
from useresponse_async.sandbox._installation import KINDS, OWNERSHIPS, Ownership, images

#: Forum id to forum as JSON; there the id is text.
FORUMS = {1: {"id": "1", "name": "Community"}, 2: {"id": "2", "name": "Partners"}}


def _category(
    number: int,
    name: str,
    ownership: Ownership | None = None,
    kind: str | None = None,
    description: str | None = None,
    *,
    parent: int | None = None,
    private: bool = False,
    forum: int = 1,
    image: bool = False,
) -> dict[str, Any]:
    slug = name.lower().replace(" ", "-")
    return {
        "id": number,
        "name": name,
        "slug": slug,
        "description": description,
        "order": number,
        "ownership": ownership,
        "type": kind,
        "parent_id": parent,
        "isPrivate": private,
        "forum": FORUMS[forum],
        "image": images(slug, "big", "medium", "small") if image else None,
    }


#: Category id to category as JSON, in their order. Private ones are for staff; those without an
#: ownership or a type are for all of them.
CATEGORIES: dict[int, dict[str, Any]] = {
    category["id"]: category
    for category in (
        _category(1, "General"),
        _category(2, "Features", "feedback", "idea", "What should be built next", image=True),
        _category(3, "Mobile", "feedback", "idea", parent=2, forum=2),
        _category(4, "Billing", "helpdesk", "ticket", "Invoices & payments"),
        _category(5, "Technical", "helpdesk", image=True),
        _category(6, "Security Reports", "helpdesk", None, "Seen by staff only", private=True),
        _category(7, "First Steps", "knowledge-base"),
        _category(8, "How To", "knowledge-base", "faq", parent=7),
    )
}


def categories_for(ownership: Ownership | None, kind: str | None, *, staff: bool) -> list[int]:
    return [
        number
        for number, category in CATEGORIES.items()
        if (staff or not category["isPrivate"])
        and (ownership is None or category["ownership"] in (None, ownership))
        and (kind is None or category["type"] in (None, kind))
    ]


def forum_of(category: int) -> dict[str, str]:
    """Return the forum of a category; 0 means no category."""
    return CATEGORIES[category]["forum"] if category else FORUMS[1]


def list_categories(call: Call) -> Response:
    ownership = call.query.choice("ownership", OWNERSHIPS)
    kind = call.query.choice("type", KINDS)
    call.query.check()
    found = categories_for(ownership, kind, staff=call.viewer.is_staff)
    return call.listed(CATEGORIES[number] for number in found)


def get_category(call: Call) -> Response:
    category = CATEGORIES.get(call.id)
    if category is None or (category["isPrivate"] and not call.viewer.is_staff):
        raise Refusal(404)
    return json_response(category)


def list_forums(call: Call) -> Response:
    return call.listed(FORUMS.values())


CATEGORY_ROUTES: Routes = {
    "GET /categories.json": (Access.GUEST, list_categories),
    "GET /categories/{id}.json": (Access.GUEST, get_category),
    "GET /forums.json": (Access.GUEST, list_forums),
}
