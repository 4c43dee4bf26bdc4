"""What can a sandbox be told when it starts, and which of it makes no sense?"""

import math
from dataclasses import dataclass
from typing import Literal

#: The administrator's key when none is chosen: for demos, never a secret.
DEFAULT_API_KEY = "sandbox-key"

Empty = Literal["204", "empty-list", "last-page"]
NextPage = Literal["null", "absent", "repeats"]

EMPTY_STYLES: tuple[Empty, ...] = ("204", "empty-list", "last-page")
NEXT_PAGE_STYLES: tuple[NextPage, ...] = ("null", "absent", "repeats")

_HIGHEST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Options:
    """Everything that is decided before the first request.

    Attributes:
        users: how many users exist at the start, with the ids 1 to `users`.
        tickets: how many tickets exist at the start, with the ids 1 to `tickets`.
        topics: how many topics (ideas, problems, questions, thanks) exist, with the next ids.
        articles: how many articles and FAQs exist, with the ids after those.
        comments: how many comments exist, spread evenly over all of these.
        chats: how many chats exist.
        api_key: the administrator's key. The agent's is the same with `-agent` added, the plain
            user's the same with `-user`.
        seed: decides everything that exists at the start, and which requests are hit by `faults`.
        latency: seconds slept before every answer.
        faults: share of requests (0 to 1) that meet a 503, a 500, a reset connection or cut JSON.
        capacity: the most requests served at once; those beyond are refused with a 503. No bound
            unless told.
        host: address to listen on.
        port: port to listen on; 0 takes a free one.
        root_path: sub-path below which the API lives, such as `/support`.
        empty: what a page without rows is: a 204, a paginator without data, or, past the end, the
            last page once more.
        next_page: what `nextPage` says on the last page.
        api_enabled: whether the API is switched on; off, everything answers 503.
        guests: whether calls without a key are served.
        record: whether every request is kept for inspection.
    """

    users: int = 100
    tickets: int = 20
    topics: int = 12
    articles: int = 6
    comments: int = 60
    chats: int = 6
    api_key: str = DEFAULT_API_KEY
    seed: int = 1
    latency: float = 0.0
    faults: float = 0.0
    capacity: int | None = None
    host: str = "127.0.0.1"
    port: int = 0
    root_path: str = ""
    empty: Empty = "204"
    next_page: NextPage = "null"
    api_enabled: bool = True
    guests: bool = True
    record: bool = True

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("users", "tickets", "topics", "articles", "comments", "chats"):
            amount = getattr(self, name)
            _check(amount >= 0, f"{name} must not be negative, got {amount}")
        _check(bool(self.api_key.strip()), "the API key must not be empty")
        _check(
            math.isfinite(self.latency) and self.latency >= 0,
            f"latency must be a number of seconds, 0 or more, got {self.latency}",
        )
        _check(0 <= self.faults <= 1, f"faults must be a share from 0 to 1, got {self.faults}")
        _check(
            self.capacity is None or self.capacity >= 1,
            f"capacity must be a number of requests, 1 or more, got {self.capacity}",
        )
        _check(
            0 <= self.port <= _HIGHEST_PORT,
            f"port must be from 0 to {_HIGHEST_PORT}, got {self.port}",
        )
        _check(
            not self.root_path
            or (self.root_path.startswith("/") and not self.root_path.endswith("/")),
            f"root path must begin with a slash and not end with one, got {self.root_path!r}",
        )
        _check(
            self.empty in EMPTY_STYLES,
            f"empty must be one of {', '.join(EMPTY_STYLES)}, got {self.empty!r}",
        )
        _check(
            self.next_page in NEXT_PAGE_STYLES,
            f"next page must be one of {', '.join(NEXT_PAGE_STYLES)}, got {self.next_page!r}",
        )


def _check(holds: bool, message: str) -> None:  # noqa: FBT001 - a condition, not a switch
    if not holds:
        raise ValueError(message)
