"""Chats and their messages."""

import pytest

PAGE = {
    "currentPage", "firstPage", "lastPage", "nextPage", "objectsPerPage", "totalObjects",
    "totalPages", "data",
}  # fmt: skip


def ids(rows):
    return [row["id"] for row in rows]


def test_chats_are_a_page_under_success(api, old):
    for client in (api, old):
        page = client.get("/chats.json", params={"count": 4}).json()["success"]
        assert set(page) == PAGE
        assert page["totalObjects"] == 6
        assert ids(page["data"]) == [6, 5, 4, 3]


def test_a_chat_is_under_success_with_the_wire_names(api):
    shown = api.get("/chats/1.json").json()["success"]
    assert set(shown) == {
        "id", "externalId", "title", "token", "source", "author", "responsible", "lastMessage",
        "seenByClient", "score", "createdAt", "createdAtPosix", "updatedAt", "updatedAtPosix",
        "completedAt", "completedAtPosix",
    }  # fmt: skip


def test_a_chat_is_found_by_either_id(api):
    shown = api.get("/chats/4.json").json()
    external = shown["success"]["externalId"]
    assert external != 4
    assert api.get(f"/chats/{external}.json").json() == shown
    assert api.get(f"/chats/{external}/messages.json").status_code == 200


def test_chats_are_filtered_by_author(api):
    rows = api.get("/chats.json", params={"authorId": 3}).json()["success"]["data"]
    assert ids(rows) == [2]
    assert api.get("/chats.json", params={"authorId": 5000}).status_code == 204
    assert api.get("/chats.json", params={"authorId": "me"}).status_code == 400


def test_messages_are_a_list_under_success(api):
    rows = api.get("/chats/1/messages.json").json()["success"]
    assert len(rows) == 50
    assert set(rows[0]) == {
        "id", "parentId", "type", "content", "author", "isSystem", "token", "fileName",
        "createdAtPosix",
    }  # fmt: skip


def test_messages_are_a_page_in_version_4(api, old):
    page = old.get("/chats/1/messages.json").json()["success"]
    assert set(page) == PAGE
    assert page["totalObjects"] == 120
    assert page["data"] == api.get("/chats/1/messages.json").json()["success"]


def test_messages_are_sorted_newest_first(api):
    def page(number):
        return api.get("/chats/1/messages.json", params={"page": number})

    rows = [row for number in (1, 2, 3) for row in page(number).json()["success"]]
    assert len(set(ids(rows))) == 120
    assert ids(rows) == sorted(ids(rows), reverse=True)
    assert rows[-1]["isSystem"] is True
    assert rows[-1]["author"] is None
    assert {row["type"] for row in rows} == {"text", "article", "image"}
    assert page(4).status_code == 204


def test_top_id_keeps_pages_unchanged(api, sandbox):
    def page(**params):
        response = api.get("/chats/1/messages.json", params=params)
        return ids(response.json()["success"])

    before = page(page=2)
    top = page()[0]
    said = sandbox.say(1, "One more thing")
    assert page()[0] == said.id
    assert page(page=2) != before
    assert page(page=2, top_id=top) == before
    assert page(top_id=top)[0] == top


def test_a_new_message_is_the_last_message(api, sandbox):
    sandbox.say(2, "One more thing", author=2)
    shown = api.get("/chats/2.json").json()["success"]
    assert shown["lastMessage"]["content"] == "One more thing"
    assert shown["lastMessage"]["author"]["id"] == 2
    assert shown["updatedAtPosix"] == shown["lastMessage"]["createdAtPosix"]
    assert shown["completedAt"] is None


def test_a_message_in_an_unknown_chat_raises_lookup_error(sandbox):
    with pytest.raises(LookupError):
        sandbox.say(5000, "Hello?")


def test_a_user_sees_only_their_own_chats(user, guest):
    rows = user.get("/chats.json").json()["success"]["data"]
    assert ids(rows) == [2]
    assert user.get("/chats/2/messages.json").status_code == 200
    assert user.get("/chats/1.json").status_code == 404
    assert user.get("/chats/1/messages.json").status_code == 404
    assert guest.get("/chats.json").status_code == 401
