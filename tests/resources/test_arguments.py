"""Invalid arguments, which raise before a request is sent."""

import inspect
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from useresponse_async import ArgumentError, Attachment, UploadedFile
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

NO_NUMBERS = [0, -1, True, "1", 1.0]
NO_IDS = [*NO_NUMBERS, False, None, "7/../8", [7]]
NO_TEXTS = ["", " ", "\t\n", 5, b"x", ["x"]]
NO_JSON = [object(), {1, 2}, b"x", float("nan"), float("inf"), "\ud800"]
NO_TAGS = [["vip", "a,b"], ["vip", ""], ["vip", 5], (" ",), 5]
NO_PROPERTIES = [{key: "EU"} for key in (0, -7, True, "7", "property_7", None)] + ["abc", 5, [7]]
NO_METHODS = ["get", "PATCH", "HEAD", "", "GET\r\nX: y", "GET /x", 5, None]
NO_PATHS = [
    "", " ", "/", "//", "//evil.example/x.json", "/a//b.json", "a/", "/../x.json", "a/../../x.json",
    "/./x.json", "..", "/a?b", "a#b", "a\\b", "\\\\evil.example", "%2e%2e/x", "/%2E%2E/x.json",
    "a/%2e/x", "a%2f..%2fb", "a%2F%2Fb", "a\rb", "a\nb", "a\x00b", "a\tb", "a%00b", "a%0d%0ab",
    "a\x7fb", "\ud800.json", "x" * 70_000, None, 5, b"x.json",
]  # fmt: skip
NO_PARAMS = [{name: "1"} for name in ("apiKey", "", 5, None, "x\ud800", "\udfff")]

CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)
DEEP: list[Any] = []
for _ in range(100_000):
    DEEP = [DEEP]

FILE = Attachment.from_bytes("a.txt", b"hello")
UPLOADED = UploadedFile(token="t1")
DAY = date(2030, 1, 31)
MIDNIGHT = datetime(2030, 1, 31)  # noqa: DTZ001 - the API takes no zone
ELSEWHERE = datetime(2030, 1, 31, tzinfo=timezone(timedelta(hours=2)))

REFUSED = [
    ("page", lambda c, it: c.users.search(page=it), NO_NUMBERS),
    ("count", lambda c, it: c.users.search(count=it), NO_NUMBERS),
    ("role", lambda c, it: c.users.search(role=it), NO_TEXTS),
    ("search", lambda c, it: c.users.search(search=it), [*NO_TEXTS, "a\ud800"]),
    ("email", lambda c, it: c.users.search(email=it), NO_TEXTS),
    ("sort", lambda c, it: c.users.search(sort=it), NO_TEXTS),
    ("user_id", lambda c, it: c.users.get(it), NO_IDS),
    ("user_id", lambda c, it: c.users.update(it, phone="1"), NO_IDS),
    ("user_id", lambda c, it: c.users.delete(it), NO_IDS),
    ("user_id", lambda c, it: c.users.change_password(it, "new"), NO_IDS),
    ("team_id", lambda c, it: c.users.update(1, team_id=it), NO_NUMBERS),
    ("object_id", lambda c, it: c.objects.get(it), NO_IDS),
    ("category_id", lambda c, it: c.objects.update(12, category_id=it), [-1]),
    ("days", lambda c, it: c.users.ban(5, days=it), NO_NUMBERS),
    ("email", lambda c, it: c.users.create(it, full_name="A"), ["", "  ", None, 5]),
    ("full_name", lambda c, it: c.users.create("a@b.example", full_name=it), [""]),
    ("password", lambda c, it: c.users.change_password(1, it), ["", "pass\udfff"]),
    ("password", lambda c, it: c.auth.login("a@example.org", it), ["", "\ud800"]),
    ("token", lambda c, it: c.auth.identity(it, "a@example.org"), ["\ud800"]),
    ("tags", lambda c, it: c.users.update(1, tags=it), NO_TAGS),
    ("tags", lambda c, it: c.objects.update(12, tags=it), [["a", ""], 5]),
    ("properties", lambda c, it: c.users.update(1, properties=it), NO_PROPERTIES),
    ("content", lambda c, it: c.users.notes.create(5, it), [" "]),
    ("remind_at", lambda c, it: c.users.notes.create(5, "x", remind_at=it), [date(2030, 1, 31)]),
    ("expire_select", lambda c, it: c.objects.update(12, expire_select=it), ["on_date"]),
    ("body", lambda c, it: c.users.update(1, properties={7: it}), NO_JSON),
    ("body", lambda c, it: c.request("POST", "/x.json", json=it), [CIRCLE, DEEP]),
    ("params", lambda c, it: c.users.search(params=it), [*NO_PARAMS, "abc", 5, [("a", 1)]]),
    ("params", lambda c, it: c.request("GET", "/x", params=it), [{"apiKey": "x"}]),
    ("x", lambda c, it: c.users.search(params={"x": it}), [["a"], {"a": 1}, b"x", object()]),
    ("method", lambda c, it: c.request(it, "/x.json"), NO_METHODS),
    ("path", lambda c, it: c.request("GET", it), NO_PATHS),
]

