"""The request that each method sends, and what it makes of the response."""

import json
from collections.abc import Callable
from datetime import date, datetime
from inspect import signature
from operator import attrgetter
from typing import Any, NamedTuple
from unittest.mock import call
from urllib.parse import parse_qsl

import pytest
from endpoints import endpoints

from useresponse_async import (
    AsyncClient,
    Attachment,
    Category,
    Changelog,
    ChangelogAction,
    Chat,
    Comment,
    ConflictError,
    CustomField,
    DecodeError,
    Forum,
    InternalServerError,
    Message,
    Object,
    Page,
    Report,
    ReportGroup,
    ReportPage,
    Secret,
    Status,
    UploadedFile,
    User,
    UserNote,
)
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

FILE = Attachment.from_bytes("a.txt", b"hello")
SENT_FILE = {"name": "a.txt", "body": "aGVsbG8="}


class Answer(NamedTuple):
    """The JSON of a response, and the result; that of a page is a tuple of its items."""

    json: Any
    result: Any


def listed(answer: Answer) -> Answer:
    return Answer([answer.json], [answer.result])


def page_of(*items: Any, number: int = 1, pages: int = 1, **more: Any) -> dict[str, Any]:
    numbers = {"currentPage": number, "totalPages": pages, "totalObjects": pages}
    return {**numbers, "objectsPerPage": 1, "data": [*items], **more}


def paged(answer: Answer) -> Answer:
    return Answer(page_of(answer.json, number=2, pages=2), (answer.result,))


USER = Answer({"id": 5, "name": "Ann"}, User(id=5, name="Ann"))
OWN = Answer({"id": 5, "apiKey": "k-5"}, User(id=5, api_key=Secret("k-5")))
OBJECT = Answer({"id": 12, "title": "Printer"}, Object(id=12, title="Printer"))
COMMENT = Answer({"id": 31, "content": "Same here"}, Comment(id=31, content="Same here"))
NOTE = Answer({"id": 8, "content": "Call back"}, UserNote(id=8, content="Call back"))
FIELD = Answer({"id": 7, "name": "property_7"}, CustomField(id=7, name="property_7"))
CATEGORY = Answer({"id": "2", "name": "Ink"}, Category(id=2, name="Ink"))
CHAT = Answer({"id": 3, "title": "Hi"}, Chat(id=3, title="Hi"))
MESSAGE = Answer({"id": 77, "content": "Hello"}, Message(id=77, content="Hello"))
CHANGE = Answer(
    {"actions": [{"change_id": "4"}]}, Changelog(actions=[ChangelogAction(change_id="4")])
)
STATUS = Answer({"id": 6, "title": "Open"}, Status(id=6, title="Open"))
REPORT = Answer({"id": 4, "name": "Inbox"}, Report(id=4, name="Inbox"))
FORUM = Answer({"id": "3", "name": "Ideas"}, Forum(id="3", name="Ideas"))

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
REMINDER = datetime(2030, 1, 31, 9, 0, 0, 999)  # noqa: DTZ001 - the API takes no zone

# Every method that has such an argument gets it, and sends it at the end of the query.
COMMON = {"page": 2, "count": 20, "params": {"x": "y", "online": True}}
COMMON_SENT = {"page": "page=2", "count": "count=20", "params": "x=y&online=1"}


class Case(NamedTuple):
    """A call, the request that it sends, and the response."""

    name: str
    arguments: Any
    request: str
    answer: Answer
    body: Any = None

    def make(self, client: AsyncClient) -> Any:
        common = {name: value for name, value in COMMON.items() if name in self.accepted(client)}
        return self.method(client)(*self.arguments.args, **self.arguments.kwargs, **common)

    def method(self, client: AsyncClient) -> Callable[..., Any]:
        return attrgetter(self.name)(client)

    def accepted(self, client: AsyncClient) -> set[str]:
        return {*signature(self.method(client)).parameters}


