"""All data of one sandbox, and the controls with which tests read and change it."""

import json
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from starlette.datastructures import Headers

from useresponse_async.sandbox._auth import Accounts
from useresponse_async.sandbox._calls import Refusal, Viewer, error_json
from useresponse_async.sandbox._changelog import Changes
from useresponse_async.sandbox._chats import Chats, MessageRecord
from useresponse_async.sandbox._comments import CommentRecord, Comments
from useresponse_async.sandbox._faults import Fault, Faults
from useresponse_async.sandbox._files import Files
from useresponse_async.sandbox._installation import HOLDER_ROLES, Role, Seeding
from useresponse_async.sandbox._notes import NoteRecord
from useresponse_async.sandbox._objects import ObjectRecord, Objects
from useresponse_async.sandbox._options import Options
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
        self.ahead: float = 0.0

    def now(self) -> int:
        """Return the sandbox's time, in Unix seconds."""
        return int(time.time() + self.ahead)

    @property
    def today(self) -> int:
        """The time at which the site's day began."""
        return day_of(self.now())

    def viewer(self, key: str | None) -> Viewer:
        """Return the caller with a key; raise an error for a wrong key or a banned user."""
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
        """Raise a 403 for a user whose ban has not ended."""
        if user.ban and (user.ban.until is None or user.ban.until > self.now()):
            raise Refusal(403)


