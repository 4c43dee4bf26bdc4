"""Options of a sandbox."""

import math
from dataclasses import dataclass
from typing import Literal

#: Default key of the administrator: for demos, never a secret.
DEFAULT_API_KEY = "sandbox-key"

Empty = Literal["204", "empty-list", "last-page"]
NextPage = Literal["null", "absent", "repeats"]

EMPTY_STYLES: tuple[Empty, ...] = ("204", "empty-list", "last-page")
NEXT_PAGE_STYLES: tuple[NextPage, ...] = ("null", "absent", "repeats")

_HIGHEST_PORT = 65535


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options of a sandbox, fixed before the first request.

    Attributes:
        users: Number of users at the start, with the ids 1 to `users`.
        tickets: Number of tickets at the start, with the ids 1 to `tickets`.
        topics: Number of topics (ideas, problems, questions, thanks), with the next ids.
        articles: Number of articles and FAQs, with the ids after those.
        comments: Number of comments, spread evenly over all of these.
        chats: Number of chats.
        api_key: Key of the administrator. The agent's is the same with `-agent` added, the plain
            user's the same with `-user`.
        seed: Decides everything that exists at the start, and which requests `faults` hits.
        latency: Seconds before every response.
        faults: Share of requests (0 to 1) that meet a 503, a 500, a reset connection or cut JSON.
        capacity: Maximum number of requests served at once; others are rejected with a 503.
            Default: no limit.
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        root_path: Sub-path of the API, such as `/support`.
        empty: Response for a page without rows: a 204, a paginator without data, or, past the
            end, the last page again.
        next_page: Value of `nextPage` on the last page.
        api_enabled: Switch the API on; off, every response is a 503.
        guests: Serve calls without a key.
        record: Keep every request for inspection.
        access_log: Write a line for every request to standard error, without its key.
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
    access_log: bool = False

    def __post_init__(self) -> None:
        """Reject invalid values."""
        for name in ("users", "tickets", "topics", "articles", "comments", "chats"):
            amount = getattr(self, name)
            if amount < 0:
                raise ValueError(f"{name} must not be negative, got {amount}")
        latency, root, port = self.latency, self.root_path, self.port
        is_root = not root or (root.startswith("/") and not root.endswith("/"))
        rules = {
            "the API key must not be empty": bool(self.api_key.strip()),
            f"latency must be a number of seconds, 0 or more, got {latency}": (
                0 <= latency < math.inf
            ),
            f"faults must be a share from 0 to 1, got {self.faults}": 0 <= self.faults <= 1,
            f"capacity must be a number of requests, 1 or more, got {self.capacity}": (
                self.capacity is None or self.capacity >= 1
            ),
            f"port must be from 0 to {_HIGHEST_PORT}, got {port}": 0 <= port <= _HIGHEST_PORT,
            f"root path must begin with a slash and not end with one, got {root!r}": is_root,
            f"empty must be one of {', '.join(EMPTY_STYLES)}, got {self.empty!r}": (
                self.empty in EMPTY_STYLES
            ),
            f"next page must be one of {', '.join(NEXT_PAGE_STYLES)}, got {self.next_page!r}": (
                self.next_page in NEXT_PAGE_STYLES
            ),
        }
        for rule, holds in rules.items():
            if not holds:
                raise ValueError(rule)
