"""How many requests may be in flight now?"""

from __future__ import annotations

import math
from types import TracebackType
from typing import Final

import anyio

__all__ = ["NoTurn", "Pacing", "Turn"]


_DECREASE: Final = 0.7


class NoTurn(Exception):
    """There was no turn for a request in time."""


class Pacing:
    """Bounds the requests in flight, and finds the server's speed below that bound.

    The limit grows by one each time as many requests as it allows were answered well, and
    shrinks by a share when the server says that it is overloaded: once for all the requests
    that were under way together, since they all tell of the same moment.

    Args:
        bound: The most requests in flight, in requests.
        adaptive: Whether to go below the bound when the server is overloaded.
    """

    def __init__(self, bound: int, *, adaptive: bool = True) -> None:
        self.bound = bound
        self._adaptive = adaptive
        self._limit = float(bound)
        self._decreases = 0
        self._limiter: anyio.CapacityLimiter | None = None

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return math.floor(self._limit)

    @property
    def in_flight(self) -> int:
        """How many requests are in flight now."""
        return self._limiter.borrowed_tokens if self._limiter else 0

    def turn(self, *, patience: float | None = None) -> Turn:
        """Return a context to be in while a request is in flight.

        Args:
            patience: How long entering may wait, in seconds; ``None`` waits for ever.
        """
        return Turn(self, patience)

    async def acquire(self, turn: Turn, patience: float | None) -> int:
        """Wait, first come first served, until ``turn`` may be in flight.

        Raises:
            NoTurn: It may not be within ``patience`` seconds.
        """
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self.limit)
        try:
            # Fair as well, and without a round through the event loop.
            self._limiter.acquire_on_behalf_of_nowait(turn)
        except anyio.WouldBlock:
            with anyio.move_on_after(patience) as waiting:
                await self._limiter.acquire_on_behalf_of(turn)
            if waiting.cancelled_caught:
                raise NoTurn from None
        return self._decreases

    def release(self, turn: Turn) -> None:
        """Take note that ``turn`` is not in flight any more."""
        if self._limiter is not None:
            self._limiter.release_on_behalf_of(turn)

    def increase(self) -> None:
        """Let a little more be in flight, after an answer that shows no overload."""
        if self._adaptive and self._limit < self.bound:
            self._set(self._limit + 1 / self._limit)

    def decrease(self, *, seen: int) -> None:
        """Let less be in flight, unless that was done since ``seen`` decreases."""
        if self._adaptive and seen == self._decreases:
            self._decreases += 1
            self._set(self._limit * _DECREASE)

    def _set(self, limit: float) -> None:
        self._limit = min(float(self.bound), max(1.0, limit))
        if self._limiter is not None and self._limiter.total_tokens != self.limit:
            self._limiter.total_tokens = self.limit


class Turn:
    """One request's leave to be in flight, from entering to leaving the context."""

    __slots__ = ("_decreases_seen", "_pacing", "_patience")

    def __init__(self, pacing: Pacing, patience: float | None) -> None:
        self._pacing = pacing
        self._patience = patience

    async def __aenter__(self) -> Turn:  # noqa: PYI034 - typing.Self needs 3.11
        self._decreases_seen = await self._pacing.acquire(self, self._patience)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._pacing.release(self)

    def went_well(self) -> None:
        """Report an answer that shows no overload."""
        self._pacing.increase()

    def was_overloaded(self) -> None:
        """Report an answer, or the lack of one, that shows an overload."""
        self._pacing.decrease(seen=self._decreases_seen)
