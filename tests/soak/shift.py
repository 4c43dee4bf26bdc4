"""What a worker has at hand, and its checks."""

import random
from collections.abc import AsyncIterator, Awaitable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from tests.soak.sabotage import Sabotage
from tests.soak.secrecy import Watch
from tests.soak.server import Server
from tests.soak.tally import Tally
from useresponse_async import (
    APIConnectionError,
    AsyncClient,
    ClientClosedError,
    DecodeError,
    InternalServerError,
    QueueTimeoutError,
    RetryPolicy,
    UseResponseError,
)
from useresponse_async.cli._demo import delivery_problems
from useresponse_async.sandbox import Options, create_app

T = TypeVar("T")

#: With one request in twenty failing, an idempotent call never runs out of attempts.
RETRIES: Final = RetryPolicy(
    attempts=12, initial_delay=0.02, max_delay=0.3, min_retries_per_second=1000
)


@dataclass(frozen=True, kw_only=True)
class World:
    """What all workers of a soak share."""

    server: Server
    tally: Tally
    watch: Watch
    sabotage: Sabotage
    users: int
    seed: int
    api_key: str
    directory: str

    def __repr__(self) -> str:  # it stands in every frame, and holds the key
        return "World()"

    @property
    def agents(self) -> list[int]:
        """The ids of the agents: none are added, so they keep their places."""
        app = create_app(Options(seed=self.seed, users=self.users))
        return [n for n in range(1, self.users + 1) if app.user(n).role == "agent"]

    def client(self, **options: Any) -> AsyncClient:
        """Make a client of the sandbox."""
        options = {"retry": RETRIES, "timeout": 30} | options
        return AsyncClient(self.server.url, api_key=self.api_key, **options)


@dataclass(frozen=True, kw_only=True)
class Shift:
    """One worker's clients and dice."""

    world: World
    client: AsyncClient
    views: Sequence[AsyncClient]
    dice: random.Random
    on_asyncio: bool

    @property
    def tally(self) -> Tally:
        """What is counted."""
        return self.world.tally

    def any_client(self) -> AsyncClient:
        """Choose the client or one of its views."""
        return self.dice.choice((self.client, *self.views))

    def somebody(self) -> int:
        """Choose a user who is there all the time."""
        return self.dice.randint(4, self.world.users)

    def unique(self, prefix: str) -> str:
        """Return a unique text."""
        return f"{prefix}{self.dice.getrandbits(80):020x}"

    def expect(self, truth: object, otherwise: str) -> None:
        """Take note of a problem unless ``truth``."""
        if not truth:
            self.tally.problem(otherwise)

    def take_walk(self, ids: Iterable[int | None]) -> None:
        """Check a complete walk: each user of its start is yielded once, in order.

        Users created meanwhile are behind all others, and may come or not, but not twice.
        """
        came = self.world.sabotage.tampered(list(ids))
        old = [user_id for user_id in came if user_id is None or user_id <= self.world.users]
        new = [user_id for user_id in came if user_id is not None and user_id > self.world.users]
        problems = delivery_problems(old, self.world.users)
        self.tally.items += len(came)
        self.tally.lost += problems["lost"]
        self.tally.duplicated += problems["duplicated"] + len(new) - len(set(new))
        self.tally.misplaced += problems["out of order"] + problems["unknown"]

    def take_part(self, ids: Sequence[int | None]) -> None:
        """Check the part of a walk over all users that came before it was left."""
        self.tally.items += len(ids)
        wanted = list(range(1, len(ids) + 1))[: self.world.users]
        self.expect(list(ids)[: self.world.users] == wanted, f"a part of a walk was {ids!r:.200}")

    async def once(self, call: Awaitable[T]) -> T | None:
        """Return what a call gives that must not be made twice; None if it may have been done."""
        try:
            return await call
        except (APIConnectionError, InternalServerError, DecodeError) as error:
            self.world.watch.look_at_error(error)
            if isinstance(error, QueueTimeoutError):
                raise
            if isinstance(error, DecodeError) and not error.malformed:
                raise
            return None

    @asynccontextmanager
    async def may_be_closed(self) -> AsyncIterator[None]:
        """Let a client be closed under a call."""
        try:
            yield
        except ClientClosedError as error:
            self.world.watch.look_at_error(error)
            self.tally.ended_by_close += 1

    async def count_created(self, found: int, *, answered: bool) -> None:
        """Take note of how often a thing was created that is to be created once."""
        if found > 1:
            self.tally.created_twice += 1
        elif answered:
            self.tally.created += 1
            self.expect(found, "what was created cannot be found")
        elif found:
            self.tally.created_unseen += 1
        else:
            self.tally.not_created += 1

    def failed(self, job: str, error: Exception) -> None:
        """Take note of a job that ended as none may."""
        self.world.watch.look_at_error(error)
        kind = "the API" if isinstance(error, UseResponseError) else "the program"
        self.tally.problem(f"{job}: {kind} raised {type(error).__name__}: {error!s:.300}")
