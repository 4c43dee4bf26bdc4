"""Is the client open, and which calls must end before it is closed?"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import anyio

from useresponse_async.errors import ClientClosedError

__all__ = ["Lifetime"]


class Lifetime:
    """Knows the calls under way, so that closing can end them."""

    def __init__(self) -> None:
        self._calls: dict[anyio.CancelScope, anyio.Event] = {}
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
            self._calls[scope] = ended = anyio.Event()
            try:
                yield
            finally:
                del self._calls[scope]
                ended.set()
        if scope.cancelled_caught:
            raise ClientClosedError("the client was closed during the call")

    async def close(self) -> None:
        """End every call under way, and return when the last has ended."""
        self._closed = True
        calls = list(self._calls.items())
        for scope, _ in calls:
            scope.cancel()
        with anyio.CancelScope(shield=True):
            for _, ended in calls:
                await ended.wait()
