"""JSON as PHP writes it, and the place of what is invalid."""

import importlib.util
import json
import sys
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from useresponse_async import FieldValue, Role, Team, User
from useresponse_async import _decode as codec
from useresponse_async._decode import StructureError, entity, page_of

decode_user = entity(User)

FULL: dict[str, Any] = {
    "id": 7, "name": "Ada Lovelace", "shortName": "Ada L.", "email": "ada@example.com",
    "phone": "+44 20 1",
    "avatar": {"big": "b.png", "medium": "m.png", "small": "s.png", "tiny": "t.png"},
    "isDefaultAvatar": False, "gravatarEmail": "ada@gravatar.example",
    "profileUrl": "https://x.example/users/7", "registrationDate": "2020-02-03 04:05:06",
    "lastVisitAt": "2021-01-01 00:00:00", "role": {"id": 3, "alias": "agent"},
    "team": {"id": 2, "name": "Support"}, "tags": "vip, beta",
    "custom_fields": [{"id": 1, "label": "Plan", "name": "property_1", "value": ["p"],
        "textValue": ["Pro"]}],
    "apiKey": "secret-key",
}  # fmt: skip


def error_of(decode: Any, payload: Any) -> StructureError:
    with pytest.raises(StructureError) as caught:
        decode(payload)
    return caught.value


# Users


def test_two_users_share_no_list():
    first, second = page_of(User, number=1, size=50)({"data": [{"id": 1}, {"id": 2}]}).items
    first.tags.append("vip")
    first.extra["x"] = 1
    assert (second.tags, second.extra) == ([], {})


def test_users_with_different_keys_are_read_alike():
    decode = page_of(User, number=1, size=50)
    known = [{name: FULL[name] for name in FULL if name == "id" or name != left} for left in FULL]
    for sent in [FULL, *known, *reversed(known), {"id": 7}, {**FULL, "x": 1}, {"id": 7, "x": 1}]:
        (user,) = decode([sent]).items
        assert user.extra == ({"x": 1} if "x" in sent else {})
        assert user.role == (Role(id=3, alias="agent") if "role" in sent else None)
        assert user.email == sent.get("email")


# Lenient conversions


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("id", "7", 7), ("id", "-7", -7), ("id", 7.0, 7), ("name", 12, "12"), ("name", 1.5, "1.5"),
        ("name", False, None), ("name", "", ""), ("phone", 4420, "4420"), ("avatar", [], None),
        ("avatar", {}, None), ("avatar", "", None), ("avatar", False, None), ("avatar", 0, None),
        ("avatar", "0", None), ("role", [], None), ("role", "0", None), ("team", 0, None),
        ("team", "0", None), ("team", "", None),
        ("team", {"id": "2", "name": 5}, Team(id=2, name="5")), ("tags", "", []), ("tags", [], []),
        ("tags", "vip", ["vip"]), ("tags", "vip,beta", ["vip", "beta"]),
        ("tags", " vip , ,beta,", ["vip", "beta"]), ("tags", ["vip", "beta"], ["vip", "beta"]),
        ("tags", {"0": "vip", "2": "beta"}, ["vip", "beta"]),
        ("tags", ["vip", 5, None, ""], ["vip", "5"]), ("tags", False, []),
        ("custom_fields", [], []), ("custom_fields", {}, []), ("custom_fields", "", []),
        ("custom_fields", False, []), ("custom_fields", {"4": {"id": "1"}}, [FieldValue(id=1)]),
    ],
)  # fmt: skip
def test_values_as_php_writes_them_are_coerced(field, value, expected):
    assert getattr(decode_user({"id": 1, field: value}), field) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, True), (False, False), (1, True), (0, False), ("1", True), ("0", False),
        ("true", True), ("False", False), ("", None), (None, None), (1.0, True),
    ],
)  # fmt: skip
def test_booleans_are_coerced(value, expected):
    assert decode_user({"id": 1, "isDefaultAvatar": value}).is_default_avatar is expected


def test_values_of_a_custom_field_are_unchanged():
    field = {"id": 1, "value": [1, "2", {"a": None}], "textValue": {"0": "one", "1": "two"}}
    (user_field,) = decode_user({"id": 1, "custom_fields": [field]}).custom_fields
    assert user_field.value == [1, "2", {"a": None}]
    assert user_field.text_value == ["one", "two"]


def test_a_key_named_extra_is_an_unknown_key():
    assert decode_user({"id": 1, "extra": {"x": 1}}).extra == {"extra": {"x": 1}}


def test_a_key_named_like_the_attribute_is_an_unknown_key():
    assert decode_user({"id": 1, "short_name": "A"}) == User(id=1, extra={"short_name": "A"})


# The place of what does not fit


@pytest.mark.parametrize("number", ["x", 1.5, [], {}, "1_000", None, ""])
def test_the_error_of_a_missing_or_invalid_id_names_its_place(number):
    user = {"id": number}
    assert error_of(decode_user, user).place == "id"
    page = page_of(User, number=1, size=50)
    one = {"id": 1}
    assert error_of(page, {"data": [one, one, one, user]}).place == "data[3].id"
    assert error_of(page, {"success": [one, user]}).place == "[1].id"
    assert error_of(page, {"knowledgeBase": [one], "feedback": [user]}).place == "feedback[0].id"


