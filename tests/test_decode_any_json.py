"""Any JSON at any place of any model: a model, or an error that names the place."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from operator import attrgetter
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from samples import SAMPLES

from useresponse_async import (
    APIStatusError,
    AsyncClient,
    DecodeError,
    Page,
    RetryPolicy,
    Role,
    User,
)
from useresponse_async._decode import StructureError, entity, page_of, parse_error, wire_names

MODELS = [sample.model for sample in SAMPLES]


EXTREMES = [
    float("nan"), float("inf"), float("-inf"), -0.0, 1e308, 5e-324, 2.0**53, 2.0**63,
    10**18, 10**400, -(10**400), 10**4299, 2**63, -(2**63) - 1,
    "\ud800", "\udfff\ud800", "\x00", "9" * 5000, "-" * 50, "1e5", "NaN", "\u0661", "\xb2",
    " 7 ", "0x7", "+7", "--7", "7.0", "true", "null", "[]", "{}",
    json.loads("[" * 400 + "]" * 400),
    json.loads('{"id":' * 400 + "1" + "}" * 400), [[]], [None], [{}], {"": ""}, {"0": None},
    {"-1": 1}, {"\ud800": 1}, {"\u0661": {}}, {"id": {"id": {"id": None}}},
]  # fmt: skip

names = sorted({name for model in MODELS for name in wire_names(model)})
keys = st.one_of(
    st.sampled_from(names), st.sampled_from(["0", "1", "7", "\xb2", "success", "error", "data"]),
    st.text(max_size=4),
)  # fmt: skip
scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=6),
    st.sampled_from(EXTREMES),
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


def places(wire: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each place in a model and in the models in it, as a path and as an error names it."""
    for name, value in wire.items():
        yield (name,), name
        start, place, inner = (name,), name, value
        if isinstance(value, list) and isinstance(value[0], dict):
            start, place, inner = (name, 0), f"{name}[0]", value[0]
            yield start, place
        if isinstance(inner, dict):
            yield from (((*start, *path), f"{place}.{told}") for path, told in places(inner))


PLACES = [(it.model, path, place) for it in SAMPLES for path, place in places(it.wire)]


def test_every_place_is_covered():
    told = {f"{model.__name__}.{place}" for model, _, place in PLACES}
    assert len(told) > 500
    assert {"User.role.id", "Object.author.role.alias", "Comment.attachments[0].name"} <= told


def check(model: type[Any], path: tuple[str | int, ...], place: str, value: Any) -> None:
    """Read a page with the value at that place of its second item."""
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {"id": 1} | {part: value}
    decode = page_of(model, number=1, size=50)
    try:
        page = decode({"data": [{"id": 1}, value], "totalObjects": 2})
    except StructureError as error:
        told, expected = error.place, f"data[1].{place}"
        assert told.startswith(expected) or expected.startswith(told)
        assert 0 < len(error.problem) < 5000  # noqa: PT017
        # Nothing that is optional fails a page, unless it could not be kept.
        assert path == ("id",) or "levels deep" in error.problem  # noqa: PT017
        return
    assert type(page) is Page
    for item in page.items:
        assert type(item) is model
        assert isinstance(repr(item), str)
        assert "apiKey" not in item.to_json()


@given(where=st.sampled_from(PLACES), value=values)
def test_any_json_at_any_place_is_a_model_or_an_error_of_that_place(where, value):
    check(*where, value)


@pytest.mark.parametrize("value", EXTREMES, ids=lambda value: repr(value)[:24])
def test_every_extreme_at_every_place_is_a_model_or_an_error_of_that_place(value: Any):
    for where in PLACES:
        check(*where, value)


NUMBERS = ["currentPage", "firstPage", "lastPage", "nextPage", "objectsPerPage", "totalObjects"]


@given(name=st.sampled_from([*NUMBERS, "totalPages", "data", "unheard"]), value=values)
def test_any_json_at_any_place_of_a_page_is_read_or_an_error_of_that_place(name: str, value: Any):
    body = dict.fromkeys(NUMBERS, 1) | {"totalPages": 1, "data": [{"id": 1}, {"id": 2}]}
    try:
        page = page_of(User, number=1, size=50)(body | {name: value})
    except StructureError as error:
        # Another count of pages shows at the page's own number.
        named = ("currentPage", name) if name == "totalPages" else (name,)
        assert error.place.startswith(named)  # noqa: PT017 - both outcomes are good
        assert error.problem  # noqa: PT017
    else:
        assert {type(user) for user in page.items} <= {User}


