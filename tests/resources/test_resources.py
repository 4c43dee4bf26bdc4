"""The request that each method sends, and what it makes of the response."""

import json
from collections.abc import Iterator
from datetime import date, datetime, timezone
from operator import attrgetter
from typing import Any, NamedTuple
from unittest.mock import call
from urllib.parse import parse_qsl

import pytest

from useresponse_async import (
    AsyncClient,
    Attachment,
    ConflictError,
    DecodeError,
    InternalServerError,
    ReportGroup,
    ReportPage,
    Secret,
    UploadedFile,
)
from useresponse_async.resources import Resource

pytestmark = pytest.mark.anyio

PAGE = "page=1&count=50"
"""The query of a list in pages by default."""

PLACE = '"currentPage": 1, "totalPages": 1, "totalObjects": 1, "objectsPerPage": 50'

FILE = Attachment.from_bytes("a.txt", b"hello")
SENT_FILE = {"name": "a.txt", "body": "aGVsbG8="}


class Answer(NamedTuple):
    """The text of a response, and the attributes of the result by their paths."""

    text: str
    gives: dict[str, Any]

    def in_list(self) -> "Answer":
        return Answer(f"[{self.text}]", {f"0.{path}": it for path, it in self.gives.items()})

    def in_page(self) -> "Answer":
        return Answer(f'{{{PLACE}, "data": [{self.text}]}}', self._only_item())

    def as_only_page(self) -> "Answer":
        return Answer(f"[{self.text}]", self._only_item())

    def _only_item(self) -> dict[str, Any]:
        return {"total_items": 1, **{f"items.0.{path}": it for path, it in self.gives.items()}}


USER = Answer(
    '{"id": 5, "name": "Ann", "email": "ann@example.org", "role": {"id": 2, "alias": "user"}}',
    {"id": 5, "name": "Ann", "email": "ann@example.org", "role.alias": "user"},
)
KEYED_USER = Answer(
    '{"id": 5, "name": "Ann", "apiKey": "k-5"}', {"id": 5, "name": "Ann", "api_key": Secret("k-5")}
)
CREATED_AT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
OBJECT = Answer(
    '{"id": 12, "title": "Printer", "createdAtPosix": 1700000000, "tags": ["a", "b"]}',
    {"id": 12, "title": "Printer", "tags": ["a", "b"], "created_at": CREATED_AT},
)
COMMENT = Answer(
    '{"id": 31, "objectId": 12, "content": "Same here", "is_best": 1}',
    {"id": 31, "object_id": 12, "content": "Same here", "is_best": True},
)
NOTE = Answer(
    '{"id": 8, "content": "Call back", "createdAtPosix": 1700000000}',
    {"id": 8, "content": "Call back", "created_at": CREATED_AT},
)
FIELDS = Answer(
    '[{"id": 7, "name": "property_7", "label": "Region", "options": {"eu": "Europe"}}]',
    {
        "0.id": 7,
        "0.name": "property_7",
        "0.label": "Region",
        "0.options.0.value": "eu",
        "0.options.0.title": "Europe",
    },
)
NEW_FIELDS = Answer(
    '[{"id": 7, "slug": "property_7", "title": "Region", '
    '"options": [{"value": "eu", "title": "Europe"}]}]',
    FIELDS.gives,
)
CATEGORY = Answer(
    '{"id": "2", "name": "Ink", "type": "idea", "parent_id": 0, '
    '"isPrivate": 1, "forum": {"id": 3}}',
    {"id": 2, "name": "Ink", "type": "idea", "parent_id": 0, "is_private": True, "forum.id": "3"},
)
CHAT = Answer(
    '{"id": 3, "externalId": 903, "title": "Hi", "lastMessage": {"id": 77, "content": "Hello"}}',
    {"id": 3, "external_id": 903, "title": "Hi", "last_message.content": "Hello"},
)
MESSAGE = Answer(
    '{"id": 77, "content": "Hello", "isSystem": false}',
    {"id": 77, "content": "Hello", "is_system": False},
)
CHANGE = Answer(
    '{"createdAtPosix": 1700000000, "actions": [{"change_id": "4", "field": "status"}]}',
    {"created_at": CREATED_AT, "actions.0.change_id": "4"},
)
STATUS = Answer(
    '{"id": 6, "title": "Open", "isClosed": 0, "color": {"background": "#fff"}}',
    {"id": 6, "title": "Open", "is_closed": False, "color.background": "#fff"},
)
REPORT = Answer(
    '{"activeGroup": "g1", "groups": [{"id": "g1", "name": "New", "count": "2"}], "more": 1, '
    f'{PLACE}, "data": [{OBJECT.text}]}}',
    {
        **OBJECT.in_page().gives,
        "active_group": "g1",
        "groups": [ReportGroup(id="g1", name="New", count=2)],
        "extra": {"more": 1},
    },
)

