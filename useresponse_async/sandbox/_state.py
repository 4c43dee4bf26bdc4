"""All data of one sandbox, and what has reached it."""

import json
import threading
import time
from dataclasses import dataclass
from itertools import count
from typing import Any

from starlette.datastructures import Headers

from useresponse_async.sandbox._auth import Accounts
from useresponse_async.sandbox._calls import Viewer
from useresponse_async.sandbox._changelog import Changes
from useresponse_async.sandbox._chats import Chats
from useresponse_async.sandbox._comments import Comments
from useresponse_async.sandbox._faults import Faults
from useresponse_async.sandbox._files import Files
from useresponse_async.sandbox._installation import HOLDER_ROLES, Seeding
from useresponse_async.sandbox._notes import NoteRecord
from useresponse_async.sandbox._objects import Objects
from useresponse_async.sandbox._options import Options
from useresponse_async.sandbox._responses import Refusal
from useresponse_async.sandbox._text import day_of
from useresponse_async.sandbox._users import UserRecord, Users


@dataclass(slots=True, kw_only=True)
class Received:
    """One request as it arrived.

    Attributes:
        method: `GET`, `POST`, …
        path: Path, percent signs decoded.
        query: Pairs of the query in their order, keys repeated as sent.
        headers: Headers by name; case makes no difference.
        body: Bytes after the headers.
        at: Seconds on the monotonic clock.
    """

    method: str
    path: str
    query: list[tuple[str, str]]
    headers: Headers
    body: bytes
    at: float

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)


class State:
    """All data that the routes read and change.

    Each route holds `lock` while it works, and so does each control that a test calls from
    another thread. Nothing in here has a lock of its own.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lock: threading.RLock = threading.RLock()
        self.api_enabled: bool = options.api_enabled
        self.guests: bool = options.guests
        self.latency: float = options.latency
        self.capacity: int | None = options.capacity
        self.faults: Faults = Faults(options.faults, options.seed)
        self.accounts: Accounts = Accounts(options.api_key)
        self.users: Users = Users(options.seed, options.users)
        self.seeding: Seeding = Seeding(options)
        # A seeded object's file has the object's id.
        self.files: Files = Files(options.seed, self.seeding.objects + 1)
        self.objects: Objects = Objects(self.seeding, self.files)
        self.comments: Comments = Comments(self.seeding)
        self.chats: Chats = Chats(self.seeding, self.files)
        self.notes: dict[int, NoteRecord] = {}
        self.note_ids: count[int] = count(1)
        self.changes: Changes = Changes()
        self._ahead = 0.0

    def now(self) -> int:
        """Return the sandbox's time, in Unix seconds."""
        return int(time.time() + self._ahead)

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError(f"time moves forwards only, got {seconds}")
        self._ahead += seconds

    @property
    def today(self) -> int:
        """When the installation's day began."""
        return day_of(self.now())

    def viewer(self, key: str | None) -> Viewer:
        """Return the caller with a key, or refuse a wrong one and that of a banned user."""
        if key is None:
            if not self.guests:
                raise Refusal(401)
            return Viewer(self.today)
        with self.lock:
            owner = self.accounts.owner(key)
            user = self.users.get(owner)
            # A test may have removed the row of a role's account, whose key still works.
            role = user.role if user else HOLDER_ROLES.get(owner)
            if role is None:
                raise Refusal(401)
            if user is not None:
                self.refuse_banned(user)
            return Viewer(self.today, role, key, owner)

    def refuse_banned(self, user: UserRecord) -> None:
        """Refuse a user whose ban has not ended with a 403."""
        if user.ban and (user.ban.until is None or user.ban.until > self.now()):
            raise Refusal(403)
