"""JSON as PHP writes it, and any JSON at any place: a model, or an error that names the place."""

import importlib.util
import json
import re
import sys
from collections.abc import Iterator
from operator import attrgetter
from types import ModuleType
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from samples import SAMPLES

import useresponse_async as ur
from useresponse_async import _decode as codec
from useresponse_async._decode import StructureError, entity, page_of, wire_names

decode_user = entity(ur.User)
decode_page = page_of(ur.User, number=1, size=50)


def error_of(decode: Any, payload: Any) -> StructureError:
    with pytest.raises(StructureError) as caught:
        decode(payload)
    return caught.value


def test_users_with_different_keys_are_read_alike_and_share_no_list():
    first, second = decode_page({"data": [{"id": 1}, {"id": 2}]}).items
    first.tags.append("vip")
    first.extra["x"] = 1
    assert (second.tags, second.extra) == ([], {})
    known = {"id": 7, "email": "a@example.com", "role": {"id": 3, "alias": "agent"}}
    full = {**dict.fromkeys(wire_names(ur.User), False), **known}
    without = [{k: v for k, v in full.items() if k == "id" or k != left} for left in full]
    bare = [{"id": 7}, {**full, "x": 1}, {"id": 7, "x": 1}]
    for sent in [full, *without, *reversed(without), *bare]:
        (user,) = decode_page([sent]).items
        assert user.extra == ({"x": 1} if "x" in sent else {})
        assert user.role == (ur.Role(id=3, alias="agent") if "role" in sent else None)
        assert user.email == sent.get("email")
    for unknown in ({"extra": {"x": 1}}, {"short_name": "A"}):  # named like attributes
        assert decode_user({"id": 1, **unknown}) == ur.User(id=1, extra=unknown)


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("id", "7", 7), ("id", "-7", -7), ("id", 7.0, 7), ("id", 2**64 + 1, 2**64 + 1),
        ("name", 12, "12"), ("name", 1.5, "1.5"), ("name", False, None), ("name", "", ""),
        ("phone", 4420, "4420"), ("avatar", [], None), ("avatar", {}, None), ("avatar", "", None),
        ("avatar", False, None), ("avatar", 0, None), ("avatar", "0", None), ("role", [], None),
        ("role", "0", None), ("team", 0, None), ("team", "0", None), ("team", "", None),
        ("team", {"id": "2", "name": 5}, ur.Team(id=2, name="5")), ("tags", "", []),
        ("tags", "vip", ["vip"]), ("tags", "vip,beta", ["vip", "beta"]),
        ("tags", " vip , ,beta,", ["vip", "beta"]), ("tags", ["vip", "beta"], ["vip", "beta"]),
        ("tags", {"0": "vip", "2": "beta"}, ["vip", "beta"]),
        ("tags", ["vip", 5, None, ""], ["vip", "5"]), ("tags", False, []),
        ("custom_fields", [], []), ("custom_fields", {}, []), ("custom_fields", "", []),
        ("custom_fields", False, []), ("custom_fields", {"4": {"id": "1"}}, [ur.FieldValue(id=1)]),
        ("custom_fields", [{"value": [1, "2", {"a": None}], "textValue": {"0": "I", "1": "II"}}],
         [ur.FieldValue(value=[1, "2", {"a": None}], text_value=["I", "II"])]),
        ("isDefaultAvatar", True, True), ("isDefaultAvatar", False, False),
        ("isDefaultAvatar", 1, True), ("isDefaultAvatar", 0, False), ("isDefaultAvatar", "1", True),
        ("isDefaultAvatar", "0", False), ("isDefaultAvatar", "true", True),
        ("isDefaultAvatar", "False", False), ("isDefaultAvatar", "", None),
        ("isDefaultAvatar", None, None), ("isDefaultAvatar", 1.0, True),
    ],
)  # fmt: skip
def test_values_as_php_writes_them_are_coerced(field, value, expected):
    user = decode_user({"id": 1, field: value})
    read = user.is_default_avatar if field == "isDefaultAvatar" else getattr(user, field)
    assert (type(read), read) == (type(expected), expected)


# The place of what does not fit


NO_IDS = ["x", 1.5, 1e16, 1e300, [], {}, None, "", "1_000", "1e3", "0x10", "٣", "1 0", "--1"]


def test_the_error_of_a_missing_or_invalid_id_names_its_place_and_shows_no_long_text():
    for number in NO_IDS:
        one, user = {"id": 1}, {"id": number}
        assert error_of(decode_user, user).place == "id"
        assert error_of(decode_page, {"data": [one, one, one, user]}).place == "data[3].id"
        assert error_of(decode_page, {"success": [one, user]}).place == "[1].id"
        grouped = {"knowledgeBase": [one], "feedback": [user]}
        assert error_of(decode_page, grouped).place == "feedback[0].id"
    error = error_of(decode_user, {"id": 1000 * "x"})
    assert error.problem == "a text of 1000 characters is not an integer"


