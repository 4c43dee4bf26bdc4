"""Categories and forums."""

from dataclasses import dataclass

from starlette.responses import Response

from useresponse_async.sandbox._calls import Access, Call, Routes
from useresponse_async.sandbox._installation import KINDS, OWNERSHIPS, Ownership, images
from useresponse_async.sandbox._responses import Refusal, json_response


@dataclass(frozen=True, slots=True)
class Category:
    """One category; `parent` 0 means none, no ownership or type means all of them."""

    name: str
    ownership: Ownership | None = None
    type: str | None = None
    description: str | None = None
    parent: int = 0
    private: bool = False
    forum: int = 1
    image: bool = False


#: Category id to category, in their order; a private one is for staff.
CATEGORIES: dict[int, Category] = {
    1: Category("General"),
    2: Category("Features", "feedback", "idea", "What should be built next", image=True),
    3: Category("Mobile", "feedback", "idea", parent=2, forum=2),
    4: Category("Billing", "helpdesk", "ticket", "Invoices & payments"),
    5: Category("Technical", "helpdesk", image=True),
    6: Category("Security Reports", "helpdesk", None, "Seen by staff only", private=True),
    7: Category("First Steps", "knowledge-base"),
    8: Category("How To", "knowledge-base", "faq", parent=7),
}

#: Forum id to forum as JSON; there the id is text.
FORUMS: dict[int, dict[str, str]] = {
    1: {"id": "1", "name": "Community"},
    2: {"id": "2", "name": "Partners"},
}


def _json(number: int, category: Category) -> dict[str, object]:
    slug = category.name.lower().replace(" ", "-")
    return {
        "id": number,
        "name": category.name,
        "slug": slug,
        "description": category.description,
        "order": number,
        "ownership": category.ownership,
        "type": category.type,
        "parent_id": category.parent or None,
        "isPrivate": category.private,
        "forum": FORUMS[category.forum],
        "image": images(slug, "big", "medium", "small") if category.image else None,
    }


#: Category id to category as JSON.
CATEGORY_JSON = {number: _json(number, category) for number, category in CATEGORIES.items()}


def categories_for(ownership: Ownership | None, kind: str | None, *, staff: bool) -> list[int]:
    return [
        number
        for number, category in CATEGORIES.items()
        if (staff or not category.private)
        and (ownership is None or category.ownership in (None, ownership))
        and (kind is None or category.type in (None, kind))
    ]


def forum_of(category: int) -> int:
    """Return the forum of a category, or the one of objects without a category."""
    return CATEGORIES[category].forum if category else 1


def list_categories(call: Call) -> Response:
    ownership = call.query.choice("ownership", OWNERSHIPS)
    kind = call.query.choice("type", KINDS)
    call.query.check()
    found = categories_for(ownership, kind, staff=call.viewer.is_staff)
    return call.listed(CATEGORY_JSON[number] for number in found)


def get_category(call: Call) -> Response:
    category = CATEGORIES.get(call.id)
    if category is None or (category.private and not call.viewer.is_staff):
        raise Refusal(404)
    return json_response(CATEGORY_JSON[call.id])


def list_forums(call: Call) -> Response:
    return call.listed(FORUMS.values())


CATEGORY_ROUTES: Routes = {
    "GET /categories.json": (Access.GUEST, list_categories),
    "GET /categories/{id}.json": (Access.GUEST, get_category),
    "GET /forums.json": (Access.GUEST, list_forums),
}
