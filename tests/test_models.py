"""Models: every field, no field, odd values, and plain data."""

import copy
import json
import pickle
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import attrs
import pytest

import useresponse_async
from useresponse_async import (
    AttachedFile,
    Avatar,
    Category,
    CategoryImage,
    Changelog,
    ChangelogAction,
    Chat,
    Comment,
    CommentVotes,
    CustomField,
    FieldOption,
    FieldValue,
    FileName,
    Forum,
    Link,
    Message,
    Object,
    ObjectType,
    ObjectVotes,
    Page,
    Report,
    ReportGroup,
    ReportPage,
    Role,
    Secret,
    Source,
    State,
    Status,
    StatusColor,
    Team,
    TypeIcon,
    TypeSupport,
    TypeTitle,
    UploadedFile,
    User,
    UserNote,
    models,
)
from useresponse_async._decode import StructureError, page_of


@dataclass
class Sample:
    """A model with every field, as JSON and as plain data."""

    model: type[Any]
    wire: dict[str, Any]
    plain: dict[str, Any]
    shown: str


def sample(model: type[Any], shown: str, *fields: tuple[Any, ...]) -> Sample:
    """Make a sample of its repr and its fields.

    A field is its name on the wire, with the attribute's if that is another one, what the wire
    has, and what is given back if that is something else.
    """

    def of(value: Any, side: str) -> Any:
        if isinstance(value, list):
            return [of(item, side) for item in value]
        return getattr(value, side) if isinstance(value, Sample) else value

    wire = {names.split()[0]: of(value, "wire") for names, value, *_ in fields}
    plain = {names.split()[-1]: of(values[-1], "plain") for names, *values in fields}
    return Sample(model, wire, plain | {"extra": {}}, shown)


def decoded(model: type[Any], *wire: Any) -> list[Any]:
    """Return what a page with these items is read as, as every response is."""
    body = json.loads(json.dumps({"data": wire, "totalObjects": len(wire)}))
    return page_of(model, number=1, size=50)(body).items