def test_the_error_of_an_invalid_page_names_its_place():
    for page, place in (
        ({"data": 5}, "data"), ({"data": "x"}, "data"), ({"data": {"a": 1}}, "data"),
        ({"data": [5]}, "data[0]"), ({"data": [{"id": 1}, "x"]}, "data[1]"),
        ({"currentPage": "x"}, "currentPage"), ({"totalPages": -1}, "totalPages"),
        ({"totalObjects": [1]}, "totalObjects"), ({"objectsPerPage": 1.5}, "objectsPerPage"),
        ({"nextPage": {}}, "nextPage"), ({"currentPage": 2, "totalPages": 3}, "currentPage"),
        ([5], "[0]"), (5, ""), ("x", ""), (True, ""), ({"a": 1, "b": 2}, ""),
        ({"a": [], "b": 2}, ""), ({"a": {}}, ""), ({"feedback": 5}, ""),
        ({"feedback": [5]}, "feedback[0]"), ([{"id": 1}, None], "[1]"),
    ):  # fmt: skip
        assert error_of(decode_page, page).place == place


def nested(levels: int, kind: str) -> str:
    opening, closing = {"list": "[]", "object": ('{"a":', "}")}[kind]
    return opening * levels + "1" + closing * levels


@pytest.mark.parametrize("kind", ["list", "object"])
@pytest.mark.parametrize(
    "around", ['"d": %s', '"role": {"d": %s}', '"name": %s', '"custom_fields": [{"value": [%s]}]']
)
def test_json_is_kept_or_raises_if_it_is_nested_too_deeply(kind, around):
    place, around = around.split('"')[1], '{"id": 1, ' + around + "}"
    user = decode_user(json.loads(around % nested(199, kind)))
    assert nested(199, kind) in user.to_json().replace(" ", "")
    assert ur.User.from_dict(user.to_dict()) == user
    for levels in (201, 600, 900):
        payload = json.loads(around % nested(levels, kind))
        assert error_of(decode_user, payload).place == place
        assert error_of(decode_page, [payload]).place == f"[0].{place}"
        assert error_of(codec.as_sent, payload).place == ""


# Bytes


