"""Users: records, seeded users, searches and routes."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from hashlib import blake2b
from typing import Any

from starlette.responses import Response

from useresponse_async.sandbox._calls import (
    Access,
    Call,
    Fields,
    Refusal,
    Routes,
    Viewer,
    bad_request,
    json_response,
    success,
    to_json,
)
from useresponse_async.sandbox._changelog import Action, differences
from useresponse_async.sandbox._custom_fields import (
    USER_FIELDS,
    Properties,
    merged,
    properties_text,
    values_json,
)
from useresponse_async.sandbox._installation import (
    HOLDER_ROLES,
    KEY_HOLDERS,
    ROLE_IDS,
    SITE,
    TEAMS,
    Records,
    Role,
    images,
)
from useresponse_async.sandbox._text import DAY_SECONDS, local_text

# Each name with the spelling it has in an email address.
_FIRST = (
    ("Anna", "anna"), ("Ben", "ben"), ("Chloé", "chloe"), ("Dmytro", "dmytro"),
    ("Elif", "elif"), ("Fatima", "fatima"), ("Giulia", "giulia"), ("Håkon", "hakon"),
    ("Inês", "ines"), ("Jürgen", "jurgen"), ("Karol", "karol"), ("Łukasz", "lukasz"),
    ("Mia", "mia"), ("Noah", "noah"), ("Олена", "olena"), ("Priya", "priya"),
    ("Quentin", "quentin"), ("Rosa", "rosa"), ("Søren", "soren"), ("Tomás", "tomas"),
    ("Uma", "uma"), ("Víctor", "victor"), ("伟", "wei"), ("Xenia", "xenia"),
    ("Yuki", "yuki"), ("Zoë", "zoe"),
)  # fmt: skip
_LAST = (
    ("Andersen", "andersen"), ("Brown", "brown"), ("Costa", "costa"), ("Dvořák", "dvorak"),
    ("Evans", "evans"), ("Fischer", "fischer"), ("García", "garcia"), ("Hansen", "hansen"),
    ("Ivanenko", "ivanenko"), ("Jensen", "jensen"), ("Kowalska", "kowalska"), ("李", "li"),
    ("Müller", "muller"), ("Nguyễn", "nguyen"), ("O'Brien", "obrien"), ("Petrović", "petrovic"),
    ("Quinn", "quinn"), ("Rossi", "rossi"), ("Smith", "smith"), ("Tanaka", "tanaka"),
    ("Ünal", "unal"), ("Virtanen", "virtanen"), ("Weber", "weber"), ("Yücel", "yucel"),
)  # fmt: skip
_DOMAINS = ("example.com", "example.org", "mail.example", "acme.example", "initech.example")
_COMPANIES = ("Acme", "Initech", "Globex", "Umbrella & Sons", 'The "Corner" Shop', "Київстар")
_PLANS = ("Free", "Team", "Business")
_REGIONS = ("EU", "US", "APAC")
_TAGS = ("", "", "vip", "beta", "vip,beta", "newsletter", "partner,eu", "former customer")

# A walk over 100,000 users builds each of them once: the parts of dates are formatted in advance.
_YEARS = tuple(str(year) for year in range(2015, 2025))
_DAYS = tuple(f"-{1 + day % 12:02}-{1 + day % 28:02} " for day in range(256))
_CLOCKS = tuple(f"{second % 24:02}:{second % 60:02}:{second * 7 % 60:02}" for second in range(256))


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """A ban; permanent without `until`."""

    reason: str
    until: int | None


@dataclass(slots=True, kw_only=True)
class UserRecord:
    """All data of one user; `team` 0 means none, `avatar` is an address."""

    id: int
    name: str
    email: str | None
    phone: str | None = None
    role: Role = "user"
    team: int = 0
    tags: str = ""
    properties: Properties
    registered: str
    last_visit: str | None = None
    own_avatar: bool = False
    rating: int = 0
    created: int = 0
    commented: int = 0
    password: str | None = None
    sso_id: str | None = None
    avatar: str | None = None
    gravatar: str | None = None
    ban: Ban | None = None


def person(seed: int, number: int) -> UserRecord:
    dice = blake2b(b"%d:%d" % (seed, number), digest_size=20).digest()
    # About one user in 256 is an administrator, one in 23 an agent.
    role: Role = "user" if dice[0] > 11 else "agent" if dice[0] else "admin"  # noqa: PLR2004
    role = HOLDER_ROLES.get(number, role)
    first, first_ascii = _FIRST[dice[1] % len(_FIRST)]
    last, last_ascii = _LAST[dice[2] % len(_LAST)]
    staff = role != "user"
    known = staff or number in HOLDER_ROLES
    domain = _DOMAINS[dice[3] % len(_DOMAINS)]
    given = dice[19]
    properties: Properties = {}
    if given & 1:
        properties[1] = (_COMPANIES[given % len(_COMPANIES)],)
    if given & 2:
        properties[2] = (_PLANS[dice[18] % len(_PLANS)],)
    if given & 4:
        properties[7] = (_REGIONS[dice[15] % len(_REGIONS)],)
    return UserRecord(
        id=number,
        name=f"{first} {last}",
        # Some registered through a social account and have no address.
        email=f"{first_ascii}.{last_ascii}.{number}@{domain}" if known or dice[4] > 18 else None,  # noqa: PLR2004
        phone=f"+44 20 {7000 + dice[5]} {1000 + dice[6] * 7}" if dice[5] % 5 < 2 else None,  # noqa: PLR2004
        role=role,
        team=1 + dice[7] % len(TEAMS) if staff else 0,
        tags=_TAGS[dice[8] % len(_TAGS)],
        properties=properties,
        registered=_YEARS[dice[9] % 10] + _DAYS[dice[10]] + _CLOCKS[dice[11]],
        last_visit="2025" + _DAYS[dice[12]] + _CLOCKS[dice[13]] if dice[12] > 25 else None,  # noqa: PLR2004
        own_avatar=dice[14] % 3 == 0,
        rating=dice[15],
        created=dice[16] % 40,
        commented=dice[17] + (dice[18] & 15),
        password=f"password-{number}",
    )


# Values of `sort`, and their sort keys; equal users keep the usual order.
_SORTS: dict[str, Callable[[UserRecord], int]] = {
    "roles": lambda user: -ROLE_IDS[user.role],
    # Users without a team come last.
    "department": lambda user: user.team or max(TEAMS) + 1,
    "top_rated": lambda user: -user.rating,
    "created_most": lambda user: -user.created,
    "commented_most": lambda user: -user.commented,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSearch:
    """The conditions of a search; a `public` one cannot look at what the public cannot see."""

    role: Role | None = None
    text: str | None = None
    email: str | None = None
    sort: str | None = None
    public: bool = False


class Users(Records[UserRecord]):
    what = "user"

    def __init__(self, seed: int, count: int) -> None:
        # The key holders exist even if there are fewer users.
        super().__init__(partial(person, seed), max(count, *KEY_HOLDERS.values()))
        self.order: list[int] = list(range(1, count + 1))
        self._emails: dict[str, int] = {}
        self._json: dict[bool, dict[int, bytes]] = {True: {}, False: {}}
        self._found = lru_cache(maxsize=16)(self._search)

    def find(self, number: int) -> UserRecord:
        user = self.get(number)
        if user is None:
            raise Refusal(404)
        return user

    def with_email(self, email: str) -> UserRecord | None:
        """Return the user with an address, ignoring case."""
        wanted = email.lower()
        if wanted in self._emails:
            return self.get(self._emails[wanted])
        # The addresses that `person` makes contain the user's id.
        number = wanted.partition("@")[0].rpartition(".")[2]
        if not (number.isascii() and number.isdigit() and len(number) < 10):  # noqa: PLR2004
            return None
        user = self.get(int(number))
        return user if user is not None and user.email == wanted else None

    def person_json(self, viewer: Viewer, number: int) -> dict[str, object] | None:
        """Return the fields of a user that the viewer may see; None for no user."""
        user = self.get(number) if number else None
        if user is None:
            return None
        in_full = viewer.is_staff or number == viewer.user_id
        return full_user(user) if in_full else public_user(user)

    def json(self, number: int, *, in_full: bool) -> bytes:
        """Return all fields of a user, or the public ones."""
        shown = self._json[in_full].get(number)
        if shown is None:
            user = self.existing(number)
            shown = to_json(full_user(user) if in_full else public_user(user))
            self._json[in_full][number] = shown
        return shown

    def add(self, record: UserRecord) -> None:
        self.order.append(record.id)
        super().add(record)

    def change(self, record: UserRecord) -> None:
        self._forget(record.id)
        super().change(record)
        if record.email is not None:
            self._emails[record.email.lower()] = record.id

    def remove(self, number: int) -> None:
        self.existing(number)
        self._forget(number)
        super().remove(number)
        if number in self.order:
            self.order.remove(number)

    def insert(self, count: int) -> list[int]:
        """Add `count` new users before all others, so that every later row moves."""
        added = self.reserve(count)
        self.order[:0] = added
        self._found.cache_clear()
        return added

    def search(self, search: UserSearch) -> Sequence[int]:
        """Return the ids that a search finds, in order; the same list until a record changes."""
        return self._found(search)

    def _search(self, search: UserSearch) -> Sequence[int]:
        found: Sequence[int] = self.order
        if search.email is not None:
            owner = None if search.public else self.with_email(search.email)
            found = [] if owner is None else [owner.id]
        if search.role is not None:
            found = [number for number in found if self.existing(number).role == search.role]
        if search.text:
            wanted = search.text.lower()
            found = [
                user.id
                for user in map(self.existing, found)
                if wanted in user.name.lower()
                or (not search.public and wanted in (user.email or "").lower())
            ]
        if search.sort:
            key = _SORTS[search.sort]
            found = sorted(found, key=lambda number: key(self.existing(number)))
        return found

    def _forget(self, number: int) -> None:
        changed = self._changed.pop(number, None)
        if changed is not None and changed.email is not None:
            self._emails.pop(changed.email.lower(), None)
        for written in self._json.values():
            written.pop(number, None)
        self._found.cache_clear()


_SIZES = ("big", "medium", "small", "tiny")
_DEFAULT_AVATAR = images("avatar", *_SIZES)
_ROLES = {alias: {"id": number, "alias": alias} for alias, number in ROLE_IDS.items()}

#: Team id to team as JSON.
TEAM_JSON = {number: {"id": number, "name": name} for number, name in TEAMS.items()}


def public_user(user: UserRecord) -> dict[str, object]:
    first, _, last = user.name.partition(" ")
    avatar = _DEFAULT_AVATAR
    if user.avatar is not None:
        avatar = dict.fromkeys(_SIZES, user.avatar)
    elif user.own_avatar:
        avatar = {size: f"{SITE}/avatars/{user.id}_{size}.jpg" for size in _SIZES}
    return {
        "id": user.id,
        "name": user.name,
        "shortName": f"{first} {last[0]}." if last else first,
        "avatar": avatar,
        "isDefaultAvatar": not user.own_avatar,
        "profileUrl": f"{SITE}/users/{user.id}",
        "registrationDate": user.registered,
        "role": _ROLES[user.role],
    }


def full_user(user: UserRecord) -> dict[str, object]:
    """Return what staff may see of a user; unknown fields are left out."""
    shown = public_user(user)
    if user.email is not None:
        shown["email"] = user.email
    if user.phone is not None:
        shown["phone"] = user.phone
    shown["gravatarEmail"] = user.gravatar
    if user.last_visit is not None:
        shown["lastVisitAt"] = user.last_visit
    shown["team"] = TEAM_JSON.get(user.team)
    shown["tags"] = user.tags
    shown["custom_fields"] = values_json("users", user.properties, staff=True)
    return shown


_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_EDITABLE = ("email", "full_name", "phone", "tags", "team_id")
_LOGGED = ("name", "email", "phone", "team", "tags", "properties", "avatar", "password", "ban")
_MOST_BAN_DAYS = 36_500


def read_email(body: Fields, name: str = "email", *, required: bool = False) -> str | None:
    email = body.text(name, required=required, filled=True)
    if email is not None and not _EMAIL.fullmatch(email):
        body.wrong(name)
    return email


def read_team(body: Fields) -> int | None:
    """Read a team's id; 0 means none."""
    team = body.number("team_id")
    if team and team not in TEAMS:
        body.wrong("team_id")
    return team