MESSAGES = [
    ("nothing to change", lambda c: c.objects.update(12)),
    ("nothing to change", lambda c: c.objects.update(12, attachments=[])),
    ("nothing to change", lambda c: c.comments.update(31)),
    ("nothing to change", lambda c: c.users.update(5)),
    ("nothing to change", lambda c: c.users.update_me()),
    ("neither True nor False", lambda c: c.objects.update(12, is_private="yes")),
    ("expire_sel", lambda c: c.objects.update(1, expire_select="never", expires_at=DAY)),
    ("datetime.date", lambda c: c.objects.update(12, expires_at=MIDNIGHT)),
    ("datetime.date", lambda c: c.objects.update(12, expires_at="31.01.2030")),
    ("the separator of values", lambda c: c.objects.update(12, properties={7: ["a|b"]})),
    ("the separator of values", lambda c: c.users.update(5, tags=["a,b"])),
    ("^attachments: expected an Att", lambda c: c.objects.update(12, attachments=["a.txt"])),
    ("^attachments: .* pass a list", lambda c: c.objects.update(12, attachments=FILE)),
    ("^attachments: expected an Att", lambda c: c.tickets.create("x", attachments=[UPLOADED])),
    ("^attachments: .* files.upload", lambda c: c.comments.create(1, "x", attachments=[FILE])),
    ("no token", lambda c: c.comments.create(1, "x", attachments=[UploadedFile()])),
    ("^attachment: expected an Attachment, not str", lambda c: c.objects.attach(12, "a.txt")),
    ("^content: must not be empty", lambda c: c.topics.create("x", " ", object_type="idea")),
    ("time zone", lambda c: c.users.notes.create(5, "x", remind_at=ELSEWHERE)),
    ("letters, digits", lambda c: c.custom_fields.list("../users")),
    ("URL too long", lambda c: c.users.search(search="x" * 70_000).first()),
]


@pytest.mark.parametrize(("argument", "call", "values"), REFUSED, ids=[it[0] for it in REFUSED])
async def test_an_invalid_argument_is_named(sandbox, client, argument, call, values):
    for value in values:
        assert (await refusal(sandbox, call, client, value)).argument == argument


@pytest.mark.parametrize(("message", "call"), MESSAGES)
async def test_the_error_of_an_invalid_argument_says_what_to_do(sandbox, client, message, call):
    assert re.search(message, str(await refusal(sandbox, call, client)))


async def refusal(sandbox: Sandbox, call: Callable[..., Any], *arguments: Any) -> ArgumentError:
    """Make a call that must be refused before anything is sent."""
    with pytest.raises(ArgumentError) as caught:
        result = call(*arguments)
        if inspect.isawaitable(result):
            await result
    assert sandbox.arrivals == 0
    assert str(caught.value).startswith(f"{caught.value.argument}: ")
    assert "\\u" not in ascii(str(caught.value))  # the message can be printed
    return caught.value


async def test_a_path_is_sent_below_the_path_of_the_api(sandbox, client):
    for path, received in {
        "/x.json": "x.json", "x.json": "x.json", "/a/b/7.json": "a/b/7.json",
        "a b.json": "a b.json", "é.json": "é.json", "100%25.json": "100%.json",
        "a:b@c.json": "a:b@c.json", "...json": "...json", "a%3Fb.json": "a?b.json",
    }.items():  # fmt: skip
        sandbox.answer_next(b"1")
        assert await client.request("GET", path) == 1
        assert sandbox.requests[-1].path == f"/api/3.0/{received}"
        assert sandbox.requests[-1].query == [("apiKey", "sandbox-key")]


NAMED = ["role", "search", "email", "sort"]
TEXTS = st.text(max_size=40).filter(str.strip)
PARAMS = st.text(min_size=1, max_size=20).filter(lambda it: it not in {*NAMED, "page", "count"})


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    named=st.dictionaries(st.sampled_from(NAMED), TEXTS, max_size=1),
    params=st.dictionaries(PARAMS, st.text(max_size=40), max_size=1),
    body=st.fixed_dictionaries({"full_name": TEXTS, "phone": st.text(max_size=40)}),
)
async def test_any_text_arrives_unchanged_on_the_same_path(sandbox, client, named, params, body):
    sandbox.forget_requests()
    sandbox.answer_next(b"[]", times=2)
    await client.users.search(**named, params=params)
    await client.users.update(7, **body)
    read, written = sandbox.requests
    assert (read.path, written.path) == ("/api/3.0/users/search.json", "/api/3.0/users/7.json")
    key = ("apiKey", "sandbox-key")
    assert read.query == [*named.items(), ("page", "1"), ("count", "50"), *params.items(), key]
    assert written.json() == body
