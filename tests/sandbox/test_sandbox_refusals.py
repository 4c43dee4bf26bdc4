"""Errors for wrong parameters, unknown ids and wrong methods."""

import json

import httpx
import pytest

from useresponse_async.sandbox import Sandbox

NEW = {"email": "new.one@example.com", "full_name": "New One"}
TICKET = {"ownership": "helpdesk", "object_type": "ticket", "title": "Printer on fire"}
IDEA = {"ownership": "feedback", "object_type": "idea", "title": "Wings", "content": "For cars"}
NEWS = {
    "ownership": "announcements",
    "object_type": "announcement",
    "title": "News",
    "content": "Good ones",
}
REPLY = {"object_id": 21, "content": "x"}
UPLOAD = {"name": "a.txt"}
PROFILE = "email, full_name, phone, tags, team_id, name, avatar_type, avatar_content, properties"

WRONG = {
    "POST /auth/login.json": [({"username": "a@b.example"}, "email, password")],
    "GET /sso/identity.json": [({}, "token, email")],
    "POST /register.json": [
        ({"property_99": "x"}, "property_99"),
        (
            {
                "email": "x", "properties": {"property_99": "1"},
                "avatar_type": "content", "avatar_content": "?",
            },
            "email, property_99, avatar_content",
        ),
    ],
    "POST /profile/update.json": [
        ({"email": "x"}, "email"),
        ({"full_name": ""}, "full_name"),
        ({"avatar_type": "drawing"}, "avatar_type"),
        ({"avatar_type": "url", "avatar_content": "me.jpg"}, "avatar_content"),
        ({"name": "A", "properties": {"property_99": "1"}}, "property_99"),
        ({"property_99": "1"}, "property_99"),
        ({"name": "A", "properties": "x"}, "properties"),
        ({}, PROFILE),
    ],
    "GET /users/search.json": [
        ({"page": 0}, "page"),
        ({"page": "two"}, "page"),
        ({"count": 0, "page": -1}, "page, count"),
        ({"role": "king"}, "role"),
        ({"sort": "shoe_size"}, "sort"),
    ],
    "POST /users.json": [
        ({}, "email, full_name"),
        ({"email": "a@b.example", "full_name": " "}, "full_name"),
        ({"email": "nobody", "full_name": "A"}, "email"),
        ({**NEW, "team_id": 99}, "team_id"),
        ({**NEW, "tags": ["a", "b"]}, "tags"),
        ({**NEW, "property_99": "x"}, "property_99"),
        ({**NEW, "password": ""}, "password"),
        ({**NEW, "full_name": True}, "full_name"),
        ({**NEW, "tags": "\ud800"}, "tags"),
    ],
    "POST /users/9.json": [({}, "email, full_name, phone, tags, team_id")],
    "POST /users/9/change-password.json": [({}, "password")],
    "POST /users/9/ban.json": [
        ({"permanent": 1}, "permanent"),
        ({"delete_related_objects": "yes"}, "delete_related_objects"),
        ({"ban_duration_days": 0}, "ban_duration_days"),
        ({"ban_duration_days": 10**9}, "ban_duration_days"),
    ],
    "POST /users/9/notes/add.json": [
        ({}, "content"),
        ({"content": "x" * 12_001}, "content"),
        ({"content": "x", "remind_at": "31.01.2030"}, "remind_at"),
        ({"content": "x", "remind_at": "2030-01-31T09:00:00"}, "remind_at"),
        ({"content": "x", "remind_at": "2030-02-31 09:00:00"}, "remind_at"),
    ],
    "GET /tickets.json": [
        ({"status": "lost"}, "status"),
        ({"date": "tomorrow"}, "date"),
        ({"sort": "size"}, "sort"),
        ({"author_id": "me"}, "author_id"),
        ({"bbcode": "yes"}, "bbcode"),
        ({"property_99": "x"}, "property_99"),
        ({"page": 0}, "page"),
    ],
    "GET /search.json": [
        ({"ownership": "shop"}, "ownership"),
        ({"type": "poem"}, "type"),
        ({"featured": "true"}, "featured"),
        ({"status": "lost"}, "status"),
        ({"category_id": "x"}, "category_id"),
    ],
    "GET /report/4/objects.json": [({"group": "lost"}, "group")],
    "GET /statuses.json": [({"object_type": "poem"}, "object_type")],
    "GET /categories.json": [({"ownership": "shop"}, "ownership")],
    "POST /objects.json": [
        ({}, "ownership, object_type, title"),
        ({**TICKET, "ownership": "shop"}, "ownership"),
        ({**TICKET, "object_type": "idea"}, "object_type"),
        ({**TICKET, "title": ""}, "title"),
        ({**TICKET, "title": "x" * 101}, "title"),
        ({**TICKET, "content": "x" * 12_001}, "content"),
        ({**IDEA, "content": ""}, "content"),
        ({key: value for key, value in NEWS.items() if key != "content"}, "content"),
        ({**TICKET, "category_id": 2}, "category_id"),
        ({**TICKET, "category_id": 99}, "category_id"),
        ({**TICKET, "responsible_id": 3}, "responsible_id"),
        ({**TICKET, "team_id": 99}, "team_id"),
        ({**TICKET, "tags": "a,b"}, "tags"),
        ({**TICKET, "tags": [["a"]]}, "tags"),
        ({**TICKET, "is_private": True}, "is_private"),
        ({**TICKET, "is_private": 2}, "is_private"),
        ({**TICKET, "treat_as_html": "yes"}, "treat_as_html"),
        ({**TICKET, "force_author": 5000}, "force_author"),
        ({**TICKET, "force_author": "nobody"}, "force_author"),
        ({**NEWS, "expire_select": "soon"}, "expire_select"),
        ({**NEWS, "expire_select": "on_date"}, "expires_at"),
        ({**NEWS, "expire_select": "on_date", "expires_at": "2030-01-31"}, "expires_at"),
        ({**NEWS, "expires_at": "1.2.2030"}, "expires_at"),
        ({**TICKET, "notify_email": "x"}, "notify_email"),
        ({**TICKET, "attachments": [{"name": "a.txt"}]}, "attachments"),
        ({**TICKET, "attachments": [{"name": "a.txt", "body": "no base64!"}]}, "attachments"),
        ({**TICKET, "attachments": ["a.txt"]}, "attachments"),
        ({**TICKET, "property_99": "x"}, "property_99"),
    ],
    "PUT /objects/1.json": [
        ({"ownership": "feedback"}, "ownership"),
        ({"title": ""}, "title"),
        ({"title": "x" * 101}, "title"),
        ({"status_id": 6}, "status_id"),
        ({"status_id": 99}, "status_id"),
        ({"object_type": "idea"}, "object_type"),
        ({"is_private": False}, "is_private"),
    ],
    "PUT /objects/21.json": [({"content": ""}, "content")],
    "POST /objects/1/attach-file.json": [({**UPLOAD, "body": "?"}, "body"), ({}, "name, body")],
    "POST /upload-file.json": [
        ({}, "name, content"),
        ({**UPLOAD, "content": "no base64!"}, "content"),
        ({**UPLOAD, "content": "YQ"}, "content"),
    ],
    "GET /objects/21/comments.json": [
        ({"sort": "up"}, "sort"),
        ({"is_private": "no"}, "is_private"),
    ],
    "POST /comments.json": [
        ({}, "object_id, content"),
        ({**REPLY, "object_id": 0}, "object_id"),
        ({**REPLY, "content": " "}, "content"),
        ({**REPLY, "content": "x" * 12_001}, "content"),
        ({**REPLY, "is_private": True}, "is_private"),
        ({**REPLY, "reply_to": 1}, "reply_to"),
        ({**REPLY, "attachments": "f"}, "attachments"),
        ({**REPLY, "attachments": [{"token": "?"}]}, "attachments"),
        ({"content": "x"}, "object_id"),
        ({"content": "x", "reply_to": 0}, "object_id"),
        ({"content": "x", "reply_to": 5000}, "reply_to"),
    ],
    "POST /topic/21/decline.json": [({"reason": ["a"]}, "reason")],
}  # fmt: skip

