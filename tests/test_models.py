"""Models: every field, no field, odd values, and plain data."""

import copy
import json
import pickle
import subprocess
import sys
from typing import Any

import attrs
import pytest
from samples import MOMENT, OBJECT, SAMPLES, USER, Sample

import useresponse_async
from useresponse_async import CustomField, Object, Secret, User, models
from useresponse_async._decode import StructureError, page_of


def decoded(model: type[Any], *wire: Any) -> list[Any]:
    """Return what a page with these items is read as, as every response is."""
    body = json.loads(json.dumps({"data": wire, "totalObjects": len(wire)}))
    return page_of(model, number=1, size=50)(body).items


each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.model.__name__)


def test_every_public_model_has_a_sample():
    names = [sample.model.__name__ for sample in SAMPLES]
    assert {*names, "Page", "ReportPage"} == {*models.__all__}
    assert set(models.__all__) <= set(useresponse_async.__all__)


@each_sample
def test_every_field_is_read_and_the_repr_shows_what_identifies(sample: Sample):
    (made,) = decoded(sample.model, sample.wire)
    assert made.to_dict() == sample.plain
    # The sample itself must leave no field out.
    assert set(sample.plain) == {field.alias for field in attrs.fields(sample.model)}
    assert not [name for name, value in sample.plain.items() if value in (None, [])]
    assert repr(made) == sample.shown
    shown = ", ".join(f"{name}={value}" for name, value in sample.needed.items())
    assert repr(sample.model(**sample.needed)) == f"{sample.model.__name__}({shown})"


@each_sample
def test_every_field_may_be_missing_or_empty(sample: Sample):
    (made,) = decoded(sample.model, sample.needed)
    values = [made.to_dict()[name] for name in sample.plain if name not in ("id", "extra")]
    assert [value for value in values if value not in (None, [])] == []
    assert made == sample.model(**sample.needed)
    for nothing in (None, "", False):
        wire = {name: nothing for name in sample.wire if name not in ("parentObject", "type")}
        (made,) = decoded(sample.model, wire | sample.needed)
        values = [made.to_dict()[name] for name in sample.plain if name != "extra"]
        assert [value for value in values if value not in (None, [], "", 0, 1)] == []
        assert made.extra == {}


def test_models_returned_by_id_require_an_id():
    for name in ("User", "Object", "Comment", "Chat", "Category", "UserNote", "Report"):
        model = getattr(models, name)
        assert attrs.fields(attrs.resolve_types(model)).id.type is int
        for nothing in ({}, {"id": None}, {"id": ""}, {"id": "x"}, {"id": []}):
            with pytest.raises(StructureError) as caught:
                decoded(model, {"id": 1}, nothing)
            assert caught.value.place == "data[1].id"


@each_sample
def test_unknown_keys_are_kept(sample: Sample):
    (made,) = decoded(sample.model, {**sample.wire, "newIn8": {"a": [1]}, "other": None})
    assert made.extra == made.to_dict()["extra"] == {"newIn8": {"a": [1]}, "other": None}


@each_sample
def test_equal_data_is_equal_and_survives_copies_pickles_and_json(sample: Sample):
    more = {"newIn8": {"a": ["Олександр"]}}
    wire, plain = {**sample.wire, **more}, {**sample.plain, "extra": more}
    one, other = decoded(sample.model, wire, wire)
    assert one == other == copy.deepcopy(one)
    assert one != sample.model(**sample.needed)
    assert pickle.loads(pickle.dumps(one)).to_dict() == plain  # noqa: S301 - our own
    text = one.to_json()
    assert json.loads(text) == plain
    assert "Олександр" in text
    assert "\n" not in text
    restored = sample.model.from_dict(json.loads(text))
    assert (type(restored), restored.to_dict()) == (sample.model, plain)
    assert restored == one or "k-5" in json.dumps(wire)
    with pytest.raises(AttributeError):
        one.no_such_field = 1


def test_plain_data_shares_nothing_with_the_model():
    (made,) = decoded(Object, OBJECT.wire)
    made.to_dict()["tags"].append("c")
    made.to_dict()["parent_object"]["id"] = 0
    assert made.tags == ["a", "b"]
    assert made.parent_object == {"id": 11}


