"""Errors for wrong parameters, unknown ids and wrong methods."""

import json

import pytest
from calls import IDEA, NEW_USER, NEWS, TICKET

REPLY = {"object_id": 21, "content": "x"}
LONG = "x" * 12_001
REGISTRATION = {
    "email": "x", "properties": {"property_99": "1"},
    "avatar_type": "content", "avatar_content": "?",
}  # fmt: skip
PROFILE = "email, full_name, phone, tags, team_id, name, avatar_type, avatar_content, properties"

# Calls, what they send besides, and wrong values of each parameter.
WRONG_VALUES = [
    ("POST /profile/update.json", {}, {
        "email": ["x"], "full_name": [""], "avatar_type": ["drawing"], "property_99": ["1"],
        "properties": ["x"],
    }),
    ("POST /profile/update.json", {"avatar_type": "url"}, {"avatar_content": ["me.jpg"]}),
    ("GET /users/search.json", {}, {
        "page": [0, "two"], "count": [0], "role": ["king"], "sort": ["shoe_size"],
    }),
    ("POST /users.json", NEW_USER, {
        "email": ["nobody"], "full_name": [" ", True], "team_id": [99], "password": [""],
        "tags": [["a", "b"], "\ud800"], "property_99": ["x"],
    }),
    ("POST /users/9/ban.json", {}, {
        "permanent": [1], "delete_related_objects": ["yes"], "ban_duration_days": [0, 10**9],
    }),
    ("POST /users/9/notes/add.json", {"content": "x"}, {
        "content": [LONG], "remind_at": ["2030-01-31T09:00:00", "2030-02-31 09:00:00"],
    }),
    ("GET /tickets.json", {}, {
        "status": ["lost"], "date": ["tomorrow"], "sort": ["size"], "author_id": ["me"],
        "bbcode": ["yes"], "property_99": ["x"], "page": [0],
    }),
    ("GET /search.json", {}, {
        "ownership": ["shop"], "type": ["poem"], "featured": ["true"], "status": ["lost"],
        "category_id": ["x"],
    }),
    ("GET /report/4/objects.json", {}, {"group": ["lost"]}),
    ("POST /objects.json", TICKET, {
        "ownership": ["shop"], "object_type": ["idea"], "title": ["", "x" * 101],
        "content": [LONG], "category_id": [2, 99], "responsible_id": [3], "team_id": [99],
        "tags": ["a,b", [["a"]]], "is_private": [True, 2], "treat_as_html": ["yes"],
        "force_author": [5000, "nobody"], "notify_email": ["x"], "property_99": ["x"],
        "attachments": ["a.txt", ["a.txt"], [{"name": "a"}], [{"name": "a", "body": "no base64!"}]],
    }),
    ("POST /objects.json", IDEA, {"content": [""]}),
    ("POST /objects.json", NEWS, {"expire_select": ["soon"], "expires_at": ["1.2.2030"]}),
    ("POST /objects.json", {**NEWS, "expire_select": "on_date"}, {"expires_at": ["2030-01-31"]}),
    ("PUT /objects/1.json", {}, {
        "ownership": ["feedback"], "title": ["", "x" * 101], "status_id": [6, 99],
        "object_type": ["idea"], "is_private": [False],
    }),
    ("PUT /objects/21.json", {}, {"content": [""]}),
    ("POST /objects/1/attach-file.json", {"name": "a.txt"}, {"body": ["?"]}),
    ("POST /upload-file.json", {"name": "a.txt"}, {"content": ["no base64!", "YQ"]}),
    ("GET /objects/21/comments.json", {}, {"sort": ["up"], "is_private": ["no"]}),
    ("POST /comments.json", REPLY, {
        "object_id": [0], "content": [" ", LONG], "is_private": [True], "reply_to": [1],
        "attachments": ["f", [{"token": "?"}]],
    }),
    ("POST /comments.json", {"content": "x"}, {"reply_to": [5000]}),
    ("POST /comments/21/edit.json", {}, {"content": ["", LONG]}),
    ("GET /chats.json", {}, {"authorId": ["me"]}),
    ("POST /topic/21/decline.json", {}, {"reason": [["a"]]}),
]  # fmt: skip

