"""Is the client open, and which calls must end before it is closed?"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import anyio

from useresponse_async.concurrency import wait_whatever_comes
from useresponse_async.errors import ClientClosedError

__all__ = ["Lifetime"]


class Lifetime:
    """Knows the calls under way, so that closing can end them."""

    def __init__(self) -> None:
        self._calls: dict[anyio.CancelScope, tuple[anyio.Event, int]] = {}
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        return self._closed

    @contextmanager
    def call(self) -> Generator[None]:
        """Return a context in which a call runs until it ends or the client is closed.

        Raises:
            ClientClosedError: The client is closed, or was closed meanwhile.
        """
        if self._closed:
            raise ClientClosedError("the client is closed")
        with anyio.CancelScope() as scope:
            ended = anyio.Event()
            self._calls[scope] = ended, anyio.get_current_task().id
            try:
                yield
            finally:
                del self._calls[scope]
                ended.set()
        if scope.cancelled_caught:
            raise ClientClosedError("the client was closed during the call")

    async def close(self) -> None:
        """End every call under way, and return when the last has ended.

        A call of the closing task itself, as from a callback, ends only after that.
        """
        self._closed = True
        calls = list(self._calls.items())
        for scope, _ in calls:
            scope.cancel()
        own = anyio.get_current_task().id
        await wait_whatever_comes([ended for _, (ended, task) in calls if task != own])