# Arguments that are sent by their own names and as they are given, and others as they are sent.
PLAIN = {
    "title": "Printer", "content": "On [b]fire[/b]", "category_id": 2, "responsible_id": 0,
    "team_id": 4, "force_author": 5, "notify_email": "bob@example.org", "notify_name": "Bob",
}  # fmt: skip
OTHER = {"tags": "a, b", "attachments": [FILE], "treat_as_html": True, "properties": {7: "EU"}}
OTHER_SENT = {
    "tags": ["a", "b"], "attachments": [SENT_FILE], "treat_as_html": 1, "property_7": "EU",
}  # fmt: skip
PROFILE = {"email": "ann@example.org", "full_name": "Ann", "phone": "", "team_id": 4}
REGISTRATION = {
    "name": "Ann", "email": "ann@example.org", "sso_id": "s-1", "avatar_type": "url",
    "avatar_content": "https://example.org/a.png",
}  # fmt: skip
X = {"x": "y"}
REMINDER = datetime(2030, 1, 31, 9, 0, 0, 999)  # noqa: DTZ001 - the API takes no zone


class Case(NamedTuple):
    """A call, the request that it sends, and the response."""

    name: str
    arguments: Any
    request: str
    answer: Answer
    body: Any = None

    def make(self, client: AsyncClient) -> Any:
        return attrgetter(self.name)(client)(*self.arguments.args, **self.arguments.kwargs)