@pytest.mark.parametrize(
    ("page", "place"),
    [
        ({"data": 5}, "data"), ({"data": "x"}, "data"), ({"data": {"a": 1}}, "data"),
        ({"data": [5]}, "data[0]"), ({"data": [{"id": 1}, "x"]}, "data[1]"),
        ({"currentPage": "x"}, "currentPage"), ({"totalPages": -1}, "totalPages"),
        ({"totalObjects": [1]}, "totalObjects"), ({"objectsPerPage": 1.5}, "objectsPerPage"),
        ({"nextPage": {}}, "nextPage"), ({"currentPage": 2, "totalPages": 3}, "currentPage"),
        ([5], "[0]"), (5, ""), ("x", ""), (True, ""), ({"a": 1, "b": 2}, ""),
        ({"a": [], "b": 2}, ""), ({"a": {}}, ""), ({"feedback": 5}, ""),
        ({"feedback": [5]}, "feedback[0]"), ([{"id": 1}, None], "[1]"),
    ],
)  # fmt: skip
def test_the_error_of_an_invalid_page_names_its_place(page, place):
    assert error_of(page_of(User, number=1, size=50), page).place == place


def test_the_error_of_a_long_text_does_not_show_it():
    error = error_of(decode_user, {"id": 1000 * "x"})
    assert error.problem == "a text of 1000 characters is not an integer"


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
        (b"null", None), (b'{"a": 1, "a": 2}', {"a": 2}),
    ],
)  # fmt: skip
def test_json_is_read_the_same_by_either_reader(reader, body, expected):
    value = reader.parse(body)
    assert value == expected
    assert type(value) is type(expected)


LARGE = [2**63, 2**64 - 1, 2**64, 2**64 + 1, -(2**63), -(2**63) - 1, 10**300, -(10**18), 10**4299]


@pytest.mark.parametrize(
    "template", ['{"id": %d, "x": [{"y": %d}]}', "[1, %d ]", "%d", '["a", %d]', "   %d"]
)
def test_an_integer_of_any_size_is_exact(reader, template):
    for number in LARGE:
        body = template.replace("%d", str(number))
        assert reader.parse(body.encode()) == json.loads(body)


@given(before=st.text(max_size=30), number=st.integers(-(2**80), 2**80), after=st.text(max_size=30))
def test_an_integer_at_any_place_is_exact(before: str, number: int, after: str):
    value = {before: [number, {"id": number}], after: before}
    for ascii_only in (True, False):
        body = json.dumps(value, ensure_ascii=ascii_only).encode(errors="surrogatepass")
        assert codec.parse(body) == json.loads(body)


def test_an_id_beyond_64_bits_is_exact(reader):
    number = 2**64 + 1
    user = decode_user(reader.parse(f'{{"id": {number}, "x": [{number}]}}'.encode()))
    assert user.id == number
    assert user.extra == {"x": [number]}
    assert f'"x": [{number}]' in user.to_json()
    assert User.from_dict(user.to_dict()) == user


@pytest.mark.parametrize("number", ["1e300", "1e16", "1.5"])
def test_a_number_that_is_not_an_exact_integer_is_an_invalid_id(reader, number):
    with pytest.raises(StructureError) as caught:
        decode_user(reader.parse(f'{{"id": {number}}}'.encode()))
    assert caught.value.place == "id"


@pytest.mark.parametrize("text", ["1_000", "1e3", "0x10", "٣", "1 0", "--1"])
def test_a_text_that_only_python_reads_as_an_integer_raises(text):
    with pytest.raises(StructureError):
        decode_user({"id": text})


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


def nested(levels: int, kind: str) -> bytes:
    opening, closing = {"list": (b"[", b"]"), "object": (b'{"a":', b"}")}[kind]
    return opening * levels + b"1" + closing * levels


@pytest.mark.parametrize("kind", ["list", "object"])
def test_deeply_nested_json_of_an_unknown_key_is_kept(reader, kind):
    user = decode_user(reader.parse(b'{"id": 1, "deep": ' + nested(200, kind) + b"}"))
    assert json.loads(user.to_json())["extra"] == json.loads(
        b'{"deep": ' + nested(200, kind) + b"}"
    )
    assert User.from_dict(user.to_dict()) == user


@pytest.mark.parametrize("kind", ["list", "object"])
@pytest.mark.parametrize(
    ("around", "place"),
    [
        (b'{"id": 1, "deep": %s}', "deep"),
        (b'{"id": 1, "role": {"deep": %s}}', "role"),
        (b'{"id": 1, "name": %s}', "name"),
        (b'{"id": 1, "custom_fields": [{"value": [%s]}]}', "custom_fields"),
    ],
)
def test_json_that_is_nested_too_deeply_raises(reader, kind, around, place):
    for levels in (201, 600, 900):
        payload = reader.parse(around % nested(levels, kind))
        assert error_of(decode_user, payload).place == place
        assert error_of(page_of(User, number=1, size=50), [payload]).place == f"[0].{place}"
        assert error_of(codec.as_sent, payload).place == ""


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.binary(max_size=60))
def test_any_bytes_are_json_or_raise(body):
    try:
        codec.parse(body)
    except codec.MalformedBody as error:
        assert isinstance(error, ValueError)  # noqa: PT017 - both outcomes are good


@given(json_values, st.booleans())
def test_json_survives_its_bytes(value, ascii_only):
    assert codec.parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value
