"""Who is user number N of the sandbox, when nobody has changed them?"""

from dataclasses import dataclass
from hashlib import blake2b

from useresponse_async.sandbox.catalog import TEAMS, Role

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

# A walk over 100,000 users builds each of them once: what 256 values can say is said in advance.
_YEARS = tuple(str(year) for year in range(2015, 2025))
_DAYS = tuple(f"-{1 + day % 12:02}-{1 + day % 28:02} " for day in range(256))
_CLOCKS = tuple(f"{second % 24:02}:{second % 60:02}:{second * 7 % 60:02}" for second in range(256))

# The accounts behind the three keys; everyone after them gets a role by chance.
KEY_HOLDERS: dict[Role, int] = {"admin": 1, "agent": 2, "user": 3}
_HOLDER_ROLES: dict[int, Role] = {number: role for role, number in KEY_HOLDERS.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Ban:
    """That a user is kept out; without `until` for good."""

    reason: str
    until: int | None


@dataclass(slots=True, kw_only=True)
class UserRecord:
    """All the installation knows about one user; `team` 0 means none, `avatar` is an address."""

    id: int
    name: str
    short_name: str
    email: str | None
    phone: str | None
    role: Role
    team: int
    tags: str
    properties: dict[int, tuple[str, ...]]
    registered: str
    last_visit: str | None
    own_avatar: bool
    rating: int = 0
    created: int = 0
    commented: int = 0
    password: str | None = None
    sso_id: str | None = None
    avatar: str | None = None
    gravatar: str | None = None
    ban: Ban | None = None


def _chance(seed: int, number: int) -> bytes:
    return blake2b(b"%d:%d" % (seed, number), digest_size=20).digest()


def _role(dice: bytes, number: int) -> Role:
    holder = _HOLDER_ROLES.get(number)
    if holder:
        return holder
    # About one user in 256 is an administrator, one in 23 an agent.
    return "user" if dice[0] > 11 else "agent" if dice[0] else "admin"  # noqa: PLR2004


def role_of(seed: int, number: int) -> Role:
    """Tell the role alone: a list filtered by role must not build everybody."""
    return _role(_chance(seed, number), number)


def person(seed: int, number: int) -> UserRecord:
    """Build user `number`; the same seed and number always give the same person."""
    dice = _chance(seed, number)
    role = _role(dice, number)
    first, first_ascii = _FIRST[dice[1] % len(_FIRST)]
    last, last_ascii = _LAST[dice[2] % len(_LAST)]
    staff = role != "user"
    known = staff or number in _HOLDER_ROLES
    domain = _DOMAINS[dice[3] % len(_DOMAINS)]
    return UserRecord(
        id=number,
        name=f"{first} {last}",
        short_name=f"{first} {last[0]}.",
        # Some came in through a social account and left no address.
        email=f"{first_ascii}.{last_ascii}.{number}@{domain}" if known or dice[4] > 18 else None,  # noqa: PLR2004
        phone=f"+44 20 {7000 + dice[5]} {1000 + dice[6] * 7}" if dice[5] % 5 < 2 else None,  # noqa: PLR2004
        role=role,
        team=1 + dice[7] % len(TEAMS) if staff else 0,
        tags=_TAGS[dice[8] % len(_TAGS)],
        properties=_properties(dice),
        registered=_YEARS[dice[9] % 10] + _DAYS[dice[10]] + _CLOCKS[dice[11]],
        last_visit="2025" + _DAYS[dice[12]] + _CLOCKS[dice[13]] if dice[12] > 25 else None,  # noqa: PLR2004
        own_avatar=dice[14] % 3 == 0,
        rating=dice[15],
        created=dice[16] % 40,
        commented=dice[17] + (dice[18] & 15),
        password=f"password-{number}",
    )


def email_number(email: str) -> int | None:
    """Read back which number `person` put into an address, if it looks like one of those."""
    _, _, number = email.partition("@")[0].rpartition(".")
    return int(number) if number.isascii() and number.isdigit() and len(number) < 10 else None  # noqa: PLR2004


def _properties(dice: bytes) -> dict[int, tuple[str, ...]]:
    given = dice[19]
    values: dict[int, tuple[str, ...]] = {}
    if given & 1:
        values[1] = (_COMPANIES[given % len(_COMPANIES)],)
    if given & 2:
        values[2] = (_PLANS[dice[18] % len(_PLANS)],)
    if given & 4:
        values[7] = (_REGIONS[dice[15] % len(_REGIONS)],)
    return values