CASES = [
    Case("auth.login", call("ann@example.org", "pa55"), "POST auth/login.json", KEYED_USER,
        {"email": "ann@example.org", "password": "pa55"}),
    Case("auth.register", call(**REGISTRATION, properties={7: "EU"}), "POST register.json",
        KEYED_USER, {**REGISTRATION, "properties": {"property_7": "EU"}}),
    Case("auth.register", call(), "POST register.json", KEYED_USER, {}),
    Case("auth.identity", call("t0k/en", "ann@example.org", sso_id="s-1"),
        "GET sso/identity.json?email=ann@example.org&sso_id=s-1&token=t0k/en", KEYED_USER),
    Case("users.search", call(role="user", search="an", email="ann@example.org", sort="top_rated",
        count=20, params={"team_id": 4, "online": True}),
        "GET users/search.json?role=user&search=an&email=ann@example.org&sort=top_rated"
        "&page=1&count=20&team_id=4&online=1", USER.in_page()),
    Case("users.get", call(5), "GET users/5.json", USER),
    Case("users.get_by_email", call("ANN@example.org"),
        f"GET users/search.json?email=ANN@example.org&{PAGE}", Answer(USER.in_page().text,
        USER.gives)),
    Case("users.me", call(), "GET me.json", KEYED_USER),
    Case("users.update_me", call(**PROFILE, tags="a,b", properties={7: "EU"}),
        "POST profile/update.json", USER, {**PROFILE, "tags": "a,b", "property_7": "EU"}),
    Case("users.create", call("ann@example.org", full_name="Ann", password="pa55", tags=["a", "b"],
        properties={7: "EU", 8: ["x", "y"]}), "POST users.json", USER, {"email": "ann@example.org",
        "full_name": "Ann", "password": "pa55", "tags": "a,b", "property_7": "EU",
        "property_8": "x|y"}),
    Case("users.update", call(5, **PROFILE, tags=[], properties={7: 1}), "POST users/5.json", USER,
        {**PROFILE, "tags": "", "property_7": 1}),
    Case("users.delete", call(5), "DELETE users/5.json", USER),
    Case("users.change_password", call(5, Secret("pa55")), "POST users/5/change-password.json",
        USER, {"password": "pa55"}),
    Case("users.ban", call(5, reason="Spam", days=3, permanent=False, delete_related_objects=True),
        "POST users/5/ban.json", USER, {"ban_reason": "Spam", "ban_duration_days": 3,
        "permanent": False, "delete_related_objects": True}),
    Case("users.activity", call(5, count=10, params=X),
        "GET users/5/activity.json?page=1&count=10&x=y", OBJECT.in_page()),
    Case("users.custom_fields", call(params=X), "GET users/custom-fields/list.json?x=y", FIELDS),
    Case("users.notes.list", call(5, params=X), "GET users/5/notes.json?x=y", NOTE.in_list()),
    Case("users.notes.create", call(5, "Call back", remind_at=REMINDER),
        "POST users/5/notes/add.json",
        Answer(f'[{{"id": 2, "content": "Old"}}, {NOTE.text}, {{"id": 3}}]', NOTE.gives),
        {"content": "Call back", "remind_at": "2030-01-31 09:00:00"}),
    Case("users.notes.update", call(8, "Call back"), "POST users/notes/8/edit.json",
        Answer(f'[{{"id": 9, "content": "Other"}}, {NOTE.text}]', NOTE.gives),
        {"content": "Call back"}),
    Case("users.notes.delete", call(8), "POST users/notes/8/delete.json", NOTE),
    Case("objects.search", call(text="ink", ownership="knowledge-base", type="article",
        category_id=2, forum_id=3, featured=True, status="open", sort="new", params=X),
        "GET search.json?text=ink&ownership=knowledge-base&type=article&category_id=2&forum_id=3"
        f"&featured=1&status=open&sort=new&{PAGE}&x=y", OBJECT.in_page()),
    Case("objects.search", call(ownership="knowledge-base", featured=False),
        f"GET search.json?ownership=knowledge-base&featured=0&{PAGE}",
        Answer(f'{{"knowledgeBase": [{OBJECT.text}]}}', OBJECT.in_page().gives)),
    Case("objects.get", call(12, bbcode=True), "GET objects/12.json?bbcode=1", OBJECT),
    Case("objects.create", call(ownership="announcements", object_type="announcement", **PLAIN,
        **OTHER, is_private=True, expires_at=date(2030, 1, 31)), "POST objects.json", OBJECT,
        {"ownership": "announcements", "object_type": "announcement", **PLAIN, **OTHER_SENT,
        "is_private": 1, "expire_select": "on_date", "expires_at": "31.01.2030"}),
    Case("objects.update", call(12, object_type="idea", status_id=6, **PLAIN, **OTHER,
        is_private=False, expire_select="never"), "PUT objects/12.json", OBJECT,
        {"object_type": "idea", "status_id": 6, **PLAIN, **OTHER_SENT, "is_private": 0,
        "expire_select": "never"}),
    Case("objects.delete", call(12), "DELETE objects/12.json", OBJECT),
    Case("objects.archive", call(12), "GET objects/12/archive.json", OBJECT),
    Case("objects.trash", call(12), "GET objects/12/trash.json", OBJECT),
    Case("objects.subscribe", call(12), "POST objects/12/subscribe.json", OBJECT),
    Case("objects.unsubscribe", call(12), "POST objects/12/unsubscribe.json", OBJECT),
    Case("objects.toggle_vote", call(12), "POST objects/12/votes/toggle.json", OBJECT),
    Case("objects.toggle_comments", call(12), "POST objects/12/comments/toggle.json", OBJECT),
    Case("objects.attach", call(12, FILE), "POST objects/12/attach-file.json", OBJECT, SENT_FILE),
    Case("files.upload", call(FILE), "POST upload-file.json",
        Answer('{"token": "t1", "url": "/files/t1"}', {"token": "t1", "url": "/files/t1",
        "name": "a.txt"}), {"name": "a.txt", "content": "aGVsbG8="}),
    Case("objects.comments", call(12, is_private=True, sort="desc", bbcode=False, params=X),
        f"GET objects/12/comments.json?is_private=1&sort=desc&bbcode=0&{PAGE}&x=y",
        COMMENT.as_only_page()),
    Case("objects.custom_fields", call(params=X), "GET objects/custom-fields/list.json?x=y",
        FIELDS),
    Case("tickets.search", call(text="ink", status="awaiting_reply", date="last_week", author_id=5,
        sort="new_updated", properties={7: "EU", 8: ("x", "y")}, bbcode=True, count=30, params=X),
        "GET tickets.json?text=ink&status=awaiting_reply&date=last_week&author_id=5"
        "&sort=new_updated&property_7=EU&property_8=x|y&bbcode=1&page=1&count=30&x=y",
        OBJECT.in_page()),
    Case("tickets.create", call(**PLAIN, **OTHER), "POST objects.json", OBJECT,
        {"ownership": "helpdesk", "object_type": "ticket", **PLAIN, **OTHER_SENT}),
    Case("topics.search", call(text="dark", type="idea", category_id=2, forum_id=3, featured=True,
        status="all", sort="new", count=30, params=X),
        "GET search.json?text=dark&ownership=feedback&type=idea&category_id=2&forum_id=3"
        "&featured=1&status=all&sort=new&page=1&count=30&x=y", OBJECT.in_page()),
    Case("topics.create", call(object_type="idea", is_private=True, **PLAIN, **OTHER),
        "POST objects.json", OBJECT, {"ownership": "feedback", "object_type": "idea", **PLAIN,
        **OTHER_SENT, "is_private": 1}),
    Case("comments.list", call(count=10, params=X), "GET comments.json?page=1&count=10&x=y",
        COMMENT.as_only_page()),
    Case("comments.create", call(12, "Same here", is_private=True, reply_to=30, treat_as_html=False,
        attachments=[UploadedFile(token="t1", name="a.txt"), UploadedFile(token="t2")]),
        "POST comments.json", COMMENT, {"object_id": 12, "content": "Same here", "is_private": 1,
        "reply_to": 30, "treat_as_html": 0, "attachments": [{"token": "t1", "name": "a.txt"},
        {"token": "t2"}]}),
    Case("comments.update", call(31, content="Same here", treat_as_html=True),
        "POST comments/31/edit.json", COMMENT, {"content": "Same here", "treat_as_html": 1}),
    Case("comments.trash", call(31), "POST comments/31/trash.json", COMMENT),
    Case("comments.restore", call(31), "POST comments/31/recovery.json", COMMENT),
    Case("comments.toggle_best", call(31), "POST comments/31/best/toggle.json", COMMENT),
    Case("comments.toggle_vote", call(31), "POST comments/31/votes/toggle.json", COMMENT),
    Case("moderation.approve_topic", call(12), "POST topic/12/approve.json", OBJECT),
    Case("moderation.decline_topic", call(12, "Spam"), "POST topic/12/decline.json", OBJECT,
        {"reason": "Spam"}),
    Case("moderation.approve_comment", call(31), "POST comment/31/approve.json", COMMENT),
    Case("moderation.decline_comment", call(31), "POST comment/31/decline.json", COMMENT, {}),
    Case("categories.list", call(ownership="feedback", type="idea", params=X),
        "GET categories.json?ownership=feedback&type=idea&x=y", CATEGORY.in_list()),
    Case("categories.get", call(2), "GET categories/2.json", CATEGORY),
    Case("chats.list", call(author_id=5, params=X), f"GET chats.json?authorId=5&{PAGE}&x=y",
        CHAT.in_page()),
    Case("chats.get", call(903), "GET chats/903.json", CHAT),
    Case("chats.messages", call(903, top_id=80, params=X),
        f"GET chats/903/messages.json?top_id=80&{PAGE}&x=y", MESSAGE.as_only_page()),
    Case("changelog.for_object", call(12, params=X), "GET changelog/object/12.json?x=y",
        CHANGE.in_list()),
    Case("changelog.for_user", call(5, params=X), "GET changelog/user/5.json?x=y",
        CHANGE.in_list()),
    Case("reports.list", call(params=X), "GET reports/list.json?x=y",
        Answer('[{"id": 4, "name": "Inbox"}]', {"0.id": 4, "0.name": "Inbox"})),
    Case("reports.objects", call(4, group="g1", params=X),
        f"GET report/4/objects.json?group=g1&{PAGE}&x=y", REPORT),
    Case("custom_fields.list", call("tickets", params=X), "GET custom-fields/tickets.json?x=y",
        NEW_FIELDS),
    Case("forums.list", call(params=X), "GET forums.json?x=y",
        Answer('[{"id": "3", "name": "Ideas"}]', {"0.id": "3", "0.name": "Ideas"})),
    Case("statuses.list", call(object_type="ticket", params=X),
        "GET statuses.json?object_type=ticket&x=y", STATUS.in_list()),
]  # fmt: skip
BY_NAME = {case.name: case for case in CASES}

