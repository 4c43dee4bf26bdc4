"""Requests stay on the server and below the API's path, for any argument."""

import inspect
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qsl

import anyio
import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from useresponse_async import (
    APIStatusError,
    ArgumentError,
    AsyncClient,
    Attachment,
    DecodeError,
    KeyPlacement,
    Pages,
    RetryPolicy,
)
from useresponse_async.resources._resources import NAMES

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


class Nowhere:
    """A place in a file system that takes everything and keeps nothing."""

    async def write(self, data: bytes, /) -> int:
        return len(data)

    async def seek(self, offset: int, whence: int = 0, /) -> int:
        return offset

    async def tell(self) -> int:
        return 0

    async def truncate(self, size: int | None = None, /) -> int:
        return 0


OTHERS: dict[str, st.SearchStrategy[Any]] = {
    "params": st.dictionaries(
        texts, st.one_of(texts, numbers, st.booleans(), st.none()), max_size=3
    ),
    "properties": st.dictionaries(st.integers(1, 9) | numbers, texts, max_size=1),
    "tags": st.one_of(texts, st.lists(texts, max_size=3)),
    "attachments": st.lists(st.just(Attachment.from_bytes("a", b"a")), max_size=1),
    "attachment": st.just(Attachment.from_bytes("a", b"a")),
    "to": st.builds(Nowhere),
    "on_progress": st.none(),
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


def public_methods() -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield each method of each namespace, by its dotted name."""
    client = AsyncClient(BASE)
    places = {name: getattr(client, name) for name in NAMES}
    places["users.notes"] = client.users.notes
    for place, namespace in sorted(places.items()):
        for name, method in inspect.getmembers(namespace, inspect.ismethod):
            if not name.startswith("_"):
                yield f"{place}.{name}", method
    yield "request", client.request


METHODS = dict(public_methods())


@st.composite
def calls(draw: st.DrawFn, name: str) -> tuple[list[Any], dict[str, Any]]:
    """Draw arguments for a method, most of them of a kind that it takes."""
    positional: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in inspect.signature(METHODS[name]).parameters.values():
        optional = parameter.default is not inspect.Parameter.empty
        if name == "request" and parameter.name == "method":
            positional.append(draw(st.sampled_from(["GET", "POST", "PUT", "DELETE"])))
        elif parameter.kind is inspect.Parameter.KEYWORD_ONLY:
            if not optional or draw(st.sampled_from([False, False, False, True])):
                named[parameter.name] = draw(values_of(parameter))
        elif not optional or draw(st.sampled_from([False, False, False, True])):
            positional.append(draw(values_of(parameter)))
    return positional, named


def sent_by(
    name: str,
    positional: list[Any],
    named: dict[str, Any],
    placement: KeyPlacement,
    *,
    but: tuple[type[Exception], ...] = (ArgumentError, APIStatusError, DecodeError),
) -> Any:
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
            retry=RetryPolicy(attempts=1),
            transport=httpx.MockTransport(note),
        ) as client:
            method: Any = client
            for part in name.split("."):
                method = getattr(method, part)
            result = method(*positional, **named)
            if isinstance(result, Pages) or inspect.isawaitable(result):
                await result
            elif inspect.isasyncgen(result):
                await anext(result)

    with suppress(*but):
        anyio.run(call)
    return sent


@pytest.mark.parametrize("name", [name for name in METHODS if name != "files.download"])
def test_any_argument_keeps_the_request_below_the_path_of_the_api(name):
    sent: list[httpx.Request] = []

    # Each round has examples of its own, in CI too, where hypothesis would repeat the same.
    @settings(max_examples=settings().max_examples // 3, derandomize=False)
    @given(arguments=calls(name), placement=st.sampled_from(KeyPlacement))
    def check(arguments: tuple[list[Any], dict[str, Any]], placement: KeyPlacement) -> None:
        requests = sent_by(name, *arguments, placement)
        sent.extend(requests)
        for request in requests:
            stays(request, placement)

    for _ in range(10):  # by chance every example of a round may be refused
        check()
        if sent:
            return
    raise AssertionError("everything was refused")


@pytest.mark.parametrize("secret", ["3", "8443", "support", "auth", "help.example.org", "=", "%"])
@pytest.mark.parametrize("name", ["auth.login", "auth.identity"])
def test_a_secret_that_equals_a_part_of_the_url_does_not_break_the_error(name, secret):
    arguments = ["ada@example.com", secret] if name == "auth.login" else [secret, "ada@example.com"]
    (request,) = sent_by(name, arguments, {}, KeyPlacement.QUERY)
    stays(request, KeyPlacement.QUERY)


@pytest.mark.parametrize(
    ("name", "arguments", "argument"),
    [
        ("auth.login", ["ada@example.com", "\ud800"], "password"),
        ("auth.identity", ["\ud800", "ada@example.com"], "token"),
        ("users.change_password", [1, "pass\udfff"], "password"),
    ],
)
def test_a_secret_that_cannot_be_encoded_is_named(name, arguments, argument):
    with pytest.raises(ArgumentError, match=f"^{argument}: ") as caught:
        sent_by(name, arguments, {}, KeyPlacement.QUERY, but=())
    assert "\\u" not in ascii(str(caught.value))


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
    path, _, query = target.partition(b"?")
    rest = path[len(PREFIX) :]
    decoded = httpx.URL(f"http://x/{rest.decode()}").path.split("/")[1:]
    assert rest
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
    for request in sent_by("files.download", [address, Nowhere()], {}, KeyPlacement.QUERY):
        url = request.url
        home = (url.scheme, url.raw_host, url.port) == ("https", b"help.example.org", 8443)
        assert (b"url-key" in url.raw_path) == home
        assert not set(url.raw_path) - set(range(0x21, 0x7F))
