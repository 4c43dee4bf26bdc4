"""What has reached the sandbox, and how much of it at once?"""

import json
from collections import Counter
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import Headers


@dataclass(slots=True, kw_only=True)
class Received:
    """One request as it arrived.

    Attributes:
        method: `GET`, `POST`, …
        path: the path, percent signs decoded.
        query: the query's pairs in their order, keys repeated as sent.
        headers: by name, capital letters making no difference.
        body: the bytes after the headers.
        at: seconds on the monotonic clock.
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


class Traffic:
    """Counts, and keeps if asked to; written by the server's thread, read by any."""

    def __init__(self, *, record: bool) -> None:
        self.record = record
        self.requests: list[Received] = []
        self.arrivals: int = 0
        self.in_flight: int = 0
        self.peak_in_flight: int = 0
        self.connections: int = 0
        self.connections_opened: int = 0
        self.faults: Counter[str] = Counter()

    def enter(self) -> None:
        """Count a request in."""
        self.arrivals += 1
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def leave(self) -> None:
        """Count a request out, however it ended."""
        self.in_flight -= 1

    def connected(self) -> None:
        """Count a connection in."""
        self.connections += 1
        self.connections_opened += 1

    def disconnected(self) -> None:
        """Count a connection out."""
        self.connections -= 1

    def forget(self) -> None:
        """Start again; what is going on right now stays counted."""
        self.requests.clear()
        self.arrivals = 0
        self.peak_in_flight = self.in_flight
        self.connections_opened = self.connections
        self.faults.clear()