CASES = [
    Case("auth.login", call("ann@example.org", "pa55"), "POST auth/login.json", OWN,
        {"email": "ann@example.org", "password": "pa55"}),
    Case("auth.register", call(**REGISTRATION, properties={7: "EU"}), "POST register.json",
        OWN, {**REGISTRATION, "properties": {"property_7": "EU"}}),
    Case("auth.register", call(), "POST register.json", OWN, {}),
    Case("auth.identity", call("t0k/en", "ann@example.org", sso_id="s-1"),
        "GET sso/identity.json?email=ann@example.org&sso_id=s-1&token=t0k/en", OWN),
    Case("users.search", call(role="user", search="an", email="a@b.example", sort="top_rated"),
        "GET users/search.json?role=user&search=an&email=a@b.example&sort=top_rated", paged(USER)),
    Case("users.get", call(5), "GET users/5.json", USER),
    Case("users.get_by_email", call("ANN@example.org"),
        "GET users/search.json?email=ANN@example.org&page=1&count=50",
        Answer([USER.json], USER.result)),
    Case("users.me", call(), "GET me.json", OWN),
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
    Case("users.activity", call(5), "GET users/5/activity.json", paged(OBJECT)),
    Case("users.custom_fields", call(), "GET users/custom-fields/list.json", listed(FIELD)),
    Case("users.notes.list", call(5), "GET users/5/notes.json", listed(NOTE)),
    Case("users.notes.create", call(5, "Call back", remind_at=REMINDER),
        "POST users/5/notes/add.json", Answer([{"id": 2}, NOTE.json, {"id": 3}], NOTE.result),
        {"content": "Call back", "remind_at": "2030-01-31 09:00:00"}),
    Case("users.notes.update", call(8, "Call back"), "POST users/notes/8/edit.json",
        Answer([{"id": 9}, NOTE.json], NOTE.result), {"content": "Call back"}),
    Case("users.notes.delete", call(8), "POST users/notes/8/delete.json", NOTE),
    Case("objects.search", call(text="ink", ownership="knowledge-base", type="article",
        category_id=2, forum_id=3, featured=False, status="open", sort="new"),
        "GET search.json?text=ink&ownership=knowledge-base&type=article&category_id=2&forum_id=3"
        "&featured=0&status=open&sort=new", paged(OBJECT)),
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
        Answer({"token": "t1"}, UploadedFile(token="t1", name="a.txt")),
        {"name": "a.txt", "content": "aGVsbG8="}),
    Case("objects.comments", call(12, is_private=True, sort="desc", bbcode=False),
        "GET objects/12/comments.json?is_private=1&sort=desc&bbcode=0", paged(COMMENT)),
    Case("objects.custom_fields", call(), "GET objects/custom-fields/list.json", listed(FIELD)),
    Case("tickets.search", call(text="ink", status="awaiting_reply", date="last_week", author_id=5,
        sort="new_updated", properties={7: "EU", 8: ("x", "y")}, bbcode=True),
        "GET tickets.json?text=ink&status=awaiting_reply&date=last_week&author_id=5"
        "&sort=new_updated&property_7=EU&property_8=x|y&bbcode=1", paged(OBJECT)),
    Case("tickets.create", call(**PLAIN, **OTHER), "POST objects.json", OBJECT,
        {"ownership": "helpdesk", "object_type": "ticket", **PLAIN, **OTHER_SENT}),
    Case("topics.search", call(text="dark", type="idea", category_id=2, forum_id=3, featured=True,
        status="all", sort="new"), "GET search.json?text=dark&ownership=feedback&type=idea"
        "&category_id=2&forum_id=3&featured=1&status=all&sort=new", paged(OBJECT)),
    Case("topics.create", call(object_type="idea", is_private=True, **PLAIN, **OTHER),
        "POST objects.json", OBJECT, {"ownership": "feedback", "object_type": "idea", **PLAIN,
        **OTHER_SENT, "is_private": 1}),
    Case("comments.list", call(), "GET comments.json", paged(COMMENT)),
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
    Case("categories.list", call(ownership="feedback", type="idea"),
        "GET categories.json?ownership=feedback&type=idea", listed(CATEGORY)),
    Case("categories.get", call(2), "GET categories/2.json", CATEGORY),
    Case("chats.list", call(author_id=5), "GET chats.json?authorId=5", paged(CHAT)),
    Case("chats.get", call(903), "GET chats/903.json", CHAT),
    Case("chats.messages", call(903, top_id=80), "GET chats/903/messages.json?top_id=80",
        paged(MESSAGE)),
    Case("changelog.for_object", call(12), "GET changelog/object/12.json", listed(CHANGE)),
    Case("changelog.for_user", call(5), "GET changelog/user/5.json", listed(CHANGE)),
    Case("reports.list", call(), "GET reports/list.json", listed(REPORT)),
    Case("reports.objects", call(4, group="g1"), "GET report/4/objects.json?group=g1",
        paged(OBJECT)),
    Case("custom_fields.list", call("tickets"), "GET custom-fields/tickets.json", listed(FIELD)),
    Case("forums.list", call(), "GET forums.json", listed(FORUM)),
    Case("statuses.list", call(object_type="ticket"), "GET statuses.json?object_type=ticket",
        listed(STATUS)),
]  # fmt: skip
BY_NAME = {case.name: case for case in CASES}

