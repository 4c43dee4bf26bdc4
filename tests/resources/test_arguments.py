"""Arguments: those that raise before a request, and any others, which stay below the API's path."""

import inspect
import io
import re
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from functools import partial
from operator import attrgetter
from typing import Any
from urllib.parse import parse_qsl

import anyio
import httpx
import pytest
from endpoints import endpoints
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import useresponse_async as ur
from useresponse_async import ArgumentError, AsyncClient, Attachment, KeyPlacement, UploadedFile
from useresponse_async.sandbox import Sandbox

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
NO_VALUES = [["a"], {"a": 1}, b"x", object()]
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
NO_MOMENTS = [MIDNIGHT, DAY, "2030-01-31", 1_700_000_000, None]
ELSEWHERE = datetime(2030, 1, 31, tzinfo=timezone(timedelta(hours=2)))

# A method, arguments that it takes, and what it refuses in place of each.
REFUSED = [
    ("users.search", {}, {"page": NO_NUMBERS, "count": NO_NUMBERS, "role": NO_TEXTS,
        "search": [*NO_TEXTS, "a\ud800"], "email": NO_TEXTS, "sort": NO_TEXTS,
        "params": [*NO_PARAMS, "abc", 5, [("a", 1)]]}),
    ("users.get", {}, {"user_id": NO_IDS}), ("users.delete", {}, {"user_id": NO_IDS}),
    ("users.create", {"email": "a@b.example", "full_name": "A"},
        {"email": ["", "  ", None, 5], "full_name": [""]}),
    ("users.update", {"user_id": 1, "phone": "1"}, {"user_id": NO_IDS, "team_id": NO_NUMBERS,
        "tags": NO_TAGS, "properties": NO_PROPERTIES}),
    ("users.change_password", {"user_id": 1, "password": "new"},
        {"user_id": NO_IDS, "password": ["", "pass\udfff"]}),
    ("users.ban", {"user_id": 5}, {"days": NO_NUMBERS}),
    ("users.notes.create", {"user_id": 5, "content": "x"}, {"content": [" "], "remind_at": [DAY]}),
    ("objects.get", {}, {"object_id": NO_IDS}),
    ("objects.update", {"object_id": 12},
        {"category_id": [-1], "tags": [["a", ""], 5], "expire_select": ["on_date"]}),
    *[(f"{kind}.changed_since", {}, {"moment": NO_MOMENTS}) for kind in ("tickets", "topics")],
    ("auth.login", {"email": "a@example.org"}, {"password": ["", "\ud800"]}),
    ("auth.identity", {"email": "a@example.org"}, {"token": ["\ud800"]}),
    ("map", {"function": print, "inputs": [1]}, {"max_in_flight": [0, True]}),
    ("request", {"method": "GET", "path": "/x.json"},
        {"method": NO_METHODS, "path": NO_PATHS, "params": [{"apiKey": "x"}]}),
]  # fmt: skip

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
    *[("^body: ", lambda c, it=it: c.users.update(1, properties={7: it})) for it in NO_JSON],
    *[("^body: ", lambda c, it=it: c.request("POST", "/x", json=it)) for it in (CIRCLE, DEEP)],
    *[("^x: ", lambda c, it=it: c.users.search(params={"x": it})) for it in NO_VALUES],
]


@pytest.mark.anyio
@pytest.mark.parametrize(("name", "taken", "refused"), REFUSED, ids=[it[0] for it in REFUSED])
async def test_an_invalid_argument_is_named(sandbox, client, name, taken, refused):
    for argument, values in refused.items():
        for value in values:
            call = partial(attrgetter(name)(client), **taken | {argument: value})
            assert (await refusal(sandbox, call)).argument == argument


@pytest.mark.anyio
@pytest.mark.parametrize(("message", "call"), MESSAGES)
async def test_the_error_of_an_invalid_argument_says_what_to_do(sandbox, client, message, call):
    assert re.search(message, str(await refusal(sandbox, partial(call, client))))


