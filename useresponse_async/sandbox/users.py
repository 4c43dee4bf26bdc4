"""Which users exist now, in which order, and which of them does a search find?"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from useresponse_async.sandbox.catalog import TEAMS, Role
from useresponse_async.sandbox.people import (
    KEY_HOLDERS,
    Ban,
    UserRecord,
    email_number,
    person,
    role_of,
)
from useresponse_async.sandbox.user_json import full_user, public_user
from useresponse_async.sandbox.wire import to_json

# Behind every team there is.
_NO_TEAM = max(TEAMS) + 1

#: What `sort` may be, each with what it puts first; equal users stay in the usual order.
SORTS: dict[str, Callable[[UserRecord], int | str]] = {
    "roles": lambda user: ("admin", "agent", "user").index(user.role),
    "department": lambda user: user.team or _NO_TEAM,
    "top_rated": lambda user: -user.rating,
    "created_most": lambda user: -user.created,
    "commented_most": lambda user: -user.commented,
}

# Each found list of a 100,000-user installation holds close to a megabyte.
_MOST_SEARCHES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What a call looks for; `public` searches cannot look at what the public cannot see."""

    role: Role | None = None
    text: str | None = None
    email: str | None = None
    sort: str | None = None
    public: bool = False


_EVERYBODY = (Search(), Search(public=True))


class Users:
    """The users of one sandbox: computed from the seed until somebody changes them.

    Not locked in itself; whoever calls it holds the lock of the state it belongs to.
    """

    def __init__(self, seed: int, count: int) -> None:
        self._seed = seed
        self._order = list(range(1, count + 1))
        # The key holders exist even in an installation too small to list them.
        self._next = max(count, *KEY_HOLDERS.values()) + 1
        self._removed: set[int] = set()
        self._changed: dict[int, UserRecord] = {}
        self._changed_emails: dict[str, int] = {}
        self._full_json: dict[int, bytes] = {}
        self._public_json: dict[int, bytes] = {}
        self._searches: dict[Search, Sequence[int]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def get(self, number: int) -> UserRecord | None:
        """Find a user by id."""
        if not 0 < number < self._next or number in self._removed:
            return None
        return self._changed.get(number) or person(self._seed, number)

    def full_json(self, number: int) -> bytes:
        """Show an existing user to staff."""
        shown = self._full_json.get(number)
        if shown is None:
            shown = self._full_json[number] = to_json(full_user(self._existing(number)))
        return shown

    def public_json(self, number: int) -> bytes:
        """Show an existing user to the public."""
        shown = self._public_json.get(number)
        if shown is None:
            shown = self._public_json[number] = to_json(public_user(self._existing(number)))
        return shown

    def ban_of(self, number: int) -> Ban | None:
        """Tell whether and how a user is banned, without building the rest."""
        changed = self._changed.get(number)
        return changed.ban if changed else None

    def with_email(self, email: str) -> int | None:
        """Find who has an address; capital letters make no difference."""
        wanted = email.lower()
        number = self._changed_emails.get(wanted)
        if number is not None:
            return number
        number = email_number(wanted)
        if number is None or number in self._changed:
            return None
        user = self.get(number)
        return number if user is not None and user.email == wanted else None

    def create(self, fill: Callable[[int], UserRecord]) -> UserRecord:
        """Add the user that `fill` makes of the next free id, at the end of the list."""
        user = fill(self._next)
        self._next += 1
        self._order.append(user.id)
        self.change(user)
        return user

    def change(self, user: UserRecord) -> None:
        """Put a changed record in the place of the old one."""
        self._forget(user.id)
        self._changed[user.id] = user
        if user.email is not None:
            self._changed_emails[user.email.lower()] = user.id

    def remove(self, number: int) -> None:
        """Take a user away for good; the id is not used again."""
        self._existing(number)
        self._forget(number)
        self._removed.add(number)
        if number in self._order:
            self._order.remove(number)

    def insert(self, count: int) -> list[int]:
        """Put `count` new people before everyone else, so that every later row moves on."""
        added = list(range(self._next, self._next + count))
        self._next += count
        self._order[:0] = added
        self._searches.clear()
        return added

    def find(self, search: Search) -> Sequence[int]:
        """List the ids a search finds, in order; the same list again until something changes."""
        if search in _EVERYBODY:
            return self._order
        found = self._searches.get(search)
        if found is None:
            if len(self._searches) >= _MOST_SEARCHES:
                self._searches.clear()
            found = self._searches[search] = self._find(search)
        return found

    def _find(self, search: Search) -> Sequence[int]:
        found: Sequence[int] = self._order
        if search.email is not None:
            owner = None if search.public else self.with_email(search.email)
            found = [] if owner is None else [owner]
        if search.role is not None:
            found = [number for number in found if self.role(number) == search.role]
        if search.text:
            wanted = search.text.lower()
            found = [
                number for number in found if wanted in self._searchable(number, search.public)
            ]
        if search.sort is not None:
            key = SORTS[search.sort]
            found = sorted(found, key=lambda number: key(self._existing(number)))
        return found

    def role(self, number: int) -> Role:
        """Tell an existing user's role, without building the rest."""
        changed = self._changed.get(number)
        return changed.role if changed else role_of(self._seed, number)

    def _searchable(self, number: int, public: bool) -> str:  # noqa: FBT001 - as in Search
        user = self._existing(number)
        return (user.name if public else f"{user.name}\n{user.email or ''}").lower()

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
