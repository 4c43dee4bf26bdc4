"""Slots for requests in flight, and adaptive pacing (AIMD)."""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from types import TracebackType
from typing import Final

import anyio

logger: Final[logging.Logger] = logging.getLogger("useresponse_async.pacing")

_GENTLE_START: Final = 20
_DECREASE: Final = 0.7
_ROUNDS_BEFORE_PROBE: Final = 8
_RESPONSES_BEFORE_PROBE: Final = 32
_BULK_SHARE: Final = 4


class Limiter:
    """A number of slots, first come first served, single calls ahead of bulk work.

    Bulk work keeps at least a quarter of the slots, and one at least, while it waits. anyio's
    own limiter has neither an order nor a way in that is fair on every release and backend.

    Args:
        limit: The number of slots, at least 1; may change at any time.
    """

    __slots__ = ("_bulk_waiting", "_single_waiting", "bulk_taken", "limit", "taken")

    def __init__(self, limit: int) -> None:
        self.limit: int = limit
        self._single_waiting: OrderedDict[anyio.Event, None] = OrderedDict()
        self._bulk_waiting: OrderedDict[anyio.Event, None] = OrderedDict()
        self.taken: int = 0
        self.bulk_taken: int = 0

    def resize(self, limit: int) -> None:
        """Change the number of slots."""
        self.limit = limit
        self._admit()

    async def acquire(self, *, bulk: bool = False) -> None:
        """Wait for a slot and take it; nothing is kept where that is cancelled."""
        # While anyone waits all slots are in use, so nobody is overtaken here.
        if self.taken < self.limit:
            self.taken += 1
            self.bulk_taken += bulk
            return
        waiting = self._bulk_waiting if bulk else self._single_waiting
        admitted = anyio.Event()
        waiting[admitted] = None
        try:
            await admitted.wait()
        except BaseException:
            if admitted.is_set():
                self.release(bulk=bulk)  # the slot came together with the cancellation
            else:
                del waiting[admitted]
            raise

    def release(self, *, bulk: bool = False) -> None:
        """Give a slot back, to the next one in the queue."""
        self.taken -= 1
        self.bulk_taken -= bulk
        self._admit()

    def _admit(self) -> None:
        while self.taken < self.limit and (self._single_waiting or self._bulk_waiting):
            bulk = not self._single_waiting or (
                bool(self._bulk_waiting) and self.bulk_taken < max(1, self.limit // _BULK_SHARE)
            )
            waiting = self._bulk_waiting if bulk else self._single_waiting
            admitted, _ = waiting.popitem(last=False)
            self.taken += 1
            self.bulk_taken += bulk
            admitted.set()


class Pacing:
    """Limits the requests in flight, and finds the server's capacity below that limit.

    The limit starts low and grows by one for each good response, so it doubles in the time of
    one response, up to the least that is known to be too much. There it stays, and now and then
    probes one more; where that goes well, twice as many more each time. When the server shows
    an overload the limit shrinks by a share: once for all the requests that were under way
    together, since they all show the same moment.

    Args:
        bound: Maximum number of requests in flight.
        adaptive: Whether to go below the bound when the server is overloaded.
    """

    def __init__(self, bound: int, *, adaptive: bool = True) -> None:
        self.bound = bound
        self.limiter: Limiter = Limiter(min(bound, _GENTLE_START) if adaptive else bound)
        self.decreases: int = 0
        self._adaptive = adaptive
        self._too_much = math.inf
        self._step = 1
        self._good_responses = 0
        self._good_since_decrease = False
        self._recovered: anyio.Event | None = None

    @property
    def limit(self) -> int:
        """Maximum number of requests in flight now."""
        return self.limiter.limit

    @property
    def in_flight(self) -> int:
        """Number of requests in flight now."""
        return self.limiter.taken

    def increase(self, *, seen: int, full: bool) -> None:
        """Raise the limit after a response that shows no overload.

        Args:
            seen: The number of decreases when the request was sent.
            full: Whether all slots were in use then.
        """
        if not self._adaptive or seen != self.decreases:
            return
        self._good_since_decrease = True
        if self._recovered is not None:
            self._recovered.set()
            self._recovered = None
        if not full or self.limit >= self.bound:
            return
        self._good_responses += 1
        patience = self.limit
        if self._step == 1:
            patience = max(_RESPONSES_BEFORE_PROBE, _ROUNDS_BEFORE_PROBE * self.limit)
        if self.limit + 1 < self._too_much:
            self._set(self.limit + 1)
        elif self._good_responses >= patience:
            self._too_much += self._step
            self._step *= 2
            self._good_responses = 0

    def decrease(self, *, seen: int) -> None:
        """Lower the limit after a failure that shows an overload.

        Args:
            seen: The number of decreases when the request was sent.
        """
        if not self._adaptive or seen != self.decreases:
            return
        if self._good_since_decrease:
            self._too_much = self.limit
        elif self._recovered is None:
            # It is down, rather than slow, and may be as fast as ever when it is back.
            self._recovered = anyio.Event()
        self._good_since_decrease = False
        self.decreases += 1
        self._step = 1
        self._good_responses = 0
        self._set(math.floor(self.limit * _DECREASE))
        logger.info(
            "the server is overloaded: at most %d requests in flight from now on",
            self.limit,
            extra={"useresponse_limit": self.limit, "useresponse_bound": self.bound},
        )

    async def pause(self, seconds: float) -> bool:
        """Wait before a retry, but not longer than until the server is back.

        Args:
            seconds: Maximum wait, in seconds.

        Returns:
            Whether the server was down and is back.
        """
        if self._recovered is None:
            await anyio.sleep(seconds)
            return False
        with anyio.move_on_after(seconds) as waiting:
            await self._recovered.wait()
        return not waiting.cancelled_caught

    def _set(self, limit: int) -> None:
        self.limiter.resize(min(self.bound, max(1, limit)))


class Slot:
    """A context in which a request is in flight.

    Args:
        pacing: The limit of the requests in flight.
        bulk: Whether the request is part of bulk work.
    """

    __slots__ = ("_bulk", "_decreases_seen", "_pacing", "_was_full")

    def __init__(self, pacing: Pacing, *, bulk: bool) -> None:
        self._pacing = pacing
        self._bulk = bulk

    async def __aenter__(self) -> None:
        await self._pacing.limiter.acquire(bulk=self._bulk)
        self._decreases_seen = self._pacing.decreases

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        limiter = self._pacing.limiter
        self._was_full = limiter.taken >= limiter.limit
        limiter.release(bulk=self._bulk)

    def succeeded(self) -> None:
        """Report a good response, after the slot was left."""
        self._pacing.increase(seen=self._decreases_seen, full=self._was_full)

    def overloaded(self) -> None:
        """Report an overload, before the slot is left, so that nobody takes it at once."""
        self._pacing.decrease(seen=self._decreases_seen)
