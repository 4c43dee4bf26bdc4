"""One page of a list."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Generic, TypeVar, overload

import attrs

from useresponse_async.models._wire import PydanticType

__all__ = ["Page"]

T = TypeVar("T")


@attrs.define(kw_only=True, repr=False)
class Page(PydanticType, Generic[T], Sequence[T]):  # noqa: PYI059 - Page[User] is typing's
    """One page of a list: a sequence of its items.

    Attributes:
        items: The items on the page.
        number: The number of the page, from 1.
        size: The number of items on a full page.
        total_items: The number of items on all pages, if the server sends it.
        total_pages: The number of pages, if the server sends it.
        next_number: The number of the next page, if the server sends it.
        extra: All other fields that the server sent with the page.
        source: The path and filters of the request, as the page's ``repr`` shows them.
    """

    items: list[T]
    number: int
    size: int
    total_items: int | None = None
    total_pages: int | None = None
    next_number: int | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any])
    source: str = attrs.field(default="", init=False, eq=False)

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    @overload
    def __getitem__(self, index: int) -> T: ...

    @overload
    def __getitem__(self, index: slice) -> list[T]: ...

    def __getitem__(self, index: int | slice) -> T | list[T]:
        return self.items[index]

    def __repr__(self) -> str:
        total = "" if self.total_items is None else f" of {self.total_items}"
        return f"<{type(self).__name__} {self.number}: {len(self)}{total} items, {self.source}>"
