"""The request that each method sends, and what it makes of the response."""

import json
import re
from collections.abc import Callable
from datetime import date, datetime
from inspect import getdoc, signature
from operator import attrgetter
from typing import Any, NamedTuple
from unittest.mock import call
from urllib.parse import parse_qsl

import pytest
from endpoints import endpoints

import useresponse_async as ur
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

FILE = ur.Attachment.from_bytes("a.txt", b"hello")
SENT_FILE = {"name": "a.txt", "body": "aGVsbG8="}

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

METHODS = dict(endpoints(ur.AsyncClient("https://example.org")))

# Every method that has such an argument gets it, and sends it at the end of the query.
COMMON = {"page": 2, "count": 20, "params": {"x[]": "é", "left_out": None, "online": True}}
COMMON_SENT = {"page": "page=2", "count": "count=20", "params": "x[]=é&online=1"}

# What every model can be read from.
ITEM = {"id": 5, "actions": [], "later": 1}


class Case(NamedTuple):
    """A call, and the request that it sends."""

    name: str
    arguments: Any
    request: str
    body: Any = None

    def make(self, client: ur.AsyncClient, **others: Any) -> Any:
        method = attrgetter(self.name)(client)
        named = {it: value for it, value in (COMMON | others).items() if it in self.accepted}
        return method(*self.arguments.args, **self.arguments.kwargs, **named)

    @property
    def accepted(self) -> list[str]:
        return [*signature(METHODS[self.name]).parameters]

    @property
    def query(self) -> list[tuple[str, str]]:
        common = [text for name, text in COMMON_SENT.items() if name in self.accepted]
        return parse_qsl("&".join([self.request.partition("?")[2], *common]))

    @property
    def result(self) -> list[str]:
        """The words of the annotated result, such as ``Pages`` and ``User``."""
        annotation = signature(METHODS[self.name]).return_annotation
        return re.findall(r"\w+", annotation.replace("ReportPages", "Pages[Object]"))

    @property
    def answer(self) -> Any:
        page = page_of(ITEM, number=2, pages=2)
        return {"list": [ITEM], "Pages": page}.get(self.result[0], ITEM)


