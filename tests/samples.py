"""A sample of each model, with every field, as JSON and as plain data."""

import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import attrs

from useresponse_async import models

MOMENT = datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)


@dataclass
class Sample:
    model: type[Any]
    wire: dict[str, Any]
    plain: dict[str, Any]
    shown: str

    @property
    def needed(self) -> dict[str, Any]:
        """The id, where a model must have one."""
        field = attrs.fields_dict(self.model).get("id")
        return {"id": 1} if field and field.default is attrs.NOTHING else {}


def attribute(wire: str) -> str:
    """Return the name of an attribute; times that are only texts are called so."""
    name = re.sub("(?<=[a-z])[A-Z]", lambda found: f"_{found[0].lower()}", wire)
    text = "_text" * bool(re.search("[a-z](At|On|Date)$", wire))
    return name.removesuffix("_posix") + text


def sample(shown: str, **fields: Any) -> Sample:
    """Make a sample of its repr and its fields: what JSON has, and what is read if not the same."""

    def of(value: Any, side: str) -> Any:
        if isinstance(value, tuple):
            return value[side == "plain"]
        if isinstance(value, list):
            return [of(item, side) for item in value]
        return getattr(value, side) if isinstance(value, Sample) else value

    wire = {name: of(value, "wire") for name, value in fields.items()}
    plain = {attribute(name): of(value, "plain") for name, value in fields.items()}
    return Sample(getattr(models, shown.partition("(")[0]), wire, plain | {"extra": {}}, shown)


# fmt: off
AVATAR = sample("Avatar(big='/b.png', medium='/m.png', small='/s.png', tiny='/t.png')",
    big="/b.png", medium="/m.png", small="/s.png", tiny="/t.png")
ROLE = sample("Role(id=2)", id=2, alias="agent")
TEAM = sample("Team(id=4, name='Support')", id=("4", 4), name="Support")
FIELD_VALUE = sample("FieldValue(id=7, name='property_7')", id=7, label="Region", name="property_7",
    value=["eu", 1, None], textValue=["Europe"])
USER = sample("User(id=5, name='Ann Lee')", id=("5", 5), name="Ann Lee", shortName="Ann",
    email="ann@example.org", phone="123", avatar=AVATAR, isDefaultAvatar=(1, True),
    gravatarEmail="g@example.org", profileUrl="/ann", registrationDate="2023-01-02 03:04:05",
    lastVisitAt="2024-01-02 03:04:05", role=ROLE, team=TEAM, tags=("a, b", ["a", "b"]),
    custom_fields=[FIELD_VALUE], apiKey=("k-5", "***"))
FILE_NAME = sample("FileName(full='photo.jpg', short='pho…', ext='jpg')", full="photo.jpg",
    short="pho…", ext="jpg")
ATTACHED_FILE = sample(
    "AttachedFile(id=9, name=FileName(full='photo.jpg', short='pho…', ext='jpg'))", id=9,
    name=FILE_NAME, url="/f/9", directUrl="/d/9", icon="/i.png")
FORUM = sample("Forum(id='3', name='Ideas')", id=(3, "3"), name="Ideas")
CATEGORY_IMAGE = sample("CategoryImage(big='/b.png', medium='/m.png', small='/s.png')",
    big="/b.png", medium="/m.png", small="/s.png")
CATEGORY = sample("Category(id=2, name='Ink')", id=2, name="Ink", slug="ink",
    description="All about ink", order=("1", 1), ownership="feedback", type="idea",
    parent_id=("1", 1), isPrivate=False, forum=FORUM, image=CATEGORY_IMAGE)
STATUS_COLOR = sample("StatusColor(background='#fff', text='#000')", background="#fff", text="#000")
STATUS = sample("Status(id=6, title='Open')", id=6, title="Open", slug="open", type="ticket",
    ownership="helpdesk", order=1, isDefault=True, isClosed=("0", False), isSystem=(1, True),
    color=STATUS_COLOR)
COMMENT_VOTES = sample("CommentVotes(amount=3, can_vote=True, is_voted=False, plural='3 votes')",
    amount=3, canVote=True, isVoted=False, plural="3 votes")
COMMENT = sample("Comment(id=31)", id=31, objectId=12, content="Same here", author=USER,
    createdAtPosix=(1_700_000_000, "2023-11-14T22:13:20+00:00"), createdAt="2023-11-15 00:13:20",
    createdAgo="a year ago", updatedAt="2023-11-15 00:20:00", is_best=(1, True),
    ownership="helpdesk", replyToId=30, attachments=[ATTACHED_FILE], votes=COMMENT_VOTES)
TYPE_TITLE = sample("TypeTitle(single='Ticket', plural='Tickets')", single="Ticket",
    plural="Tickets")
