"""Users: records, those that exist at the start, and which ones a search finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from useresponse_async.sandbox._calls import Viewer
from useresponse_async.sandbox._catalog import (
    HOLDER_ROLES,
    KEY_HOLDERS,
    ROLE_IDS,
    SITE,
    TEAMS,
    Role,
    images,
)
from useresponse_async.sandbox._custom_fields import Properties, values_json
from useresponse_async.sandbox._responses import Refusal, to_json

# Each name with the spelling it has in an e-mail address.
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

    @property
    def short_name(self) -> str:
        """The first name and an initial."""
        first, _, last = self.name.partition(" ")
        return f"{first} {last[0]}." if last else first


def _dice(seed: int, number: int) -> bytes:
    return blake2b(b"%d:%d" % (seed, number), digest_size=20).digest()


def _role(dice: bytes, number: int) -> Role:
    holder = HOLDER_ROLES.get(number)
    if holder:
        return holder
    # About one user in 256 is an administrator, one in 23 an agent.
    return "user" if dice[0] > 11 else "agent" if dice[0] else "admin"  # noqa: PLR2004


def person(seed: int, number: int) -> UserRecord:
    """Return user `number`; the same seed and number always give the same person."""
    dice = _dice(seed, number)
    role = _role(dice, number)
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
        # Some came in through a social account and left no address.
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


#: Values of `sort`; equal users keep the usual order.
SORTS = ("roles", "department", "top_rated", "created_most", "commented_most")


def _rank(user: UserRecord, sort: str) -> int:
    if sort == "roles":
        return ("admin", "agent", "user").index(user.role)
    if sort == "department":
        # Users without a team come last.
        return user.team or max(TEAMS) + 1
    if sort == "top_rated":
        return -user.rating
    return -user.created if sort == "created_most" else -user.commented


# Each result of a 100,000-user installation holds close to a megabyte.
_MOST_SEARCHES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class UserSearch:
    """The conditions of a search; a `public` one cannot look at what the public cannot see."""

    role: Role | None = None
    text: str | None = None
    email: str | None = None
    sort: str | None = None
    public: bool = False


class Users:
    """The users of one sandbox: computed from the seed until a call changes them."""

    def __init__(self, seed: int, count: int) -> None:
        self._seed = seed
        self._order = list(range(1, count + 1))
        # The key holders exist even in an installation too small to list them.
        self.next_id: int = max(count, *KEY_HOLDERS.values()) + 1
        self._removed: set[int] = set()
        self._changed: dict[int, UserRecord] = {}
        self._changed_emails: dict[str, int] = {}
        self._full_json: dict[int, bytes] = {}
        self._public_json: dict[int, bytes] = {}
        self._searches: dict[UserSearch, Sequence[int]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def get(self, number: int) -> UserRecord | None:
        """Return a user by id."""
        if not 0 < number < self.next_id or number in self._removed:
            return None
        return self._changed.get(number) or person(self._seed, number)

    def find(self, number: int) -> UserRecord:
        """Return a user by id, or refuse the call with a 404."""
        user = self.get(number)
        if user is None:
            raise Refusal(404)
        return user

    def role(self, number: int) -> Role:
        """Return the role of a user without building the rest."""
        changed = self._changed.get(number)
        return changed.role if changed else _role(_dice(self._seed, number), number)

    def ban_of(self, number: int) -> Ban | None:
        """Return the ban of a user without building the rest."""
        changed = self._changed.get(number)
        return changed.ban if changed else None

    def with_email(self, email: str) -> UserRecord | None:
        """Return the user who has an address; case makes no difference."""
        wanted = email.lower()
        changed = self._changed_emails.get(wanted)
        if changed is not None:
            return self.get(changed)
        # The addresses that `person` makes contain the user's id.
        number = wanted.partition("@")[0].rpartition(".")[2]
        if not (number.isascii() and number.isdigit() and len(number) < 10):  # noqa: PLR2004
            return None
        user = self.get(int(number))
        return user if user is not None and user.email == wanted else None

    def person_json(self, viewer: Viewer, number: int) -> dict[str, object] | None:
        """Return as much of a user as the viewer may see, or None for nobody."""
        user = self.get(number) if number else None
        if user is None:
            return None
        in_full = viewer.is_staff or number == viewer.user_id
        return full_user(user) if in_full else public_user(user)

    def full_json(self, number: int) -> bytes:
        """Return all of a user as JSON."""
        shown = self._full_json.get(number)
        if shown is None:
            shown = self._full_json[number] = to_json(full_user(self._existing(number)))
        return shown

    def public_json(self, number: int) -> bytes:
        """Return the public part of a user as JSON."""
        shown = self._public_json.get(number)
        if shown is None:
            shown = self._public_json[number] = to_json(public_user(self._existing(number)))
        return shown

    def add(self, user: UserRecord) -> None:
        """Add a user with the next free id at the end of the list."""
        self.next_id = user.id + 1
        self._order.append(user.id)
        self.change(user)

    def change(self, user: UserRecord) -> None:
        """Replace the record of a user."""
        self._forget(user.id)
        self._changed[user.id] = user
        if user.email is not None:
            self._changed_emails[user.email.lower()] = user.id

    def remove(self, number: int) -> None:
        """Delete a user permanently; the id is not used again."""
        self._existing(number)
        self._forget(number)
        self._removed.add(number)
        if number in self._order:
            self._order.remove(number)

    def insert(self, count: int) -> list[int]:
        """Add `count` new users before all others, so that every later row moves."""
        added = list(range(self.next_id, self.next_id + count))
        self.next_id += count
        self._order[:0] = added
        self._searches.clear()
        return added

    def search(self, search: UserSearch) -> Sequence[int]:
        """Return the ids a search finds, in order; the same list until something changes."""
        if search in (UserSearch(), UserSearch(public=True)):
            return self._order
        found = self._searches.get(search)
        if found is None:
            if len(self._searches) >= _MOST_SEARCHES:
                self._searches.clear()
            found = self._searches[search] = self._search(search)
        return found

    def _search(self, search: UserSearch) -> Sequence[int]:
        found: Sequence[int] = self._order
        if search.email is not None:
            owner = None if search.public else self.with_email(search.email)
            found = [] if owner is None else [owner.id]
        if search.role is not None:
            found = [number for number in found if self.role(number) == search.role]
        if search.text:
            wanted = search.text.lower()
            users = (self._existing(number) for number in found)
            found = [
                user.id
                for user in users
                if wanted in user.name.lower()
                or (not search.public and wanted in (user.email or "").lower())
            ]
        if search.sort:
            sort = search.sort
            found = sorted(found, key=lambda number: _rank(self._existing(number), sort))
        return found

    def _existing(self, number: int) -> UserRecord:
        user = self.get(number)
        if user is None:
            raise LookupError(f"the sandbox has no user {number}")
        return user

    def _forget(self, number: int) -> None:
        changed = self._changed.pop(number, None)
        if changed is not None and changed.email is not None:
            self._changed_emails.pop(changed.email.lower(), None)
        self._full_json.pop(number, None)
        self._public_json.pop(number, None)
        self._searches.clear()


_SIZES = ("big", "medium", "small", "tiny")
_DEFAULT_AVATAR = images("avatar", *_SIZES)
_ROLES = {alias: {"id": number, "alias": alias} for alias, number in ROLE_IDS.items()}
_TEAMS: dict[int, dict[str, object]] = {
    number: {"id": number, "name": name} for number, name in TEAMS.items()
}


def public_user(user: UserRecord) -> dict[str, object]:
    """Return the part of a user that guests may see."""
    avatar = _DEFAULT_AVATAR
    if user.avatar is not None:
        avatar = dict.fromkeys(_SIZES, user.avatar)
    elif user.own_avatar:
        avatar = {size: f"{SITE}/avatars/{user.id}_{size}.jpg" for size in _SIZES}
    return {
        "id": user.id,
        "name": user.name,
        "shortName": user.short_name,
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
    shown["team"] = team_json(user.team)
    shown["tags"] = user.tags
    shown["custom_fields"] = values_json("users", user.properties.items(), staff=True)
    return shown


def team_json(number: int) -> dict[str, object] | None:
    """Return a team as JSON, or None for 0."""
    return _TEAMS.get(number)
