"""Who goes next, when only so many may go at once?"""

from __future__ import annotations

from collections import OrderedDict

import anyio

__all__ = ["FairLimiter"]


class FairLimiter:
    """Lets so many go at once, first come first served; the limit may change at any time.

    anyio's own limiter has no way to go at once that is fair on every release and backend.

    Args:
        limit: How many may go at once, at least 1.
    """

    __slots__ = ("_limit", "_waiting", "taken")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: OrderedDict[anyio.Event, None] = OrderedDict()
        self.taken: int = 0
        """How many go now."""

    @property
    def limit(self) -> int:
        """How many may go at once."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._limit = limit
        self._admit()

    def acquire_nowait(self) -> bool:
        """Go, if one more may go now; return whether that is so."""
        # While anyone waits all is taken, so that nobody is overtaken here.
        if self.taken >= self._limit:
            return False
        self.taken += 1
        return True

    async def acquire(self) -> None:
        """Wait until one more may go, and go; nothing is kept where that is cancelled."""
        if self.acquire_nowait():
            return
        turn = anyio.Event()
        self._waiting[turn] = None
        try:
            await turn.wait()
        except BaseException:
            if turn.is_set():
                self.release()  # the turn came together with the cancellation
            else:
                del self._waiting[turn]
            raise

    def release(self) -> None:
        """Stop going, and let the next one go."""
        self.taken -= 1
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self.taken < self._limit:
            turn, _ = self._waiting.popitem(last=False)
            self.taken += 1
            turn.set()
