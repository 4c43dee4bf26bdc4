"""Which forums and categories does the installation have?"""

from dataclasses import dataclass

from useresponse_async.sandbox.catalog import SITE
from useresponse_async.sandbox.kinds import FEEDBACK, HELPDESK, KNOWLEDGE_BASE

#: Forum id to name.
FORUMS: dict[int, str] = {1: "Community", 2: "Partners"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """One category; `parent` 0 means none, no ownership or type means every one."""

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


def categories_for(ownership: str | None, kind: str | None, *, staff: bool) -> list[Category]:
    """List the categories that can be chosen for a module and a type."""
    return [
        category
        for category in CATEGORIES.values()
        if (staff or not category.private)
        and (ownership is None or category.ownership in (None, ownership))
        and (kind is None or category.type in (None, kind))
    ]


def category_json(number: int) -> dict[str, object] | None:
    """Show a category, or that there is none."""
    return _SHOWN.get(number)


def forum_json(number: int) -> dict[str, object]:
    """Show a forum; its id is text on the wire."""
    return {"id": str(number), "name": FORUMS[number]}


def _show(category: Category) -> dict[str, object]:
    image = None
    if category.image:
        image = {
            size: f"{SITE}/images/{category.slug}_{size}.png" for size in ("big", "medium", "small")
        }
    return {
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
        "image": image,
    }


_SHOWN = {number: _show(category) for number, category in CATEGORIES.items()}
