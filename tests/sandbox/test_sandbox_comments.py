"""Comments: creation, lists, edits, the trash and votes."""

FIELDS = {
    "id", "objectId", "content", "author", "createdAt", "createdAtPosix", "createdAgo",
    "updatedAt", "is_best", "ownership", "replyToId", "attachments", "votes",
}  # fmt: skip


def on(client, object_id, **params):
    response = client.get(f"/objects/{object_id}/comments.json", params=params)
    return [row["id"] for row in response.json()["success"]] if response.content else []


def everywhere(client, **params):
    response = client.get("/comments.json", params=params)
    return [row["id"] for row in response.json()["success"]] if response.content else []


def test_a_comment_is_under_success_with_the_wire_names(comment):
    created = comment(21, content="So [b]true[/b]")
    assert set(created) == FIELDS
    assert created["content"] == "So <b>true</b>"
    assert (created["objectId"], created["ownership"]) == (21, "feedback")
    assert (created["createdAgo"], created["updatedAt"]) == ("just now", None)
    assert created["votes"] == {
        "amount": 0, "canVote": True, "isVoted": False, "plural": "votes",
    }  # fmt: skip


def test_lists_are_arrays_under_success_in_every_version(api, old):
    for client in (api, old):
        for path in ("/comments.json", "/objects/21/comments.json"):
            shown = client.get(path).json()["success"]
            assert set(shown[0]) == FIELDS


def test_an_object_without_comments_returns_204(api, write):
    assert api.get(f"/objects/{write()['id']}/comments.json").status_code == 204


def test_a_comment_changes_its_object(api, comment):
    before = api.get("/objects/21.json").json()
    created = comment(21)
    after = api.get("/objects/21.json").json()
    assert after["commentsNum"] == before["commentsNum"] + 1
    assert after["latestActivityPosix"] == created["createdAtPosix"]
    assert after["commentedAt"] == created["createdAt"]
    assert on(api, 21)[-1] == everywhere(api)[0] == created["id"]


def test_a_reply_needs_no_object(api, user, comment):
    first = comment(21)["id"]
    body = {"reply_to": first, "content": "Thanks!"}
    reply = api.post("/comments.json", json=body).json()["success"]
    assert (reply["objectId"], reply["replyToId"]) == (21, first)
    hidden = comment(21, is_private=1)["id"]
    response = user.post("/comments.json", json={**body, "reply_to": hidden})
    assert response.json()["error"]["context"] == "reply_to"


def test_comments_of_an_object_are_sorted(api):
    assert on(api, 1) == on(api, 1, sort="asc") == [1, 39]
    assert on(api, 1, sort="desc") == [39, 1]


def test_comments_of_an_object_are_filtered_by_privacy(api, comment):
    note = comment(21, is_private=1)["id"]
    assert on(api, 21, is_private=1) == [note]
    assert note not in on(api, 21, is_private=0)


def test_lists_have_pages(start, connect):
    api = connect(start(users=5, tickets=2, topics=0, articles=0, comments=120))
    assert on(api, 1) == list(range(1, 101, 2))
    assert on(api, 1, page=2) == list(range(101, 121, 2))
    assert on(api, 1, page=3) == []
    assert everywhere(api, page=2, count=3) == [117, 116, 115]


def test_bbcode_selects_the_markup(api, comment):
    comment(21, content="<b>x</b>", treat_as_html=1)
    params = {"bbcode": 1, "sort": "desc"}
    shown = api.get("/objects/21/comments.json", params=params).json()["success"]
    assert shown[0]["content"] == "[b]x[/b]"


def test_a_comment_on_an_unknown_object_is_not_found(api):
    body = {"object_id": 5000, "content": "x"}
    assert api.post("/comments.json", json=body).status_code == 404
    assert api.get("/objects/5000/comments.json").status_code == 404


def test_a_private_comment_is_visible_to_staff_only(user, api, write, comment):
    ticket = write(force_author=3)["id"]
    note = comment(ticket, is_private=1)["id"]
    said = comment(ticket, user)["id"]
    assert on(user, ticket) == [said]
    assert on(api, ticket) == [note, said]
    assert user.get(f"/objects/{ticket}.json").json()["commentsNum"] == 1
    body = {"object_id": ticket, "content": "x", "is_private": 1}
    assert user.post("/comments.json", json=body).status_code == 403


def test_the_list_of_all_comments_depends_on_the_caller(guest, user, api):
    public, mine, everything = (set(everywhere(client)) for client in (guest, user, api))
    assert public < mine < everything


def test_an_edited_comment_has_the_time_of_the_edit(api, comment):
    created = comment(21)
    path = f"/comments/{created['id']}/edit.json"
    edited = api.post(path, json={"content": "Other"}).json()["success"]
    assert edited["content"] == "Other"
    assert edited["updatedAt"]
    assert api.post(path, json={"content": ""}).status_code == 400
    assert api.post(path, json={"content": "x" * 12_001}).status_code == 400


def test_a_trashed_comment_is_hidden_until_it_is_recovered(api, comment):
    created = comment(21)["id"]
    assert api.post(f"/comments/{created}/trash.json").json()["success"]["id"] == created
    assert created not in on(api, 21) + everywhere(api)
    assert api.post(f"/comments/{created}/recovery.json").json()["success"]["id"] == created
    assert created in on(api, 21)


def test_delete_trashes_a_comment_in_version_4(old, comment):
    created = comment(21)["id"]
    assert old.delete(f"/comments/{created}/trash.json").status_code == 200
    assert created not in on(old, 21)


def test_at_most_one_comment_is_the_best(api, comment):
    first, second = comment(24)["id"], comment(24)["id"]

    def toggle(number):
        return api.post(f"/comments/{number}/best/toggle.json").json()["success"]["is_best"]

    def best():
        return (api.get("/objects/24.json").json()["bestComment"] or {}).get("id")

    assert toggle(first) == 1
    assert best() == first
    assert toggle(second) == 1
    assert best() == second
    assert toggle(second) == 0
    assert best() is None


def test_a_trashed_comment_is_not_the_best(api, comment):
    created = comment(24)["id"]
    api.post(f"/comments/{created}/best/toggle.json")
    api.post(f"/comments/{created}/trash.json")
    assert api.get("/objects/24.json").json()["bestComment"] is None


def test_a_vote_is_toggled(api, user):
    def toggle():
        return user.post("/comments/21/votes/toggle.json").json()["success"]["votes"]

    voted, again = toggle(), toggle()
    assert (voted["isVoted"], again["isVoted"]) == (True, False)
    assert voted["amount"] == again["amount"] + 1


def test_a_user_can_change_only_their_own_comments(user, write, comment):
    ticket = write(force_author=3)["id"]
    theirs, own = comment(ticket)["id"], comment(ticket, user)["id"]
    body = {"content": "Other"}
    assert user.post(f"/comments/{theirs}/edit.json", json=body).status_code == 403
    assert user.post(f"/comments/{theirs}/trash.json").status_code == 403
    assert user.post(f"/comments/{own}/edit.json", json=body).status_code == 200
    assert user.post(f"/comments/{theirs}/best/toggle.json").status_code == 200
    assert user.post(f"/comments/{own}/trash.json").status_code == 200
    assert user.post(f"/comments/{own}/recovery.json").status_code == 403
    assert user.post(f"/comments/{own}/trash.json").status_code == 404