# The response to a change may say no more than that it was made; that to a creation is needed.
CHANGES = [
    case
    for case in CASES
    if not case.request.startswith("GET") or case.name in {"objects.archive", "objects.trash"}
    if case.name.rpartition(".")[2] not in {"login", "register", "create", "upload"}
]
LISTS = [case for case in CASES if isinstance(case.answer.result, list | tuple)]
# Methods whose result is not that of one response.
ELSEWHERE = {"files.download", "tickets.changed_since", "topics.changed_since"}


def each(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def test_every_method_has_a_case():
    methods = dict(endpoints(AsyncClient("https://example.org")))
    assert {*methods} - ELSEWHERE == {*BY_NAME}


@each(CASES)
async def test_a_call_sends_its_request_and_returns_the_response(client, sandbox, case):
    method, _, target = case.request.partition(" ")
    path, _, query = target.partition("?")
    common = [text for name, text in COMMON_SENT.items() if name in case.accepted(client)]
    for answer in (case.answer.json, {"success": case.answer.json}):
        sandbox.forget_requests()
        sandbox.answer_next(json.dumps(answer))
        result = await case.make(client)
        (request,) = sandbox.requests
        assert (request.method, request.path) == (method, f"/api/3.0/{path}")
        sent = [pair for pair in request.query if pair[0] != "apiKey"]
        assert sent == parse_qsl("&".join([query, *common]))
        assert (json.loads(request.body) if request.body else None) == case.body
        assert (tuple(result) if isinstance(result, Page) else result) == case.answer.result


@each(CHANGES)
async def test_a_change_without_a_result_returns_none(client, sandbox, case):
    for answer in ('{"success": true}', '{"success": 1}', '{"success": ""}', "true", "[]", ""):
        sandbox.answer_next(answer.encode(), 200 if answer else 204)
        assert await case.make(client) is None


@each(LISTS)
async def test_an_empty_response_is_an_empty_list(client, sandbox, case):
    for nothing in (None, False, "", [], {}):
        for body in (nothing, {"success": nothing}, {"success": {"data": nothing}}):
            sandbox.answer_next(json.dumps(body))
            assert [*await case.make(client)] == []
    sandbox.empty_next(204)
    assert [*await case.make(client)] == []


@pytest.mark.parametrize(
    "name",
    [
        "objects.archive", "objects.trash", "objects.toggle_vote", "objects.toggle_comments",
        "objects.attach", "objects.update", "comments.toggle_best", "comments.toggle_vote",
        "tickets.create", "topics.create", "users.notes.delete",
    ],
)  # fmt: skip
async def test_a_call_that_is_not_idempotent_is_not_retried_after_a_500(client, sandbox, name):
    sandbox.fail_next(500, times=5)
    with pytest.raises(InternalServerError):
        await BY_NAME[name].make(client)
    assert sandbox.arrivals == 1


async def test_a_put_is_retried_after_a_500(client, sandbox):
    sandbox.fail_next(500)
    sandbox.answer_next(json.dumps(OBJECT.json))
    assert (await client.objects.update(12, title="Printer")).id == 12
    assert sandbox.arrivals == 2


def answer_pages(sandbox: Sandbox, *items: Any, **more: Any) -> None:
    """Make the sandbox respond with pages of one item each."""
    for number, item in enumerate(items, 1):
        page = page_of(item, number=number, pages=len(items), **more)
        sandbox.answer_next(json.dumps(page), match=f"page={number}(&|$)")


async def test_every_page_of_a_report_has_its_groups(client, sandbox):
    group = {"id": "g1", "name": "New", "count": "2"}
    answer_pages(sandbox, {"id": 1}, {"id": 2}, groups=[group], activeGroup="g1", more=1)
    pages = [page async for page in client.reports.objects(4, count=1).by_page()]
    assert [(type(page), page.number, page[0].id) for page in pages] == [
        (ReportPage, 1, 1), (ReportPage, 2, 2),
    ]  # fmt: skip
    for page in pages:
        assert page.groups == [ReportGroup(id="g1", name="New", count=2)]
        assert (page.active_group, page.extra) == ("g1", {"more": 1})


async def test_empty_or_odd_groups_do_not_fail_a_report(client, sandbox):
    odd = ReportGroup(id="g", extra={"count": "many"})
    for answer, expected in (
        ("", ([], [], None, {})),
        ('{"data": [], "groups": [{"id": "g", "count": "many"}]}', ([], [odd], None, {})),
        ('{"data": [], "groups": "many", "activeGroup": "g"}', ([], [], "g", {"groups": "many"})),
    ):
        sandbox.answer_next(answer, 200 if answer else 204)
        page = await client.reports.objects(4)
        assert (page.items, page.groups, page.active_group, page.extra) == expected


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
    sandbox.answer_next(answer)
    user = await client.users.get_by_email("ann@example.org")
    assert (user and user.id) == found


async def test_get_by_email_reads_all_pages_of_a_server_that_ignores_the_address(client, sandbox):
    answer_pages(sandbox, {"id": 1, "email": "bob@b.example"}, {"id": 2, "email": "ann@b.example"})
    assert (await client.users.get_by_email("ann@b.example")).id == 2


async def test_a_response_without_the_note_is_none_or_raises_for_a_new_one(client, sandbox):
    sandbox.answer_next('{"success": [{"id": 9, "content": "Other"}]}')
    assert await client.users.notes.delete(8) is None
    sandbox.answer_next('{"success": []}')
    with pytest.raises(DecodeError, match="UserNote"):
        await client.users.notes.create(5, "Call back")


SECRET = 'p"a/55 ü'


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
    headers = {"X-Echo": "p%22a%2F55%20%C3%BC"}
    sandbox.answer_next(echo.replace("/", "\\/"), 409, headers=headers)
    caplog.set_level("DEBUG")
    with pytest.raises(ConflictError) as caught:
        await call(client)
    error = caught.value
    assert str(error).endswith("409 no *** (***)")
    request = error.response.request
    shown = [repr(error), repr(vars(error)), error.response.text, str(request.url), caplog.text]
    assert [text for text in shown if "a/55" in text or "a%2F55" in text or "a\\/55" in text] == []
    assert request.content == b""