@pytest.fixture(params=["orjson", "json"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The codec, as it is with and without the faster reader."""
    if request.param == "orjson":
        pytest.importorskip("orjson")
    else:
        monkeypatch.setitem(sys.modules, "orjson", None)
    # A copy of the module looks for its reader anew.
    spec = importlib.util.spec_from_file_location("codec_of_this_test", codec.__file__)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a": [1, 2.5, "x", null, true]}', {"a": [1, 2.5, "x", None, True]}),
        (b' \r\n\t{"a": 1} \n', {"a": 1}), (b"\xef\xbb\xbf{}", {}),
        (b'\xef\xbb\xbf{"name": "\xc3\xa9"}', {"name": "é"}), (b'"\\u00e9\\ud83d\\ude00"', "é😀"),
        (b"9007199254740993", 9007199254740993), (b"18446744073709551615", 18446744073709551615),
        (b"null", None), (b'{"a": 1, "a": 2}', {"a": 2}), (b"1e16", 1e16), (b"   1", 1),
    ],
)  # fmt: skip
def test_json_is_read_the_same_by_either_reader(reader, body, expected):
    value = reader.parse(body)
    assert value == expected
    assert type(value) is type(expected)


@pytest.mark.parametrize(
    "body",
    [
        b"", b" ", b"<html></html>", b'{"a": 1', b'{"a": "x', b"[1, 2", b"{'a': 1}",
        b'{"a": 1} trailing', b"\xff\xfe\xfd", b'{"name": "\xff"}', b'{"name": "\xc3"}', b"nul",
        b"\x00", b"[" * 200_000, b"[" * 200_000 + b"]" * 200_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b"9" * 10_000,
    ],
    ids=lambda body: repr(body[:20]),
)  # fmt: skip
def test_invalid_json_raises_with_either_reader(reader, body):
    with pytest.raises(reader.MalformedBody):
        reader.parse(body)


LARGE = [2**63, 2**64 - 1, 2**64, 2**64 + 1, -(2**63), -(2**63) - 1, 10**300, -(10**18), 10**4299]
scalars = st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.text(max_size=30)


def jsons(scalars: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    inner = lambda it: st.lists(it, max_size=3) | st.dictionaries(keys, it, max_size=3)  # noqa: E731
    return st.recursive(scalars, inner, max_leaves=8)


@given(jsons(scalars, st.text(max_size=30)))
@example([{"y": number} for number in LARGE])
@example(LARGE)
@example(2**64)
def test_json_with_integers_of_any_size_survives_its_bytes(value):
    for ascii_only in (True, False):
        assert codec.parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


# Any JSON at any place


EXTREMES = [
    float("nan"), float("inf"), float("-inf"), -0.0, 1e308, 5e-324, 2.0**53, 2.0**63,
    10**18, 10**400, -(10**400), 10**4299, 2**63, -(2**63) - 1,
    "\ud800", "\udfff\ud800", "\x00", "9" * 5000, "-" * 50, "1e5", "NaN", "\u0661", "\xb2",
    " 7 ", "0x7", "+7", "--7", "7.0", "true", "null", "[]", "{}",
    json.loads("[" * 400 + "]" * 400),
    json.loads('{"id":' * 400 + "1" + "}" * 400), [[]], [None], [{}], {"": ""}, {"0": None},
    {"-1": 1}, {"\ud800": 1}, {"\u0661": {}}, {"id": {"id": {"id": None}}},
]  # fmt: skip

names = sorted({name for it in SAMPLES for name in wire_names(it.model)})
numbered = st.sampled_from(["0", "1", "7", "\xb2", "success", "error", "data"])
values = jsons(
    scalars | st.floats() | st.sampled_from(EXTREMES),
    st.sampled_from(names) | numbered | st.text(max_size=4),
)


def places(wire: Any, place: str = "") -> Iterator[str]:
    """Yield each place in a model and in the models in it, as an error names it."""
    yield place
    if isinstance(wire, dict):
        for name, value in wire.items():
            yield from places(value, f"{place}.{name}")
    elif isinstance(wire, list) and isinstance(wire[0], dict):
        yield from places(wire[0], f"{place}[0]")


PLACES = [(sample.model, place) for sample in SAMPLES for place in places(sample.wire)]


def test_every_place_is_covered():
    told = {f"{model.__name__}{place}" for model, place in PLACES}
    assert len(told) > 500
    assert {"User.role.id", "Object.author.role.alias", "Comment.attachments[0].name"} <= told


def check(model: type[Any], place: str, value: Any) -> None:
    """Read a page with the value at that place of its second item."""
    for part in reversed(re.findall(r"\w+", place)):
        value = [value] if part == "0" else {"id": 1} | {part: value}
    decode = page_of(model, number=1, size=50)
    try:
        page = decode({"data": [{"id": 1}, value], "totalObjects": 2})
    except StructureError as error:
        told, expected = error.place, f"data[1]{place}"
        assert told.startswith(expected) or expected.startswith(told)
        assert 0 < len(error.problem) < 5000  # noqa: PT017
        # Nothing that is optional fails a page, unless it could not be kept.
        assert place in ("", ".id") or "levels deep" in error.problem  # noqa: PT017
        return
    assert type(page) is ur.Page
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
        page = page_of(ur.User, number=1, size=50)(body | {name: value})
    except StructureError as error:
        # Another count of pages shows at the page's own number.
        named = ("currentPage", name) if name == "totalPages" else (name,)
        assert error.place.startswith(named)  # noqa: PT017 - both outcomes are good
        assert error.problem  # noqa: PT017
    else:
        assert {type(user) for user in page.items} <= {ur.User}


OPTIONAL = {
    "name": st.text(), "shortName": st.text(), "isDefaultAvatar": st.booleans(),
    "role": st.fixed_dictionaries({"id": st.integers(1), "alias": st.text()}),
    "unheard": st.none() | st.integers() | st.text(),
}  # fmt: skip


@given(st.fixed_dictionaries({"id": st.integers(1)}, optional=OPTIONAL))
def test_valid_json_is_read_unchanged(sent: dict[str, Any]):
    role = ur.Role(**sent["role"]) if "role" in sent else None
    extra = {name: value for name, value in sent.items() if name == "unheard"}
    user = ur.User(id=sent["id"], name=sent.get("name"), role=role, extra=extra)
    user.short_name, user.is_default_avatar = sent.get("shortName"), sent.get("isDefaultAvatar")
    assert decode_user(sent) == user


# The bytes of a response, through a complete call

CALLS: dict[str, tuple[Any, ...]] = {
    "users.get": (1,), "users.search": (), "categories.list": (), "chats.messages": (1,),
    "changelog.for_object": (1,), "reports.objects": (1,), "custom_fields.list": ("tickets",),
    "users.notes.list": (1,), "users.delete": (1,), "request": ("GET", "/x.json"),
}  # fmt: skip
wraps = ["%s", '{"success": %s}', '{"data": %s}', '{"error": %s}']
wraps += ['{"error": {"code": %s, "message": "no"}}', '{"error": {"message": %s}}']
json_bodies = st.builds(
    lambda wrap, it: (wrap % json.dumps(it)).encode(), st.sampled_from(wraps), values
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
    transport = httpx.MockTransport(lambda request: httpx.Response(200, content=body))
    once = ur.RetryPolicy(attempts=1)

    async def call() -> None:
        async with ur.AsyncClient("http://localhost", transport=transport, retry=once) as client:
            await attrgetter(name)(client)(*CALLS[name])

    try:
        anyio.run(call)
    except ur.DecodeError as error:
        assert error.message  # noqa: PT017 - a result and this are both good
    except ur.APIStatusError as error:
        assert b'"error"' in body
        assert type(error.code) in (int, type(None))  # noqa: PT017
        assert type(error.message) is str  # noqa: PT017
