"""What may go wrong with the next request, and how is that decided?"""

import random
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from useresponse_async.sandbox.answers import error_json

#: `status`: another answer than the real one; `reset`: the connection is reset before any answer;
#: `reset-body`: reset half-way through the body; `cut`: half of the JSON under a matching
#: Content-Length; `slow`: the real body, in small pieces; `delay`: the real answer, late.
Kind = Literal["status", "reset", "reset-body", "cut", "slow", "delay"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One misbehaviour; `after_effect` lets the request do its work before it goes wrong."""

    kind: Kind
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    media_type: str = "application/json"
    seconds: float = 0.0
    after_effect: bool = False

    @property
    def label(self) -> str:
        """Name the fault in counts: the status for another answer, else the kind."""
        return str(self.status) if self.kind == "status" else self.kind


@dataclass(slots=True)
class _Entry:
    fault: Fault
    times: int
    pattern: re.Pattern[str] | None


class Script:
    """The misbehaviours a test has asked for, in the order it asked.

    Not locked in itself; the state's lock is held around it.
    """

    def __init__(self) -> None:
        self._entries: deque[_Entry] = deque()

    def add(self, fault: Fault, times: int, match: str | None) -> None:
        """Plan a fault for the next `times` requests, of those whose line `match` is found in."""
        if times < 1:
            raise ValueError(f"times must be 1 or more, got {times}")
        self._entries.append(_Entry(fault, times, re.compile(match) if match else None))

    def clear(self) -> None:
        """Forget what is still planned."""
        self._entries.clear()

    @property
    def pending(self) -> int:
        """How many more requests will meet a planned fault."""
        return sum(entry.times for entry in self._entries)

    def next_for(self, method: str, path: str, query: str) -> Fault | None:
        """Take the first planned fault that applies to a request."""
        if not self._entries:
            return None
        line = f"{method} {path}?{query}" if query else f"{method} {path}"
        for entry in self._entries:
            if entry.pattern is None or entry.pattern.search(line):
                entry.times -= 1
                if not entry.times:
                    self._entries.remove(entry)
                return entry.fault
        return None


class Chance:
    """Faults by chance: the same seed hits the same arrivals in the same way."""

    def __init__(self, share: float, seed: int) -> None:
        self._share = share
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self._kinds = (
            Fault(kind="status", status=503, body=error_json(503)),
            Fault(kind="status", status=500, body=error_json(500)),
            Fault(kind="reset"),
            Fault(kind="cut"),
        )

    def next(self) -> Fault | None:
        """Decide about one arrival."""
        if not self._share or self._dice.random() >= self._share:
            return None
        return self._dice.choice(self._kinds)