CASES = [
    Case("auth.login", call("ann@example.org", "pa55"), "POST auth/login.json",
        {"email": "ann@example.org", "password": "pa55"}),
    Case("auth.register", call(**REGISTRATION, properties={7: "EU"}), "POST register.json",
        {**REGISTRATION, "properties": {"property_7": "EU"}}),
    Case("auth.register", call(), "POST register.json", {}),
    Case("auth.identity", call("t0k/en", "ann@example.org", sso_id="s-1"),
        "GET sso/identity.json?email=ann@example.org&sso_id=s-1&token=t0k/en"),
    Case("users.search", call(role="user", search="an", email="a@b.example", sort="top_rated"),
        "GET users/search.json?role=user&search=an&email=a@b.example&sort=top_rated"),
    Case("users.get", call(5), "GET users/5.json"),
    Case("users.get_by_email", call("ANN@example.org"),
        "GET users/search.json?email=ANN@example.org&page=1&count=50"),
    Case("users.me", call(), "GET me.json"),
    Case("users.update_me", call(**PROFILE, tags="a,b", properties={7: "EU"}),
        "POST profile/update.json", {**PROFILE, "tags": "a,b", "property_7": "EU"}),
    Case("users.create", call("ann@example.org", full_name="Ann", password="pa55", tags=["a", "b"],
        properties={7: "EU", 8: ["x", "y"]}), "POST users.json", {"email": "ann@example.org",
        "full_name": "Ann", "password": "pa55", "tags": "a,b", "property_7": "EU",
        "property_8": "x|y"}),
    Case("users.update", call(5, **PROFILE, tags=[], properties={7: 1}), "POST users/5.json",
        {**PROFILE, "tags": "", "property_7": 1}),
    Case("users.delete", call(5), "DELETE users/5.json"),
    Case("users.change_password", call(5, ur.Secret("pa55")), "POST users/5/change-password.json",
        {"password": "pa55"}),
    Case("users.ban", call(5, reason="Spam", days=3, permanent=False, delete_related_objects=True),
        "POST users/5/ban.json", {"ban_reason": "Spam", "ban_duration_days": 3, "permanent": False,
        "delete_related_objects": True}),
    Case("users.activity", call(5), "GET users/5/activity.json"),
    Case("users.custom_fields", call(), "GET users/custom-fields/list.json"),
    Case("users.notes.list", call(5), "GET users/5/notes.json"),
    Case("users.notes.create", call(5, "Call back", remind_at=REMINDER),
        "POST users/5/notes/add.json", {"content": "Call back",
        "remind_at": "2030-01-31 09:00:00"}),
    Case("users.notes.update", call(5, "Call back"), "POST users/notes/5/edit.json",
        {"content": "Call back"}),
    Case("users.notes.delete", call(5), "POST users/notes/5/delete.json"),
    Case("objects.search", call(text="ink", ownership="knowledge-base", type="article",
        category_id=2, forum_id=3, featured=False, status="open", sort="new"),
        "GET search.json?text=ink&ownership=knowledge-base&type=article&category_id=2&forum_id=3"
        "&featured=0&status=open&sort=new"),
    Case("objects.get", call(12, bbcode=True), "GET objects/12.json?bbcode=1"),
    Case("objects.create", call(ownership="announcements", object_type="announcement", **PLAIN,
        **OTHER, is_private=True, expires_at=date(2030, 1, 31)), "POST objects.json",
        {"ownership": "announcements", "object_type": "announcement", **PLAIN, **OTHER_SENT,
        "is_private": 1, "expire_select": "on_date", "expires_at": "31.01.2030"}),
    Case("objects.update", call(12, object_type="idea", status_id=6, **PLAIN, **OTHER,
        is_private=False, expire_select="never"), "PUT objects/12.json", {"object_type": "idea",
        "status_id": 6, **PLAIN, **OTHER_SENT, "is_private": 0, "expire_select": "never"}),
    Case("objects.update", call(12, title="Printer"), "PUT objects/12.json", {"title": "Printer"}),
    Case("objects.delete", call(12), "DELETE objects/12.json"),
    Case("objects.archive", call(12), "GET objects/12/archive.json"),
    Case("objects.trash", call(12), "GET objects/12/trash.json"),
    Case("objects.subscribe", call(12), "POST objects/12/subscribe.json"),
    Case("objects.unsubscribe", call(12), "POST objects/12/unsubscribe.json"),
    Case("objects.toggle_vote", call(12), "POST objects/12/votes/toggle.json"),
    Case("objects.toggle_comments", call(12), "POST objects/12/comments/toggle.json"),
    Case("objects.attach", call(12, FILE), "POST objects/12/attach-file.json", SENT_FILE),
    Case("objects.comments", call(12, is_private=True, sort="desc", bbcode=False),
        "GET objects/12/comments.json?is_private=1&sort=desc&bbcode=0"),
    Case("objects.custom_fields", call(), "GET objects/custom-fields/list.json"),
    Case("tickets.search", call(text="ink", status="awaiting_reply", date="last_week", author_id=5,
        sort="new_updated", properties={7: "EU", 8: ("x", "y")}, bbcode=True),
        "GET tickets.json?text=ink&status=awaiting_reply&date=last_week&author_id=5"
        "&sort=new_updated&property_7=EU&property_8=x|y&bbcode=1"),
    Case("tickets.create", call(**PLAIN, **OTHER), "POST objects.json", {"ownership": "helpdesk",
        "object_type": "ticket", **PLAIN, **OTHER_SENT}),
    Case("topics.search", call(text="dark", type="idea", category_id=2, forum_id=3, featured=True,
        status="all", sort="new"),
        "GET search.json?text=dark&ownership=feedback&type=idea&category_id=2&forum_id=3"
        "&featured=1&status=all&sort=new"),
    Case("topics.create", call(object_type="idea", is_private=True, **PLAIN, **OTHER),
        "POST objects.json", {"ownership": "feedback", "object_type": "idea", **PLAIN, **OTHER_SENT,
        "is_private": 1}),
    Case("comments.list", call(), "GET comments.json"),
    Case("comments.create", call(12, "Same here", is_private=True, reply_to=30, treat_as_html=False,
        attachments=[ur.UploadedFile(token="t1", name="a.txt"), ur.UploadedFile(token="t2")]),
        "POST comments.json", {"object_id": 12, "content": "Same here", "is_private": 1,
        "reply_to": 30, "treat_as_html": 0, "attachments": [{"token": "t1", "name": "a.txt"},
        {"token": "t2"}]}),
    Case("comments.update", call(31, content="Same here", treat_as_html=True),
        "POST comments/31/edit.json", {"content": "Same here", "treat_as_html": 1}),
    Case("comments.trash", call(31), "POST comments/31/trash.json"),
    Case("comments.restore", call(31), "POST comments/31/recovery.json"),
    Case("comments.toggle_best", call(31), "POST comments/31/best/toggle.json"),
    Case("comments.toggle_vote", call(31), "POST comments/31/votes/toggle.json"),
    Case("moderation.approve_topic", call(12), "POST topic/12/approve.json"),
    Case("moderation.decline_topic", call(12, "Spam"), "POST topic/12/decline.json",
        {"reason": "Spam"}),
    Case("moderation.approve_comment", call(31), "POST comment/31/approve.json"),
    Case("moderation.decline_comment", call(31), "POST comment/31/decline.json", {}),
    Case("categories.list", call(ownership="feedback", type="idea"),
        "GET categories.json?ownership=feedback&type=idea"),
    Case("categories.get", call(2), "GET categories/2.json"),
    Case("chats.list", call(author_id=5), "GET chats.json?authorId=5"),
    Case("chats.get", call(903), "GET chats/903.json"),
    Case("chats.messages", call(903, top_id=80), "GET chats/903/messages.json?top_id=80"),
    Case("changelog.for_object", call(12), "GET changelog/object/12.json"),
    Case("changelog.for_user", call(5), "GET changelog/user/5.json"),
    Case("reports.list", call(), "GET reports/list.json"),
    Case("reports.objects", call(4, group="g1"), "GET report/4/objects.json?group=g1"),
    Case("custom_fields.list", call("tickets"), "GET custom-fields/tickets.json"),
    Case("forums.list", call(), "GET forums.json"),
    Case("statuses.list", call(object_type="ticket"), "GET statuses.json?object_type=ticket"),
]  # fmt: skip

