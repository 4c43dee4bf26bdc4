"""One page of a list."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import attrs

from useresponse_async.models._wire import PydanticType

__all__ = ["Page"]

T = TypeVar("T")


@attrs.define(kw_only=True)
class Page(PydanticType, Generic[T]):
    """One page of a list.

    Attributes:
        items: What is on the page.
        number: Which page this is, from 1.
        size: How many items a full page holds.
        total_items: How many items there are on all pages, if the server says.
        total_pages: How many pages there are, if the server says.
        next_number: Which page the server says is next, if it says.
        extra: What else the server sent with the page.
    """

    items: list[T]
    number: int
    size: int
    total_items: int | None = None
    total_pages: int | None = None
    next_number: int | None = None
    extra: dict[str, Any] = attrs.field(factory=dict[str, Any])
