"""Permissions of guests, users, agents and administrators."""

import pytest

from useresponse_async.sandbox import Sandbox

ROLES = (None, "user", "agent", "admin")

# The status of each call for a guest, a user, an agent and an administrator.
CALLS = [
    ("GET /me.json", (401, 200, 200, 200)),
    ("GET /users/search.json", (200, 200, 200, 200)),
    ("GET /users/5.json", (200, 200, 200, 200)),
    ("POST /users.json", (401, 403, 403, 400)),
    ("POST /users/5.json", (401, 403, 403, 400)),
    ("DELETE /users/5.json", (401, 403, 403, 200)),
    ("POST /users/5/change-password.json", (401, 403, 403, 400)),
    ("GET /users/3/activity.json", (200, 200, 200, 200)),
    ("POST /users/9/ban.json", (401, 403, 403, 200)),
    ("GET /users/9/notes.json", (401, 403, 204, 204)),
    ("POST /users/9/notes/add.json", (401, 403, 400, 400)),
    ("POST /users/notes/1/edit.json", (401, 403, 404, 404)),
    ("POST /users/notes/1/delete.json", (401, 403, 404, 404)),
    ("GET /users/custom-fields/list.json", (200, 200, 200, 200)),
    ("GET /objects/custom-fields/list.json", (200, 200, 200, 200)),
    ("GET /custom-fields/tickets.json", (200, 200, 200, 200)),
    ("GET /search.json", (200, 200, 200, 200)),
    ("GET /tickets.json", (401, 200, 200, 200)),
    # Of somebody else, of user 3, public, private, waiting for approval.
    ("GET /objects/1.json", (404, 404, 200, 200)),
    ("GET /objects/3.json", (404, 200, 200, 200)),
    ("GET /objects/21.json", (200, 200, 200, 200)),
    ("GET /objects/24.json", (404, 404, 200, 200)),
    ("GET /objects/26.json", (404, 404, 200, 200)),
    ("POST /objects.json", (401, 400, 400, 400)),
    ("PUT /objects/1.json", (401, 404, 200, 200)),
    ("PUT /objects/21.json", (401, 403, 200, 200)),
    ("PUT /objects/3.json", (401, 200, 200, 200)),
    ("DELETE /objects/3.json", (401, 403, 200, 200)),
    ("GET /objects/3/archive.json", (401, 403, 200, 200)),
    ("GET /objects/3/trash.json", (401, 403, 200, 200)),
    ("POST /objects/21/subscribe.json", (401, 200, 200, 200)),
    ("POST /objects/1/subscribe.json", (401, 404, 200, 200)),
    ("POST /objects/21/unsubscribe.json", (401, 200, 200, 200)),
    ("POST /objects/21/votes/toggle.json", (401, 200, 200, 200)),
    ("POST /objects/3/comments/toggle.json", (401, 403, 200, 200)),
    ("POST /objects/21/attach-file.json", (401, 403, 400, 400)),
    ("POST /upload-file.json", (401, 400, 400, 400)),
    ("GET /objects/1/comments.json", (404, 404, 200, 200)),
    ("GET /objects/21/comments.json", (200, 200, 200, 200)),
    ("GET /comments.json", (200, 200, 200, 200)),
    ("POST /comments.json", (401, 400, 400, 400)),
    ("POST /comments/21/edit.json", (401, 403, 200, 200)),
    ("POST /comments/21/trash.json", (401, 403, 200, 200)),
    ("POST /comments/21/recovery.json", (401, 403, 200, 200)),
    ("POST /comments/21/best/toggle.json", (401, 403, 200, 200)),
    ("POST /comments/21/votes/toggle.json", (401, 200, 200, 200)),
    ("POST /comments/1/votes/toggle.json", (401, 404, 200, 200)),
    ("POST /topic/26/approve.json", (401, 403, 200, 200)),
    ("POST /topic/26/decline.json", (401, 403, 200, 200)),
    ("POST /comment/21/approve.json", (401, 403, 200, 200)),
    ("POST /comment/21/decline.json", (401, 403, 200, 200)),
    ("GET /categories.json", (200, 200, 200, 200)),
    ("GET /categories/1.json", (200, 200, 200, 200)),
    ("GET /forums.json", (200, 200, 200, 200)),
    ("GET /statuses.json", (200, 200, 200, 200)),
    ("GET /chats.json", (401, 200, 200, 200)),
    ("GET /chats/2.json", (401, 200, 200, 200)),
    ("GET /chats/1/messages.json", (401, 404, 200, 200)),
    ("GET /changelog/object/1.json", (401, 403, 200, 200)),
    ("GET /changelog/user/1.json", (401, 403, 200, 200)),
    ("GET /reports/list.json", (401, 403, 200, 200)),
    ("GET /report/4/objects.json", (401, 403, 200, 200)),
]


