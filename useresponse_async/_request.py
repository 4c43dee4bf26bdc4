"""What is one call of the API, before anything is sent?"""

from __future__ import annotations

from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

import attrs

from useresponse_async._decode import Decoder
from useresponse_async._downloads import Sink

__all__ = ["IDEMPOTENT_METHODS", "Query", "Request", "Sender"]

T = TypeVar("T")

Query: TypeAlias = tuple[tuple[str, str], ...]
"""The query's names and values, in the order in which they are sent."""

IDEMPOTENT_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""The methods whose second call leaves what the first one left."""


@attrs.frozen(kw_only=True)
class Request(Generic[T]):
    """One call of the API.

    Attributes:
        method: The HTTP method.
        path: The path below ``/api/{version}/``, e.g. ``users/search.json``.
        decode: What makes the answer's JSON into what the call returns.
        query: The query's names and values.
        body: The JSON body, if there is one.
        repeatable: Whether it may be sent again when its first try may have worked; by its
            method, where the operation does not know better.
        absent_is_done: Whether a 404 on a later try means that an earlier one worked.
        patient: Whether it waits for its turn however long that takes, as the pages of a walk do
            that has had its first turn.
        since: The API version whose documents are the first to know the endpoint, if they are
            later than the oldest.
    """

    method: str
    path: str
    decode: Decoder[T]
    query: Query = ()
    body: Any = None
    repeatable: bool | None = None
    absent_is_done: bool = False
    patient: bool = False
    since: str | None = None

    @property
    def may_repeat(self) -> bool:
        """Whether it may be sent again when its first try may have worked."""
        return self.method in IDEMPOTENT_METHODS if self.repeatable is None else self.repeatable

    def may_be_missing_in(self, api_version: str) -> bool:
        """Return whether ``api_version`` is lower than the first one known to have this."""
        if self.since is None:
            return False
        try:
            return _numbers(api_version) < _numbers(self.since)
        except ValueError:
            return False  # a version of the caller's own, which has no order


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


class Sender(Protocol):
    """What a resource sees of the client."""

    @property
    def max_in_flight(self) -> int:
        """The most requests under way at once."""
        ...

    @property
    def walk_concurrency(self) -> int:
        """The most pages of one walk under way at once, of which some wait for their turn."""
        ...

    async def execute(self, operation: Request[T]) -> T:
        """Carry out ``operation`` and return what its answer says."""
        ...

    async def fetch(self, url: str, sink: Sink, *, max_bytes: int) -> None:
        """Download the file at ``url``, of at most ``max_bytes`` bytes, into ``sink``."""
        ...
