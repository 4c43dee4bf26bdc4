"""How does a test look into a running sandbox, and make it misbehave?"""

from collections import Counter
from collections.abc import Mapping

from useresponse_async.sandbox.answers import error_json
from useresponse_async.sandbox.catalog import Role
from useresponse_async.sandbox.content_controls import ContentControls
from useresponse_async.sandbox.faults import Fault, Kind
from useresponse_async.sandbox.people import UserRecord
from useresponse_async.sandbox.traffic import Received


class Controls(ContentControls):
    """What can be read and done while the sandbox runs, from any thread.

    Every `…_next` method plans a misbehaviour for the next `times` requests. `match` is a regular
    expression; only requests whose line (such as `GET /api/3.0/users/search.json?page=3`) it is
    found in are hit, others pass by. Plans are followed in the order they were made. Unless
    `after_effect` is true a misbehaving request changes nothing.
    """

    @property
    def api_key(self) -> str:
        """The administrator's key."""
        return self.state.accounts.role_keys["admin"]

    @property
    def keys(self) -> dict[Role, str]:
        """One key for each role: `admin`, `agent`, `user`."""
        return dict(self.state.accounts.role_keys)

    @property
    def requests(self) -> list[Received]:
        """The requests so far, in order of arrival; empty when they are not recorded."""
        return list(self.state.traffic.requests)

    @property
    def arrivals(self) -> int:
        """How many requests have arrived, recorded or not."""
        return self.state.traffic.arrivals

    @property
    def in_flight(self) -> int:
        """How many requests are being served now."""
        return self.state.traffic.in_flight

    @property
    def peak_in_flight(self) -> int:
        """The most requests that were being served at once."""
        return self.state.traffic.peak_in_flight

    @property
    def connections(self) -> int:
        """How many connections are open now."""
        return self.state.traffic.connections

    @property
    def connections_opened(self) -> int:
        """How many connections were opened so far."""
        return self.state.traffic.connections_opened

    @property
    def faults(self) -> Counter[str]:
        """How often each misbehaviour was acted out: `503`, `500`, `reset`, `cut`, …."""
        return Counter(self.state.traffic.faults)

    @property
    def pending_faults(self) -> int:
        """How many requests will still meet a planned misbehaviour."""
        with self.state.lock:
            return self.state.script.pending

    def forget_requests(self) -> None:
        """Start counting and recording again."""
        self.state.traffic.forget()

    def set_latency(self, seconds: float) -> None:
        """Sleep this long before every answer from now on."""
        self.state.latency = seconds

    def set_capacity(self, requests: int | None) -> None:
        """Serve at most this many requests at once from now on; refuse others with a 503."""
        self.state.capacity = requests

    def set_api_enabled(self, *, enabled: bool) -> None:
        """Switch the API on or off; off, everything answers 503."""
        self.state.api_enabled = enabled

    def set_guests(self, *, allowed: bool) -> None:
        """Serve calls without a key, or refuse them."""
        self.state.guests = allowed

    def insert_users(self, count: int) -> list[int]:
        """Put new users before all others, so that every page shifts; give their ids."""
        with self.state.lock:
            return self.state.users.insert(count)

    def remove_user(self, user_id: int) -> None:
        """Take a user away.

        A key outlives its account; only `me.json` then refuses it.

        Raises:
            LookupError: there is no such user.
        """
        with self.state.lock:
            self.state.users.remove(user_id)

    def user(self, user_id: int) -> UserRecord | None:
        """Look up what the sandbox holds about a user, password included; not to be changed."""
        with self.state.lock:
            return self.state.users.get(user_id)

    @property
    def user_count(self) -> int:
        """How many users a search without conditions finds."""
        with self.state.lock:
            return len(self.state.users)

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
        """Answer with an error status and its usual body."""
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
        """Answer with an error body under a status of 200, as version 4.0 could."""
        self.answer_next(error_json(code, message=message), times=times, match=match)

    def html_next(self, status: int = 502, *, times: int = 1, match: str | None = None) -> None:
        """Answer with a web page, as a proxy in front would."""
        page = f"<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>"
        self.answer_next(page.encode(), status, media_type="text/html", times=times, match=match)

    def empty_next(self, status: int = 200, *, times: int = 1, match: str | None = None) -> None:
        """Answer without a body."""
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
        """Answer with exactly this."""
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
        """Reset the connection instead of answering."""
        self._plan_kind("reset", times, match, after_effect=after_effect)

    def reset_in_body_next(
        self, *, times: int = 1, match: str | None = None, after_effect: bool = False
    ) -> None:
        """Reset the connection after half of the body."""
        self._plan_kind("reset-body", times, match, after_effect=after_effect)

    def cut_next(
        self, *, times: int = 1, match: str | None = None, after_effect: bool = False
    ) -> None:
        """Send half of the JSON, with the Content-Length of that half."""
        self._plan_kind("cut", times, match, after_effect=after_effect)

    def slow_next(self, seconds: float, *, times: int = 1, match: str | None = None) -> None:
        """Send the real body in small pieces over this time."""
        self._plan(Fault(kind="slow", seconds=seconds), times, match)

    def delay_next(self, seconds: float, *, times: int = 1, match: str | None = None) -> None:
        """Wait this long before the real answer begins."""
        self._plan(Fault(kind="delay", seconds=seconds), times, match)

    def clear_faults(self) -> None:
        """Forget every planned misbehaviour that has not happened yet."""
        with self.state.lock:
            self.state.script.clear()

    def _plan_kind(self, kind: Kind, times: int, match: str | None, *, after_effect: bool) -> None:
        self._plan(Fault(kind=kind, after_effect=after_effect), times, match)

    def _plan(self, fault: Fault, times: int, match: str | None) -> None:
        with self.state.lock:
            self.state.script.add(fault, times, match)