@pytest.fixture(scope="module")
def unchanged():
    with Sandbox(users=20) as sandbox:
        yield sandbox


@pytest.mark.parametrize(("line", "statuses"), CALLS)
def test_each_role_has_its_permissions(start, connect, unchanged, line, statuses):
    for role, expected in zip(ROLES, statuses, strict=True):
        # A call that is not rejected may change something.
        sandbox = unchanged if expected >= 400 else start(users=20)
        response = connect(sandbox, role=role).request(*line.split())
        assert response.status_code == expected, role
        if expected >= 400:
            assert response.json()["error"]["code"] == expected


def test_a_user_sees_only_their_own_tickets(user):
    rows = user.get("/tickets.json").json()["data"]
    assert [row["id"] for row in rows] == [13, 3]
    assert user.get("/tickets.json", params={"author_id": 9}).status_code == 204


def test_a_search_depends_on_the_caller(guest, user, agent):
    def found(client):
        rows = client.get("/search.json").json()["success"]["data"]
        return {row["id"] for row in rows}

    public, mine, everything = found(guest), found(user), found(agent)
    assert mine - public == {3, 13}
    assert everything == set(range(1, 39))
    assert not public & {24, 26, 31}
    assert not public & set(range(1, 21))


def test_the_author_of_an_object_depends_on_the_caller(guest, agent):
    assert "email" not in guest.get("/objects/21.json").json()["author"]
    assert "email" in agent.get("/objects/21.json").json()["author"]


@pytest.mark.parametrize(
    "fields",
    [
        {"force_author": 9},
        {"responsible_id": 2},
        {"team_id": 1},
        {"ownership": "announcements", "object_type": "announcement"},
        {"ownership": "knowledge-base", "object_type": "faq"},
    ],
)
def test_some_fields_of_a_new_object_are_reserved_to_staff(user, agent, write, fields):
    body = {
        "ownership": "helpdesk", "object_type": "ticket", "title": "A", "content": "B", **fields,
    }  # fmt: skip
    assert user.post("/objects.json", json=body).status_code == 403
    write(agent, **fields)


def test_a_user_edits_their_own_ticket_but_not_its_assignment(user):
    assert user.put("/objects/3.json", json={"title": "Other"}).status_code == 200
    assert user.put("/objects/3.json", json={"responsible_id": 2}).status_code == 403
    assert user.put("/objects/3.json", json={"status_id": 5}).status_code == 403


def test_a_user_attaches_to_their_own_ticket(user):
    body = {"name": "a.txt", "body": "aGk="}
    assert user.post("/objects/3/attach-file.json", json=body).status_code == 200
    assert user.post("/objects/1/attach-file.json", json=body).status_code == 404


def test_recipients_are_visible_to_staff_only(user, write):
    created = write(force_author=3, notify_email="boss@example.com")
    assert created["recipients"] == ["boss@example.com"]
    assert user.get(f"/objects/{created['id']}.json").json()["recipients"] == []