class Controls:
    """Controls of a running sandbox, for any thread.

    Every `…_next` method plans a fault for the next `times` requests. `match` is a regular
    expression; only requests whose line (such as `GET /api/3.0/users/search.json?page=3`) it is
    found in are hit. Plans are followed in order. A request with a fault changes nothing unless
    `after_effect` is true.
    """

    arrivals: int = 0
    """Number of requests that have arrived, recorded or not."""

    in_flight: int = 0
    """Number of requests in flight."""

    peak_in_flight: int = 0
    """Maximum number of requests that were in flight at once."""

    connections: int = 0
    """Number of open connections."""

    connections_opened: int = 0
    """Number of connections opened so far."""

    def __init__(self, state: State) -> None:
        self.state: State = state
        self._received: list[Received] = []
        self._faults: Counter[str] = Counter()

    def _enter(self) -> None:
        """Count a request that arrives."""
        self.arrivals += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def _leave(self) -> None:
        self.in_flight -= 1

    @property
    def api_key(self) -> str:
        """Key of the administrator."""
        return self.state.accounts.role_keys["admin"]

    @property
    def keys(self) -> dict[Role, str]:
        """Keys by role: `admin`, `agent`, `user`."""
        return dict(self.state.accounts.role_keys)

    @property
    def requests(self) -> list[Received]:
        """Requests in order of arrival; empty if they are not recorded."""
        return list(self._received)

    @property
    def faults(self) -> Counter[str]:
        """Number of requests that met each fault: `503`, `500`, `reset`, `cut`, …."""
        return Counter(self._faults)

    @property
    def pending_faults(self) -> int:
        """Number of requests that will still meet a planned fault."""
        with self.state.lock:
            return sum(plan.times for plan in self.state.faults.planned)

    def forget_requests(self) -> None:
        """Start counting and recording again; open requests and connections stay counted."""
        self._received.clear()
        self._faults.clear()
        self.arrivals = 0
        self.peak_in_flight = self.in_flight
        self.connections_opened = self.connections

    def set_latency(self, seconds: float) -> None:
        """Wait this many seconds before every response from now on."""
        self.state.latency = seconds

    def set_capacity(self, requests: int | None) -> None:
        """Serve at most this many requests at once from now on; reject others with a 503."""
        self.state.capacity = requests

    def set_api_enabled(self, *, enabled: bool) -> None:
        """Switch the API on or off; off, every response is a 503."""
        self.state.api_enabled = enabled

    def set_guests(self, *, allowed: bool) -> None:
        """Serve calls without a key, or reject them."""
        self.state.guests = allowed

    def insert_users(self, count: int) -> list[int]:
        """Add new users before all others, so that every page shifts; return their ids."""
        with self.state.lock:
            return self.state.users.insert(count)

    def remove_user(self, user_id: int) -> None:
        """Remove a user from every list.

        The three keys of `keys` keep working, so that a test can remove any row; only `me.json`
        rejects the key of a removed user. `DELETE users/{id}.json` ends the key as well.

        Raises:
            LookupError: The sandbox has no user with this id.
        """
        with self.state.lock:
            self.state.users.remove(user_id)

    def user(self, user_id: int) -> UserRecord | None:
        """Return the record of a user, password included; do not change it."""
        with self.state.lock:
            return self.state.users.get(user_id)

    @property
    def user_count(self) -> int:
        """Number of users that a search without conditions finds."""
        with self.state.lock:
            return len(self.state.users.order)

    @property
    def ticket_ids(self) -> range:
        """Ids of the tickets that existed at the start."""
        return self.state.seeding.object_ids["helpdesk"]

    @property
    def topic_ids(self) -> range:
        """Ids of the topics that existed at the start."""
        return self.state.seeding.object_ids["feedback"]

    @property
    def article_ids(self) -> range:
        """Ids of the articles that existed at the start."""
        return self.state.seeding.object_ids["knowledge-base"]

    @property
    def comment_ids(self) -> range:
        """Ids of the comments that existed at the start."""
        return range(1, self.state.seeding.comments + 1)

    @property
    def chat_ids(self) -> range:
        """Ids of all chats."""
        return range(1, self.state.seeding.chats + 1)

    def object(self, object_id: int) -> ObjectRecord | None:
        """Return the record of an object; do not change it."""
        with self.state.lock:
            return self.state.objects.get(object_id)

    def comment(self, comment_id: int) -> CommentRecord | None:
        """Return the record of a comment; do not change it."""
        with self.state.lock:
            return self.state.comments.get(comment_id)

    def insert_tickets(self, count: int) -> list[int]:
        """Add new tickets, so that every page of the newest shifts; return their ids."""
        with self.state.lock:
            now = self.state.now()
            return [self.state.objects.insert_ticket(now) for _ in range(count)]

    def remove_object(self, object_id: int) -> None:
        """Delete an object and its comments permanently.

        Raises:
            LookupError: The sandbox has no object with this id.
        """
        with self.state.lock:
            self.state.objects.remove(object_id)
            self.state.comments.remove_all_on(object_id)

    def say(self, chat_id: int, content: str, *, author: int | None = None) -> MessageRecord:
        """Add a message at the end of a chat; the default author is that of the chat.

        Raises:
            LookupError: The sandbox has no chat with this id.
        """
        with self.state.lock:
            return self.state.chats.say(chat_id, content, self.state.now(), author)

    def key_of(self, user_id: int) -> str:
        """Return a user's own key, which has that user's role."""
        with self.state.lock:
            return self.state.accounts.issue(user_id)

    def sso_token(self, email: str, sso_id: str | None = None) -> str:
        """Return the token that `sso/identity.json` takes for this address and this id."""
        return self.state.accounts.sso_token(email, sso_id)

    def advance(self, seconds: float) -> None:
        """Move the sandbox's time forwards, so that bans end and announcements expire."""
        if seconds < 0:
            raise ValueError(f"time moves forwards only, got {seconds}")
        self.state.ahead += seconds

    def fail_next(
        self,
        status: int = 503,
        *,
        times: int = 1,
        headers: Mapping[str, str] | None = None,
        message: str | None = None,
        context: str | None = None,
        match: str | None = None,
        after_effect: bool = False,
    ) -> None:
        """Respond with an error status and its usual body."""
        body = error_json(status, message=message, context=context)
        self.answer_next(
            body, status, times=times, headers=headers, match=match, after_effect=after_effect
        )

    def error_in_200_next(
        self,
        code: int = 400,
        *,
        message: str | None = None,
        times: int = 1,
        match: str | None = None,
    ) -> None:
        """Respond with an error body under a status of 200, as version 4.0 could."""
        self.answer_next(error_json(code, message=message), times=times, match=match)

    def html_next(self, status: int = 502, *, times: int = 1, match: str | None = None) -> None:
        """Respond with a web page, as a proxy in front would."""
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
        self.answer_next(page.encode(), status, media_type="text/html", times=times, match=match)

    def empty_next(self, status: int = 200, *, times: int = 1, match: str | None = None) -> None:
        """Respond without a body."""
        self.answer_next(b"", status, times=times, match=match)

    def answer_next(
        self,
        body: bytes,
        status: int = 200,
        *,
        media_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
        times: int = 1,
        match: str | None = None,
        after_effect: bool = False,
    ) -> None:
        """Respond with exactly this."""
        fault = Fault(
            kind="status",
            status=status,
            headers=dict(headers or {}),
            body=body,
            media_type=media_type,
            after_effect=after_effect,
        )
        self._plan(fault, times, match)

    def reset_next(
        self, *, times: int = 1, match: str | None = None, after_effect: bool = False
    ) -> None:
        """Reset the connection instead of responding."""
        self._plan(Fault(kind="reset", after_effect=after_effect), times, match)

    def reset_in_body_next(
        self, *, times: int = 1, match: str | None = None, after_effect: bool = False
    ) -> None:
        """Reset the connection after half of the body."""
        self._plan(Fault(kind="reset-body", after_effect=after_effect), times, match)

    def cut_next(
        self, *, times: int = 1, match: str | None = None, after_effect: bool = False
    ) -> None:
        """Send half of the JSON, with the Content-Length of that half."""
        self._plan(Fault(kind="cut", after_effect=after_effect), times, match)

    def slow_next(self, seconds: float, *, times: int = 1, match: str | None = None) -> None:
        """Send the real body in small pieces over this many seconds."""
        self._plan(Fault(kind="slow", seconds=seconds), times, match)

    def delay_next(self, seconds: float, *, times: int = 1, match: str | None = None) -> None:
        """Wait this many seconds before the real response begins."""
        self._plan(Fault(kind="delay", seconds=seconds), times, match)

    def clear_faults(self) -> None:
        """Drop every planned fault that has not happened yet."""
        with self.state.lock:
            self.state.faults.planned.clear()

    def _plan(self, fault: Fault, times: int, match: str | None) -> None:
        with self.state.lock:
            self.state.faults.plan(fault, times, match)