@given(
    st.fixed_dictionaries(
        {"id": st.integers(1)},
        optional={
            "name": st.text(), "shortName": st.text(), "isDefaultAvatar": st.booleans(),
            "role": st.fixed_dictionaries({"id": st.integers(1), "alias": st.text()}),
            "unheard": st.none() | st.integers() | st.text(),
        },
    )
)  # fmt: skip
def test_valid_json_is_read_unchanged(sent: dict[str, Any]):
    assert entity(User)(sent) == User(
        id=sent["id"], name=sent.get("name"), short_name=sent.get("shortName"),
        is_default_avatar=sent.get("isDefaultAvatar"),
        role=Role(**sent["role"]) if "role" in sent else None,
        extra={"unheard": sent["unheard"]} if "unheard" in sent else {},
    )  # fmt: skip


@given(model=st.sampled_from(MODELS), value=values)
def test_any_json_is_a_model_or_an_error(model: type[Any], value: Any):
    for decode, wanted in ((entity(model), model), (page_of(model, number=1, size=50), Page)):
        with suppress(StructureError):
            assert type(decode(value)) is wanted
    for payload in (value, {"error": value}, {"error": {"code": value, "message": value}}):
        reported = parse_error(payload)
        if reported is not None:
            assert type(reported.code) in (int, type(None))
            assert type(reported.message) in (str, type(None))


# The bytes of a response, through a complete call

CALLS: dict[str, tuple[Any, ...]] = {
    "users.get": (1,), "users.search": (), "objects.get": (1,), "tickets.search": (),
    "objects.comments": (1,), "categories.list": (), "categories.get": (1,), "chats.list": (),
    "chats.messages": (1,), "changelog.for_object": (1,), "reports.list": (),
    "reports.objects": (1,), "custom_fields.list": ("tickets",), "forums.list": (),
    "statuses.list": (), "users.notes.list": (1,), "users.delete": (1,),
    "request": ("GET", "/x.json"),
}  # fmt: skip


def outcome_of(call: Callable[[AsyncClient], Any], body: bytes) -> Any:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))

    async def run() -> Any:
        async with AsyncClient(
            "http://localhost", transport=transport, retry=RetryPolicy(attempts=1)
        ) as client:
            return await call(client)

    return anyio.run(run)


wraps = [lambda value: value, lambda value: {"success": value}, lambda value: {"data": value}]
json_bodies = st.builds(
    lambda wrap, it: json.dumps(wrap(it)).encode(), st.sampled_from(wraps), values
)


@given(name=st.sampled_from(sorted(CALLS)), body=json_bodies | st.binary(max_size=60))
@example(name="users.search", body=b"[" * 100_000)
@example(name="users.search", body=b'{"a":' * 100_000)
@example(name="users.search", body=b'{"success": [{"id": 1' + b"0" * 5000 + b"}]}")
@example(name="users.search", body=b'{"data": ' + b"[" * 980 + b"]" * 980 + b"}")
@example(name="users.get", body=b'{"id": 1, "unheard": ' + b"[" * 980 + b"]" * 980 + b"}")
@example(name="users.get", body=b'{"error": ' + b"[" * 980 + b"]" * 980 + b"}")
@example(name="users.search", body=b"\xef\xbb\xbf[]")
@example(name="users.search", body='{"success": []}'.encode("utf-16"))
@example(name="users.get", body=b'{"success": {"id": NaN}}')
@example(name="users.get", body=b'{"success": {"id": 1e400, "name": -Infinity}}')
@example(name="users.get", body=b'{"success": {"id": 1, "name": "\\ud800"}}')
@example(name="users.get", body=b'{"success": {"id": 1, "name": "\xed\xa0\x80"}}')
@example(name="users.get", body=b'{"success": {"id": 1, "id": 2}}')
def test_any_response_to_any_call_is_a_result_or_a_typed_error(name: str, body: bytes):
    try:
        outcome_of(lambda client: attrgetter(name)(client)(*CALLS[name]), body)
    except DecodeError as error:
        assert error.message  # noqa: PT017 - a result and this are both good
    except APIStatusError:
        assert b'"error"' in body