def test_an_api_key_is_in_no_repr_no_plain_data_and_no_extra():
    (made,) = decoded(User, USER.wire)
    assert made.api_key == Secret("k-5")
    assert "k-5" not in repr(made) + made.to_json() + repr(made.to_dict())
    guest = {"name": "A guest", "apiKey": "k-5"}
    wire = {"id": 1, "author": guest, "owners": [{"owner": guest}], "apiKey": "k-5"}
    (made,) = decoded(Object, wire)
    assert made.extra == {"author": {"name": "A guest"}, "owners": [{"owner": {"name": "A guest"}}]}


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({"slug": "ticket", "title": "Ticket"},
         models.ObjectType(slug="ticket", title=models.TypeTitle(single="Ticket"))),
        ({"id": 1, "name": "a.png"}, models.AttachedFile(id=1, name=models.FileName(full="a.png"))),
        ({"id": 7, "slug": "property_7", "title": "Region"},
         CustomField(id=7, name="property_7", label="Region")),
        ({"name": "property_7", "slug": "region", "label": "Region", "title": None},
         CustomField(name="property_7", label="Region", extra={"slug": "region", "title": None})),
        ({"id": 1, "createdAtPosix": 1700000000, "slaDatePosix": "0"},
         Object(id=1, created_at=MOMENT)),
        ({"id": 1, "author": {"id": 2, "role": {"id": "boss", "alias": "a"}}},
         Object(id=1, author=User(id=2, role=models.Role(alias="a", extra={"id": "boss"})))),
    ],
    ids=["a title", "a file name", "a slug", "both", "a Unix time", "an invalid value in a role"],
)  # fmt: skip
def test_another_form_is_read(wire: Any, expected: Any):
    assert decoded(type(expected), wire) == [expected]


def test_options_are_read_from_a_mapping_or_a_list():
    eu = {"value": "eu", "title": "Europe"}
    for wire, pairs in (
        ({"eu": "Europe", "us": "America"}, [("eu", "Europe"), ("us", "America")]),
        (["Europe", "America"], [("0", "Europe"), ("1", "America")]),
        ([eu], [("eu", "Europe")]), ({"0": eu}, [("eu", "Europe")]), ({"1": 10}, [("1", "10")]),
        ({"eu": {"title": "Europe"}}, [("eu", "Europe")]), *[(it, []) for it in ({}, [], None, "")],
    ):  # fmt: skip
        (made,) = decoded(CustomField, {"options": wire})
        assert [(option.value, option.title) for option in made.options] == pairs


INVALID = {
    Object: [("score", 4.5), ("isPrivate is_private", 2), ("title", ["a"]), ("tags", 5),
        ("tags", ["a", []]), ("attachments", [{}, 5]), ("custom_fields", "x"), ("state", "open"),
        ("createdAtPosix created_at", 10**18), ("createdAtPosix created_at", "soon"),
        ("author", {"name": "A guest"}), ("category", {"id": "", "name": "A guest"})],
    User: [("name", ["Ada"]), ("name", True), ("shortName short_name", {}), ("avatar", "b.png"),
        ("isDefaultAvatar is_default_avatar", "maybe"), ("role", 5), ("role", [{"id": 1}]),
        ("custom_fields", {"a": 1}), ("custom_fields", [{}, 5]), ("apiKey api_key", ["k-5"])],
    CustomField: [("options", 5), ("slug name", [])],
    models.Changelog: [("createdBy created_by", {"name": "A guest"})],
}  # fmt: skip


@pytest.mark.parametrize("model", INVALID)
def test_an_invalid_value_is_in_extra_and_its_field_is_empty(model):
    for names, value in INVALID[model]:
        key, name = names.split()[0], names.split()[-1]
        for made in decoded(model, *2 * [{"id": 1, key: value}]):
            assert getattr(made, name) in (None, [])
            kept = {} if model is not models.Changelog else {"id": 1}
            assert made.extra == kept | ({} if name == "api_key" else {key: value})
            assert getattr(made, "id", 1) == 1


def test_an_invalid_field_is_logged_once_without_its_value():
    script = """
import logging
from useresponse_async import User
from useresponse_async._decode import page_of

logging.basicConfig(format="%(name)s %(levelname)s %(message)s")
user = {"id": 1, "isDefaultAvatar": "a private text", "apiKey": ["k-5"]}
for _ in range(3):
    assert len(page_of(User, number=1, size=50)([user, {"id": 2}]).items) == 2
"""
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script], check=True, timeout=60, capture_output=True, text=True
    )
    first, second = done.stderr.splitlines()
    assert first.startswith("useresponse_async.decode WARNING User.isDefaultAvatar")
    assert second.startswith("useresponse_async.decode WARNING User.apiKey")
    assert "private" not in done.stderr
    assert "k-5" not in done.stderr


def test_a_masked_secret_stays_unknown():
    restored = User.from_dict(User(id=1, api_key=Secret("k-5")).to_dict())
    with pytest.raises(ValueError, match="drops its value"):
        restored.api_key.reveal()
    assert User.from_dict({"id": 1, "api_key": "k-5"}).api_key == Secret("k-5")


def test_invalid_plain_data_raises_with_the_place():
    for data, place in (
        ({}, "User.id"), ({"id": "1"}, "User.id"), ({"id": True}, "User.id"),
        ({"id": 1, "tags": "a"}, "User.tags"), ({"id": 1, "tags": ["a", 1]}, r"User.tags\[1\]"),
        ({"id": 1, "custom_fields": [{}, {"id": "x"}]}, r"User.custom_fields\[1\].id"),
        ({"id": 1, "shortName": "A"}, "shortName"), ([], "User"), (None, "User"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=place):
            User.from_dict(data)