AVATAR = sample(
    Avatar, "Avatar(big='/b.png', medium='/m.png', small='/s.png', tiny='/t.png')",
    ("big", "/b.png"), ("medium", "/m.png"), ("small", "/s.png"), ("tiny", "/t.png"),
)  # fmt: skip
ROLE = sample(Role, "Role(id=2)", ("id", 2), ("alias", "agent"))
TEAM = sample(Team, "Team(id=4, name='Support')", ("id", "4", 4), ("name", "Support"))
FIELD_VALUE = sample(
    FieldValue, "FieldValue(id=7, name='property_7')", ("id", 7), ("label", "Region"),
    ("name", "property_7"), ("value", ["eu", 1, None]), ("textValue text_value", ["Europe"]),
)  # fmt: skip
USER = sample(
    User, "User(id=5, name='Ann Lee')", ("id", "5", 5), ("name", "Ann Lee"),
    ("shortName short_name", "Ann"), ("email", "ann@example.org"), ("phone", "123"),
    ("avatar", AVATAR), ("isDefaultAvatar is_default_avatar", 1, True),
    ("gravatarEmail gravatar_email", "g@example.org"), ("profileUrl profile_url", "/ann"),
    ("registrationDate registration_date_text", "2023-01-02 03:04:05"),
    ("lastVisitAt last_visit_at_text", "2024-01-02 03:04:05"), ("role", ROLE), ("team", TEAM),
    ("tags", "a, b", ["a", "b"]), ("custom_fields", [FIELD_VALUE]),
    ("apiKey api_key", "k-5", "***"),
)  # fmt: skip
FILE_NAME = sample(
    FileName, "FileName(full='photo.jpg', short='pho…', ext='jpg')", ("full", "photo.jpg"),
    ("short", "pho…"), ("ext", "jpg"),
)  # fmt: skip
ATTACHED_FILE = sample(
    AttachedFile, "AttachedFile(id=9, name=FileName(full='photo.jpg', short='pho…', ext='jpg'))",
    ("id", 9), ("name", FILE_NAME), ("url", "/f/9"), ("directUrl direct_url", "/d/9"),
    ("icon", "/i.png"),
)  # fmt: skip
FORUM = sample(Forum, "Forum(id='3', name='Ideas')", ("id", 3, "3"), ("name", "Ideas"))
CATEGORY_IMAGE = sample(
    CategoryImage, "CategoryImage(big='/b.png', medium='/m.png', small='/s.png')",
    ("big", "/b.png"), ("medium", "/m.png"), ("small", "/s.png"),
)  # fmt: skip
CATEGORY = sample(
    Category, "Category(id=2, name='Ink')", ("id", 2), ("name", "Ink"), ("slug", "ink"),
    ("description", "All about ink"), ("order", "1", 1), ("ownership", "feedback"),
    ("type", "idea"), ("parent_id", "1", 1), ("isPrivate is_private", False), ("forum", FORUM),
    ("image", CATEGORY_IMAGE),
)  # fmt: skip
STATUS_COLOR = sample(
    StatusColor, "StatusColor(background='#fff', text='#000')", ("background", "#fff"),
    ("text", "#000"),
)  # fmt: skip
STATUS = sample(
    Status, "Status(id=6, title='Open')", ("id", 6), ("title", "Open"), ("slug", "open"),
    ("type", "ticket"), ("ownership", "helpdesk"), ("order", 1), ("isDefault is_default", True),
    ("isClosed is_closed", "0", False), ("isSystem is_system", 1, True), ("color", STATUS_COLOR),
)  # fmt: skip
COMMENT_VOTES = sample(
    CommentVotes, "CommentVotes(amount=3, can_vote=True, is_voted=False, plural='3 votes')",
    ("amount", 3), ("canVote can_vote", True), ("isVoted is_voted", False), ("plural", "3 votes"),
)  # fmt: skip
COMMENT = sample(
    Comment, "Comment(id=31)", ("id", 31), ("objectId object_id", 12), ("content", "Same here"),
    ("author", USER), ("createdAtPosix created_at", 1_700_000_000, "2023-11-14T22:13:20+00:00"),
    ("createdAt created_at_text", "2023-11-15 00:13:20"), ("createdAgo created_ago", "a year ago"),
    ("updatedAt updated_at_text", "2023-11-15 00:20:00"), ("is_best", 1, True),
    ("ownership", "helpdesk"), ("replyToId reply_to_id", 30), ("attachments", [ATTACHED_FILE]),
    ("votes", COMMENT_VOTES),
)  # fmt: skip
TYPE_TITLE = sample(
    TypeTitle, "TypeTitle(single='Ticket', plural='Tickets')", ("single", "Ticket"),
    ("plural", "Tickets"),
)  # fmt: skip
TYPE_ICON = sample(
    TypeIcon, "TypeIcon(big='/b.png', small='/s.png')", ("big", "/b.png"), ("small", "/s.png"),
)  # fmt: skip
TYPE_SUPPORT = sample(
    TypeSupport, "TypeSupport(comments=True, votes=False, negative_vote=False)", ("comments", True),
    ("votes", 0, False), ("negativeVote negative_vote", False),
)  # fmt: skip
OBJECT_TYPE = sample(
    ObjectType, "ObjectType(title=TypeTitle(single='Ticket', plural='Tickets'))",
    ("slug", "ticket"), ("title", TYPE_TITLE), ("icon", TYPE_ICON), ("order", 1),
    ("supports", TYPE_SUPPORT),
)  # fmt: skip
STATE = sample(State, "State(name='active')", ("identifier", "1", 1), ("name", "active"))
SOURCE = sample(Source, "Source(name='E-mail')", ("identifier", "email"), ("name", "E-mail"))
LINK = sample(
    Link, "Link(title='Paper')", ("object_id", 13, "13"), ("title", "Paper"), ("type", "idea"),
    ("url", "/o/13"),
)  # fmt: skip
OBJECT_VOTES = sample(
    ObjectVotes,
    "ObjectVotes(all=3, positive=2, negative=1, can_vote=True, is_voted=False, plural='3 votes')",
    ("all", 3), ("positive", "2", 2), ("negative", 1), ("canVote can_vote", True),
    ("isVoted is_voted", False), ("plural", "3 votes"),
)  # fmt: skip
OBJECT = sample(
    Object, "Object(id=12, title='Printer')", ("id", 12), ("ownership", "helpdesk"),
    ("type", OBJECT_TYPE), ("title", "Printer"), ("slug", "printer"), ("url", "/o/12"),
    ("content", "On fire"), ("author", USER), ("responsible", USER), ("team", TEAM),
    ("category", CATEGORY), ("forum", FORUM), ("status", STATUS), ("state", STATE),
    ("source", SOURCE), ("tags", ["a", "b"]), ("custom_fields", [FIELD_VALUE]),
    ("attachments", [ATTACHED_FILE]), ("recipients", ["bob@example.org"]), ("links", [LINK]),
    ("parentObject parent_object", {"id": 11}), ("bestComment best_comment", COMMENT),
    ("completedBy completed_by", USER), ("completedOn completed_on_text", "2023-11-16 00:00:00"),
    ("createdAt created_at", "2023-11-15 00:13:20", "2023-11-14T22:13:20+00:00"),
    ("createdAtPosix created_at_text", "1700000000", "2023-11-15 00:13:20"),
    ("commentedAt commented_at_text", "2023-11-15 00:14:20"),
    ("latestActivityPosix latest_activity", 1_700_000_060, "2023-11-14T22:14:20+00:00"),
    ("slaDatePosix sla_date", 1_700_003_600, "2023-11-14T23:13:20+00:00"),
    ("commentsNum comments_num", "1", 1), ("views", 100), ("votes", OBJECT_VOTES), ("score", 5),
    ("scoreComment score_comment", "Great"), ("scoreReason score_reason", "Speed"),
    ("language", "en"), ("canBeCommented can_be_commented", True), ("isAbused is_abused", False),
    ("isFeatured is_featured", True), ("isPrivate is_private", False),
    ("isSubscribed is_subscribed", 1, True),
)  # fmt: skip
MESSAGE = sample(
    Message, "Message(id=77)", ("id", 77), ("parentId parent_id", 76), ("type", "document"),
    ("content", "See here"), ("author", USER), ("isSystem is_system", False), ("token", "t-77"),
    ("fileName file_name", "a.pdf"),
    ("createdAtPosix created_at", 1_700_000_000, "2023-11-14T22:13:20+00:00"),
)  # fmt: skip
CHAT = sample(
    Chat, "Chat(id=3, title='Hi')", ("id", 3), ("externalId external_id", 903), ("title", "Hi"),
    ("token", "t-3"), ("source", "web"), ("author", USER), ("responsible", USER),
    ("lastMessage last_message", MESSAGE), ("seenByClient seen_by_client", True), ("score", 4),
    ("createdAt created_at", "2023-11-15 00:13:20", "2023-11-14T22:13:20+00:00"),
    ("createdAtPosix created_at_text", 1_700_000_000, "2023-11-15 00:13:20"),
    ("updatedAt updated_at", "2023-11-15 00:14:20", "2023-11-14T22:14:20+00:00"),
    ("updatedAtPosix updated_at_text", 1_700_000_060, "2023-11-15 00:14:20"),
    ("completedAt completed_at", "2023-11-15 01:13:20", "2023-11-14T23:13:20+00:00"),
    ("completedAtPosix completed_at_text", 1_700_003_600, "2023-11-15 01:13:20"),
)  # fmt: skip
CHANGELOG_ACTION = sample(
    ChangelogAction, "ChangelogAction(change_id='4', field='status', previous='1', value='2')",
    ("change_id", 4, "4"), ("field", "status"), ("previous", 1, "1"), ("value", "2"),
)  # fmt: skip
CHANGELOG = sample(
    Changelog,
    "Changelog(created_at=datetime.datetime(2023, 11, 14, 22, 13, 20, "
    "tzinfo=datetime.timezone.utc), source='web')",
    ("createdAtPosix created_at", 1_700_000_000, "2023-11-14T22:13:20+00:00"),
    ("createdBy created_by", USER), ("source", "web"), ("actions", [CHANGELOG_ACTION]),
)  # fmt: skip
FIELD_OPTION = sample(
    FieldOption, "FieldOption(title='Europe')", ("value", "eu"), ("title", "Europe"),
)  # fmt: skip
CUSTOM_FIELD = sample(
    CustomField, "CustomField(id=7, name='property_7')", ("id", 7), ("name", "property_7"),
    ("label", "Region"), ("description", "Where"), ("type", "select"), ("field_type", "tickets"),
    ("module", "helpdesk"), ("is_active", 1, True), ("is_private", "0", False),
    ("is_required", True), ("options", {"eu": "Europe"}, [FIELD_OPTION.plain]),
)  # fmt: skip
USER_NOTE = sample(
    UserNote, "UserNote(id=8)", ("id", 8), ("content", "Call back"), ("author", USER),
    ("createdAt created_at", "2023-11-15 00:13:20", "2023-11-14T22:13:20+00:00"),
    ("createdAtPosix created_at_text", 1_700_000_000, "2023-11-15 00:13:20"),
    ("createdAgo created_ago", "a year ago"), ("updatedAt updated_at_text", "2023-11-15 00:20:00"),
)  # fmt: skip
REPORT = sample(Report, "Report(id=4, name='Inbox')", ("id", "4", 4), ("name", "Inbox"))
REPORT_GROUP = sample(
    ReportGroup, "ReportGroup(id='1', name='New')", ("id", 1, "1"), ("name", "New"),
    ("count", "2", 2),
)  # fmt: skip
UPLOADED_FILE = sample(
    UploadedFile, "UploadedFile(name='photo.jpg')", ("token", "t-9"), ("url", "/f/9"),
    ("name", "photo.jpg"),
)  # fmt: skip