async def refusal(sandbox: Sandbox, call: Callable[[], Any]) -> ArgumentError:
    """Make a call that must be refused before anything is sent."""
    with pytest.raises(ArgumentError) as caught:
        result = call()
        if inspect.isawaitable(result):
            await result
    assert sandbox.arrivals == 0
    assert str(caught.value).startswith(f"{caught.value.argument}: ")
    assert "\\u" not in ascii(str(caught.value))  # the message can be printed
    return caught.value


@pytest.mark.anyio
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


@pytest.mark.anyio
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


# Any argument

BASE = "https://help.example.org:8443/support/desk"
PREFIX = b"/support/desk/api/3.0/"
KEY = "url-key"

HOSTILE = [*(it for it in NO_PATHS if isinstance(it, str) and len(it) < 99),
    "..", ".", "../..", "https://evil.example/", "%2e%2e", "%2e%2e%2f", "..%2f", "a/../../b",
    "a&apiKey=x", "@evil.example", ":80@evil.example/", "a\r\nHost: evil.example", "\x00", "%00",
    "%0d%0a", "\uff1b", "\u2024\u2024", "\uff0e\uff0e\uff0f", "\u0663", "7.json?", ";/../x", "*",
]  # fmt: skip
odd = st.text(st.sampled_from("./\\?#%&=@:;\r\n\x00 2eEfFa1é"), max_size=12)
texts = st.sampled_from(HOSTILE) | st.text(max_size=12) | odd
numbers = st.integers(-2, 10) | st.integers() | st.integers(10**30, 10**40)
OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "params": st.dictionaries(texts, texts | numbers | st.booleans() | st.none(), max_size=3),
    "properties": st.dictionaries(st.integers(1, 9) | numbers, texts, max_size=1),
    "tags": texts | st.lists(texts, max_size=3),
    "attachments": st.lists(st.just(FILE), max_size=1),
    "method": st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    "attachment": st.just(FILE),
    "json": st.none() | texts | st.lists(texts, max_size=2),
    "moment": st.just(ELSEWHERE),
    "remind_at": st.none() | st.datetimes() | st.just(ELSEWHERE),
}

# Texts that most arguments take, so that calls of many arguments are sent too.
taken = st.sampled_from(
    ["tickets", "user", "url", "asc", "idea", "helpdesk", "a@b.example"]
) | st.text(st.sampled_from("ab./\\?#%&=@:;2eE é\xad"), min_size=1, max_size=12).filter(str.strip)


def values_of(parameter: inspect.Parameter) -> st.SearchStrategy[Any]:
    if parameter.name in OTHERS:
        return OTHERS[parameter.name]
    annotation = str(parameter.annotation)
    if annotation.startswith("bool"):
        return st.booleans()
    kinds = {"int": st.integers(1, 2**70), "str": taken, "date": st.dates()}
    good = [kind for word, kind in kinds.items() if word in annotation] or [taken]
    return st.one_of(*good * 12, texts, numbers)  # a caller is not held to the annotation


CLIENT = AsyncClient(BASE)
METHODS: dict[str, Callable[..., Any]] = {**dict(endpoints(CLIENT)), "request": CLIENT.request}


