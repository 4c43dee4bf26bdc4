"""Requests stay on the server and below the API's path, for any argument."""

import inspect
import io
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timezone
from operator import attrgetter
from typing import Any
from urllib.parse import parse_qsl

import anyio
import httpx
import pytest
from endpoints import endpoints
from hypothesis import example, given, settings
from hypothesis import strategies as st

from useresponse_async import (
    APIStatusError,
    ArgumentError,
    AsyncClient,
    Attachment,
    DecodeError,
    KeyPlacement,
    RetryPolicy,
    Secret,
)

BASE = "https://help.example.org:8443/support/desk"
PREFIX = b"/support/desk/api/3.0/"
KEY = "url-key"

ELSEWHERE = [
    "..", ".", "../..", "/", "//", "//evil.example", "https://evil.example/", "\\\\evil.example",
    "%2e%2e", "%2e%2e%2f", "..%2f", "a/../../b", "a?b=c", "a#b", "a&apiKey=x", "@evil.example",
    ":80@evil.example/", "a\r\nHost: evil.example", "a\nb", "\x00", "a\x00b", "%00", "%0d%0a",
    "\ud800", "\uff1b", "\u2024\u2024", "\uff0e\uff0e\uff0f", "\u0663",
    "1/../2", " ", "\x7f", "7.json?", ";/../x", "*",
]  # fmt: skip

texts = st.one_of(
    st.sampled_from(ELSEWHERE),
    st.text(max_size=12),
    st.text(st.sampled_from("./\\?#%&=@:;\r\n\x00 2eEfFa1é"), max_size=12),
)
numbers = st.one_of(st.integers(-2, 10), st.integers(), st.integers(10**30, 10**40))


OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "params": st.dictionaries(
        texts, st.one_of(texts, numbers, st.booleans(), st.none()), max_size=3
    ),
    "properties": st.dictionaries(st.integers(1, 9) | numbers, texts, max_size=1),
    "tags": st.one_of(texts, st.lists(texts, max_size=3)),
    "attachments": st.lists(st.just(Attachment.from_bytes("a", b"a")), max_size=1),
    "method": st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    "attachment": st.just(Attachment.from_bytes("a", b"a")),
    "json": st.one_of(st.none(), texts, st.lists(texts, max_size=2)),
    "moment": st.just(datetime.now(timezone.utc)),
    "remind_at": st.one_of(st.none(), st.datetimes(), st.just(datetime.now(timezone.utc))),
}

anything = st.one_of(texts, numbers)
"""Also where the annotation says one of them: a caller is not held to it."""

taken = st.sampled_from(
    ["tickets", "user", "url", "asc", "idea", "helpdesk", "a@b.example"]
) | st.text(st.sampled_from("ab./\\?#%&=@:;2eE é\xad"), min_size=1, max_size=12).filter(str.strip)
"""Texts that most arguments take, so that calls of many arguments are sent too."""


def values_of(parameter: inspect.Parameter) -> st.SearchStrategy[Any]:
    if parameter.name in OTHERS:
        return OTHERS[parameter.name]
    annotation = str(parameter.annotation)
    if annotation.startswith("bool"):
        return st.booleans()
    kinds = {"int": st.integers(1, 2**70), "str": taken, "date": st.dates()}
    good = [kind for word, kind in kinds.items() if word in annotation] or [taken]
    return st.one_of(*good * 12, anything)


CLIENT = AsyncClient(BASE)
METHODS: dict[str, Callable[..., Any]] = {**dict(endpoints(CLIENT)), "request": CLIENT.request}


@st.composite
def arguments_of(draw: st.DrawFn, name: str) -> dict[str, Any]:
    """Draw arguments for a method, most of them of a kind that it takes."""
    return {
        parameter.name: draw(values_of(parameter))
        for parameter in inspect.signature(METHODS[name]).parameters.values()
        if parameter.default is parameter.empty
        or draw(st.sampled_from([False, False, False, True]))
    }


def sent_by(name: str, placement: KeyPlacement, /, **arguments: Any) -> list[httpx.Request]:
    """Return the requests that a call sent."""
    sent: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(404, json={"error": {"code": 404, "message": "not here"}})

    async def call() -> None:
        async with AsyncClient(
            BASE,
            api_key=KEY,
            key_placement=placement,
            headers={"X-Token": Secret("for this site"), "X-Name": "plain"},
            retry=RetryPolicy(attempts=1),
            transport=httpx.MockTransport(note),
        ) as client:
            result = attrgetter(name)(client)(**arguments)
            await (anext(result) if inspect.isasyncgen(result) else result)

    with suppress(ArgumentError, APIStatusError, DecodeError):
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


@pytest.mark.parametrize("secret", ["3", "8443", "support", "auth", "help.example.org", "=", "%"])
@pytest.mark.parametrize(("name", "argument"), [("login", "password"), ("identity", "token")])
def test_a_secret_that_equals_a_part_of_the_url_does_not_break_the_error(name, argument, secret):
    arguments = {"email": "ada@example.com", argument: secret}
    (request,) = sent_by(f"auth.{name}", KeyPlacement.QUERY, **arguments)
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
