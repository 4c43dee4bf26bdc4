"""What does one sandbox know and remember?"""

import threading
from http import HTTPStatus

from useresponse_async.sandbox.answers import Refusal
from useresponse_async.sandbox.catalog import Role
from useresponse_async.sandbox.faults import Chance, Script
from useresponse_async.sandbox.options import Options
from useresponse_async.sandbox.people import KEY_HOLDERS
from useresponse_async.sandbox.traffic import Traffic
from useresponse_async.sandbox.users import Users


class Viewer:
    """Who is asking: a role with its account, or a guest with neither."""

    __slots__ = ("key", "role", "user_id")

    def __init__(self, role: Role | None, key: str | None) -> None:
        self.role = role
        self.key = key
        self.user_id = KEY_HOLDERS[role] if role else None

    @property
    def is_staff(self) -> bool:
        """Agents and administrators see everything."""
        return self.role in ("agent", "admin")


class State:
    """Everything that the routes read and change.

    `lock` is held by each route while it works and by each control that a test calls from its
    own thread.
    """

    def __init__(self, options: Options) -> None:
        self.options = options
        self.lock = threading.RLock()
        self.api_enabled = options.api_enabled
        self.guests = options.guests
        self.latency = options.latency
        self.traffic = Traffic(record=options.record)
        self.script = Script()
        self.chance = Chance(options.faults, options.seed)
        self.users = Users(options.seed, options.users)
        self.keys: dict[Role, str] = {
            "admin": options.api_key,
            "agent": options.api_key + "-agent",
            "user": options.api_key + "-user",
        }

    def viewer(self, key: str | None) -> Viewer:
        """Tell whose key this is.

        Raises:
            Refusal: a 401 for a key nobody has, and for no key where guests are not served.
        """
        if key is None:
            if not self.guests:
                raise Refusal(HTTPStatus.UNAUTHORIZED)
            return Viewer(None, None)
        for role, known in self.keys.items():
            if key == known:
                return Viewer(role, known)
        raise Refusal(HTTPStatus.UNAUTHORIZED)