def read_user_fields(body: Fields, *names: str) -> dict[str, Any]:
    """Read the parameters of a user as fields of the record; `names` are those of the name."""
    sent = {
        "email": read_email(body),
        "name": next(filter(None, [body.text(name, filled=True) for name in names]), None),
        "phone": body.text("phone"),
        "tags": body.text("tags"),
        "team": read_team(body),
    }
    changes: dict[str, Any] = {name: value for name, value in sent.items() if value is not None}
    # An empty text removes the phone number.
    return changes | ({"phone": None} if sent["phone"] == "" else {})


def refuse_duplicate(call: Call, email: str | None, owner: int | None = None) -> None:
    """Raise a 409 if an address belongs to a user other than `owner`."""
    holder = call.state.users.with_email(email) if email else None
    if holder is not None and holder.id != owner:
        raise Refusal(409)


def add_user(
    call: Call, name: str, email: str | None, properties: Properties | None = None, **fields: Any
) -> UserRecord:
    users = call.state.users
    user = UserRecord(
        id=users.next_id,
        name=name,
        email=email,
        properties=merged({}, properties or {}),
        registered=local_text(call.now),
        **fields,
    )
    users.add(user)
    call.state.changes.log(call, "user", user.id, Action("registered", None, name))
    return user


def save_user(call: Call, before: UserRecord, **changes: Any) -> Response:
    """Store a user with some fields changed, log the changes, and return the user."""
    after = replace(before, **changes)
    call.state.users.change(after)
    actions = differences(before, after, _LOGGED, _logged)
    call.state.changes.log(call, "user", after.id, *actions)
    return success(call.state.users.json(after.id, in_full=True))


