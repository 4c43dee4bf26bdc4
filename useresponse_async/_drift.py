"""Do the pages read so far follow on from each other, or may rows have slipped between them?"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

from useresponse_async._seen_ids import SeenIds
from useresponse_async.models._page import Page

__all__ = ["Continuity", "Counts"]

T = TypeVar("T")


class Counts(NamedTuple):
    """What an answer says of the whole list: the nearest thing to a version of it."""

    items: int | None
    pages: int | None
    size: int

    @classmethod
    def of(cls, page: Page[Any]) -> Counts:
        """Return what the answer says."""
        return cls(page.total_items, page.total_pages, page.size)

    @property
    def known(self) -> bool:
        """Whether it says anything."""
        return self.items is not None or self.pages is not None

    @property
    def last(self) -> int | None:
        """The last page there is, if it says."""
        if self.items is None:
            return self.pages
        return max(self.pages or 0, -(-self.items // self.size))

    def agrees(self, other: Counts) -> bool:
        """Return whether both may tell of the same rows."""
        if self.items is not None and other.items is not None:
            return self.items == other.items
        return self.pages is None or other.pages is None or self.pages == other.pages

    def promised(self, number: int) -> int:
        """Return how many rows the page ``number`` holds at least, by these counts."""
        if self.items is not None:
            return max(0, min(self.size, self.items - (number - 1) * self.size))
        return int(number <= (self.pages or 0))


class Continuity(Generic[T]):
    """How far the rows are known without a gap, as pages are accepted from left to right.

    One thing stays true of every answer that joins: each row that stands before the answer's
    last row, and was there all the time, is in an answer that joined. It passes on

    - to the next page of an answer that told of the same rows: nothing lies between them;
    - to any answer that shares a row with one that joined: rows keep their order, so that what
      stands behind the shared row in the one stands behind it in the other.

    Rows that moved together leave either the same row on both sides of a boundary or, on its
    sides, different counts. Only as many rows inserted as removed show in neither.
    """

    def __init__(self, first: int) -> None:
        self.moved: bool = False
        self.edge: int = first - 1
        self.edge_was_reread: bool = False
        self.complete: bool = False
        self.trusts_promises: bool = True
        self._first = first
        self._edges: list[Counts] = []
        self._latest: Counts | None = None
        self._seen = SeenIds()
        self._longest = 0
        self._short = False

    @property
    def last(self) -> int:
        """The last page there is, by the answers for the page joined last."""
        return max([self.edge, *(counts.last or 0 for counts in self._edges)])

    @property
    def tells_all_apart(self) -> bool:
        """Whether every item so far had an id, so that none is delivered twice."""
        return self._seen.tells_all_apart

    def joins(self, number: int, page: Page[T]) -> bool:
        """Return whether no row can have slipped between this answer and those before it."""
        counts = Counts.of(page)
        if counts.known:
            if self._latest is not None and not counts.agrees(self._latest):
                self.moved = True
            self._latest = counts
        if number <= self._first or self.complete or self._follows(number, page, counts):
            return True
        self.moved = True
        return self._seen.holds_any(page.items)

    def _follows(self, number: int, page: Page[T], counts: Counts) -> bool:
        if not self.edge <= number <= self.edge + 1:
            return False
        if counts.known:
            return any(edge.agrees(counts) for edge in self._edges)
        # Past the end an answer may say nothing but that nothing is there.
        return not self.trusts_promises or any(
            edge.promised(number) <= len(page.items) for edge in self._edges
        )

    def accept(self, number: int, page: Page[T], *, reread: bool = False) -> list[T]:
        """Take an answer for joined; return those of its items that none before it had."""
        counts = Counts.of(page)
        if counts.known:
            earlier = self._edges if number == self.edge else []
            self._edges = [*(edge for edge in earlier if edge != counts), counts]
            self.complete = self.complete or number >= (counts.last or 0)
        elif not self._edges:
            self._edges = [counts]
        self.edge, self.edge_was_reread = number, reread
        if not counts.known:
            self._note_length(len(page.items))
        return self._seen.only_new(page.items)

    def _note_length(self, length: int) -> None:
        # Without counts only a page that was not full, and yet was not the last, tells of rows
        # that moved.
        if length and self._short:
            self.moved = True
        self._short = length < self._longest
        self._longest = max(self._longest, length)
