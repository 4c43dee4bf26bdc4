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
from useresponse_async._decode import StructureError, entity, page_of, wire_names

decode_user = entity(User)
decode_page = page_of(User, number=1, size=50)


def error_of(decode: Any, payload: Any) -> StructureError:
    with pytest.raises(StructureError) as caught:
        decode(payload)
    return caught.value


# Users


def test_two_users_share_no_list():
    first, second = decode_page({"data": [{"id": 1}, {"id": 2}]}).items
    first.tags.append("vip")
    first.extra["x"] = 1
    assert (second.tags, second.extra) == ([], {})


def test_users_with_different_keys_are_read_alike():
    known = {"id": 7, "email": "a@example.com", "role": {"id": 3, "alias": "agent"}}
    full = {**dict.fromkeys(wire_names(User), False), **known}
    without = [{k: v for k, v in full.items() if k == "id" or k != left} for left in full]
    bare = [{"id": 7}, {**full, "x": 1}, {"id": 7, "x": 1}]
    for sent in [full, *without, *reversed(without), *bare]:
        (user,) = decode_page([sent]).items
        assert user.extra == ({"x": 1} if "x" in sent else {})
        assert user.role == (Role(id=3, alias="agent") if "role" in sent else None)
        assert user.email == sent.get("email")


# Lenient conversions


@pytest.mark.parametrize(
    ("field", "value", "expected"),
    [
        ("id", "7", 7), ("id", "-7", -7), ("id", 7.0, 7), ("id", 2**64 + 1, 2**64 + 1),
        ("name", 12, "12"), ("name", 1.5, "1.5"), ("name", False, None), ("name", "", ""),
        ("phone", 4420, "4420"), ("avatar", [], None), ("avatar", {}, None), ("avatar", "", None),
        ("avatar", False, None), ("avatar", 0, None), ("avatar", "0", None), ("role", [], None),
        ("role", "0", None), ("team", 0, None), ("team", "0", None), ("team", "", None),
        ("team", {"id": "2", "name": 5}, Team(id=2, name="5")), ("tags", "", []), ("tags", [], []),
        ("tags", "vip", ["vip"]), ("tags", "vip,beta", ["vip", "beta"]),
        ("tags", " vip , ,beta,", ["vip", "beta"]), ("tags", ["vip", "beta"], ["vip", "beta"]),
        ("tags", {"0": "vip", "2": "beta"}, ["vip", "beta"]),
        ("tags", ["vip", 5, None, ""], ["vip", "5"]), ("tags", False, []),
        ("custom_fields", [], []), ("custom_fields", {}, []), ("custom_fields", "", []),
        ("custom_fields", False, []), ("custom_fields", {"4": {"id": "1"}}, [FieldValue(id=1)]),
        ("custom_fields", [{"value": [1, "2", {"a": None}], "textValue": {"0": "I", "1": "II"}}],
         [FieldValue(value=[1, "2", {"a": None}], text_value=["I", "II"])]),
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


@pytest.mark.parametrize("unknown", [{"extra": {"x": 1}}, {"short_name": "A"}])
def test_a_key_named_like_an_attribute_is_an_unknown_key(unknown):
    assert decode_user({"id": 1, **unknown}) == User(id=1, extra=unknown)


# The place of what does not fit


NO_IDS = ["x", 1.5, 1e16, 1e300, [], {}, None, "", "1_000", "1e3", "0x10", "٣", "1 0", "--1"]


@pytest.mark.parametrize("number", NO_IDS)
def test_the_error_of_a_missing_or_invalid_id_names_its_place(number):
    one, user = {"id": 1}, {"id": number}
    assert error_of(decode_user, user).place == "id"
    assert error_of(decode_page, {"data": [one, one, one, user]}).place == "data[3].id"
    assert error_of(decode_page, {"success": [one, user]}).place == "[1].id"
    grouped = {"knowledgeBase": [one], "feedback": [user]}
    assert error_of(decode_page, grouped).place == "feedback[0].id"


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
    assert error_of(decode_page, page).place == place


def test_the_error_of_a_long_text_does_not_show_it():
    error = error_of(decode_user, {"id": 1000 * "x"})
    assert error.problem == "a text of 1000 characters is not an integer"


def nested(levels: int, kind: str) -> str:
    opening, closing = {"list": "[]", "object": ('{"a":', "}")}[kind]
    return opening * levels + "1" + closing * levels


@pytest.mark.parametrize("kind", ["list", "object"])
@pytest.mark.parametrize(
    ("around", "place"),
    [
        ('{"id": 1, "deep": %s}', "deep"), ('{"id": 1, "role": {"deep": %s}}', "role"),
        ('{"id": 1, "name": %s}', "name"),
        ('{"id": 1, "custom_fields": [{"value": [%s]}]}', "custom_fields"),
    ],
)  # fmt: skip
def test_json_is_kept_or_raises_if_it_is_nested_too_deeply(kind, around, place):
    user = decode_user(json.loads(around % nested(199, kind)))
    assert nested(199, kind) in user.to_json().replace(" ", "")
    assert User.from_dict(user.to_dict()) == user
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
        (b"null", None), (b'{"a": 1, "a": 2}', {"a": 2}), (b"1e16", 1e16),
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


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**80), 2**80) | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=30), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(json_values)
def test_json_with_integers_of_any_size_survives_its_bytes(value):
    for ascii_only in (True, False):
        assert codec.parse(json.dumps(value, ensure_ascii=ascii_only).encode()) == value
