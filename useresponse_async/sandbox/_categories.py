"""Categories and forums."""

from dataclasses import dataclass

from starlette.responses import Response

from useresponse_async.sandbox._calls import Call, Routes
from useresponse_async.sandbox._catalog import (
    FEEDBACK,
    FORUMS,
    HELPDESK,
    KINDS,
    KNOWLEDGE_BASE,
    OWNERSHIPS,
    forum_json,
    images,
)
from useresponse_async.sandbox._responses import Refusal, json_response, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One category; `parent` 0 means none, no ownership or type means all of them."""

    id: int
    name: str
    slug: str
    description: str | None = None
    ownership: str | None = None
    type: str | None = None
    parent: int = 0
    private: bool = False
    forum: int = 1
    image: bool = False


#: Category id to category, in their order; a private one is for staff.
CATEGORIES: dict[int, Category] = {
    category.id: category
    for category in (
        Category(id=1, name="General", slug="general"),
        Category(
            id=2,
            name="Features",
            slug="features",
            description="What should be built next",
            ownership=FEEDBACK,
            type="idea",
            image=True,
        ),
        Category(
            id=3, name="Mobile", slug="mobile", ownership=FEEDBACK, type="idea", parent=2, forum=2
        ),
        Category(
            id=4,
            name="Billing",
            slug="billing",
            description="Invoices & payments",
            ownership=HELPDESK,
            type="ticket",
        ),
        Category(id=5, name="Technical", slug="technical", ownership=HELPDESK, image=True),
        Category(
            id=6,
            name="Security Reports",
            slug="security-reports",
            description="Seen by staff only",
            ownership=HELPDESK,
            private=True,
        ),
        Category(id=7, name="First Steps", slug="first-steps", ownership=KNOWLEDGE_BASE),
        Category(
            id=8, name="How To", slug="how-to", ownership=KNOWLEDGE_BASE, type="faq", parent=7
        ),
    )
}


def categories_for(ownership: str | None, kind: str | None, *, staff: bool) -> list[int]:
    """Return the ids of the categories of a module and a type."""
    return [
        category.id
        for category in CATEGORIES.values()
        if (staff or not category.private)
        and (ownership is None or category.ownership in (None, ownership))
        and (kind is None or category.type in (None, kind))
    ]


def forum_of(category: int) -> int:
    """Return the forum of a category, or the one of objects without a category."""
    return CATEGORIES[category].forum if category else 1


def category_json(number: int) -> dict[str, object] | None:
    """Return a category as JSON, or None for 0."""
    return _JSON.get(number)


_JSON: dict[int, dict[str, object]] = {
    category.id: {
        "id": category.id,
        "name": category.name,
        "slug": category.slug,
        "description": category.description,
        "order": category.id,
        "ownership": category.ownership,
        "type": category.type,
        "parent_id": category.parent or None,
        "isPrivate": category.private,
        "forum": forum_json(category.forum),
        "image": images(category.slug, "big", "medium", "small") if category.image else None,
    }
    for category in CATEGORIES.values()
}


def list_categories(call: Call) -> Response:
    """List the categories of a module and a type, or all."""
    ownership = call.query.choice("ownership", OWNERSHIPS)
    kind = call.query.choice("type", KINDS)
    call.query.check()
    found = categories_for(ownership, kind, staff=call.viewer.is_staff)
    return call.listed([to_json(_JSON[number]) for number in found])


def get_category(call: Call) -> Response:
    """Return one category."""
    category = CATEGORIES.get(call.id)
    if category is None or (category.private and not call.viewer.is_staff):
        raise Refusal(404)
    return json_response(to_json(_JSON[category.id]))


def list_forums(call: Call) -> Response:
    """List the forums."""
    return call.listed([to_json(forum_json(number)) for number in FORUMS])


CATEGORY_ROUTES: Routes = {
    "/categories.json": {"GET": list_categories},
    "/categories/{id:int}.json": {"GET": get_category},
    "/forums.json": {"GET": list_forums},
}
