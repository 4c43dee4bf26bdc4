"""Comments, and the messages of chats."""

import pytest
from calls import TICKET, Has, lacks

POST, LIST = "admin POST /comments.json", "admin GET /objects/21/comments.json"
USER_POST = "user POST /comments.json"
NOTED = {"object_id": 21, "content": "So [b]true[/b]"}
MINE = {"object_id": 39, "content": "Mine"}

STORIES = {
    "a reply needs no object, and a user does not see what is private": [
        (POST, {**NOTED, "object_id": 5000}, 404),
        (POST, NOTED, {
            "id": 61, "content": "So <b>true</b>", "objectId": 21, "ownership": "feedback",
            "createdAgo": "just now", "updatedAt": None,
            "votes": {"amount": 0, "canVote": True, "isVoted": False, "plural": "votes"},
        }),
        ("admin GET /objects/21.json", {"commentsNum": 3, "commentedAt": Has(":")}),
        (POST, {"reply_to": 61, "content": "x"}, {"objectId": 21, "replyToId": 61}),
        (POST, {**NOTED, "is_private": 1}, {"id": 63}),
        (USER_POST, {"reply_to": 63, "content": "x"}, 400),
    ],
    "a private comment is visible to staff only, and comments are sorted and filtered by it": [
        ("admin POST /objects.json", {**TICKET, "force_author": 3}, 200),
        ("admin GET /objects/39/comments.json", 204),
        (USER_POST, {**MINE, "is_private": 1}, 403),
        (POST, {**MINE, "is_private": 1}, {"id": 61}),
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
        (LIST, {"*.id": [21, 59]}),
        ("admin GET /comments.json", {"0.id": 60}),
        ("user POST /comments/61/trash.json", 404),
        ("user POST /comments/61/recovery.json", 403),
        ("admin POST /comments/61/recovery.json", {"id": 61}),
        (LIST, {"*.id": [21, 59, 61]}),
        ("old DELETE /comments/61/trash.json", 200),
        (LIST, {"*.id": [21, 59]}),
    ],
    "at most one comment, which is not trashed, is the best": [
        (POST, {**NOTED, "object_id": 24}, {"id": 61}),
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


def test_the_list_of_all_comments_depends_on_the_caller(unchanged):
    public, mine, everything = (
        set(unchanged.ids(f"{role} GET /comments.json")) for role in ("guest", "user", "admin")
    )
    assert public < mine < everything


def test_messages_are_sorted_newest_first(unchanged):
    url = "admin GET /chats/1/messages.json?page="
    rows = [row for page in (1, 2, 3) for row in unchanged.value(f"{url}{page}")]
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == 120
    assert ids == sorted(ids, reverse=True)
    assert (rows[-1]["isSystem"], rows[-1]["author"]) == (True, None)
    assert {row["type"] for row in rows} == {"text", "article", "image"}
    old = ("old GET /chats/1/messages.json", {"totalObjects": 120})
    unchanged.play([(f"{url}4", 204), (f"{url}1", {"#": 50}), old])


def test_a_new_message_is_the_last_message_and_top_id_keeps_pages_unchanged(calls, sandbox):
    def page(query):
        return calls.ids(f"admin GET /chats/2/messages.json?count=2&{query}")

    before, (top, *_) = page("page=2"), page("page=1")
    said = sandbox.say(2, "One more thing", author=2)
    assert (page("page=1")[0], page(f"top_id={top}")[0]) == (said.id, top)
    assert page("page=2") != before == page(f"page=2&top_id={top}")
    last = {"lastMessage.content": "One more thing", "lastMessage.author.id": 2}
    calls.play([("admin GET /chats/2.json", {**last, "completedAt": None})])
    with pytest.raises(LookupError):
        sandbox.say(5000, "Hello?")
