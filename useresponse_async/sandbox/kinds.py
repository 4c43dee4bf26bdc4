"""Which kinds of objects are there, and in which module does each live?"""

from dataclasses import dataclass
from functools import lru_cache

from useresponse_async.sandbox.catalog import SITE

HELPDESK = "helpdesk"
FEEDBACK = "feedback"
ANNOUNCEMENTS = "announcements"
KNOWLEDGE_BASE = "knowledge-base"

#: The modules, as `ownership` names them.
OWNERSHIPS = (FEEDBACK, HELPDESK, ANNOUNCEMENTS, KNOWLEDGE_BASE)

#: Where every object needs a content.
WITH_CONTENT = (FEEDBACK, ANNOUNCEMENTS)


@dataclass(frozen=True, slots=True)
class Kind:
    """One value of `object_type`."""

    slug: str
    ownership: str
    single: str
    plural: str
    negative_votes: bool = False


#: Object type to what it is, in the order the installation shows them.
KINDS: dict[str, Kind] = {
    kind.slug: kind
    for kind in (
        Kind("idea", FEEDBACK, "Idea", "Ideas", negative_votes=True),
        Kind("problem", FEEDBACK, "Problem", "Problems"),
        Kind("question", FEEDBACK, "Question", "Questions"),
        Kind("thanks", FEEDBACK, "Thanks", "Thanks"),
        Kind("ticket", HELPDESK, "Ticket", "Tickets"),
        Kind("announcement", ANNOUNCEMENTS, "Announcement", "Announcements"),
        Kind("article", KNOWLEDGE_BASE, "Article", "Articles", negative_votes=True),
        Kind("faq", KNOWLEDGE_BASE, "FAQ", "FAQs", negative_votes=True),
    )
}


def kinds_of(ownership: str) -> tuple[str, ...]:
    """List the object types of one module."""
    return tuple(kind.slug for kind in KINDS.values() if kind.ownership == ownership)


@lru_cache(maxsize=32)
def kind_json(slug: str, *, plain_title: bool) -> dict[str, object]:
    """Show a type; version 4.0 has its title as one text."""
    kind = KINDS[slug]
    return {
        "slug": slug,
        "title": kind.single if plain_title else {"single": kind.single, "plural": kind.plural},
        "icon": {size: f"{SITE}/images/{slug}_{size}.png" for size in ("big", "small")},
        "order": list(KINDS).index(slug) + 1,
        "supports": {"comments": True, "votes": True, "negativeVote": kind.negative_votes},
    }
