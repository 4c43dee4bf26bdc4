"""What is one call of the API, before anything is sent?"""

from __future__ import annotations

from typing import Any, Final, Generic, Protocol, TypeAlias, TypeVar

import attrs

from useresponse_async.codec import Decoder

__all__ = ["REPEATABLE_METHODS", "Executor", "Operation", "Query"]

T = TypeVar("T")

Query: TypeAlias = tuple[tuple[str, str], ...]
"""The query's names and values, in the order in which they are sent."""

REPEATABLE_METHODS: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""The methods whose second call leaves what the first one left."""


@attrs.frozen(kw_only=True)
class Operation(Generic[T]):
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
    """

    method: str
    path: str
    decode: Decoder[T]
    query: Query = ()
    body: Any = None
    repeatable: bool | None = None
    absent_is_done: bool = False

    @property
    def may_repeat(self) -> bool:
        """Whether it may be sent again when its first try may have worked."""
        return self.method in REPEATABLE_METHODS if self.repeatable is None else self.repeatable


class Executor(Protocol):
    """What a resource sees of the client."""

    @property
    def max_in_flight(self) -> int:
        """The most requests under way at once."""
        ...

    async def execute(self, operation: Operation[T]) -> T:
        """Carry out ``operation`` and return what its answer says."""
        ...
