"""Permissions of each role."""

import pytest

# The calls by their status for a guest, a user, an agent and an administrator.
# Of the objects 1 is somebody else's, 3 user 3's, 21 public, 24 private, and 26 waits for approval.
CALLS = {
    (200, 200, 200, 200): [
        "GET /users/search.json", "GET /users/5.json", "GET /users/3/activity.json",
        "GET /users/custom-fields/list.json", "GET /objects/custom-fields/list.json",
        "GET /custom-fields/tickets.json", "GET /search.json", "GET /objects/21.json",
        "GET /objects/21/comments.json", "GET /comments.json", "GET /categories.json",
        "GET /categories/1.json", "GET /forums.json", "GET /statuses.json",
    ],
    (401, 200, 200, 200): [
        "GET /me.json", "GET /tickets.json", "PUT /objects/3.json",
        "POST /objects/21/subscribe.json", "POST /objects/21/unsubscribe.json",
        "POST /objects/21/votes/toggle.json", "POST /comments/21/votes/toggle.json",
        "GET /chats.json", "GET /chats/2.json",
    ],
    (401, 400, 400, 400): ["POST /objects.json", "POST /upload-file.json", "POST /comments.json"],
    (404, 200, 200, 200): ["GET /objects/3.json"],
    (404, 404, 200, 200): [
        "GET /objects/1.json", "GET /objects/24.json", "GET /objects/26.json",
        "GET /objects/1/comments.json",
    ],
    (401, 404, 200, 200): [
        "PUT /objects/1.json", "POST /objects/1/subscribe.json",
        "POST /comments/1/votes/toggle.json", "GET /chats/1/messages.json",
    ],
    (401, 403, 200, 200): [
        "PUT /objects/21.json", "DELETE /objects/3.json", "GET /objects/3/archive.json",
        "GET /objects/3/trash.json", "POST /objects/3/comments/toggle.json",
        "POST /comments/21/edit.json", "POST /comments/21/trash.json",
        "POST /comments/21/recovery.json", "POST /comments/21/best/toggle.json",
        "POST /topic/26/approve.json", "POST /topic/26/decline.json",
        "POST /comment/21/approve.json", "POST /comment/21/decline.json",
        "GET /changelog/object/1.json", "GET /changelog/user/1.json", "GET /reports/list.json",
        "GET /report/4/objects.json",
    ],
    (401, 403, 204, 204): ["GET /users/9/notes.json"],
    (401, 403, 400, 400): ["POST /users/9/notes/add.json", "POST /objects/21/attach-file.json"],
    (401, 403, 404, 404): ["POST /users/notes/1/edit.json", "POST /users/notes/1/delete.json"],
    (401, 403, 403, 200): ["DELETE /users/5.json", "POST /users/9/ban.json"],
    (401, 403, 403, 400): [
        "POST /users.json", "POST /users/5.json", "POST /users/5/change-password.json",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("line", "statuses"), [(line, statuses) for statuses, lines in CALLS.items() for line in lines]
)
def test_each_role_has_its_permissions(start, unchanged, line, statuses):
    for role, expected in zip(("guest", "user", "agent", "admin"), statuses, strict=True):
        # Others change something; what GET changes it changes back in the second role's call.
        calls = unchanged if expected >= 400 or line.startswith("GET /") else start(users=20)
        calls.play([(f"{role} {line}", expected)])