MISSING = {
    "POST /auth/login.json": "email, password", "GET /sso/identity.json": "token, email",
    "POST /profile/update.json": PROFILE, "POST /users.json": "email, full_name",
    "POST /users/9.json": "email, full_name, phone, tags, team_id",
    "POST /users/9/change-password.json": "password", "POST /users/9/notes/add.json": "content",
    "POST /objects.json": "ownership, object_type, title",
    "POST /comments.json": "object_id, content",
    "POST /objects/1/attach-file.json": "name, body", "POST /upload-file.json": "name, content",
}  # fmt: skip

WRONG = [
    *((line, {**others, name: value}, name) for line, others, wrong in WRONG_VALUES
      for name, values in wrong.items() for value in values),
    *((line, {}, context) for line, context in MISSING.items()),
    ("POST /register.json", REGISTRATION, "email, property_99, avatar_content"),
    ("GET /users/search.json", {"count": 0, "page": -1}, "page, count"),
    ("POST /objects.json", {**NEWS, "expire_select": "on_date"}, "expires_at"),
    ("POST /objects.json", {it: NEWS[it] for it in NEWS if it != "content"}, "content"),
    ("POST /comments.json", {"content": "x", "reply_to": 0}, "object_id"),
]  # fmt: skip

NOT_FOUND = [
    "GET /nothing.json", "GET /users/search", "GET /users/abc.json", "GET /me.json/",
    "GET /users/5000.json", "GET /users/5000/activity.json", "GET /users/5000/notes.json",
    "POST /users/notes/5000/edit.json", "GET /custom-fields/poems.json",
    "GET /categories/99.json", "GET /report/1/objects.json", "GET /changelog/object/5000.json",
    "GET /changelog/user/5000.json", "GET /chats/5000/messages.json", "POST /topic/1/approve.json",
    "POST /comment/5000/approve.json", "GET /objects/5000/comments.json",
    "POST /comments/5000/edit.json", "GET /objects/5000/archive.json",
]  # fmt: skip


@pytest.mark.parametrize(("line", "fields", "context"), WRONG)
def test_wrong_parameters_are_named(unchanged, line, fields, context):
    # Not `json=`: it refuses to send half of a surrogate pair.
    sent = {"content": json.dumps(fields), "headers": {"Content-Type": "application/json"}}
    response = unchanged(f"admin {line}", **({"params": fields} if line[0] == "G" else sent))
    assert unchanged.sandbox.user_count == 120
    message = "Invalid request and/or request parameters"
    assert response.status_code == 400
    assert response.json() == {"error": {"code": 400, "message": message, "context": context}}


@pytest.mark.parametrize("line", NOT_FOUND)
def test_unknown_paths_and_ids_return_404(unchanged, line):
    response = unchanged(f"admin {line}")
    assert response.status_code == 404
    assert response.json() == {"error": {"code": 404, "message": "Resource is not found"}}


@pytest.mark.parametrize(("line", "allowed"), [
    ("GET /users.json", "POST"), ("PUT /users/1.json", "GET, POST, DELETE"),
    ("HEAD /me.json", "GET"), ("POST /objects/4/archive.json", "GET"),
    ("POST /objects/4/trash.json", "GET, DELETE"),
])  # fmt: skip
def test_the_error_for_a_wrong_method_lists_the_allowed_ones(unchanged, line, allowed):
    response = unchanged(f"admin {line}")
    assert (response.status_code, response.headers["Allow"]) == (405, allowed)


@pytest.mark.parametrize(("content", "kind", "context"), [
    ("{", "application/json", "body"), ("[1]", "application/json", "body"),
    ("email=a@b.example", "text/plain", "Content-Type"), ("x", "multipart/form-data", "body"),
    ("x", "multipart/form-data; boundary=b", "body"),
])  # fmt: skip
def test_an_unreadable_body_is_rejected(unchanged, content, kind, context):
    sent = {"content": content, "headers": {"Content-Type": kind}}
    response = unchanged("admin POST /users.json", **sent)
    assert (response.status_code, response.json()["error"]["context"]) == (400, context)
