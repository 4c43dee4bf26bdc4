"""Comments: replies, visibility, the trash, best comments and approval."""

import pytest
from calls import TICKET, Has, lacks

COMMENT, COMMENTS = "admin POST /comments.json", "admin GET /objects/21/comments.json"
USER_POST, POST = "user POST /comments.json", "admin POST /objects.json"
NOTED = {"object_id": 21, "content": "So [b]true[/b]"}
MINE = {"object_id": 39, "content": "Mine"}

STORIES = {
    "a reply needs no object, and a user does not see what is private": [
        (COMMENT, {**NOTED, "object_id": 5000}, 404),
        (COMMENT, NOTED, {
            "id": 61, "content": "So <b>true</b>", "objectId": 21, "ownership": "feedback",
            "createdAgo": "just now", "updatedAt": None,
            "votes": {"amount": 0, "canVote": True, "isVoted": False, "plural": "votes"},
        }),
        ("admin GET /objects/21.json", {"commentsNum": 3, "commentedAt": Has(":")}),
        (COMMENT, {"reply_to": 61, "content": "x"}, {"objectId": 21, "replyToId": 61}),
        (COMMENT, {**NOTED, "is_private": 1}, {"id": 63}),
        (USER_POST, {"reply_to": 63, "content": "x"}, 400),
    ],
    "a private comment is visible to staff only, and comments are sorted and filtered by it": [
        (POST, {**TICKET, "force_author": 3}, 200),
        ("admin GET /objects/39/comments.json", 204),
        (USER_POST, {**MINE, "is_private": 1}, 403),
        (COMMENT, {**MINE, "is_private": 1}, {"id": 61}),
        (USER_POST, MINE, {"id": 62}),
        ("user GET /objects/39/comments.json", {"*.id": [62]}),
        ("user GET /objects/39.json", {"commentsNum": 1}),
        ("admin GET /objects/39/comments.json", {"*.id": [61, 62]}),
        ("admin GET /objects/39/comments.json?sort=desc", {"*.id": [62, 61]}),
        ("admin GET /objects/39/comments.json?is_private=1", {"*.id": [61]}),
        ("admin GET /objects/39/comments.json?is_private=0", {"*.id": [62]}),
    ],
    "a comment in the trash is hidden, and its author cannot recover it": [
        (USER_POST, NOTED, {"id": 61}),
        ("user POST /comments/61/edit.json", {"content": "Other"}, {"updatedAt": Has(":")}),
        ("user POST /comments/61/trash.json", {"id": 61}),
        (COMMENTS, {"*.id": [21, 59]}),
        ("admin GET /comments.json", {"0.id": 60}),
        ("user POST /comments/61/trash.json", 404),
        ("user POST /comments/61/recovery.json", 403),
        ("admin POST /comments/61/recovery.json", {"id": 61}),
        (COMMENTS, {"*.id": [21, 59, 61]}),
        ("old DELETE /comments/61/trash.json", 200),
        (COMMENTS, {"*.id": [21, 59]}),
    ],
    "at most one comment, which is not trashed, is the best": [
        (COMMENT, {**NOTED, "object_id": 24}, {"id": 61}),
        ("admin GET /objects/24.json", {"bestComment.id": 24}),
        ("admin POST /comments/61/best/toggle.json", {"is_best": 1}),
        ("admin GET /objects/24.json", {"bestComment.id": 61}),
        ("admin POST /comments/61/trash.json", 200),
        ("admin GET /objects/24.json", {"bestComment": None}),
    ],
    "a user's comment on a topic waits for approval, and a declined one leaves the lists": [
        (USER_POST, NOTED, {"id": 61}),
        *((f"{it} GET /objects/21/comments.json", {"*.id": Has(61)}) for it in ("user", "agent")),
        ("guest GET /objects/21/comments.json", {"*.id": lacks(61)}),
        ("agent POST /comment/61/approve.json", {"id": 61}),
        ("guest GET /objects/21/comments.json", {"*.id": Has(61)}),
        ("agent POST /comment/61/decline.json", {"reason": "rude"}, {"id": 61}),
        *((f"{it} GET /objects/21/comments.json", {"*.id": lacks(61)}) for it in ("user", "agent")),
    ],
}  # fmt: skip


@pytest.mark.parametrize("steps", STORIES.values(), ids=STORIES)
def test_calls_have_their_effects(calls, steps):
    calls.play(steps)


def test_lists_have_pages(start):
    start(users=5, tickets=2, topics=0, articles=0, comments=120).play([
        ("admin GET /objects/1/comments.json", {"*.id": [*range(1, 101, 2)]}),
        ("admin GET /objects/1/comments.json?page=2", {"*.id": [*range(101, 121, 2)]}),
        ("admin GET /objects/1/comments.json?page=3", 204),
        ("admin GET /comments.json?page=2&count=3", {"*.id": [117, 116, 115]}),
    ])  # fmt: skip