def _logged(name: str, value: Any) -> str | None:
    if value is None or name == "password":
        return None
    if name == "team":
        return str(value) if value else None
    if name == "properties":
        return properties_text(value)
    return (value.reason or "banned") if isinstance(value, Ban) else value


def me(call: Call) -> Response:
    """Return the caller's account with the key."""
    user = call.state.users.get(call.caller)
    if user is None:
        raise Refusal(401)
    return json_response(full_user(user) | {"apiKey": call.viewer.key})


def search_users(call: Call) -> Response:
    users, in_full = call.state.users, call.viewer.is_staff
    search = UserSearch(
        role=call.query.choice("role", ROLE_IDS),
        text=call.query.text("search") or None,
        email=call.query.text("email") or None,
        sort=call.query.choice("sort", _SORTS),
        public=not in_full,
    )
    call.query.check()
    found = users.search(search)
    if search.email and call.is_old:
        # Version 4.0 sends the only row without a page.
        if found:
            return success(users.json(found[0], in_full=True))
        return call.listed((), under_success=True)
    return call.page(found, lambda number: users.json(number, in_full=in_full))


def get_user(call: Call) -> Response:
    user = call.state.users.find(call.id)
    in_full = call.viewer.is_staff or user.id == call.caller
    return json_response(call.state.users.json(user.id, in_full=in_full))