ELSEWHERE = {"files.download", "tickets.changed_since", "topics.changed_since"}
"""Methods whose result is not that of one response."""

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def at(thing: Any, path: str) -> Any:
    for step in path.split("."):
        thing = thing[int(step)] if step.isdecimal() else getattr(thing, step)
    return thing


@each_case
async def test_a_call_sends_its_request_and_returns_the_response(client, sandbox, case):
    method, _, target = case.request.partition(" ")
    path, _, query = target.partition("?")
    for envelope in ("%s", '{"success": %s}'):
        sandbox.forget_requests()
        sandbox.answer_next((envelope % case.answer.text).encode())
        result = await case.make(client)
        (request,) = sandbox.requests
        assert (request.method, request.path) == (method, f"/api/3.0/{path}")
        assert [pair for pair in request.query if pair[0] != "apiKey"] == parse_qsl(query)
        assert (json.loads(request.body) if request.body else None) == case.body
        assert {it: at(result, it) for it in case.answer.gives} == case.answer.gives


# The response to a change may say no more than that it was made; that to a creation is needed.
CHANGES = [
    case
    for case in CASES
    if not case.request.startswith("GET") or case.name in {"objects.archive", "objects.trash"}
    if case.name.rpartition(".")[2] not in {"login", "register", "create", "upload"}
]