SAMPLES = [sample for sample in list(globals().values()) if isinstance(sample, Sample)]

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.model.__name__)


def test_every_public_model_has_a_sample():
    public = {getattr(models, name) for name in models.__all__} - {Page, ReportPage}
    assert {sample.model for sample in SAMPLES} == public
    assert set(models.__all__) <= set(useresponse_async.__all__)


@each_sample
def test_a_page_with_every_field(sample: Sample):
    (made,) = decoded(sample.model, sample.wire)
    assert made.to_dict() == sample.plain
    # The sample itself must leave no field out.
    assert set(sample.plain) == {field.alias for field in attrs.fields(sample.model)}
    assert not [name for name, value in sample.plain.items() if value in (None, [])]


def needed(model: type[Any]) -> dict[str, Any]:
    """Return the id, where a model must have one."""
    field = attrs.fields_dict(model).get("id")
    return {"id": 1} if field and field.default is attrs.NOTHING else {}


@each_sample
def test_a_page_with_every_field_missing(sample: Sample):
    (made,) = decoded(sample.model, needed(sample.model))
    values = [made.to_dict()[name] for name in sample.plain if name not in ("id", "extra")]
    assert [value for value in values if value not in (None, [])] == []
    assert made == sample.model(**needed(sample.model))


@pytest.mark.parametrize("model", [User, Object, Comment, Chat, Category, UserNote, Report])
def test_models_returned_by_id_require_an_id(model: type[Any]):
    assert attrs.resolve_types(model) is model
    assert attrs.fields(model).id.type is int
    for nothing in ({}, {"id": None}, {"id": ""}, {"id": "x"}, {"id": []}):
        with pytest.raises(StructureError) as caught:
            decoded(model, {"id": 1}, nothing)
        assert caught.value.place == "data[1].id"


