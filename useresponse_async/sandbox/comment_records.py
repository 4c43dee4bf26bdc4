"""What is known of a comment, and which comment is number N when nobody has changed it?"""

from dataclasses import dataclass
from typing import Literal

from useresponse_async.sandbox.kinds import HELPDESK
from useresponse_async.sandbox.people import KEY_HOLDERS
from useresponse_async.sandbox.seeding import Seeding

CommentState = Literal["active", "trashed", "moderation", "declined"]

_CONTENTS = (
    "Thank you, this helped.",
    "Could you send us a [b]screenshot[/b]?",
    "Same here.\nSince Monday.",
    "Fixed in the next release: see [url=https://example.com/news]the news[/url].",
    "Das hat geklappt, danke schön!",
    "1 < 2 & 3 > 2",
)


@dataclass(slots=True, kw_only=True)
class CommentRecord:
    """All the installation knows about one comment; an id of 0 means none.

    `votes` counts those of before the start, `voters` are the users who have voted since.
    `came_from` is the state it had before it went to the trash.
    """

    id: int
    object: int
    content: str
    author: int
    created: int
    html: bool = False
    updated: int | None = None
    private: bool = False
    state: CommentState = "active"
    came_from: CommentState = "active"
    reply_to: int = 0
    files: tuple[str, ...] = ()
    votes: int = 0
    voters: frozenset[int] = frozenset()


def seeded_comment(seeding: Seeding, number: int) -> CommentRecord:
    """Build comment `number`; the same seed and number always give the same comment."""
    dice = seeding.dice("comment", number)
    target = seeding.commented_object(number)
    earlier = number - seeding.objects
    return CommentRecord(
        id=number,
        object=target,
        content=_CONTENTS[dice[0] % len(_CONTENTS)],
        author=KEY_HOLDERS["agent"] if dice[1] % 3 == 0 else seeding.somebody(dice[2:4]),
        created=seeding.commented(number),
        private=seeding.ownership_of(target) == HELPDESK and dice[4] % 5 == 0,
        reply_to=earlier if earlier > 0 and dice[5] % 4 == 0 else 0,
        votes=dice[6] % 12,
    )
