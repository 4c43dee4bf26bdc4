"""Chats and their messages."""

import pytest


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
