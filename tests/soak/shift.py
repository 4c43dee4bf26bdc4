"""What a worker has at hand, what it counts, and its checks."""

import random
from collections import Counter
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from tests.soak.sabotage import Sabotage
from tests.soak.server import Server
from useresponse_async import (
    APIConnectionError,
    AsyncClient,
    DecodeError,
    InternalServerError,
    QueueTimeoutError,
    RetryPolicy,
    UseResponseError,
)
from useresponse_async.cli._demo import delivery_problems
from useresponse_async.sandbox import DEFAULT_API_KEY

T = TypeVar("T")

#: With one request in twenty failing, an idempotent call never runs out of attempts.
RETRIES: Final = RetryPolicy(
    attempts=12, initial_delay=0.02, max_delay=0.3, min_retries_per_second=1000
)
#: What has to happen in a soak, and what must not.
EXPECTED: Final = (
    "requests sent", "faults", "responses", "retries", "items checked", "bytes compared", "created",
    "created although the response was lost", "failed and not created", "calls and walks cancelled",
    "left early", "without a slot in time", "without a response in time", "more clients",
    "calls ended by closing",
)  # fmt: skip
WRONG: Final = ("lost", "duplicated", "out of order", "created twice")
_MOST_PROBLEMS = 20


class Tally(Counter[str]):
    """Counts of a soak, and its problems; it does not grow with time."""

    def __init__(self) -> None:
        super().__init__()
        self.problems: Counter[str] = Counter()

    def problem(self, text: str) -> None:
        is_kept = text in self.problems or len(self.problems) < _MOST_PROBLEMS
        self.problems[text if is_kept else "further problems"] += 1


@dataclass(frozen=True)
class World:
    """What all workers of a soak share."""

    server: Server
    tally: Tally
    sabotage: Sabotage
    users: int
    directory: str

    def client(self, **options: Any) -> AsyncClient:
        options = {"retry": RETRIES, "timeout": 30} | options
        return AsyncClient(self.server.url, api_key=DEFAULT_API_KEY, **options)


@dataclass(frozen=True)
class Shift:
    """One worker's clients and dice."""

    world: World
    client: AsyncClient
    views: Sequence[AsyncClient]
    dice: random.Random
    on_asyncio: bool

    def any_client(self) -> AsyncClient:
        return self.dice.choice((self.client, *self.views))

    def somebody(self) -> int:
        """Choose a user who is there all the time."""
        return self.dice.randint(4, self.world.users)

    def unique(self, prefix: str) -> str:
        return f"{prefix}{self.dice.getrandbits(80):020x}"

    def count(self, what: str, number: int = 1) -> None:
        self.world.tally[what] += number

    def expect(self, truth: object, otherwise: str) -> None:
        if not truth:
            self.world.tally.problem(otherwise)

    def take_walk(self, ids: list[int]) -> None:
        """Check a complete walk: each user of its start is yielded once, in order.

        Users created meanwhile are behind all others, and may come or not, but not twice.
        """
        came = self.world.sabotage.tampered(ids)
        new = [user_id for user_id in came if user_id > self.world.users]
        old = [user_id for user_id in came if user_id <= self.world.users]
        problems = delivery_problems(old, self.world.users)
        self.count("items checked", len(came))
        self.count("lost", problems["lost"])
        self.count("duplicated", problems["duplicated"] + len(new) - len(set(new)))
        self.count("out of order", problems["out of order"] + problems["unknown"])

    async def once(self, call: Awaitable[T]) -> T | None:
        """Return what a call gives that must not be made twice; None if it may have been done."""
        try:
            return await call
        except (APIConnectionError, InternalServerError, DecodeError) as error:
            if isinstance(error, QueueTimeoutError) or not getattr(error, "malformed", True):
                raise
            return None

    def count_created(self, found: int, *, answered: bool) -> None:
        """Take note of how often a thing was created that is to be created once."""
        self.expect(found or not answered, "what was created cannot be found")
        if found > 1:
            self.count("created twice")
        elif answered:
            self.count("created")
        else:
            lost = "created although the response was lost"
            self.count(lost if found else "failed and not created")

    def failed(self, job: str, error: Exception) -> None:
        kind = "the API" if isinstance(error, UseResponseError) else "the program"
        self.world.tally.problem(f"{job}: {kind} raised {type(error).__name__}: {error!s:.300}")