@pytest.mark.parametrize("case", CHANGES, ids=lambda case: case.name)
async def test_a_change_without_a_result_returns_none(client, sandbox, case):
    for answer in ('{"success": true}', '{"success": 1}', '{"success": ""}', "true", "[]", ""):
        sandbox.answer_next(answer.encode(), 200 if answer else 204)
        assert await case.make(client) is None


LISTS = [
    case for case in CASES if any(path.startswith(("0.", "items.")) for path in case.answer.gives)
]


@pytest.mark.parametrize("case", LISTS, ids=lambda case: case.name)
async def test_an_empty_response_is_an_empty_list(client, sandbox, case):
    for nothing in (None, False, "", [], {}):
        for body in (nothing, {"success": nothing}, {"success": {"data": nothing}}):
            sandbox.answer_next(json.dumps(body).encode())
            assert [*await case.make(client)] == []
    sandbox.empty_next(204)
    assert [*await case.make(client)] == []


def methods_of(namespace: Resource | AsyncClient, prefix: str = "") -> Iterator[str]:
    for name in dir(namespace):
        member = None if name.startswith("_") else getattr(namespace, name)
        if isinstance(member, Resource):
            yield from methods_of(member, f"{prefix}{name}.")
        elif member is not None and prefix:
            yield f"{prefix}{name}"


METHODS = list(methods_of(AsyncClient("https://example.org")))


def test_every_method_has_a_case():
    assert set(METHODS) - ELSEWHERE == set(BY_NAME)


