"""The fixed parts of the sandbox's installation: roles, teams, forums and object types."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Role = Literal["user", "agent", "admin"]

#: Role alias to the id shown beside it.
ROLE_IDS: dict[Role, int] = {"user": 1, "agent": 2, "admin": 3}

#: The accounts behind the three keys that exist at the start.
KEY_HOLDERS: dict[Role, int] = {"admin": 1, "agent": 2, "user": 3}
HOLDER_ROLES: dict[int, Role] = {number: role for role, number in KEY_HOLDERS.items()}

#: Team id to name; 0 stands for "no team".
TEAMS: dict[int, str] = {1: "Support", 2: "Sales", 3: "Development", 4: "Back Office"}

#: Forum id to name.
FORUMS: dict[int, str] = {1: "Community", 2: "Partners"}

#: Base URL of the installation in links; nothing fetches it.
SITE = "https://sandbox.example"

LONGEST_TITLE = 100
LONGEST_CONTENT = 12_000

HELPDESK = "helpdesk"
FEEDBACK = "feedback"
ANNOUNCEMENTS = "announcements"
KNOWLEDGE_BASE = "knowledge-base"

#: The modules, as `ownership` names them.
OWNERSHIPS = (FEEDBACK, HELPDESK, ANNOUNCEMENTS, KNOWLEDGE_BASE)

#: The modules whose objects need a content.
WITH_CONTENT = (FEEDBACK, ANNOUNCEMENTS)


@dataclass(frozen=True, slots=True)
class Kind:
    """One value of `object_type`."""

    slug: str
    ownership: str
    single: str
    plural: str
    negative_votes: bool = False


#: Object type to its description, in display order.
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


@lru_cache(maxsize=32)
def kind_json(slug: str, *, plain_title: bool) -> dict[str, object]:
    """Return an object type as JSON; version 4.0 has its title as one text."""
    kind = KINDS[slug]
    return {
        "slug": slug,
        "title": kind.single if plain_title else {"single": kind.single, "plural": kind.plural},
        "icon": images(slug, "big", "small"),
        "order": list(KINDS).index(slug) + 1,
        "supports": {"comments": True, "votes": True, "negativeVote": kind.negative_votes},
    }


def forum_json(number: int) -> dict[str, object]:
    """Return a forum as JSON; its id is text on the wire."""
    return {"id": str(number), "name": FORUMS[number]}


def images(name: str, *sizes: str) -> dict[str, str]:
    """Return the addresses of a picture in several sizes."""
    return {size: f"{SITE}/images/{name}_{size}.png" for size in sizes}
