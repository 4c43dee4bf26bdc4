"""Any JSON at any place of any model: a model, or an error that names the place."""

import importlib
import json
import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin

import anyio
import attrs
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from useresponse_async import (
    APIStatusError,
    AsyncClient,
    DecodeError,
    Page,
    RetryPolicy,
    Role,
    User,
    models,
)
from useresponse_async._decode import StructureError, entity, page_of, parse_error, wire_names

MODELS = [getattr(models, name) for name in models.__all__ if name not in ("Page", "ReportPage")]


def deep(levels: int, *, array: bool) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value] if array else {"id": value}
    return value


EXTREMES = [
    float("nan"), float("inf"), float("-inf"), -0.0, 1e308, 5e-324, 2.0**53, 2.0**63,
    10**18, 10**400, -(10**400), 10**4299, 2**63, -(2**63) - 1,
    "\ud800", "\udfff\ud800", "\x00", "9" * 5000, "-" * 50, "1e5", "NaN", "\u0661", "\xb2",
    " 7 ", "0x7", "+7", "--7", "7.0", "true", "null", "[]", "{}",
    deep(400, array=True), deep(400, array=False), [[]], [None], [{}], {"": ""}, {"0": None},
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


def model_in(wanted: Any) -> tuple[type[Any] | None, bool]:
    """Return the model in an annotation, and whether the annotation is of a list of it."""
    if get_origin(wanted) is list:
        return model_in(get_args(wanted)[0])[0], True
    if get_origin(wanted) in (Union, types.UnionType):
        found = [model_in(member)[0] for member in get_args(wanted)]
        return next((model for model in found if model), None), False
    return (wanted if attrs.has(wanted) else None), False


def places(model: type[Any], *, depth: int = 3) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield each place in a model and in the models in it, as a path and as an error names it."""
    wire = importlib.import_module("useresponse_async.models._wire")
    for field in wire.known_fields(attrs.resolve_types(model)):
        name = wire.wire_name(field)
        yield (name,), name
        inner, listed = model_in(field.type)
        if inner is None or not depth:
            continue
        start: tuple[str | int, ...] = (name, 0) if listed else (name,)
        told = f"{name}[0]" if listed else name
        if listed:
            yield start, told
        for path, place in places(inner, depth=depth - 1):
            yield (*start, *path), f"{told}.{place}"


PLACES = [(model, path, place) for model in MODELS for path, place in places(model)]


def with_value(path: tuple[str | int, ...], value: Any) -> Any:
    """Return a minimal model with the value at that place."""
    for part in reversed(path):
        value = [value] if isinstance(part, int) else {"id": 1} | {part: value}
    return value


def test_every_place_is_covered():
    told = {f"{model.__name__}.{place}" for model, _, place in PLACES}
    assert len(MODELS) >= 25
    assert len(told) > 500
    assert {"User.role.id", "Object.author.role.alias", "Comment.attachments[0].name"} <= told


@given(where=st.sampled_from(PLACES), value=values)
def test_any_json_at_any_place_is_a_model_or_an_error_of_that_place(where, value):
    model, path, place = where
    decode = page_of(model, number=1, size=50)
    try:
        page = decode({"data": [{"id": 1}, with_value(path, value)], "totalObjects": 2})
    except StructureError as error:
        assert agree(error.place, f"data[1].{place}")  # noqa: PT017 - both outcomes are good
        assert 0 < len(error.problem) < 5000  # noqa: PT017
        # Nothing that is optional fails a page, unless it could not be kept.
        assert path == ("id",) or "levels deep" in error.problem  # noqa: PT017
        return
    assert type(page) is Page
    for item in page.items:
        assert type(item) is model
        assert isinstance(repr(item), str)
        assert "apiKey" not in item.to_json()


def agree(told: str, place: str) -> bool:
    """Return whether one of the places is in, or is, the other."""
    return told.startswith(place) or place.startswith(told)


@pytest.mark.parametrize("value", EXTREMES, ids=lambda value: repr(value)[:24])
def test_every_extreme_at_every_place_is_a_model_or_an_error(value: Any):
    for model, path, place in PLACES:
        try:
            (item,) = page_of(model, number=1, size=50)({"data": [with_value(path, value)]}).items
            item.to_json()
        except StructureError as error:  # noqa: PERF203 - each place may be one
            assert agree(error.place, f"data[0].{place}"), (model, place)  # noqa: PT017
            assert path == ("id",) or "levels deep" in error.problem  # noqa: PT017


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
            "name": st.text(),
            "shortName": st.text(),
            "isDefaultAvatar": st.booleans(),
            "role": st.fixed_dictionaries({"id": st.integers(1), "alias": st.text()}),
            "unheard": st.none() | st.integers() | st.text(),
        },
    )
)
def test_valid_json_is_read_unchanged(sent: dict[str, Any]):
    user = entity(User)(sent)
    assert (user.id, user.name) == (sent["id"], sent.get("name"))
    assert (user.short_name, user.is_default_avatar) == (
        sent.get("shortName"),
        sent.get("isDefaultAvatar"),
    )
    assert user.role == (Role(**sent["role"]) if "role" in sent else None)
    assert [*user.extra] == (["unheard"] if "unheard" in sent else [])


@given(values)
def test_any_json_reports_an_error_or_none(value: Any):
    for payload in (value, {"error": value}, {"error": {"code": value, "message": value}}):
        reported = parse_error(payload)
        if reported is not None:
            assert type(reported.code) in (int, type(None))
            assert type(reported.message) in (str, type(None))


@given(model=st.sampled_from(MODELS), value=values)
def test_any_json_is_a_model_or_an_error(model: type[Any], value: Any):
    for decode, wanted in ((entity(model), model), (page_of(model, number=1, size=50), Page)):
        try:
            made = decode(value)
        except StructureError:
            continue
        assert type(made) is wanted


# The bytes of a response, through a complete call

CALLS = {
    "a user": lambda client: client.users.get(1),
    "users": lambda client: client.users.search(),
    "an object": lambda client: client.objects.get(1),
    "objects": lambda client: client.tickets.search(),
    "comments": lambda client: client.objects.comments(1),
    "categories": lambda client: client.categories.list(),
    "a category": lambda client: client.categories.get(1),
    "chats": lambda client: client.chats.list(),
    "messages": lambda client: client.chats.messages(1),
    "a changelog": lambda client: client.changelog.for_object(1),
    "reports": lambda client: client.reports.list(),
    "a report": lambda client: client.reports.objects(1),
    "custom fields": lambda client: client.custom_fields.list("tickets"),
    "forums": lambda client: client.forums.list(),
    "statuses": lambda client: client.statuses.list(),
    "notes": lambda client: client.users.notes.list(1),
    "a deletion": lambda client: client.users.delete(1),
    "any endpoint": lambda client: client.request("GET", "/x.json"),
}


def outcome_of(call: Any, body: bytes) -> object:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))

    async def run() -> object:
        async with AsyncClient(
            "http://localhost", transport=transport, retry=RetryPolicy(attempts=1)
        ) as client:
            return await call(client)

    return anyio.run(run)


def as_php(value: Any) -> Any:
    return {"success": value}


@given(
    name=st.sampled_from(sorted(CALLS)),
    value=values,
    wrap=st.sampled_from([as_php, lambda value: value, lambda value: {"data": value}]),
)
def test_any_response_to_any_call_is_a_result_or_a_typed_error(name: str, value: Any, wrap: Any):
    body = json.dumps(wrap(value)).encode()
    try:
        outcome_of(CALLS[name], body)
    except DecodeError as error:
        assert error.message  # noqa: PT017 - a result and this are both good
    except APIStatusError:
        assert b'"error"' in body


@given(name=st.sampled_from(sorted(CALLS)), body=st.binary(max_size=60))
@example(name="users", body=b"[" * 100_000)
@example(name="users", body=b'{"a":' * 100_000)
@example(name="users", body=b'{"success": [{"id": 1' + b"0" * 5000 + b"}]}")
@example(name="users", body=b'{"data": ' + b"[" * 980 + b"]" * 980 + b"}")
@example(name="a user", body=b'{"id": 1, "unheard": ' + b"[" * 980 + b"]" * 980 + b"}")
@example(name="a user", body=b'{"error": ' + b"[" * 980 + b"]" * 980 + b"}")
@example(name="users", body=b"\xef\xbb\xbf[]")
@example(name="users", body='{"success": []}'.encode("utf-16"))
@example(name="a user", body=b'{"success": {"id": NaN}}')
@example(name="a user", body=b'{"success": {"id": 1e400, "name": -Infinity}}')
@example(name="a user", body=b'{"success": {"id": 1, "name": "\\ud800"}}')
@example(name="a user", body=b'{"success": {"id": 1, "name": "\xed\xa0\x80"}}')
@example(name="a user", body=b'{"success": {"id": 1, "id": 2}}')
def test_any_bytes_of_any_call_are_a_result_or_a_typed_error(name: str, body: bytes):
    try:
        outcome_of(CALLS[name], body)
    except DecodeError as error:
        assert error.message  # noqa: PT017
    except APIStatusError:
        assert b'"error"' in body


@pytest.mark.parametrize(("depth", "is_read"), [(190, True), (600, False), (980, False)])
def test_deeply_nested_rows_are_read_or_raise(depth: int, is_read: bool):  # noqa: FBT001
    nested = "[" * depth + "]" * depth
    rows = ",".join(f'{{"id": {number}, "unheard": {nested}}}' for number in range(50))
    body = f'{{"data": [{rows}], "totalObjects": 200, "totalPages": 4}}'

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=body)

    async def walk() -> list[str]:
        async with AsyncClient(
            "http://localhost", transport=httpx.MockTransport(answer), retry=RetryPolicy(attempts=1)
        ) as client:
            return [user.to_json() for user in await client.users.search().collect()]

    if is_read:
        assert len(anyio.run(walk)) == 50
        return
    with pytest.raises(DecodeError):
        anyio.run(walk)


# Lists


@pytest.mark.parametrize(
    ("groups", "ids"),
    [
        ({"knowledgeBase": [1], "feedback": [2, 3]}, [1, 2, 3]),
        ({"feedback": [2, 3], "knowledgeBase": [1]}, [2, 3, 1]),
        ({"knowledgeBase": None, "feedback": [2]}, [2]),
        ({"knowledgeBase": [1], "feedback": None, "helpdesk": []}, [1]),
        ({"knowledgeBase": None, "feedback": None}, []),
        ({"knowledgeBase": None}, []),
        ({"knowledgeBase": [1]}, [1]),
        ({"aModuleOfTheFuture": [1], "feedback": False}, [1]),
    ],
)
@pytest.mark.parametrize("wrap", [as_php, lambda value: value])
def test_grouped_search_results_are_one_page(groups: Any, ids: list[int], wrap: Any):
    body = {name: found and [{"id": number} for number in found] for name, found in groups.items()}
    content = json.dumps(wrap(body)).encode()
    page = outcome_of(lambda client: client.objects.search(), content)
    assert [item.id for item in page.items] == ids
    assert page.total_items == len(ids)
    walked = outcome_of(lambda client: client.objects.search().collect(), content)
    assert [item.id for item in walked] == ids