ONCE_ONLY = [
    "objects.archive", "objects.trash", "objects.toggle_vote", "objects.toggle_comments",
    "objects.attach", "objects.update", "comments.toggle_best", "comments.toggle_vote",
    "tickets.create", "topics.create", "users.notes.delete",
]  # fmt: skip


@pytest.mark.parametrize("name", ONCE_ONLY)
async def test_a_call_that_is_not_idempotent_is_not_retried_after_a_500(client, sandbox, name):
    sandbox.fail_next(500, times=5)
    with pytest.raises(InternalServerError):
        await BY_NAME[name].make(client)
    assert sandbox.arrivals == 1


async def test_a_put_is_retried_after_a_500(client, sandbox):
    sandbox.fail_next(500)
    sandbox.answer_next(OBJECT.text.encode())
    assert (await client.objects.update(12, title="Printer")).id == 12
    assert sandbox.arrivals == 2


# Reports


def answer_pages(sandbox, *items, **more):
    """Make the sandbox respond with pages of one item each."""
    for number, item in enumerate(items, 1):
        page = {
            "currentPage": number,
            "totalPages": len(items),
            "totalObjects": len(items),
            "objectsPerPage": 1,
            "data": [item],
            **more,
        }
        sandbox.answer_next(json.dumps(page).encode(), match=f"page={number}(&|$)")


async def test_every_page_of_a_report_has_its_groups(client, sandbox):
    answer_pages(sandbox, {"id": 1}, {"id": 2}, groups=[{"id": "g"}])
    pages = [page async for page in client.reports.objects(4, count=1).by_page()]
    told = [(type(page), page.number, page.groups[0].id) for page in pages]
    assert told == [(ReportPage, 1, "g"), (ReportPage, 2, "g")]


async def test_an_empty_report_has_no_groups(client, sandbox):
    sandbox.empty_next(204)
    page = await client.reports.objects(4)
    assert (page.items, page.groups, page.active_group) == ([], [], None)


async def test_an_odd_group_does_not_fail_the_report(client, sandbox):
    sandbox.answer_next(b'{"data": [], "groups": [{"id": "g", "count": "many"}]}')
    page = await client.reports.objects(4)
    assert page.groups == [ReportGroup(id="g", extra={"count": "many"})]
    sandbox.answer_next(b'{"data": [], "groups": "many", "activeGroup": "g"}')
    page = await client.reports.objects(4)
    assert (page.groups, page.active_group, page.extra) == ([], "g", {"groups": "many"})


# Looking up by email address


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
async def test_a_user_is_found_by_email_in_each_shape_of_the_response(
    client, sandbox, answer, found
):
    sandbox.answer_next(answer.encode())
    user = await client.users.get_by_email("ann@example.org")
    assert (user and user.id) == found


async def test_get_by_email_reads_all_pages_of_a_server_that_ignores_the_address(client, sandbox):
    emails = {1: "bob@example.org", 2: "ann@example.org"}
    answer_pages(sandbox, *[{"id": number, "email": email} for number, email in emails.items()])
    assert (await client.users.get_by_email("ann@example.org")).id == 2


# Notes, which come one by one or all together


async def test_deleting_a_note_returns_none_if_the_response_does_not_have_it(client, sandbox):
    sandbox.answer_next(b'{"success": [{"id": 9, "content": "Other"}]}')
    assert await client.users.notes.delete(8) is None


async def test_creating_a_note_raises_if_the_response_does_not_have_it(client, sandbox):
    sandbox.answer_next(b'{"success": []}')
    with pytest.raises(DecodeError, match="UserNote"):
        await client.users.notes.create(5, "Call back")


# Passwords and tokens

SECRET = 'p"a/55 ü'
ECHO = "p%22a%2F55%20%C3%BC"


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.auth.login("a@example.org", SECRET),
        lambda c: c.auth.identity(SECRET, "a@example.org"),
        lambda c: c.users.create("a@example.org", full_name="Ann", password=SECRET),
        lambda c: c.users.change_password(5, SECRET),
    ],
)
async def test_no_error_contains_a_password_or_token(client, sandbox, caplog, call):
    echo = json.dumps({"error": {"message": f"no {SECRET}", "context": SECRET}})
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
