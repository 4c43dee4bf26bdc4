"""Every method sends what the API's description says, and understands what it answers."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest

from useresponse_async import (
    AsyncClient,
    Attachment,
    ConflictError,
    DecodeError,
    InternalServerError,
    NotFoundError,
    Pages,
    ReportGroup,
    ReportPage,
    Secret,
    UploadedFile,
)
from useresponse_async._exceptions import ArgumentError
from useresponse_async.resources import Resource
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

PAGE = [("page", "1"), ("count", "50")]
"""What every paged list asks for, unless told otherwise."""

PLACE = '{"currentPage": 1, "totalPages": 1, "totalObjects": 1, "objectsPerPage": 50, "data": '

USER = '{"id": 5, "name": "Ann", "email": "ann@example.org", "role": {"id": 2, "alias": "user"}}'
KEYED_USER = '{"id": 5, "name": "Ann", "apiKey": "k-5"}'
OBJECT = '{"id": 12, "title": "Printer", "createdAtPosix": 1700000000, "tags": ["a", "b"]}'
COMMENT = '{"id": 31, "objectId": 12, "content": "Same here", "is_best": 1}'
NOTE = '{"id": 8, "content": "Call back", "createdAtPosix": 1700000000}'
FIELD = '{"id": 7, "name": "property_7", "label": "Region", "options": {"eu": "Europe"}}'
CHAT = '{"id": 3, "externalId": 903, "title": "Hi", "lastMessage": {"id": 77, "content": "Hello"}}'
CHANGE = '{"createdAtPosix": 1700000000, "actions": [{"change_id": "4", "field": "status"}]}'

FILE = Attachment.from_bytes("a.txt", b"hello")
UPLOADED = UploadedFile(token="t1", name="a.txt")

IS_USER = {"id": 5, "name": "Ann", "email": "ann@example.org", "role.alias": "user"}
IS_KEYED_USER = {"id": 5, "name": "Ann", "api_key": Secret("k-5")}
IS_OBJECT = {
    "id": 12,
    "title": "Printer",
    "tags": ["a", "b"],
    "created_at": datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc),
}
IS_COMMENT = {"id": 31, "object_id": 12, "content": "Same here", "is_best": True}
IS_NOTE = {"id": 8, "content": "Call back"}
IS_FIELD_LIST = {
    "0.id": 7,
    "0.name": "property_7",
    "0.label": "Region",
    "0.options.0.value": "eu",
    "0.options.0.title": "Europe",
}
IS_CHANGE_LIST = {"0.created_at.year": 2023, "0.actions.0.change_id": "4"}


def listed(expected: dict[str, Any]) -> dict[str, Any]:
    """Return the same expectations of the first item of a page with one item in all."""
    return {"total_items": 1, **{f"items.0.{path}": value for path, value in expected.items()}}


@dataclass
class Case:
    """One call, the request that it is to send, and an answer with what is to be made of it."""

    name: str
    call: Callable[[AsyncClient], Awaitable[Any]]
    method: str
    path: str
    answer: str
    expected: dict[str, Any]
    query: list[tuple[str, str]] = field(default_factory=list)
    body: Any = None


CASES = [
    Case(
        "auth.login",
        lambda client: client.auth.login("ann@example.org", "pa55"),
        "POST",
        "auth/login.json",
        KEYED_USER,
        IS_KEYED_USER,
        body={"email": "ann@example.org", "password": "pa55"},
    ),
    Case(
        "auth.register",
        lambda client: client.auth.register(
            name="Ann",
            email="ann@example.org",
            sso_id="s-1",
            avatar_type="url",
            avatar_content="https://example.org/a.png",
            properties={7: "EU"},
        ),
        "POST",
        "register.json",
        KEYED_USER,
        IS_KEYED_USER,
        body={
            "name": "Ann",
            "email": "ann@example.org",
            "sso_id": "s-1",
            "avatar_type": "url",
            "avatar_content": "https://example.org/a.png",
            "properties": {"property_7": "EU"},
        },
    ),
    Case(
        "auth.register",
        lambda client: client.auth.register(),
        "POST",
        "register.json",
        KEYED_USER,
        IS_KEYED_USER,
        body={},
    ),
    Case(
        "auth.identity",
        lambda client: client.auth.identity("t0k/en", "ann@example.org", sso_id="s-1"),
        "GET",
        "sso/identity.json",
        KEYED_USER,
        IS_KEYED_USER,
        query=[("email", "ann@example.org"), ("sso_id", "s-1"), ("token", "t0k/en")],
    ),
    Case(
        "users.search",
        lambda client: client.users.search(
            role="user",
            search="an",
            email="ann@example.org",
            sort="top_rated",
            page=1,
            count=20,
            params={"team_id": 4, "online": True},
        ),
        "GET",
        "users/search.json",
        PLACE + f"[{USER}]}}",
        listed(IS_USER),
        query=[
            ("role", "user"),
            ("search", "an"),
            ("email", "ann@example.org"),
            ("sort", "top_rated"),
            ("page", "1"),
            ("count", "20"),
            ("team_id", "4"),
            ("online", "1"),
        ],
    ),
    Case(
        "users.get",
        lambda client: client.users.get(5),
        "GET",
        "users/5.json",
        USER,
        IS_USER,
    ),
    Case(
        "users.get_by_email",
        lambda client: client.users.get_by_email("ANN@example.org"),
        "GET",
        "users/search.json",
        PLACE + f"[{USER}]}}",
        IS_USER,
        query=[("email", "ANN@example.org"), *PAGE],
    ),
    Case(
        "users.me",
        lambda client: client.users.me(),
        "GET",
        "me.json",
        KEYED_USER,
        IS_KEYED_USER,
    ),
    Case(
        "users.update_me",
        lambda client: client.users.update_me(
            email="ann@example.org",
            full_name="Ann",
            phone="123",
            tags="a,b",
            team_id=4,
            properties={7: "EU"},
        ),
        "POST",
        "profile/update.json",
        USER,
        IS_USER,
        body={
            "email": "ann@example.org",
            "full_name": "Ann",
            "phone": "123",
            "tags": "a,b",
            "team_id": 4,
            "property_7": "EU",
        },
    ),
    Case(
        "users.create",
        lambda client: client.users.create(
            "ann@example.org",
            full_name="Ann",
            password="pa55",
            tags=["a", "b"],
            team_id=4,
            properties={7: "EU", 8: ["x", "y"]},
        ),
        "POST",
        "users.json",
        USER,
        IS_USER,
        body={
            "email": "ann@example.org",
            "full_name": "Ann",
            "password": "pa55",
            "tags": "a,b",
            "team_id": 4,
            "property_7": "EU",
            "property_8": "x|y",
        },
    ),
    Case(
        "users.update",
        lambda client: client.users.update(
            5,
            email="ann@example.org",
            full_name="Ann",
            phone="",
            tags=[],
            team_id=4,
            properties={7: 1},
        ),
        "POST",
        "users/5.json",
        USER,
        IS_USER,
        body={
            "email": "ann@example.org",
            "full_name": "Ann",
            "phone": "",
            "tags": "",
            "team_id": 4,
            "property_7": 1,
        },
    ),
    Case(
        "users.delete",
        lambda client: client.users.delete(5),
        "DELETE",
        "users/5.json",
        USER,
        IS_USER,
    ),
    Case(
        "users.change_password",
        lambda client: client.users.change_password(5, Secret("pa55")),
        "POST",
        "users/5/change-password.json",
        USER,
        IS_USER,
        body={"password": "pa55"},
    ),
    Case(
        "users.ban",
        lambda client: client.users.ban(
            5, reason="Spam", days=3, permanent=False, delete_related_objects=True
        ),
        "POST",
        "users/5/ban.json",
        USER,
        IS_USER,
        body={
            "ban_reason": "Spam",
            "ban_duration_days": 3,
            "permanent": False,
            "delete_related_objects": True,
        },
    ),
    Case(
        "users.activity",
        lambda client: client.users.activity(5, page=1, count=10, params={"x": "y"}),
        "GET",
        "users/5/activity.json",
        PLACE + f"[{OBJECT}]}}",
        listed(IS_OBJECT),
        query=[("page", "1"), ("count", "10"), ("x", "y")],
    ),
    Case(
        "users.custom_fields",
        lambda client: client.users.custom_fields(params={"x": "y"}),
        "GET",
        "users/custom-fields/list.json",
        f"[{FIELD}]",
        IS_FIELD_LIST,
        query=[("x", "y")],
    ),
    Case(
        "users.notes.list",
        lambda client: client.users.notes.list(5, params={"x": "y"}),
        "GET",
        "users/5/notes.json",
        f"[{NOTE}]",
        {"0.id": 8, "0.content": "Call back"},
        query=[("x", "y")],
    ),
    Case(
        "users.notes.create",
        lambda client: client.users.notes.create(
            5,
            "Call back",
            remind_at=datetime(2030, 1, 31, 9, 0, 0, 999),  # noqa: DTZ001 - the API takes no zone
        ),
        "POST",
        "users/5/notes/add.json",
        f'[{{"id": 2, "content": "Old"}}, {NOTE}, {{"id": 3, "content": "Older"}}]',
        IS_NOTE,
        body={"content": "Call back", "remind_at": "2030-01-31 09:00:00"},
    ),
    Case(
        "users.notes.update",
        lambda client: client.users.notes.update(8, "Call back"),
        "POST",
        "users/notes/8/edit.json",
        f'[{{"id": 9, "content": "Other"}}, {NOTE}]',
        IS_NOTE,
        body={"content": "Call back"},
    ),
    Case(
        "users.notes.delete",
        lambda client: client.users.notes.delete(8),
        "POST",
        "users/notes/8/delete.json",
        NOTE,
        IS_NOTE,
    ),
    Case(
        "objects.search",
        lambda client: client.objects.search(
            text="ink",
            ownership="knowledge-base",
            type="article",
            category_id=2,
            forum_id=3,
            featured=True,
            status="open",
            sort="new",
            params={"x": "y"},
        ),
        "GET",
        "search.json",
        PLACE + f"[{OBJECT}]}}",
        listed(IS_OBJECT),
        query=[
            ("text", "ink"),
            ("ownership", "knowledge-base"),
            ("type", "article"),
            ("category_id", "2"),
            ("forum_id", "3"),
            ("featured", "1"),
            ("status", "open"),
            ("sort", "new"),
            *PAGE,
            ("x", "y"),
        ],
    ),
    Case(
        "objects.search",
        lambda client: client.objects.search(ownership="knowledge-base", featured=False),
        "GET",
        "search.json",
        f'{{"knowledgeBase": [{OBJECT}]}}',
        listed(IS_OBJECT),
        query=[("ownership", "knowledge-base"), ("featured", "0"), *PAGE],
    ),
    Case(
        "objects.get",
        lambda client: client.objects.get(12, bbcode=True),
        "GET",
        "objects/12.json",
        OBJECT,
        IS_OBJECT,
        query=[("bbcode", "1")],
    ),
    Case(
        "objects.create",
        lambda client: client.objects.create(
            ownership="announcements",
            object_type="announcement",
            title="Printer",
            content="On [b]fire[/b]",
            category_id=0,
            responsible_id=0,
            team_id=4,
            tags=["a", "b"],
            attachments=[FILE],
            is_private=True,
            force_author="ann@example.org",
            expires_at=date(2030, 1, 31),
            notify_email="bob@example.org",
            notify_name="Bob",
            treat_as_html=False,
            properties={7: "EU"},
        ),
        "POST",
        "objects.json",
        OBJECT,
        IS_OBJECT,
        body={
            "ownership": "announcements",
            "object_type": "announcement",
            "title": "Printer",
            "content": "On [b]fire[/b]",
            "category_id": 0,
            "responsible_id": 0,
            "team_id": 4,
            "tags": ["a", "b"],
            "attachments": [{"name": "a.txt", "body": "aGVsbG8="}],
            "is_private": 1,
            "force_author": "ann@example.org",
            "expire_select": "on_date",
            "expires_at": "31.01.2030",
            "notify_email": "bob@example.org",
            "notify_name": "Bob",
            "treat_as_html": 0,
            "property_7": "EU",
        },
    ),
    Case(
        "objects.update",
        lambda client: client.objects.update(
            12,
            object_type="idea",
            title="Printer",
            content="Out",
            status_id=6,
            category_id=2,
            responsible_id=1,
            team_id=4,
            tags="a, b",
            attachments=[FILE],
            is_private=False,
            force_author=5,
            expire_select="never",
            notify_email="bob@example.org",
            notify_name="Bob",
            treat_as_html=True,
            properties={7: "EU"},
        ),
        "PUT",
        "objects/12.json",
        OBJECT,
        IS_OBJECT,
        body={
            "object_type": "idea",
            "title": "Printer",
            "content": "Out",
            "status_id": 6,
            "category_id": 2,
            "responsible_id": 1,
            "team_id": 4,
            "tags": ["a", "b"],
            "attachments": [{"name": "a.txt", "body": "aGVsbG8="}],
            "is_private": 0,
            "force_author": 5,
            "expire_select": "never",
            "notify_email": "bob@example.org",
            "notify_name": "Bob",
            "treat_as_html": 1,
            "property_7": "EU",
        },
    ),
    Case(
        "objects.delete",
        lambda client: client.objects.delete(12),
        "DELETE",
        "objects/12.json",
        OBJECT,
        IS_OBJECT,
    ),
    Case(
        "objects.archive",
        lambda client: client.objects.archive(12),
        "GET",
        "objects/12/archive.json",
        OBJECT,
        IS_OBJECT,
    ),
    Case(
        "objects.trash",
        lambda client: client.objects.trash(12),
        "GET",
        "objects/12/trash.json",
        OBJECT,
        IS_OBJECT,
    ),
    Case(
        "objects.subscribe",
        lambda client: client.objects.subscribe(12),
        "POST",
        "objects/12/subscribe.json",
        OBJECT,
        IS_OBJECT,
    ),
    Case(
        "objects.unsubscribe",
        lambda client: client.objects.unsubscribe(12),
        "POST",
        "objects/12/unsubscribe.json",
        OBJECT,
        IS_OBJECT,
    ),
    Case(
        "objects.toggle_vote",
        lambda client: client.objects.toggle_vote(12),
        "POST",
        "objects/12/votes/toggle.json",
        OBJECT,
        IS_OBJECT,
    ),
    Case(
        "objects.toggle_comments",
        lambda client: client.objects.toggle_comments(12),
        "POST",
        "objects/12/comments/toggle.json",
        OBJECT,
        IS_OBJECT,
    ),
    Case(
        "objects.attach",
        lambda client: client.objects.attach(12, FILE),
        "POST",
        "objects/12/attach-file.json",
        OBJECT,
        IS_OBJECT,
        body={"name": "a.txt", "body": "aGVsbG8="},
    ),
    Case(
        "files.upload",
        lambda client: client.files.upload(FILE),
        "POST",
        "upload-file.json",
        '{"token": "t1", "url": "/files/t1"}',
        {"token": "t1", "url": "/files/t1", "name": "a.txt"},
        body={"name": "a.txt", "content": "aGVsbG8="},
    ),
    Case(
        "objects.comments",
        lambda client: client.objects.comments(
            12, is_private=True, sort="desc", bbcode=False, params={"x": "y"}
        ),
        "GET",
        "objects/12/comments.json",
        f"[{COMMENT}]",
        listed(IS_COMMENT),
        query=[("is_private", "1"), ("sort", "desc"), ("bbcode", "0"), *PAGE, ("x", "y")],
    ),
    Case(
        "objects.custom_fields",
        lambda client: client.objects.custom_fields(params={"x": "y"}),
        "GET",
        "objects/custom-fields/list.json",
        f"[{FIELD}]",
        IS_FIELD_LIST,
        query=[("x", "y")],
    ),
    Case(
        "tickets.search",
        lambda client: client.tickets.search(
            text="ink",
            status="awaiting_reply",
            date="last_week",
            author_id=5,
            sort="new_updated",
            properties={7: "EU", 8: ("x", "y")},
            bbcode=True,
            page=1,
            count=30,
            params={"x": "y"},
        ),
        "GET",
        "tickets.json",
        PLACE + f"[{OBJECT}]}}",
        listed(IS_OBJECT),
        query=[
            ("text", "ink"),
            ("status", "awaiting_reply"),
            ("date", "last_week"),
            ("author_id", "5"),
            ("sort", "new_updated"),
            ("property_7", "EU"),
            ("property_8", "x|y"),
            ("bbcode", "1"),
            ("page", "1"),
            ("count", "30"),
            ("x", "y"),
        ],
    ),
    Case(
        "tickets.create",
        lambda client: client.tickets.create(
            "Printer",
            "On fire",
            category_id=2,
            responsible_id=1,
            team_id=4,
            tags=["a", "b"],
            attachments=[FILE],
            force_author=5,
            notify_email="bob@example.org",
            notify_name="Bob",
            treat_as_html=True,
            properties={7: "EU"},
        ),
        "POST",
        "objects.json",
        OBJECT,
        IS_OBJECT,
        body={
            "ownership": "helpdesk",
            "object_type": "ticket",
            "title": "Printer",
            "content": "On fire",
            "category_id": 2,
            "responsible_id": 1,
            "team_id": 4,
            "tags": ["a", "b"],
            "attachments": [{"name": "a.txt", "body": "aGVsbG8="}],
            "force_author": 5,
            "notify_email": "bob@example.org",
            "notify_name": "Bob",
            "treat_as_html": 1,
            "property_7": "EU",
        },
    ),
    Case(
        "topics.search",
        lambda client: client.topics.search(
            text="dark",
            type="idea",
            category_id=2,
            forum_id=3,
            featured=True,
            status="all",
            sort="new",
            page=1,
            count=30,
            params={"x": "y"},
        ),
        "GET",
        "search.json",
        PLACE + f"[{OBJECT}]}}",
        listed(IS_OBJECT),
        query=[
            ("text", "dark"),
            ("ownership", "feedback"),
            ("type", "idea"),
            ("category_id", "2"),
            ("forum_id", "3"),
            ("featured", "1"),
            ("status", "all"),
            ("sort", "new"),
            ("page", "1"),
            ("count", "30"),
            ("x", "y"),
        ],
    ),
    Case(
        "topics.create",
        lambda client: client.topics.create(
            "Dark mode",
            "Please",
            object_type="idea",
            category_id=2,
            responsible_id=1,
            team_id=4,
            tags=["a", "b"],
            attachments=[FILE],
            is_private=True,
            force_author=5,
            notify_email="bob@example.org",
            notify_name="Bob",
            treat_as_html=True,
            properties={7: "EU"},
        ),
        "POST",
        "objects.json",
        OBJECT,
        IS_OBJECT,
        body={
            "ownership": "feedback",
            "object_type": "idea",
            "title": "Dark mode",
            "content": "Please",
            "category_id": 2,
            "responsible_id": 1,
            "team_id": 4,
            "tags": ["a", "b"],
            "attachments": [{"name": "a.txt", "body": "aGVsbG8="}],
            "is_private": 1,
            "force_author": 5,
            "notify_email": "bob@example.org",
            "notify_name": "Bob",
            "treat_as_html": 1,
            "property_7": "EU",
        },
    ),
    Case(
        "comments.list",
        lambda client: client.comments.list(page=1, count=10, params={"x": "y"}),
        "GET",
        "comments.json",
        f"[{COMMENT}]",
        listed(IS_COMMENT),
        query=[("page", "1"), ("count", "10"), ("x", "y")],
    ),
    Case(
        "comments.create",
        lambda client: client.comments.create(
            12,
            "Same here",
            is_private=True,
            reply_to=30,
            treat_as_html=False,
            attachments=[UPLOADED, UploadedFile(token="t2")],
        ),
        "POST",
        "comments.json",
        COMMENT,
        IS_COMMENT,
        body={
            "object_id": 12,
            "content": "Same here",
            "is_private": 1,
            "reply_to": 30,
            "treat_as_html": 0,
            "attachments": [{"token": "t1", "name": "a.txt"}, {"token": "t2"}],
        },
    ),
    Case(
        "comments.update",
        lambda client: client.comments.update(31, content="Same here", treat_as_html=True),
        "POST",
        "comments/31/edit.json",
        COMMENT,
        IS_COMMENT,
        body={"content": "Same here", "treat_as_html": 1},
    ),
    Case(
        "comments.trash",
        lambda client: client.comments.trash(31),
        "POST",
        "comments/31/trash.json",
        COMMENT,
        IS_COMMENT,
    ),
    Case(
        "comments.restore",
        lambda client: client.comments.restore(31),
        "POST",
        "comments/31/recovery.json",
        COMMENT,
        IS_COMMENT,
    ),
    Case(
        "comments.toggle_best",
        lambda client: client.comments.toggle_best(31),
        "POST",
        "comments/31/best/toggle.json",
        COMMENT,
        IS_COMMENT,
    ),
    Case(
        "comments.toggle_vote",
        lambda client: client.comments.toggle_vote(31),
        "POST",
        "comments/31/votes/toggle.json",
        COMMENT,
        IS_COMMENT,
    ),
    Case(
        "moderation.approve_topic",
        lambda client: client.moderation.approve_topic(12),
        "POST",
        "topic/12/approve.json",
        OBJECT,
        IS_OBJECT,
    ),
    Case(
        "moderation.decline_topic",
        lambda client: client.moderation.decline_topic(12, "Spam"),
        "POST",
        "topic/12/decline.json",
        OBJECT,
        IS_OBJECT,
        body={"reason": "Spam"},
    ),
    Case(
        "moderation.approve_comment",
        lambda client: client.moderation.approve_comment(31),
        "POST",
        "comment/31/approve.json",
        COMMENT,
        IS_COMMENT,
    ),
    Case(
        "moderation.decline_comment",
        lambda client: client.moderation.decline_comment(31),
        "POST",
        "comment/31/decline.json",
        COMMENT,
        IS_COMMENT,
        body={},
    ),
    Case(
        "categories.list",
        lambda client: client.categories.list(ownership="feedback", type="idea", params={"x": "y"}),
        "GET",
        "categories.json",
        '[{"id": "2", "name": "Ink", "type": "idea", "parent_id": 0, "forum": {"id": 3}}]',
        {"0.id": 2, "0.name": "Ink", "0.type": "idea", "0.parent_id": 0, "0.forum.id": "3"},
        query=[("ownership", "feedback"), ("type", "idea"), ("x", "y")],
    ),
    Case(
        "categories.get",
        lambda client: client.categories.get(2),
        "GET",
        "categories/2.json",
        '{"id": 2, "name": "Ink", "isPrivate": true}',
        {"id": 2, "name": "Ink", "is_private": True},
    ),
    Case(
        "chats.list",
        lambda client: client.chats.list(author_id=5, params={"x": "y"}),
        "GET",
        "chats.json",
        PLACE + f"[{CHAT}]}}",
        listed({"id": 3, "external_id": 903, "last_message.content": "Hello"}),
        query=[("authorId", "5"), *PAGE, ("x", "y")],
    ),
    Case(
        "chats.get",
        lambda client: client.chats.get(903),
        "GET",
        "chats/903.json",
        CHAT,
        {"id": 3, "external_id": 903, "title": "Hi"},
    ),
    Case(
        "chats.messages",
        lambda client: client.chats.messages(903, top_id=80, params={"x": "y"}),
        "GET",
        "chats/903/messages.json",
        '[{"id": 77, "content": "Hello", "isSystem": false}]',
        listed({"id": 77, "content": "Hello", "is_system": False}),
        query=[("top_id", "80"), *PAGE, ("x", "y")],
    ),
    Case(
        "changelog.for_object",
        lambda client: client.changelog.for_object(12, params={"x": "y"}),
        "GET",
        "changelog/object/12.json",
        f"[{CHANGE}]",
        IS_CHANGE_LIST,
        query=[("x", "y")],
    ),
    Case(
        "changelog.for_user",
        lambda client: client.changelog.for_user(5, params={"x": "y"}),
        "GET",
        "changelog/user/5.json",
        f"[{CHANGE}]",
        IS_CHANGE_LIST,
        query=[("x", "y")],
    ),
    Case(
        "reports.list",
        lambda client: client.reports.list(params={"x": "y"}),
        "GET",
        "reports/list.json",
        '[{"id": 4, "name": "Inbox"}]',
        {"0.id": 4, "0.name": "Inbox"},
        query=[("x", "y")],
    ),
    Case(
        "reports.objects",
        lambda client: client.reports.objects(4, group="g1", params={"x": "y"}),
        "GET",
        "report/4/objects.json",
        '{"activeGroup": "g1", "groups": [{"id": "g1", "name": "New", "count": "2"}], "more": 1, '
        f'"currentPage": 1, "totalPages": 1, "totalObjects": 1, "data": [{OBJECT}]}}',
        {
            **listed(IS_OBJECT),
            "active_group": "g1",
            "groups.0.id": "g1",
            "groups.0.name": "New",
            "groups.0.count": 2,
            "extra": {"more": 1},
        },
        query=[("group", "g1"), *PAGE, ("x", "y")],
    ),
    Case(
        "custom_fields.list",
        lambda client: client.custom_fields.list("tickets", params={"x": "y"}),
        "GET",
        "custom-fields/tickets.json",
        '[{"id": 7, "slug": "property_7", "title": "Region", '
        '"options": [{"value": "eu", "title": "Europe"}]}]',
        IS_FIELD_LIST,
        query=[("x", "y")],
    ),
    Case(
        "forums.list",
        lambda client: client.forums.list(params={"x": "y"}),
        "GET",
        "forums.json",
        '[{"id": "3", "name": "Ideas"}]',
        {"0.id": "3", "0.name": "Ideas"},
        query=[("x", "y")],
    ),
    Case(
        "statuses.list",
        lambda client: client.statuses.list(object_type="ticket", params={"x": "y"}),
        "GET",
        "statuses.json",
        '[{"id": 6, "title": "Open", "isClosed": 0, "color": {"background": "#fff"}}]',
        {"0.id": 6, "0.title": "Open", "0.is_closed": False, "0.color.background": "#fff"},
        query=[("object_type", "ticket"), ("x", "y")],
    ),
]

ELSEWHERE = {"files.download", "tickets.changed_since", "topics.changed_since"}
"""Methods that return something else than one response says."""

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def at(thing: Any, path: str) -> Any:
    for step in path.split("."):
        thing = thing[int(step)] if step.isdecimal() else getattr(thing, step)
    return thing


@each_case
@pytest.mark.parametrize("envelope", ["%s", '{"success": %s}'], ids=["bare", "success"])
async def test_a_call_sends_and_understands_what_the_api_describes(
    client: AsyncClient, sandbox: Sandbox, case: Case, envelope: str
):
    sandbox.answer_next((envelope % case.answer).encode())
    result = await case.call(client)
    (request,) = sandbox.requests
    assert (request.method, request.path) == (case.method, f"/api/3.0/{case.path}")
    assert [pair for pair in request.query if pair[0] != "apiKey"] == case.query
    assert (json.loads(request.body) if request.body else None) == case.body
    assert {path: at(result, path) for path in case.expected} == case.expected


CHANGES = [
    case
    for case in CASES
    if case.name.split(".")[-1]
    in {
        "approve_comment",
        "approve_topic",
        "archive",
        "attach",
        "ban",
        "change_password",
        "decline_comment",
        "decline_topic",
        "delete",
        "restore",
        "subscribe",
        "toggle_best",
        "toggle_comments",
        "toggle_vote",
        "trash",
        "unsubscribe",
        "update",
        "update_me",
    }
]


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case.name)
@pytest.mark.parametrize("answer", ['{"success": true}', "true", "[]", ""])
async def test_a_change_that_is_only_said_to_be_done_gives_none(
    client: AsyncClient, sandbox: Sandbox, case: Case, answer: str
):
    sandbox.answer_next(answer.encode(), 200 if answer else 204)
    assert await case.call(client) is None


LISTS = [case for case in CASES if "0.id" in case.expected or case.name.startswith("changelog")]


@pytest.mark.parametrize("case", LISTS, ids=lambda case: case.name)
@pytest.mark.parametrize("answer", ['{"success": []}', "[]", ""])
async def test_a_list_of_nothing_is_empty(
    client: AsyncClient, sandbox: Sandbox, case: Case, answer: str
):
    sandbox.answer_next(answer.encode(), 200 if answer else 204)
    assert await case.call(client) == []


def methods_of(namespace: Resource, prefix: str) -> Iterator[str]:
    for name in dir(namespace):
        if name.startswith("_"):
            continue
        member = getattr(namespace, name)
        if isinstance(member, Resource):
            yield from methods_of(member, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def namespaces_of(client: AsyncClient) -> dict[str, Resource]:
    members = {name: getattr(client, name) for name in dir(client) if not name.startswith("_")}
    return {name: it for name, it in members.items() if isinstance(it, Resource)}


def test_every_method_of_every_namespace_is_tried():
    client = AsyncClient("https://example.org")
    methods = {
        method
        for name, namespace in namespaces_of(client).items()
        for method in methods_of(namespace, f"{name}.")
    }
    assert methods - ELSEWHERE == {case.name for case in CASES}


def test_every_method_says_what_it_takes_gives_raises_and_calls():
    for name, namespace in namespaces_of(AsyncClient("https://example.org")).items():
        assert (type(namespace).__doc__ or "").strip(), name
        for method in methods_of(namespace, ""):
            text = at(namespace, method).__doc__ or ""
            sections = ["Returns:", "Raises:", "Endpoint:"]
            names = at(namespace, method).__func__.__code__
            if names.co_argcount + names.co_kwonlyargcount > 1:
                sections.append("Args:")
            assert [part for part in sections if part not in text] == [], f"{name}.{method}"


# Versions


async def test_a_404_of_the_same_version_says_nothing_of_versions(sandbox: Sandbox):
    async with AsyncClient(sandbox.url, api_key=sandbox.api_key, api_version="7.0") as client:
        sandbox.fail_next(404)
        with pytest.raises(NotFoundError) as caught:
            await client.chats.get(1)
    assert "lacks" not in str(caught.value)


async def test_a_version_of_ones_own_is_not_compared(sandbox: Sandbox):
    async with AsyncClient(sandbox.url, api_key=sandbox.api_key, api_version="beta") as client:
        sandbox.fail_next(404)
        with pytest.raises(NotFoundError) as caught:
            await client.chats.get(1)
    assert "lacks" not in str(caught.value)


# Arguments


@pytest.mark.parametrize(
    ("call", "problem"),
    [
        (lambda c: c.objects.update(12), "nothing to change"),
        (lambda c: c.comments.update(31), "nothing to change"),
        (lambda c: c.users.update(5), "nothing to change"),
        (lambda c: c.users.update_me(), "nothing to change"),
        (lambda c: c.objects.get(0), "object_id"),
        (lambda c: c.objects.update(12, category_id=-1), "category_id"),
        (lambda c: c.objects.update(12, is_private="yes"), "neither True nor False"),
        (lambda c: c.objects.update(12, expire_select="on_date"), "expire_select"),
        (
            lambda c: c.objects.update(12, expire_select="never", expires_at=date(2030, 1, 31)),
            "expire_select",
        ),
        (lambda c: c.objects.update(12, expires_at=datetime(2030, 1, 31)), "datetime.date"),  # noqa: DTZ001 - as above
        (lambda c: c.objects.update(12, expires_at="31.01.2030"), "datetime.date"),
        (lambda c: c.objects.update(12, tags=["a", ""]), "tags"),
        (lambda c: c.objects.update(12, properties={7: ["a|b"]}), "the separator of values"),
        (lambda c: c.objects.update(12, attachments=[]), "nothing to change"),
        (lambda c: c.objects.update(12, attachments=["a.txt"]), "^attachments: a str is no"),
        (lambda c: c.objects.update(12, attachments=FILE), "^attachments: .* give a list"),
        (
            lambda c: c.tickets.create("x", attachments=[UPLOADED]),
            "^attachments: .* not an Att",
        ),
        (lambda c: c.topics.create("x", " ", object_type="idea"), "^content: must not be empty"),
        (lambda c: c.objects.attach(12, "a.txt"), "^attachment: a str is not an Attachment"),
        (lambda c: c.comments.create(12, "x", attachments=[FILE]), "^attachments: .* files.upload"),
        (
            lambda c: c.comments.create(12, "x", attachments=[UploadedFile()]),
            "^attachments: .* no token",
        ),
        (lambda c: c.users.update(5, tags=["a,b"]), "the separator of values"),
        (lambda c: c.users.ban(5, days=0), "days"),
        (lambda c: c.users.notes.create(5, " "), "content"),
        (lambda c: c.users.notes.create(5, "x", remind_at=date(2030, 1, 31)), "remind_at"),
        (
            lambda c: c.users.notes.create(
                5, "x", remind_at=datetime(2030, 1, 31, tzinfo=timezone(timedelta(hours=2)))
            ),
            "time zone",
        ),
        (lambda c: c.auth.login("a@example.org", ""), "password"),
        (lambda c: c.custom_fields.list("../users"), "letters, digits"),
        (lambda c: c.forums.list(params={"apiKey": "x"}), "params"),
        (lambda c: c.statuses.list(params={"object_type": "x"}), "params"),
    ],
)
async def test_an_argument_that_cannot_work_is_refused_before_any_request(
    client: AsyncClient,
    sandbox: Sandbox,
    call: Callable[[AsyncClient], Awaitable[Any]],
    problem: str,
):
    with pytest.raises(ArgumentError, match=problem):
        await call(client)
    assert sandbox.arrivals == 0


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.users.search(role="user", params={"role": "agent"}),
        lambda c: c.users.activity(5, params={"page": 2}),
        lambda c: c.objects.search(params={"text": "x"}),
        lambda c: c.objects.comments(12, params={"sort": "asc"}),
        lambda c: c.tickets.search(properties={7: "EU"}, params={"property_7": "US"}),
        lambda c: c.topics.search(params={"ownership": "helpdesk"}),
        lambda c: c.comments.list(params={"count": 2}),
        lambda c: c.chats.list(params={"authorId": 2}),
        lambda c: c.chats.messages(3, params={"top_id": 2}),
        lambda c: c.reports.objects(4, params={"group": "x"}),
    ],
)
def test_a_list_refuses_a_parameter_that_has_an_argument_at_once(
    call: Callable[[AsyncClient], Pages[Any]],
):
    with pytest.raises(ArgumentError, match="has its own argument"):
        call(AsyncClient("https://example.org"))


# Repeating


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.objects.archive(12),
        lambda c: c.objects.trash(12),
        lambda c: c.objects.toggle_vote(12),
        lambda c: c.objects.toggle_comments(12),
        lambda c: c.comments.toggle_best(31),
        lambda c: c.comments.toggle_vote(31),
        lambda c: c.objects.attach(12, FILE),
        lambda c: c.objects.update(12, attachments=[FILE]),
        lambda c: c.tickets.create("Printer", "On fire"),
        lambda c: c.topics.create("Dark mode", "Please", object_type="idea"),
        lambda c: c.users.notes.delete(8),
    ],
)
async def test_what_may_not_be_done_twice_is_not_repeated_after_a_500(
    client: AsyncClient, sandbox: Sandbox, call: Callable[[AsyncClient], Awaitable[Any]]
):
    sandbox.fail_next(500, times=5)
    with pytest.raises(InternalServerError):
        await call(client)
    assert sandbox.arrivals == 1


async def test_a_delete_is_repeated_and_then_counts_as_done_by_a_404(
    client: AsyncClient, sandbox: Sandbox
):
    sandbox.fail_next(500)
    sandbox.fail_next(404)
    assert await client.objects.delete(12) is None
    assert sandbox.arrivals == 2


async def test_a_change_by_put_is_repeated_after_a_500(client: AsyncClient, sandbox: Sandbox):
    sandbox.fail_next(500)
    sandbox.answer_next(OBJECT.encode())
    assert (await client.objects.update(12, title="Printer")).id == 12
    assert sandbox.arrivals == 2


# Lists that one version pages and another does not


async def test_a_bare_list_is_the_only_page(client: AsyncClient, sandbox: Sandbox):
    sandbox.answer_next(b'{"success": [{"id": 1}, {"id": 2}]}')
    assert [comment.id async for comment in client.objects.comments(12)] == [1, 2]
    assert sandbox.arrivals == 1


async def test_a_paged_list_of_the_same_endpoint_is_walked(client: AsyncClient, sandbox: Sandbox):
    for number in (1, 2):
        place = f'"currentPage": {number}, "totalPages": 2, "totalObjects": 2, "objectsPerPage": 1'
        sandbox.answer_next(
            f'{{"success": {{{place}, "data": [{{"id": {number}}}]}}}}'.encode(),
            match=f"page={number}(&|$)",
        )
    assert [message.id async for message in client.chats.messages(3, count=1)] == [1, 2]


async def test_every_page_of_a_report_tells_its_groups(client: AsyncClient, sandbox: Sandbox):
    for number in (1, 2):
        place = f'"currentPage": {number}, "totalPages": 2, "totalObjects": 2, "objectsPerPage": 1'
        sandbox.answer_next(
            f'{{{place}, "groups": [{{"id": "g"}}], "data": [{{"id": {number}}}]}}'.encode(),
            match=f"page={number}(&|$)",
        )
    pages = [page async for page in client.reports.objects(4, count=1).by_page()]
    assert [(type(page), page.number, page.groups[0].id) for page in pages] == [
        (ReportPage, 1, "g"),
        (ReportPage, 2, "g"),
    ]


async def test_an_empty_report_has_no_groups(client: AsyncClient, sandbox: Sandbox):
    sandbox.empty_next(204)
    page = await client.reports.objects(4)
    assert (page.items, page.groups, page.active_group) == ([], [], None)


async def test_an_odd_group_does_not_fail_the_report(client: AsyncClient, sandbox: Sandbox):
    sandbox.answer_next(b'{"data": [], "groups": [{"id": "g", "count": "many"}]}')
    page = await client.reports.objects(4)
    assert page.groups == [ReportGroup(id="g", extra={"count": "many"})]
    sandbox.answer_next(b'{"data": [], "groups": "many", "activeGroup": "g"}')
    page = await client.reports.objects(4)
    assert (page.groups, page.active_group, page.extra) == ([], "g", {"groups": "many"})


# Looking up by e-mail address


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ('{"success": {"id": 5, "email": "ann@example.org"}}', 5),
        ('{"success": [{"id": 5, "email": "Ann@Example.org "}]}', 5),
        ('[{"id": 4, "email": "bob@example.org"}, {"id": 5, "email": "ann@example.org"}]', 5),
        ('[{"id": 5}]', 5),
        ('[{"id": 4}, {"id": 5}]', None),
        ('[{"id": 4, "email": "bob@example.org"}]', None),
        ('{"success": []}', None),
        ('{"data": [], "totalObjects": 0}', None),
    ],
)
async def test_a_user_is_found_by_email_in_whatever_shape_it_comes(
    client: AsyncClient, sandbox: Sandbox, answer: str, found: int | None
):
    sandbox.answer_next(answer.encode())
    user = await client.users.get_by_email("ann@example.org")
    assert (user and user.id) == found


async def test_a_server_that_ignores_the_address_is_searched_to_the_end(
    client: AsyncClient, sandbox: Sandbox
):
    for number, email in ((1, "bob@example.org"), (2, "ann@example.org")):
        user = f'{{"id": {number}, "email": "{email}"}}'
        sandbox.answer_next(
            f'{{"currentPage": {number}, "totalPages": 2, "data": [{user}]}}'.encode(),
            match=f"page={number}(&|$)",
        )
    user = await client.users.get_by_email("ann@example.org")
    assert user is not None
    assert user.id == 2


# Notes, which come one by one or all together


async def test_a_deleted_note_that_the_answer_does_not_show_is_none(
    client: AsyncClient, sandbox: Sandbox
):
    sandbox.answer_next(b'{"success": [{"id": 9, "content": "Other"}]}')
    assert await client.users.notes.delete(8) is None


async def test_a_new_note_must_be_shown(client: AsyncClient, sandbox: Sandbox):
    sandbox.answer_next(b'{"success": []}')
    with pytest.raises(DecodeError, match="UserNote"):
        await client.users.notes.create(5, "Call back")


# Passwords and tokens

ECHO = "p%22a%2F55%20%C3%BC"


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.auth.login("a@example.org", 'p"a/55 ü'),
        lambda c: c.auth.identity('p"a/55 ü', "a@example.org"),
        lambda c: c.users.create("a@example.org", full_name="Ann", password='p"a/55 ü'),
        lambda c: c.users.change_password(5, 'p"a/55 ü'),
    ],
)
async def test_a_password_or_token_shows_in_no_error(
    client: AsyncClient,
    sandbox: Sandbox,
    caplog: pytest.LogCaptureFixture,
    call: Callable[[AsyncClient], Awaitable[Any]],
):
    echo = json.dumps({"error": {"message": 'no p"a/55 ü', "context": 'p"a/55 ü'}})
    sandbox.answer_next(echo.replace("/", "\\/").encode(), 409, headers={"X-Echo": ECHO})
    caplog.set_level("DEBUG")
    with pytest.raises(ConflictError) as caught:
        await call(client)
    error = caught.value
    assert str(error).endswith("409 no *** (***)")
    request = error.response.request
    shown = [repr(error), repr(vars(error)), error.response.text, str(request.url), caplog.text]
    assert [text for text in shown if "a/55" in text or "a%2F55" in text or "a\\/55" in text] == []
    assert request.content == b""