@each_sample
def test_a_page_with_every_field_empty(sample: Sample):
    for nothing in (None, "", False):
        wire = {name: nothing for name in sample.wire if name not in ("parentObject", "type")}
        (made,) = decoded(sample.model, wire | needed(sample.model))
        values = [made.to_dict()[name] for name in sample.plain if name != "extra"]
        assert [value for value in values if value not in (None, [], "", 0, 1)] == []
        assert made.extra == {}


@each_sample
def test_unknown_keys_are_kept(sample: Sample):
    (made,) = decoded(sample.model, {**sample.wire, "newIn8": {"a": [1]}, "other": None})
    assert made.extra == {"newIn8": {"a": [1]}, "other": None}
    assert made.to_dict()["extra"] == {"newIn8": {"a": [1]}, "other": None}


@each_sample
def test_the_repr_shows_what_identifies(sample: Sample):
    (made,) = decoded(sample.model, sample.wire)
    assert repr(made) == sample.shown
    shown = ", ".join(f"{name}={value}" for name, value in needed(sample.model).items())
    assert repr(sample.model(**needed(sample.model))) == f"{sample.model.__name__}({shown})"


@each_sample
def test_equal_data_is_equal_and_survives_copies_pickles_and_json(sample: Sample):
    one, other = decoded(sample.model, sample.wire, sample.wire)
    assert one == other == copy.deepcopy(one)
    assert one != sample.model(**needed(sample.model))
    assert pickle.loads(pickle.dumps(one)).to_dict() == sample.plain  # noqa: S301 - our own
    assert json.loads(one.to_json()) == sample.plain
    assert '"Олександр"' in sample.model(**needed(sample.model), extra={"x": "Олександр"}).to_json()
    assert "\n" not in one.to_json()


