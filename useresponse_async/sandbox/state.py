"""What does one sandbox know and remember?"""

import threading
from http import HTTPStatus

from useresponse_async.sandbox.accounts import Accounts
from useresponse_async.sandbox.answers import Refusal
from useresponse_async.sandbox.catalog import Role
from useresponse_async.sandbox.changes import Changes
from useresponse_async.sandbox.chats import Chats
from useresponse_async.sandbox.clock import Clock, day_of
from useresponse_async.sandbox.comments import Comments
from useresponse_async.sandbox.faults import Chance, Script
from useresponse_async.sandbox.files import Files
from useresponse_async.sandbox.notes import Notes
from useresponse_async.sandbox.objects import Objects
from useresponse_async.sandbox.options import Options
from useresponse_async.sandbox.people import KEY_HOLDERS
from useresponse_async.sandbox.seeding import Seeding, seeding_of
from useresponse_async.sandbox.traffic import Traffic
from useresponse_async.sandbox.users import Users
from useresponse_async.sandbox.visibility import Eyes


class Viewer:
    """Who is asking: a role with its account, or a guest with neither."""

    __slots__ = ("key", "role", "user_id")

    def __init__(self, role: Role | None, key: str | None, user_id: int | None) -> None:
        self.role = role
        self.key: str | None = key
        self.user_id: int | None = user_id

    @property
    def is_staff(self) -> bool:
        """Agents and administrators see everything."""
        return self.role in ("agent", "admin")

    @property
    def eyes(self) -> Eyes:
        """What decides about what shows."""
        return Eyes(self.is_staff, self.user_id)


GUEST = Viewer(None, None, None)


class State:
    """Everything that the routes read and change.

    `lock` is held by each route while it works and by each control that a test calls from its
    own thread.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lock: threading.RLock = threading.RLock()
        self.api_enabled: bool = options.api_enabled
        self.guests: bool = options.guests
        self.latency: float = options.latency
        self.capacity: int | None = options.capacity
        self.clock: Clock = Clock()
        self.traffic: Traffic = Traffic(record=options.record)
        self.script: Script = Script()
        self.chance: Chance = Chance(options.faults, options.seed)
        self.accounts: Accounts = Accounts(options.api_key)
        self.users: Users = Users(options.seed, options.users)
        self.seeding: Seeding = seeding_of(options)
        # A seeded object's file has the object's id.
        self.files: Files = Files(options.seed, self.seeding.objects + 1)
        self.objects: Objects = Objects(self.seeding, self.files)
        self.comments: Comments = Comments(self.seeding)
        self.chats: Chats = Chats(self.seeding, self.files)
        self.notes: Notes = Notes()
        self.changes: Changes = Changes()

    @property
    def today(self) -> int:
        """When the installation's day began."""
        return day_of(self.clock.now())

    def viewer(self, key: str | None) -> Viewer:
        """Tell whose key this is.

        Raises:
            Refusal: a 401 for a key nobody has, and for no key where guests are not served; a 403
                for the key of somebody who is banned.
        """
        if key is None:
            if not self.guests:
                raise Refusal(HTTPStatus.UNAUTHORIZED)
            return GUEST
        with self.lock:
            viewer = self._owner(key)
            self.refuse_banned(viewer.user_id or 0)
        return viewer

    def refuse_banned(self, user: int) -> None:
        """Keep out who is banned and not yet free again.

        Raises:
            Refusal: a 403.
        """
        ban = self.users.ban_of(user)
        if ban is not None and (ban.until is None or ban.until > self.clock.now()):
            raise Refusal(HTTPStatus.FORBIDDEN)

    def _owner(self, key: str) -> Viewer:
        role = self.accounts.role_of_key(key)
        if role is not None:
            return Viewer(role, key, KEY_HOLDERS[role])
        owner = self.accounts.owner(key)
        if owner is None or self.users.get(owner) is None:
            raise Refusal(HTTPStatus.UNAUTHORIZED)
        return Viewer(self.users.role(owner), key, owner)