NOT_FOUND = [
    "GET /nothing.json", "GET /users/search", "GET /users/abc.json", "GET /me.json/",
    "GET /users/5000.json", "GET /users/5000/activity.json", "GET /users/5000/notes.json",
    "POST /users/5000/notes/add.json", "POST /users/notes/5000/edit.json",
    "GET /custom-fields/poems.json", "GET /categories/99.json", "GET /report/1/objects.json",
    "GET /changelog/object/5000.json", "GET /changelog/user/5000.json",
    "GET /chats/5000.json", "GET /chats/5000/messages.json",
    "POST /topic/1/approve.json", "POST /topic/5000/decline.json",
    "POST /comment/5000/approve.json", "GET /objects/5000/comments.json",
    "POST /comments/5000/edit.json", "POST /comments/5000/trash.json",
    "POST /comments/5000/recovery.json", "POST /comments/5000/best/toggle.json",
    "POST /comments/5000/votes/toggle.json",
    "GET /objects/5000/archive.json", "GET /objects/5000/trash.json",
    "POST /objects/5000/subscribe.json", "POST /objects/5000/unsubscribe.json",
    "POST /objects/5000/votes/toggle.json", "POST /objects/5000/comments/toggle.json",
]  # fmt: skip


@pytest.fixture(scope="module")
def shared():
    """Share one sandbox, since a rejected call changes nothing."""
    with Sandbox(users=120) as sandbox:
        params = {"apiKey": sandbox.api_key}
        with httpx.Client(base_url=f"{sandbox.url}/api/3.0", params=params) as client:
            yield client
        assert sandbox.user_count == 120


@pytest.mark.parametrize(
    ("line", "fields", "context"), [(line, *row) for line, rows in WRONG.items() for row in rows]
)
def test_wrong_parameters_are_named(shared, line, fields, context):
    method, path = line.split()
    # Not `json=`: it refuses to send half of a surrogate pair.
    sent = {"content": json.dumps(fields), "headers": {"Content-Type": "application/json"}}
    response = shared.request(method, path, **({"params": fields} if method == "GET" else sent))
    assert response.status_code == 400
    assert response.json() == {
        "error": {
            "code": 400,
            "message": "Invalid request and/or request parameters",
            "context": context,
        }
    }


@pytest.mark.parametrize("line", NOT_FOUND)
def test_unknown_paths_and_ids_return_404(shared, line):
    method, path = line.split()
    response = shared.request(method, path)
    assert response.status_code == 404
    assert response.json() == {"error": {"code": 404, "message": "Resource is not found"}}


@pytest.mark.parametrize(
    ("line", "allowed"),
    [
        ("POST /users/search.json", "GET"),
        ("GET /users.json", "POST"),
        ("PUT /users/1.json", "GET, POST, DELETE"),
        ("HEAD /me.json", "GET"),
        ("POST /objects/4/archive.json", "GET"),
        ("POST /objects/4/trash.json", "GET, DELETE"),
        ("GET /objects/4/votes/toggle.json", "POST"),
    ],
)
def test_the_error_for_a_wrong_method_lists_the_allowed_ones(shared, line, allowed):
    response = shared.request(*line.split())
    assert response.status_code == 405
    assert response.headers["Allow"] == allowed