TYPE_ICON = sample("TypeIcon(big='/b.png', small='/s.png')", big="/b.png", small="/s.png")
TYPE_SUPPORT = sample("TypeSupport(comments=True, votes=False, negative_vote=False)", comments=True,
    votes=(0, False), negativeVote=False)
OBJECT_TYPE = sample("ObjectType(title=TypeTitle(single='Ticket', plural='Tickets'))",
    slug="ticket", title=TYPE_TITLE, icon=TYPE_ICON, order=1, supports=TYPE_SUPPORT)
STATE = sample("State(name='active')", identifier=("1", 1), name="active")
SOURCE = sample("Source(name='E-mail')", identifier="email", name="E-mail")
LINK = sample("Link(title='Paper')", object_id=(13, "13"), title="Paper", type="idea", url="/o/13")
OBJECT_VOTES = sample(
    "ObjectVotes(all=3, positive=2, negative=1, can_vote=True, is_voted=False, plural='3 votes')",
    all=3, positive=("2", 2), negative=1, canVote=True, isVoted=False, plural="3 votes")
OBJECT = sample("Object(id=12, title='Printer')", id=12, ownership="helpdesk", type=OBJECT_TYPE,
    title="Printer", slug="printer", url="/o/12", content="On fire", author=USER, responsible=USER,
    team=TEAM, category=CATEGORY, forum=FORUM, status=STATUS, state=STATE, source=SOURCE,
    tags=["a", "b"], custom_fields=[FIELD_VALUE], attachments=[ATTACHED_FILE],
    recipients=["bob@example.org"], links=[LINK], parentObject={"id": 11}, bestComment=COMMENT,
    completedBy=USER, completedOn="2023-11-16 00:00:00", createdAt="2023-11-15 00:13:20",
    createdAtPosix=("1700000000", "2023-11-14T22:13:20+00:00"), commentedAt="2023-11-15 00:14:20",
    latestActivityPosix=(1_700_000_060, "2023-11-14T22:14:20+00:00"),
    slaDatePosix=(1_700_003_600, "2023-11-14T23:13:20+00:00"), commentsNum=("1", 1), views=100,
    votes=OBJECT_VOTES, score=5, scoreComment="Great", scoreReason="Speed", language="en",
    canBeCommented=True, isAbused=False, isFeatured=True, isPrivate=False, isSubscribed=(1, True))
MESSAGE = sample("Message(id=77)", id=77, parentId=76, type="document", content="See here",
    author=USER, isSystem=False, token="t-77", fileName="a.pdf",
    createdAtPosix=(1_700_000_000, "2023-11-14T22:13:20+00:00"))
CHAT = sample("Chat(id=3, title='Hi')", id=3, externalId=903, title="Hi", token="t-3", source="web",
    author=USER, responsible=USER, lastMessage=MESSAGE, seenByClient=True, score=4,
    createdAt="2023-11-15 00:13:20", createdAtPosix=(1_700_000_000, "2023-11-14T22:13:20+00:00"),
    updatedAt="2023-11-15 00:14:20", updatedAtPosix=(1_700_000_060, "2023-11-14T22:14:20+00:00"),
    completedAt="2023-11-15 01:13:20",
    completedAtPosix=(1_700_003_600, "2023-11-14T23:13:20+00:00"))
CHANGELOG_ACTION = sample("ChangelogAction(change_id='4', field='status', previous='1', value='2')",
    change_id=(4, "4"), field="status", previous=(1, "1"), value="2")
CHANGELOG = sample(f"Changelog(created_at={MOMENT!r}, source='web')",
    createdAtPosix=(1_700_000_000, "2023-11-14T22:13:20+00:00"), createdBy=USER, source="web",
    actions=[CHANGELOG_ACTION])
FIELD_OPTION = sample("FieldOption(title='Europe')", value="eu", title="Europe")
CUSTOM_FIELD = sample("CustomField(id=7, name='property_7')", id=7, name="property_7",
    label="Region", description="Where", type="select", field_type="tickets", module="helpdesk",
    is_active=(1, True), is_private=("0", False), is_required=True,
    options=({"eu": "Europe"}, [FIELD_OPTION.plain]))
USER_NOTE = sample("UserNote(id=8)", id=8, content="Call back", author=USER,
    createdAt="2023-11-15 00:13:20", createdAtPosix=(1_700_000_000, "2023-11-14T22:13:20+00:00"),
    createdAgo="a year ago", updatedAt="2023-11-15 00:20:00")
REPORT = sample("Report(id=4, name='Inbox')", id=("4", 4), name="Inbox")
REPORT_GROUP = sample("ReportGroup(id='1', name='New')", id=(1, "1"), name="New", count=("2", 2))
UPLOADED_FILE = sample("UploadedFile(name='photo.jpg')", token="t-9", url="/f/9", name="photo.jpg")
# fmt: on

SAMPLES = [sample for sample in list(globals().values()) if isinstance(sample, Sample)]
