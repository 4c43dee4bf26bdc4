"""Slots for requests in flight, and adaptive pacing (AIMD)."""

from __future__ import annotations

import logging
import math
from collections import OrderedDict
from typing import Final

import anyio
import attrs

logger: Final[logging.Logger] = logging.getLogger("useresponse_async.pacing")

_GENTLE_START: Final = 20
_DECREASE: Final = 0.7
_ROUNDS_BEFORE_PROBE: Final = 8
_RESPONSES_BEFORE_PROBE: Final = 32
_BULK_SHARE: Final = 4


class Pacing:
    """Slots for requests in flight, whose number adapts to the server's capacity.

    Calls wait for a slot in two fair queues: single calls overtake bulk work, which keeps at
    least a quarter of the slots, and at least one. anyio's own limiter has no priorities, and is
    not fair on every backend.

    The limit starts low and grows by one with each successful response, so that it doubles in
    the time of one response, until it is one below the lowest limit known to be too high. From
    there it probes: after many successful responses, a limit that is one higher, and then in
    steps that double as long as no overload occurs. An overload reduces the limit by a factor,
    once for all requests that were in flight together, since they show the same overload.

    Args:
        bound: Maximum number of requests in flight.
        adaptive: Whether the limit may be lower than the bound.

    Attributes:
        bound: Maximum number of requests in flight.
        limit: Maximum number of requests in flight at the moment.
        in_flight: Number of requests in flight.
        decreases: Number of times that the limit was reduced.
    """

    def __init__(self, bound: int, *, adaptive: bool = True) -> None:
        self.bound = bound
        self.limit: int = min(bound, _GENTLE_START) if adaptive else bound
        self.in_flight: int = 0
        self.decreases: int = 0
        self._adaptive = adaptive
        self._bulk_in_flight = 0
        self._single_waiting: OrderedDict[anyio.Event, None] = OrderedDict()
        self._bulk_waiting: OrderedDict[anyio.Event, None] = OrderedDict()
        self._too_much = math.inf
        self._step = 1
        self._good_responses = 0
        self._good_since_decrease = False
        self._recovered: anyio.Event | None = None

    async def acquire(self, *, bulk: bool) -> None:
        """Wait for a slot and take it; no slot is taken if the wait is cancelled."""
        # While calls wait, all slots are in use, so this overtakes none of them.
        if self.in_flight < self.limit:
            self.in_flight += 1
            self._bulk_in_flight += bulk
            return
        waiting = self._bulk_waiting if bulk else self._single_waiting
        admitted = anyio.Event()
        waiting[admitted] = None
        try:
            await admitted.wait()
        except BaseException:
            if admitted.is_set():
                self.release(bulk=bulk)  # admitted and cancelled at the same time
            else:
                del waiting[admitted]
            raise

    def release(self, *, bulk: bool) -> None:
        """Release a slot, and admit the next call."""
        self.in_flight -= 1
        self._bulk_in_flight -= bulk
        self._admit()

    def _admit(self) -> None:
        while self.in_flight < self.limit and (self._single_waiting or self._bulk_waiting):
            share = max(1, self.limit // _BULK_SHARE)
            bulk = not self._single_waiting or (
                bool(self._bulk_waiting) and self._bulk_in_flight < share
            )
            waiting = self._bulk_waiting if bulk else self._single_waiting
            admitted, _ = waiting.popitem(last=False)
            self.in_flight += 1
            self._bulk_in_flight += bulk
            admitted.set()

    def increase(self, *, seen: int, full: bool) -> None:
        """Raise the limit after a successful response.

        Args:
            seen: The number of decreases when the request was sent.
            full: Whether all slots were in use.
        """
        if seen != self.decreases:
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
            self.limit += 1
            self._admit()
        elif self._good_responses >= patience:
            self._too_much += self._step
            self._step *= 2
            self._good_responses = 0

    def decrease(self, *, seen: int) -> None:
        """Lower the limit after an overload.

        Args:
            seen: The number of decreases when the request was sent.
        """
        if not self._adaptive or seen != self.decreases:
            return
        if self._good_since_decrease:
            self._too_much = self.limit
        elif self._recovered is None:
            # The server is down rather than slow, and may have its full capacity afterwards.
            self._recovered = anyio.Event()
        self._good_since_decrease = False
        self.decreases += 1
        self._step = 1
        self._good_responses = 0
        self.limit = max(1, math.floor(self.limit * _DECREASE))
        logger.info(
            "the server is overloaded: at most %d requests in flight from now on",
            self.limit,
            extra={"useresponse_limit": self.limit, "useresponse_bound": self.bound},
        )

    async def pause(self, seconds: float, *, until_back: bool = True) -> bool:
        """Wait before a retry.

        Args:
            seconds: The time to wait, in seconds.
            until_back: Whether to wait only until a server that was down responds again.

        Returns:
            Whether the server was down and responds again.
        """
        recovered = self._recovered if until_back else None
        with anyio.move_on_after(seconds) as waiting:
            await (recovered or anyio.Event()).wait()
        return not waiting.cancelled_caught


@attrs.define(eq=False)
class Slot:
    """A context manager that holds a slot while a request is in flight.

    Args:
        pacing: The limit of the requests in flight.
        bulk: Whether the request is part of bulk work.
    """

    pacing: Pacing
    bulk: bool
    _decreases_seen: int = -1
    _was_full: bool = False

    async def __aenter__(self) -> None:
        await self.pacing.acquire(bulk=self.bulk)
        self._decreases_seen = self.pacing.decreases

    async def __aexit__(self, *_: object) -> None:
        self._was_full = self.pacing.in_flight >= self.pacing.limit
        self.pacing.release(bulk=self.bulk)

    def succeeded(self) -> None:
        """Report a successful response, after the slot was released."""
        self.pacing.increase(seen=self._decreases_seen, full=self._was_full)

    def overloaded(self) -> None:
        """Report an overload; it counts only once a slot was taken."""
        self.pacing.decrease(seen=self._decreases_seen)