# Methods whose result is not that of one response, and one with a model of its own.
ELSEWHERE = {"files.download", "files.upload", "tickets.changed_since", "topics.changed_since"}


def each(wanted: Callable[[Case], object]) -> pytest.MarkDecorator:
    cases = [case for case in CASES if wanted(case)]
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def test_every_method_has_a_case():
    assert {*METHODS} - ELSEWHERE == {case.name for case in CASES}


@each(lambda case: True)
async def test_a_call_sends_its_request_and_returns_the_response(client, sandbox, case):
    method, path = re.match(r"(\w+) ([^?]+)", case.request).groups()
    for body in (case.answer, {"success": case.answer}):
        sandbox.forget_requests()
        sandbox.answer_next(json.dumps(body))
        result = await case.make(client)
        (request,) = sandbox.requests
        assert (request.method, request.path) == (method, f"/api/3.0/{path}")
        assert request.query == [*case.query, ("apiKey", sandbox.api_key)]
        assert (json.loads(request.body) if request.body else None) == case.body
        kind, *rest = [name for name in case.result if name != "None"]
        if rest:
            assert isinstance(result, ur.Page if kind == "Pages" else list)
            (kind,), (result,) = rest, result
        assert type(result) is getattr(ur, kind)
        assert (str(getattr(result, "id", 5)), result.extra["later"]) == ("5", 1)


@each(lambda case: "params" in case.accepted)
async def test_a_parameter_that_has_an_argument_raises(client, sandbox, case):
    for name in [name for name, _ in case.query if name not in COMMON["params"]] + ["apiKey"]:
        with pytest.raises(ur.ArgumentError, match=r"^params: ") as caught:
            await case.make(client, params={name: "1"})
        assert ("has its own argument" in str(caught.value)) == (name != "apiKey")
    assert sandbox.arrivals == 0


# The response to a change may say no more than that it was made.
@each(lambda case: case.result[-1] == "None" and case.name != "users.get_by_email")
async def test_a_change_without_a_result_returns_none(client, sandbox, case):
    for answer in ('{"success": true}', '{"success": 1}', '{"success": ""}', "true", "[]", ""):
        sandbox.answer_next(answer.encode(), 200 if answer else 204)
        assert await case.make(client) is None