def create_user(call: Call) -> Response:
    body = call.body
    email = read_email(body, required=True) or ""
    name = body.text("full_name", required=True) or ""
    password = body.text("password", filled=True)
    tags = body.text("tags") or ""
    team = read_team(body) or 0
    properties = body.properties(USER_FIELDS)
    body.check()
    refuse_duplicate(call, email)
    user = add_user(call, name, email, properties, password=password, tags=tags, team=team)
    return success(call.state.users.json(user.id, in_full=True))


def edit_user(call: Call) -> Response:
    user = call.state.users.find(call.id)
    changes = read_user_fields(call.body, "full_name")
    properties = call.body.properties(USER_FIELDS)
    call.body.check()
    if not (properties or any(field in call.body for field in _EDITABLE)):
        raise bad_request(*_EDITABLE)
    refuse_duplicate(call, changes.get("email"), owner=user.id)
    return save_user(call, user, **changes, properties=merged(user.properties, properties))


def delete_user(call: Call) -> Response:
    """Delete a user and their key permanently, and return the last state."""
    users, number = call.state.users, call.state.users.find(call.id).id
    last_seen = users.json(number, in_full=True)
    users.remove(number)
    call.state.accounts.revoke(number)
    return success(last_seen)


def change_password(call: Call) -> Response:
    user = call.state.users.find(call.id)
    password = call.body.text("password", required=True)
    call.body.check()
    return save_user(call, user, password=password)


def ban_user(call: Call) -> Response:
    """Ban a user, for some days or permanently."""
    user = call.state.users.find(call.id)
    body = call.body
    days = body.number("ban_duration_days", least=1)
    if days is not None and days > _MOST_BAN_DAYS:
        body.wrong("ban_duration_days")
    reason = body.text("ban_reason") or ""
    delete = body.boolean("delete_related_objects") or False
    permanent = body.boolean("permanent") or days is None
    body.check()
    if user.id == call.caller:
        raise Refusal(403)
    until = None if permanent or days is None else call.now + days * DAY_SECONDS
    response = save_user(call, user, ban=Ban(reason=reason, until=until))
    if delete:
        call.state.objects.trash_all_by(call, user.id)
        call.state.comments.trash_all_by(user.id)
    return response


USER_ROUTES: Routes = {
    "GET /users/search.json": (Access.GUEST, search_users),
    "GET /me.json": (Access.USER, me),
    "POST /users.json": (Access.ADMIN, create_user),
    "GET /users/{id}.json": (Access.GUEST, get_user),
    "POST /users/{id}.json": (Access.ADMIN, edit_user),
    "DELETE /users/{id}.json": (Access.ADMIN, delete_user),
    "POST /users/{id}/change-password.json": (Access.ADMIN, change_password),
    "POST /users/{id}/ban.json": (Access.ADMIN, ban_user),
}
