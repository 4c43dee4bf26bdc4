"""Notes on users."""


def add(client, **body):
    return client.post("/users/9/notes/add.json", json=body)


def notes(client):
    response = client.get("/users/9/notes.json")
    return response.json()["success"] if response.content else []


def test_a_user_has_no_notes_at_first(api, start, connect):
    assert api.get("/users/9/notes.json").status_code == 204
    other = connect(start(users=9, empty="empty-list"))
    assert other.get("/users/9/notes.json").json() == {"success": []}


def test_an_added_note_is_returned_with_the_others_newest_first(agent):
    add(agent, content="first")
    response = add(agent, content="second", remind_at="2030-01-31 09:00:00")
    shown = response.json()["success"]
    assert [note["content"] for note in shown] == ["second", "first"]
    assert shown == notes(agent)


def test_a_note_has_the_wire_names(agent):
    (note,) = add(agent, content="first").json()["success"]
    assert set(note) == {
        "id", "content", "author", "createdAt", "createdAtPosix", "createdAgo", "updatedAt",
    }  # fmt: skip
    assert note["author"]["id"] == 2
    assert note["createdAgo"] == "just now"
    assert note["updatedAt"] is None


def test_a_note_is_edited(agent):
    (note,) = add(agent, content="first").json()["success"]
    path = f"/users/notes/{note['id']}/edit.json"
    (edited,) = agent.post(path, json={"content": "other"}).json()["success"]
    assert edited["content"] == "other"
    assert edited["updatedAt"]
    assert notes(agent)[0]["content"] == "other"


def test_a_deleted_note_is_not_found(agent):
    (note,) = add(agent, content="first").json()["success"]
    path = f"/users/notes/{note['id']}/delete.json"
    assert agent.post(path).json() == {"success": []}
    assert agent.post(path).status_code == 404
    assert notes(agent) == []