@each(lambda case: case.result[0] in ("list", "Pages"))
async def test_an_empty_response_is_an_empty_list(client, sandbox, case):
    for nothing in (None, False, "", [], {}):
        for body in (nothing, {"success": nothing}, {"success": {"data": nothing}}):
            sandbox.answer_next(json.dumps(body))
            assert [*await case.make(client)] == []
    sandbox.empty_next(204)
    assert [*await case.make(client)] == []


@each(lambda case: True)
async def test_a_call_is_retried_after_a_500_if_its_docstring_allows_it(client, sandbox, case):
    sandbox.fail_next(500)
    sandbox.answer_next(json.dumps(case.answer))
    a_put = case.body == {"title": "Printer"}  # without attachments
    if "ot idempotent: " in (getdoc(METHODS[case.name]) or "") and not a_put:
        with pytest.raises(ur.InternalServerError):
            await case.make(client)
        assert sandbox.arrivals == 1
    else:
        await case.make(client)
        assert sandbox.arrivals == 2


def page_of(*items: Any, number: int = 1, pages: int = 1, **more: Any) -> dict[str, Any]:
    numbers = {"currentPage": number, "totalPages": pages, "totalObjects": pages}
    return {**numbers, "objectsPerPage": 1, "data": [*items], **more}


def answer_pages(sandbox: Sandbox, *items: Any, **more: Any) -> None:
    """Make the sandbox respond with pages of one item each."""
    for number, item in enumerate(items, 1):
        page = page_of(item, number=number, pages=len(items), **more)
        sandbox.answer_next(json.dumps(page), match=f"page={number}(&|$)")


async def test_every_page_of_a_report_has_its_groups(client, sandbox):
    group = {"id": "g1", "name": "New", "count": "2"}
    answer_pages(sandbox, {"id": 1}, {"id": 2}, groups=[group], activeGroup="g1", more=1)
    pages = [page async for page in client.reports.objects(4, count=1).by_page()]
    assert [(page.number, page[0].id) for page in pages] == [(1, 1), (2, 2)]
    for page in pages:
        assert type(page) is ur.ReportPage
        assert page.groups == [ur.ReportGroup(id="g1", name="New", count=2)]
        assert (page.active_group, page.extra) == ("g1", {"more": 1})


async def test_empty_or_odd_groups_do_not_fail_a_report(client, sandbox):
    odd = ur.ReportGroup(id="g", extra={"count": "many"})
    for answer, expected in (
        ("", ([], [], None, {})),
        ('{"data": [], "groups": [{"id": "g", "count": "many"}]}', ([], [odd], None, {})),
        ('{"data": [], "groups": "many", "activeGroup": "g"}', ([], [], "g", {"groups": "many"})),
    ):
        sandbox.answer_next(answer, 200 if answer else 204)
        page = await client.reports.objects(4)
        assert (page.items, page.groups, page.active_group, page.extra) == expected


async def test_a_user_is_found_by_email_in_each_shape_of_the_response(client, sandbox):
    for answer, found in (
        ('{"success": {"id": 5, "email": "ann@b.example"}}', 5), ('[{"id": 5}]', 5),
        ('{"success": [{"id": 5, "email": "Ann@B.example "}]}', 5),
        ('[{"id": 4, "email": "bob@b.example"}, {"id": 5, "email": "ann@b.example"}]', 5),
        ('[{"id": 4}, {"id": 5}]', None), ('[{"id": 4, "email": "bob@b.example"}]', None),
        ('{"success": []}', None), ('{"data": [], "totalObjects": 0}', None),
    ):  # fmt: skip
        sandbox.answer_next(answer)
        user = await client.users.get_by_email("ann@b.example")
        assert (user and user.id) == found, answer
    # A server that ignores the address sends all users.
    answer_pages(sandbox, {"id": 1, "email": "bob@b.example"}, {"id": 2, "email": "ann@b.example"})
    assert (await client.users.get_by_email("ann@b.example")).id == 2


async def test_the_note_is_found_among_all_notes_and_raises_only_where_it_is_new(client, sandbox):
    notes = client.users.notes
    sandbox.answer_next('{"success": [{"id": 2}, {"id": 8}, {"id": 3}]}', times=4)
    assert (await notes.create(5, "Call back")).id == 8
    assert (await notes.update(3, "Call back")).id == (await notes.delete(3)).id == 3
    assert await notes.delete(9) is None
    sandbox.answer_next('{"success": []}')
    with pytest.raises(ur.DecodeError, match="UserNote"):
        await notes.create(5, "Call back")