@each_sample
def test_a_model_can_be_constructed_and_has_no_other_attributes(sample: Sample):
    made = sample.model(**needed(sample.model), extra={"x": 1})
    made.extra["y"] = 2
    assert made.to_dict()["extra"] == {"x": 1, "y": 2}
    with pytest.raises(AttributeError):
        made.no_such_field = 1


def test_plain_data_shares_nothing_with_the_model():
    (made,) = decoded(Object, OBJECT.wire)
    made.to_dict()["tags"].append("c")
    made.to_dict()["parent_object"]["id"] = 0
    assert made.tags == ["a", "b"]
    assert made.parent_object == {"id": 11}


def test_an_api_key_is_in_no_repr_and_no_plain_data():
    (made,) = decoded(User, USER.wire)
    assert made.api_key == Secret("k-5")
    assert "k-5" not in repr(made) + made.to_json() + repr(made.to_dict())


def test_unix_time_becomes_aware_utc():
    (made,) = decoded(Object, {"id": 1, "createdAtPosix": 1700000000, "slaDatePosix": "0"})
    assert made.created_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    assert made.created_at.tzinfo is timezone.utc
    assert made.sla_date is None


# The forms of other versions

BOTH_FORMS = {"name": "property_7", "slug": "region", "label": "Region", "title": None}


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        ({"slug": "ticket", "title": "Ticket"}, ObjectType(slug="ticket",
            title=TypeTitle(single="Ticket"))),
        ({"id": 1, "name": "a.png"}, AttachedFile(id=1, name=FileName(full="a.png"))),
        ({"id": 7, "slug": "property_7", "title": "Region"}, CustomField(id=7, name="property_7",
            label="Region")),
        (BOTH_FORMS, CustomField(name="property_7", label="Region", extra={"slug": "region",
            "title": None})),
    ],
    ids=["a title", "a file name", "a slug", "both"],
)  # fmt: skip
def test_a_form_of_another_version_is_read(wire: Any, expected: Any):
    assert decoded(type(expected), wire) == [expected]


@pytest.mark.parametrize(
    ("wire", "pairs"),
    [
        ({"eu": "Europe", "us": "America"}, [("eu", "Europe"), ("us", "America")]),
        ({"3": "Europe", "5": "America"}, [("3", "Europe"), ("5", "America")]),
        (["Europe", "America"], [("0", "Europe"), ("1", "America")]),
        ([{"value": "eu", "title": "Europe"}], [("eu", "Europe")]),
        ({"0": {"value": "eu", "title": "Europe"}}, [("eu", "Europe")]),
        ({"eu": {"title": "Europe"}}, [("eu", "Europe")]), ({"1": 10}, [("1", "10")]), ({}, []),
        ([], []), (None, []), ("", []),
    ],
)  # fmt: skip
def test_options_are_read_from_a_mapping_or_a_list(wire: Any, pairs: list[tuple[str, str]]):
    (made,) = decoded(CustomField, {"options": wire})
    assert [(option.value, option.title) for option in made.options] == pairs


# Values of other types


@pytest.mark.parametrize(
    ("model", "wire", "name", "extra"),
    [
        (Object, {"score": 4.5}, "score", {"score": 4.5}),
        (Object, {"isPrivate": 2}, "is_private", {"isPrivate": 2}),
        (Object, {"title": ["a"]}, "title", {"title": ["a"]}),
        (Object, {"tags": 5}, "tags", {"tags": 5}),
        (Object, {"tags": ["a", []]}, "tags", {"tags": ["a", []]}),
        (Object, {"attachments": [{}, 5]}, "attachments", {"attachments": [{}, 5]}),
        (Object, {"custom_fields": "x"}, "custom_fields", {"custom_fields": "x"}),
        (Object, {"state": "open"}, "state", {"state": "open"}),
        (Object, {"createdAtPosix": 10**18}, "created_at", {"createdAtPosix": 10**18}),
        (Object, {"createdAtPosix": "soon"}, "created_at", {"createdAtPosix": "soon"}),
        (CustomField, {"options": 5}, "options", {"options": 5}),
        (CustomField, {"slug": []}, "name", {"slug": []}),
        (User, {"apiKey": ["k-5"]}, "api_key", {}),
        *[(User, {key: value}, name, {key: value}) for key, name, value in [("name", "name",
            ["Ada"]), ("name", "name", True), ("shortName", "short_name", {}), ("isDefaultAvatar",
            "is_default_avatar", "maybe"), ("avatar", "avatar", "b.png"), ("role", "role", 5),
            ("role", "role", [{"id": 1}]), ("custom_fields", "custom_fields", {"a": 1}),
            ("custom_fields", "custom_fields", [{}, 5])]],
    ],
)  # fmt: skip
def test_an_invalid_value_is_in_extra_and_its_field_is_empty(model, wire, name, extra):
    for made in decoded(model, *2 * [{"id": 1, **wire}]):
        assert getattr(made, name) in (None, [])
        assert made.extra == extra
        assert made.id == 1