@st.composite
def arguments_of(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Draw arguments for a method, most of them of a kind that it takes."""
    return {
        it.name: draw(values_of(it))
        for it in inspect.signature(METHODS[name]).parameters.values()
        if it.default is it.empty or draw(st.sampled_from([False, False, False, True]))
    }


def sent_by(name: str, placement: KeyPlacement, /, **arguments: Any) -> list[httpx.Request]:
    """Return the requests that a call sent."""
    sent: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(404, json={"error": {"code": 404, "message": "not here"}})

    async def call() -> None:
        headers = {"X-Token": ur.Secret("for this site"), "X-Name": "plain"}
        options: Any = {"retry": ur.RetryPolicy(attempts=1), "transport": httpx.MockTransport(note)}
        options |= {"api_key": KEY, "key_placement": placement, "headers": headers}
        async with AsyncClient(BASE, **options) as client:
            result = attrgetter(name)(client)(**arguments)
            await (anext(result) if inspect.isasyncgen(result) else result)

    with suppress(ArgumentError, ur.APIStatusError, ur.DecodeError):
        anyio.run(call)
    return sent


@pytest.mark.parametrize("name", [name for name in METHODS if name != "files.download"])
def test_any_argument_keeps_the_request_below_the_path_of_the_api(name):
    sent: list[httpx.Request] = []

    # Each round has examples of its own, in CI too, where hypothesis would repeat the same.
    @settings(max_examples=settings().max_examples // 3, derandomize=False)
    @given(arguments=arguments_of(name), placement=st.sampled_from(KeyPlacement))
    def check(arguments: dict[str, Any], placement: KeyPlacement) -> None:
        for request in sent_by(name, placement, **arguments):
            stays(request, placement)
            sent.append(request)

    for _ in range(10):  # by chance every example of a round may be refused
        check()
        if sent:
            return
    raise AssertionError("everything was refused")


def test_a_secret_that_equals_a_part_of_the_url_does_not_break_the_error():
    for name, argument in (("auth.login", "password"), ("auth.identity", "token")):
        for secret in ("3", "8443", "support", "auth", "help.example.org", "=", "%"):
            arguments = {"email": "ada@example.com", argument: secret}
            (request,) = sent_by(name, KeyPlacement.QUERY, **arguments)
            stays(request, KeyPlacement.QUERY)


def stays(request: httpx.Request, placement: KeyPlacement) -> None:
    url = request.url
    assert (url.scheme, url.host, url.port) == ("https", "help.example.org", 8443)
    assert request.headers["Host"] == "help.example.org:8443"
    target = url.raw_path
    assert target.startswith(PREFIX)
    # What is sent has nothing that a server, or what stands before it, could read otherwise.
    assert not set(target) - set(range(0x21, 0x7F))
    assert b"#" not in target
    assert b"\\" not in target
    path, _, query = target.removeprefix(PREFIX).partition(b"?")
    decoded = httpx.URL(f"http://x/{path.decode()}").path.split("/")[1:]
    assert not {"", ".", ".."} & set(decoded)
    assert not set("\r\n\x00") & set("".join(decoded))
    pairs = parse_qsl(query.decode(), keep_blank_values=True, errors="strict")
    keys = [value for name, value in pairs if name == "apiKey"]
    assert keys == ([KEY] if placement is KeyPlacement.QUERY else [])
    for name, value in request.headers.raw:
        assert not set(b"\r\n\x00") & {*name, *value}


@settings(deadline=None, max_examples=150)
@given(address=texts)
@example("https://help.example.org:8443@evil.example/x")
@example("https://help.example.org:8443.evil.example/x")
@example("//help.example.org:8443\\@evil.example/x")
@example("http://help.example.org:8443/x")
@example("https://HELP.example.org:8443/x")
@example("https://help.example.org.:8443/x")
@example("https://help.example.org/x")
def test_the_key_is_sent_to_the_origin_of_the_client_only(address: str):
    target = anyio.wrap_file(io.BytesIO())
    for placement in KeyPlacement:
        for request in sent_by("files.download", placement, file=address, to=target):
            url = request.url
            home = (url.scheme, url.raw_host, url.port) == ("https", b"help.example.org", 8443)
            with_key = (b"url-key" in url.raw_path, request.headers.get("Authorization") == KEY)
            in_query = placement is KeyPlacement.QUERY
            assert with_key == (home and in_query, home and not in_query)
            assert request.headers.get("X-Token") == ("for this site" if home else None)
            assert request.headers["X-Name"] == "plain"
            assert not set(url.raw_path) - set(range(0x21, 0x7F))
