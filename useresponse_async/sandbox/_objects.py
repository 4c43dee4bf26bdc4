"""Objects (tickets, topics, announcements, articles): records, JSON, routes and moderation."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any, Literal, get_args

from starlette.responses import Response

from useresponse_async.sandbox._calls import (
    Access,
    Call,
    Refusal,
    Routes,
    Viewer,
    json_response,
    success,
    to_json,
)
from useresponse_async.sandbox._categories import CATEGORIES, categories_for, forum_of
from useresponse_async.sandbox._changelog import Action, differences
from useresponse_async.sandbox._custom_fields import (
    Properties,
    fields_for,
    merged,
    properties_text,
    values_json,
)
from useresponse_async.sandbox._files import Files, attachments_json, read_file, read_new_files
from useresponse_async.sandbox._installation import (
    KEY_HOLDERS,
    KINDS,
    LONGEST_CONTENT,
    LONGEST_TITLE,
    OWNERSHIPS,
    SITE,
    TEAMS,
    Ownership,
    Records,
    Seeding,
    kind_json,
)
from useresponse_async.sandbox._statuses import BY_TYPE, CLOSED, STATUSES, first_status
from useresponse_async.sandbox._text import DAY, DAY_SECONDS, local_text
from useresponse_async.sandbox._users import TEAM_JSON, add_user, read_email, read_team

ObjectState = Literal["active", "archived", "trashed", "moderation", "declined"]

# In the order of their identifiers.
_STATES: tuple[ObjectState, ...] = get_args(ObjectState)

# States of objects that wait for a moderator, or were declined.
_WAITING: tuple[ObjectState, ...] = ("moderation", "declined")

# States that the usual lists show.
_LISTED: tuple[ObjectState, ...] = ("active", "moderation")

_THINGS = ("Printer", "Invoice", "Login", "Export", "Mobile app", "Dashboard", "Übersicht", "Звіт")
_TROUBLES = ("on fire", "is missing", "does not load", "shows ???", "needs <b>bold</b>", "is great")
_SENTENCES = (
    "It began [b]yesterday[/b] after lunch.",
    "Nobody else sees it.",
    "See [url=https://example.com/?a=1&b=2]our page[/url].",
    'The screen says "5 < 6".',
    "Дякую!",
)
_TAGS = ((), (), ("printer",), ("billing", "urgent"), ("mobile",), ("vip", "eu", "follow up"))
_SOURCES = ("web", "email", "widget", "mobile")
_PROPERTIES: tuple[Properties, ...] = (
    {},
    {7: ("EU",)},
    {11: ("A-1001",), 12: ("high",)},
    {7: ("US",), 13: ("api", "mobile")},
    {12: ("low",), 14: ("2024-12-31",), 15: ("x-7",)},
)

# Seconds until a ticket is due.
_DUE_SECONDS = 2 * DAY_SECONDS


@dataclass(slots=True, kw_only=True)
class ObjectRecord:
    """All data of one object; an id of 0 means none.

    `positive` and `negative` count the votes from before the start, `voters` are the users who have
    voted for it since. `came_from` is the state from before the trash or the archive.
    """

    id: int
    ownership: Ownership
    type: str
    title: str
    content: str = ""
    html: bool = False
    author: int
    created: int
    activity: int
    commented: int | None = None
    source: str = "api"
    responsible: int = 0
    team: int = 0
    category: int = 0
    status: int = 0
    state: ObjectState = "active"
    came_from: ObjectState = "active"
    tags: tuple[str, ...] = ()
    properties: Properties = field(default_factory=dict[int, tuple[str, ...]])
    files: tuple[str, ...] = ()
    recipients: tuple[str, ...] = ()
    links: tuple[int, ...] = ()
    parent: int = 0
    best: int = 0
    completed_by: int = 0
    completed: int | None = None
    due: int | None = None
    private: bool = False
    featured: bool = False
    abused: bool = False
    closed: bool = False
    views: int = 0
    positive: int = 0
    negative: int = 0
    voters: frozenset[int] = frozenset()
    subscribers: frozenset[int] = frozenset()
    score: int | None = None
    score_comment: str | None = None
    score_reason: str | None = None
    expires: int = 0


def _seeded(seeding: Seeding, files: Files, number: int) -> ObjectRecord:
    dice = seeding.dice("object", number)
    record = _draft(seeding, dice, number, seeding.ownership_of(number), seeding.written(number))
    comments = seeding.comments_on(number)
    if comments:
        record.commented = record.activity = seeding.commented(comments[-1])
    if record.type == "question" and comments and dice[15] % 2:
        record.best = comments[0]
    if dice[10] % 8 == 0:
        record.files = (files.token("o", number),)
    siblings = seeding.object_ids[record.ownership]
    if number - 1 in siblings and dice[11] % 8 == 0:
        record.links = (number - 1,)
    if number - 2 in siblings and dice[11] % 16 == 1:
        record.parent = number - 2
    return record


def _draft(
    seeding: Seeding, dice: bytes, number: int, ownership: Ownership, created: int
) -> ObjectRecord:
    kinds = [kind.slug for kind in KINDS.values() if kind.ownership == ownership]
    kind = kinds[dice[0] % len(kinds)]
    statuses = BY_TYPE[kind]
    status = statuses[dice[1] % len(statuses)] if statuses else 0
    categories = categories_for(ownership, kind, staff=False)
    # Every tenth object belongs to the holder of the plain user's key.
    author = KEY_HOLDERS["user"] if number % 10 == 3 else seeding.somebody(dice[2:4])  # noqa: PLR2004
    record = ObjectRecord(
        id=number,
        ownership=ownership,
        type=kind,
        title=f"{_THINGS[dice[4] % len(_THINGS)]} {_TROUBLES[dice[5] % len(_TROUBLES)]} #{number}",
        content="\n".join(_SENTENCES[die % len(_SENTENCES)] for die in dice[6 : 7 + dice[9] % 3]),
        author=author,
        created=created,
        activity=created,
        source=_SOURCES[dice[12] % len(_SOURCES)],
        category=categories[dice[13] % len(categories)] if dice[13] % 3 else 0,
        status=status,
        tags=_TAGS[dice[14] % len(_TAGS)],
        properties=_PROPERTIES[dice[16] % len(_PROPERTIES)],
        views=dice[17] * 3,
        subscribers=frozenset({author}),
    )
    if status in CLOSED:
        record.completed = record.activity = created + _DUE_SECONDS
        record.completed_by = KEY_HOLDERS["agent"]
    if ownership == "helpdesk":
        if dice[18] % 4:
            record.responsible = KEY_HOLDERS["admin" if dice[18] % 2 else "agent"]
            record.team = 1 + dice[19] % len(TEAMS)
        if record.completed is None:
            record.due = created + _DUE_SECONDS
        elif dice[20] % 2:
            record.score = 1 + dice[20] % 5
            record.score_comment = "Quick and kind"
            record.score_reason = "speed"
        return record
    record.positive = dice[18] % 90
    record.negative = dice[19] % 9 if kind == "idea" else 0
    record.abused = dice[21] % 50 == 0
    # Not at random: a few topics are enough to have some of each.
    record.featured = number % 7 == 1
    if ownership == "feedback":
        record.private = number % 7 == 3  # noqa: PLR2004
        record.state = "moderation" if number % 7 == 5 else "active"  # noqa: PLR2004
    return record


def sees_object(viewer: Viewer, record: ObjectRecord) -> bool:
    if viewer.is_staff:
        return True
    if record.state == "trashed":
        return False
    if record.author == viewer.user_id:
        return True
    expired = record.ownership == "announcements" and 0 < record.expires <= viewer.today
    return not (
        record.ownership == "helpdesk" or record.private or record.state in _WAITING or expired
    )


#: Values of `sort` in lists of objects, and their sort keys.
SORTS: dict[str, Callable[[ObjectRecord], tuple[int, ...]]] = {
    "new": lambda it: (-it.created, -it.id),
    "updated": lambda it: (-it.activity, -it.id),
    "new_updated": lambda it: (it.status != first_status(it.type), -it.activity, -it.id),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectSearch:
    """The conditions of a search by a viewer."""

    viewer: Viewer
    ownership: Ownership | None = None
    type: str | None = None
    text: str | None = None
    statuses: frozenset[int] | None = None
    created: tuple[int, int] | None = None
    author: int | None = None
    responsible: int | None = None
    category: int | None = None
    forum: int | None = None
    featured: bool | None = None
    properties: tuple[tuple[int, tuple[str, ...]], ...] = ()
    state: ObjectState | None = None
    sort: str = "new"

    @property
    def is_plain(self) -> bool:
        """Whether only module and state decide, so that no record needs to be built."""
        plain = ObjectSearch(viewer=self.viewer, ownership=self.ownership, state=self.state)
        return self.viewer.is_staff and self == plain

    def matches(self, record: ObjectRecord) -> bool:
        for name in ("type", "author", "responsible", "category", "featured"):
            wanted = getattr(self, name)
            if wanted is not None and getattr(record, name) != wanted:
                return False
        text = (self.text or "").lower()
        tags = [tag.lower() for tag in record.tags]
        return (
            (self.forum is None or forum_of(record.category)["id"] == str(self.forum))
            and sees_object(self.viewer, record)
            and (text in record.title.lower() or text in record.content.lower() or text in tags)
            and (self.statuses is None or record.status in self.statuses)
            and (self.created is None or self.created[0] <= record.created < self.created[1])
            and all(
                any(value in record.properties.get(number, ()) for value in values)
                for number, values in self.properties
                if values
            )
        )


class Objects(Records[ObjectRecord]):
    what = "object"

    def __init__(self, seeding: Seeding, files: Files) -> None:
        super().__init__(partial(_seeded, seeding, files), seeding.objects)
        self._seeding = seeding
        self._ids = {module: list(seeding.object_ids[module]) for module in OWNERSHIPS}
        self._found = lru_cache(maxsize=32)(self._search)

    def find(self, call: Call, number: int, *, own: bool = False) -> ObjectRecord:
        """Return an object that the caller may see, and with `own` may also change."""
        record = self.get(number)
        if record is None or not sees_object(call.viewer, record):
            raise Refusal(404)
        if own:
            call.require_own(record.author)
        return record

    def add(self, record: ObjectRecord) -> None:
        self._ids[record.ownership].append(record.id)
        super().add(record)

    def insert_ticket(self, now: int) -> int:
        number = self.next_id
        dice = self._seeding.dice("object", number)
        self.add(_draft(self._seeding, dice, number, "helpdesk", now))
        return number

    def change(self, record: ObjectRecord) -> None:
        super().change(record)
        self._found.cache_clear()

    def save(self, call: Call, before: ObjectRecord, **changes: Any) -> ObjectRecord:
        after = replace(before, **changes)
        actions = differences(before, after, _LOGGED, partial(_logged, call))
        if actions:
            after.activity = call.now
        self.change(after)
        call.state.changes.log(call, "object", after.id, *actions)
        return after

    def trash_all_by(self, call: Call, author: int) -> None:
        search = ObjectSearch(viewer=call.viewer, author=author)
        for record in map(self.existing, self.search(search)):
            self.save(call, record, state="trashed", came_from=record.state)

    def remove(self, number: int) -> None:
        self._ids[self.existing(number).ownership].remove(number)
        super().remove(number)
        self._found.cache_clear()

    def search(self, search: ObjectSearch) -> Sequence[int]:
        """Return the ids that a search finds, in order; the same list until a record changes."""
        return self._found(search)

    def _search(self, search: ObjectSearch) -> Sequence[int]:
        unlisted = {n: it.state for n, it in self._changed.items() if it.state not in _LISTED}
        numbers = [
            number
            for module in ((search.ownership,) if search.ownership else OWNERSHIPS)
            for number in self._ids[module]
            if unlisted.get(number) == search.state
        ]
        if search.is_plain:
            return sorted(numbers, key=self._newest_first)
        found = [record for record in map(self.existing, numbers) if search.matches(record)]
        return [record.id for record in sorted(found, key=SORTS[search.sort])]

    def _newest_first(self, number: int) -> tuple[int, int]:
        changed = self._changed.get(number)
        return (-(changed.created if changed else self._seeding.written(number)), -number)


# Fields whose changes the changelog shows.
_LOGGED = (
    "title", "content", "type", "author", "responsible", "team", "category", "status", "state",
    "tags", "properties", "files", "private", "closed", "best",
)  # fmt: skip


def _logged(call: Call, name: str, value: Any) -> str | None:
    if name in ("team", "best", "category", "status", "author", "responsible") and not value:
        return None
    shown: object = value
    if name == "category":
        shown = CATEGORIES[value]["name"]
    elif name == "status":
        shown = STATUSES[value]["title"]
    elif name in ("author", "responsible"):
        user = call.state.users.get(value)
        return user.name if user else None
    elif name == "tags":
        shown = ", ".join(value)
    elif name == "properties":
        shown = properties_text(value)
    elif name == "files":
        shown = len(value)
    elif isinstance(value, bool):
        shown = int(value)
    return str(shown)


def object_json(call: Call, record: ObjectRecord) -> dict[str, object]:
    viewer, state = call.viewer, call.state
    linked = [_link_json(call, number) for number in record.links]
    positive = record.positive + len(record.voters)
    votes = positive + record.negative
    return {
        "id": record.id,
        "ownership": record.ownership,
        "type": kind_json(record.type, plain_title=call.is_old),
        "title": record.title,
        "slug": _slug(record.title),
        "url": _url(record),
        "content": call.content_json(record.content, is_html=record.html),
        "author": state.users.person_json(viewer, record.author),
        "responsible": state.users.person_json(viewer, record.responsible),
        "team": TEAM_JSON.get(record.team),
        "category": CATEGORIES.get(record.category),
        "forum": forum_of(record.category),
        "status": STATUSES.get(record.status),
        "state": {"identifier": _STATES.index(record.state) + 1, "name": record.state},
        "source": {"identifier": record.source, "name": record.source.capitalize()},
        "tags": record.tags,
        "custom_fields": values_json("tickets", record.properties, staff=viewer.is_staff),
        "attachments": attachments_json(call, record.files),
        "recipients": record.recipients if viewer.is_staff else (),
        "links": [link for link in linked if link],
        "parentObject": _link_json(call, record.parent),
        "bestComment": state.comments.best_json(call, record),
        "completedBy": state.users.person_json(viewer, record.completed_by),
        "completedOn": record.completed and local_text(record.completed),
        "createdAt": local_text(record.created),
        "createdAtPosix": record.created,
        "commentedAt": record.commented and local_text(record.commented),
        "latestActivityPosix": record.activity,
        "slaDatePosix": record.due,
        "commentsNum": len(state.comments.seen_on(record.id, viewer)),
        "votes": {
            "all": votes,
            "positive": positive,
            "negative": record.negative,
            "canVote": call.caller != 0,
            "isVoted": call.caller in record.voters,
            "plural": "vote" if votes == 1 else "votes",
        },
        "views": record.views,
        "score": record.score,
        "scoreComment": record.score_comment,
        "scoreReason": record.score_reason,
        "language": "en",
        "canBeCommented": not record.closed,
        "isAbused": record.abused,
        "isFeatured": record.featured,
        "isPrivate": record.private,
        "isSubscribed": int(call.caller in record.subscribers),
    }


def _link_json(call: Call, number: int) -> dict[str, object] | None:
    record = call.state.objects.get(number) if number else None
    if record is None or not sees_object(call.viewer, record):
        return None
    return {
        "object_id": str(record.id),
        "title": record.title,
        "type": record.type,
        "url": _url(record),
    }


def _url(record: ObjectRecord) -> str:
    return f"{SITE}/{record.ownership}/{record.type}/{record.id}-{_slug(record.title)}"


def _slug(title: str) -> str:
    words = "".join(letter if letter.isalnum() else " " for letter in title.lower()).split()
    return "-".join(words) or "untitled"


_FOR_STAFF = ("force_author", "responsible_id", "team_id", "status_id")

# The modules whose objects need a content.
_WITH_CONTENT = ("feedback", "announcements")


def _read_fields(call: Call, ownership: Ownership | None) -> dict[str, Any]:
    body, users = call.body, call.state.users
    category = body.number("category_id")
    if category and (
        category not in CATEGORIES
        or (ownership and CATEGORIES[category]["ownership"] not in (None, ownership))
    ):
        body.wrong("category_id")
    responsible = body.number("responsible_id")
    staff = users.get(responsible) if responsible else None
    if responsible and (staff is None or staff.role == "user"):
        body.wrong("responsible_id")
    select = body.choice("expire_select", ("never", "on_date"))
    expires = body.time("expires_at", DAY)
    if select == "on_date" and expires is None:
        body.wrong("expires_at")
    content = body.text("content", longest=LONGEST_CONTENT)
    html = body.flag("treat_as_html") or False
    sent = {
        "title": body.text("title", filled=True, longest=LONGEST_TITLE),
        "content": content,
        "html": None if content is None else html,
        "category": category,
        "responsible": responsible,
        "team": read_team(body),
        "tags": body.texts("tags"),
        "private": body.flag("is_private"),
        "author": _read_author(call),
        "expires": 0 if select == "never" else expires,
    }
    return {name: value for name, value in sent.items() if value is not None}


def _read_author(call: Call) -> int | str | None:
    """Read an author: the id of a user, or an address, for which a user is created."""
    text = call.body.text("force_author", filled=True)
    if text is None:
        return None
    users = call.state.users
    if not (text.isascii() and text.isdigit()):
        user = users.with_email(text)
        return read_email(call.body, "force_author") if user is None else user.id
    number = call.body.number("force_author", least=1)
    if number and users.get(number) is None:
        call.body.wrong("force_author")
    return number


def _read_properties(call: Call) -> Properties:
    known = [custom.id for custom in fields_for("tickets", staff=call.viewer.is_staff)]
    return call.body.properties(known)


def _allow(call: Call, ownership: Ownership, fields: dict[str, Any]) -> None:
    """Reject what is reserved to staff, then create the author if the address is unknown."""
    if not call.viewer.is_staff and (
        ownership not in ("feedback", "helpdesk") or any(name in call.body for name in _FOR_STAFF)
    ):
        raise Refusal(403)
    author = fields.get("author")
    if isinstance(author, str):
        fields["author"] = add_user(call, author.partition("@")[0], author).id


def _store(call: Call, files: list[tuple[str, bytes]]) -> tuple[str, ...]:
    return tuple(call.state.files.add(name, content).token for name, content in files)


def get_object(call: Call) -> Response:
    call.query.flag("bbcode")
    call.query.check()
    return json_response(object_json(call, call.state.objects.find(call, call.id)))


def create_object(call: Call) -> Response:
    body = call.body
    ownership = body.choice("ownership", OWNERSHIPS, required=True)
    kind = body.choice("object_type", KINDS, required=True) or ""
    if ownership and kind and KINDS[kind].ownership != ownership:
        body.wrong("object_type")
    body.text("title", required=True)
    if ownership in _WITH_CONTENT:
        body.text("content", required=True)
    fields: dict[str, Any] = {"author": call.caller} | _read_fields(call, ownership)
    properties = merged({}, _read_properties(call))
    files = read_new_files(body)
    recipient = read_email(body, "notify_email")
    body.text("notify_name")
    body.check()
    ownership = KINDS[kind].ownership
    _allow(call, ownership, fields)
    objects = call.state.objects
    record = ObjectRecord(
        id=objects.next_id,
        ownership=ownership,
        type=kind,
        created=call.now,
        activity=call.now,
        status=first_status(kind),
        state="active" if call.viewer.is_staff or ownership != "feedback" else "moderation",
        due=call.now + _DUE_SECONDS if ownership == "helpdesk" else None,
        properties=properties,
        files=_store(call, files),
        recipients=(recipient,) if recipient else (),
        subscribers=frozenset({call.caller, fields["author"]}),
        **fields,
    )
    objects.add(record)
    call.state.changes.log(call, "object", record.id, Action("created", None, record.title))
    return success(object_json(call, record))


def edit_object(call: Call) -> Response:
    record = call.state.objects.find(call, call.id, own=True)
    body = call.body
    if "ownership" in body:
        body.wrong("ownership")
    fields = _read_fields(call, record.ownership)
    if record.ownership in _WITH_CONTENT and fields.get("content") == "":
        body.wrong("content")
    fields |= _read_type_and_status(call, record)
    properties = _read_properties(call)
    files = read_new_files(body)
    body.check()
    _allow(call, record.ownership, fields)
    fields["properties"] = merged(record.properties, properties)
    return _save(call, record, **fields, files=record.files + _store(call, files))


def _read_type_and_status(call: Call, record: ObjectRecord) -> dict[str, Any]:
    body = call.body
    kind = body.choice("object_type", KINDS) or record.type
    if KINDS[kind].ownership != record.ownership:
        body.wrong("object_type")
        return {}
    status = body.number("status_id", least=1)
    if status is None:
        status = record.status if kind == record.type else first_status(kind)
    elif status not in BY_TYPE[kind]:
        body.wrong("status_id")
        return {}
    changes: dict[str, Any] = {"type": kind, "status": status}
    if status in CLOSED and record.status not in CLOSED:
        changes |= {"completed": call.now, "completed_by": call.viewer.user_id or 0, "due": None}
    elif record.status in CLOSED and status not in CLOSED:
        changes |= {"completed": None, "completed_by": 0}
    return changes


def delete_object(call: Call) -> Response:
    """Delete an object and its comments permanently, and return the last state."""
    record = call.state.objects.find(call, call.id)
    last_seen = to_json(object_json(call, record))
    call.state.objects.remove(record.id)
    call.state.comments.remove_all_on(record.id)
    return success(last_seen)


def attach(call: Call) -> Response:
    record = call.state.objects.find(call, call.id, own=True)
    file = call.state.files.add(*read_file(call.body, "body"))
    return _save(call, record, files=(*record.files, file.token))


def put_away(call: Call, place: ObjectState) -> Response:
    """Move an object to the archive or the trash; a second call restores it."""
    record = call.state.objects.find(call, call.id)
    if record.state == place:
        return _save(call, record, state=record.came_from)
    # Archive, then trash, then recovery: back to the state from before both.
    away = record.state in ("archived", "trashed")
    return _save(call, record, state=place, came_from=record.came_from if away else record.state)


def subscribe(call: Call) -> Response:
    record = call.state.objects.find(call, call.id)
    return _save(call, record, subscribers=record.subscribers | {call.caller})


def unsubscribe(call: Call) -> Response:
    record = call.state.objects.find(call, call.id)
    return _save(call, record, subscribers=record.subscribers - {call.caller})


def toggle_vote(call: Call) -> Response:
    record = call.state.objects.find(call, call.id)
    return _save(call, record, voters=record.voters ^ {call.caller})


def toggle_comments(call: Call) -> Response:
    record = call.state.objects.find(call, call.id)
    return _save(call, record, closed=not record.closed)


def moderate(call: Call, state: ObjectState) -> Response:
    record = call.state.objects.find(call, call.id)
    if record.ownership == "helpdesk":
        raise Refusal(404)
    reason = read_reason(call) if state == "declined" else ()
    after = call.state.objects.save(call, record, state=state)
    call.state.changes.log(call, "object", record.id, *reason)
    return success(object_json(call, after))


def read_reason(call: Call) -> tuple[Action, ...]:
    reason = call.body.text("reason")
    call.body.check()
    return (Action("reason", None, reason),) if reason else ()


def _save(call: Call, record: ObjectRecord, **changes: Any) -> Response:
    return success(object_json(call, call.state.objects.save(call, record, **changes)))


_TRASH = (Access.STAFF, partial(put_away, place="trashed"))

OBJECT_ROUTES: Routes = {
    "POST /objects.json": (Access.USER, create_object),
    "GET /objects/{id}.json": (Access.GUEST, get_object),
    "PUT /objects/{id}.json": (Access.USER, edit_object),
    "DELETE /objects/{id}.json": (Access.STAFF, delete_object),
    "POST /objects/{id}/attach-file.json": (Access.USER, attach),
    "GET /objects/{id}/archive.json": (Access.STAFF, partial(put_away, place="archived")),
    "GET /objects/{id}/trash.json": _TRASH,
    "DELETE /objects/{id}/trash.json": _TRASH,
    "POST /objects/{id}/subscribe.json": (Access.USER, subscribe),
    "POST /objects/{id}/unsubscribe.json": (Access.USER, unsubscribe),
    "POST /objects/{id}/votes/toggle.json": (Access.USER, toggle_vote),
    "POST /objects/{id}/comments/toggle.json": (Access.STAFF, toggle_comments),
    "POST /topic/{id}/approve.json": (Access.STAFF, partial(moderate, state="active")),
    "POST /topic/{id}/decline.json": (Access.STAFF, partial(moderate, state="declined")),
}
