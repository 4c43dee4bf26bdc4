"""How many requests may be in flight now?"""

from __future__ import annotations

import logging
import math
from types import TracebackType
from typing import Final

import anyio

from useresponse_async._limiter import FairLimiter

__all__ = ["NoTurn", "Pacing", "Turn"]


logger: Final[logging.Logger] = logging.getLogger("useresponse_async._pacing")

_GENTLE_START: Final = 10
_DECREASE: Final = 0.7
_ROUNDS_BEFORE_PROBE: Final = 8
_ANSWERS_BEFORE_PROBE: Final = 32


class NoTurn(Exception):
    """There was no turn for a request in time."""


class Pacing:
    """Bounds the requests in flight, and finds the server's speed below that bound.

    The limit starts low and grows by one for each good answer, so it doubles in the time of
    one answer, up to the least that is known to be too much. There it stays, and now and then
    tries one more; where that goes well, twice as many more each time. When the server says
    that it is overloaded the limit shrinks by a share: once for all the requests that were
    under way together, since they all tell of the same moment.

    Args:
        bound: The most requests in flight, in requests.
        adaptive: Whether to go below the bound when the server is overloaded.
    """

    def __init__(self, bound: int, *, adaptive: bool = True) -> None:
        self.bound = bound
        self._adaptive = adaptive
        self._limiter = FairLimiter(min(bound, _GENTLE_START) if adaptive else bound)
        self._too_much = math.inf
        self._step = 1
        self._good_answers = 0
        self._good_since_decrease = False
        self._decreases = 0
        self._recovered: anyio.Event | None = None

    @property
    def limit(self) -> int:
        """How many requests may be in flight now."""
        return self._limiter.limit

    @property
    def in_flight(self) -> int:
        """How many requests are in flight now."""
        return self._limiter.taken

    def turn(self, *, patience: float | None = None) -> Turn:
        """Return a context to be in while a request is in flight.

        Args:
            patience: How long entering may wait, in seconds; ``None`` waits for ever.
        """
        return Turn(self, patience)

    async def acquire(self, patience: float | None) -> int:
        """Wait, first come first served, until one more request may be in flight.

        Args:
            patience: How long to wait, in seconds; ``None`` waits for ever.

        Returns:
            The decreases there have been.

        Raises:
            NoTurn: There was no turn within ``patience``.
        """
        if not self._limiter.acquire_nowait():
            with anyio.move_on_after(patience) as waiting:
                await self._limiter.acquire()
            if waiting.cancelled_caught:
                raise NoTurn from None
        return self._decreases

    def release(self) -> None:
        """Take note that a request is not in flight any more."""
        self._limiter.release()

    def increase(self, *, seen: int, full: bool) -> None:
        """Let more be in flight, after an answer that shows no overload.

        Args:
            seen: The decreases there had been when the request was sent.
            full: Whether as many were in flight then as might be.
        """
        if not self._adaptive or seen != self._decreases:
            return
        self._good_since_decrease = True
        if self._recovered is not None:
            self._recovered.set()
            self._recovered = None
        if full and self.limit < self.bound:
            self._grow()

    def _grow(self) -> None:
        self._good_answers += 1
        patience = self.limit
        if self._step == 1:
            patience = max(_ANSWERS_BEFORE_PROBE, _ROUNDS_BEFORE_PROBE * self.limit)
        if self.limit + 1 < self._too_much:
            self._set(self.limit + 1)
        elif self._good_answers >= patience:
            self._too_much += self._step
            self._step *= 2
            self._good_answers = 0

    def decrease(self, *, seen: int) -> None:
        """Let less be in flight, after an answer that shows an overload.

        Args:
            seen: The decreases there had been when the request was sent.
        """
        if not self._adaptive or seen != self._decreases:
            return
        if self._good_since_decrease:
            self._too_much = self.limit
        elif self._recovered is None:
            # It is down, rather than slow, and may be as fast as ever when it is back.
            self._recovered = anyio.Event()
        self._good_since_decrease = False
        self._decreases += 1
        self._step = 1
        self._good_answers = 0
        self._set(math.floor(self.limit * _DECREASE))
        logger.info(
            "the server is overloaded: at most %d requests in flight from now on",
            self.limit,
            extra={"useresponse_limit": self.limit, "useresponse_bound": self.bound},
        )

    async def pause(self, seconds: float) -> bool:
        """Wait before a request is tried again; not longer than until the server is back.

        Args:
            seconds: How long to wait while the server, if it was down, does not come back.

        Returns:
            Whether it was down and is back.
        """
        if self._recovered is None:
            await anyio.sleep(seconds)
            return False
        with anyio.move_on_after(seconds) as waiting:
            await self._recovered.wait()
        return not waiting.cancelled_caught

    def _set(self, limit: int) -> None:
        self._limiter.limit = min(self.bound, max(1, limit))


class Turn:
    """One request's leave to be in flight, from entering to leaving the context.

    An overload may be reported within, so that nobody takes the request's place at once; that it
    went well, when the context has been left and the answer read.
    """

    __slots__ = ("_decreases_seen", "_pacing", "_patience", "_was_full")

    def __init__(self, pacing: Pacing, patience: float | None) -> None:
        self._pacing = pacing
        self._patience = patience

    async def __aenter__(self) -> Turn:  # noqa: PYI034 - typing.Self needs 3.11
        self._decreases_seen = await self._pacing.acquire(self._patience)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._was_full = self._pacing.in_flight >= self._pacing.limit
        self._pacing.release()

    def went_well(self) -> None:
        """Report an answer that shows no overload."""
        self._pacing.increase(seen=self._decreases_seen, full=self._was_full)

    def was_overloaded(self) -> None:
        """Report an answer, or the lack of one, that shows an overload."""
        self._pacing.decrease(seen=self._decreases_seen)