def test_an_invalid_value_of_a_nested_model_is_in_its_extra():
    (made,) = decoded(Object, {"id": 1, "author": {"id": 2, "role": {"id": "boss", "alias": "a"}}})
    assert made.author.role == Role(alias="a", extra={"id": "boss"})
    assert made.author.extra == made.extra == {}


@pytest.mark.parametrize(
    ("model", "key", "name"),
    [
        (Object, "author", "author"),
        (Object, "category", "category"),
        (Changelog, "createdBy", "created_by"),
    ],
)
@pytest.mark.parametrize("guest", [{"name": "A guest"}, {"id": "", "name": "A guest"}])
def test_a_nested_model_without_its_id_is_absent_and_in_extra(model, key, name, guest):
    (made,) = decoded(model, {"id": 1, key: guest} if model is Object else {key: guest})
    assert getattr(made, name) is None
    assert made.extra == {key: guest}


def test_an_api_key_is_not_in_extra():
    user = {"name": "A guest", "apiKey": "k-5"}
    (made,) = decoded(
        Object, {"id": 1, "author": user, "owners": [{"owner": user}], "apiKey": "k-5"}
    )
    assert made.extra == {"author": {"name": "A guest"}, "owners": [{"owner": {"name": "A guest"}}]}


def test_an_invalid_field_is_logged_once_without_its_value():
    script = """
import anyio, httpx, logging
from useresponse_async import AsyncClient

logging.basicConfig(format="%(name)s %(levelname)s %(message)s")
users = [{"id": 1, "isDefaultAvatar": "a private text", "apiKey": ["k-5"]}, {"id": 2}]

async def main():
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=users))
    async with AsyncClient("http://localhost", transport=transport) as client:
        for _ in range(3):
            assert len((await client.users.search()).items) == 2

anyio.run(main)
"""
    done = subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "-c", script], check=True, timeout=60, capture_output=True, text=True
    )
    first, second = done.stderr.splitlines()
    assert first.startswith("useresponse_async.decode WARNING User.isDefaultAvatar")
    assert second.startswith("useresponse_async.decode WARNING User.apiKey")
    assert "private" not in done.stderr
    assert "k-5" not in done.stderr


# Back from plain data


@each_sample
def test_a_model_is_restored_from_plain_data(sample: Sample):
    (made,) = decoded(sample.model, {**sample.wire, "newIn8": {"a": [1]}})
    restored = sample.model.from_dict(json.loads(made.to_json()))
    assert type(restored) is sample.model
    assert restored.to_dict() == made.to_dict()
    if "k-5" not in json.dumps(sample.wire):
        assert restored == made


def test_a_masked_secret_stays_unknown():
    restored = User.from_dict(User(id=1, api_key=Secret("k-5")).to_dict())
    with pytest.raises(ValueError, match="drops its value"):
        restored.api_key.reveal()
    assert User.from_dict({"id": 1, "api_key": "k-5"}).api_key == Secret("k-5")


@pytest.mark.parametrize(
    ("data", "place"),
    [
        ({}, "User.id"), ({"id": "1"}, "User.id"), ({"id": True}, "User.id"),
        ({"id": 1, "tags": "a"}, "User.tags"), ({"id": 1, "tags": ["a", 1]}, r"User.tags\[1\]"),
        ({"id": 1, "custom_fields": [{}, {"id": "x"}]}, r"User.custom_fields\[1\].id"),
        ({"id": 1, "shortName": "A"}, "shortName"), ([], "User"), (None, "User"),
    ],
)  # fmt: skip
def test_invalid_plain_data_raises_with_the_place(data: Any, place: str):
    with pytest.raises(ValueError, match=place):
        User.from_dict(data)
