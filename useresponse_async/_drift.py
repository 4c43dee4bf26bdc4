"""Which pages of a list to read next, and which to read again because items moved.

Pure computation: nothing here sends or waits. A list that is read by page number has no snapshot.
Rows that are inserted or removed between two requests move the others over the boundaries of
pages, so that a row can come twice, or slip from a page not yet read to one that was.

What is guaranteed, where items have ids, rows keep their order, and the total and the rows of one
response are of one moment:

- No item is delivered twice, and the walk ends.
- Each row that was there all the time is delivered, if the boundaries between all pages could be
  settled: a response *joins* those before it if nothing can have slipped between them. That is so
  for the next page of a response that told the same total: nothing lies between the two. It is
  so for any response that shares a row with one that joined: rows keep their order, so what
  stands behind the shared row in the one stands behind it in the other.
- Where a response does not join, pages are read again, to the left as far as need be. A boundary
  that does not stand still even then is counted in ``boundaries_unsettled``.

What is not guaranteed: as many rows inserted as removed between two requests leave the same total
and perhaps no shared row, so nothing shows them. Without ids no page is read again, since its
items would come twice. Without totals, removed rows go unnoticed.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from typing import Any, Final, Generic, NamedTuple, TypeVar

import attrs

from useresponse_async.models._page import Page

T = TypeVar("T")

logger: Final[logging.Logger] = logging.getLogger("useresponse_async.paging")

_IDS_PER_BLOCK: Final = 512

_FRUITLESS_PAGES: Final = 1000
"""After this number of pages in a row without a new item a walk ends, despite any count."""

_ATTEMPTS: Final = 3
"""Maximum number of times that a page is read again to settle one boundary."""

_SPARE_REREADS: Final = 100
"""How many more pages a walk may read again than it has received."""


class SeenIds:
    """A set of ids, kept as one bit each, since they are mostly dense."""

    def __init__(self) -> None:
        self.tells_all_apart: bool = True
        """Whether every item so far had an id."""
        self._blocks: dict[int, int] = {}

    def add(self, item_id: int) -> bool:
        """Add an id; return whether it is new."""
        block, bit = divmod(item_id, _IDS_PER_BLOCK)
        bits, mask = self._blocks.get(block, 0), 1 << bit
        self._blocks[block] = bits | mask
        return not bits & mask

    def only_new(self, items: Iterable[T]) -> list[T]:
        """Return those of ``items`` whose ids are new, and those without an id."""
        kept: list[T] = []
        for item in items:
            item_id: object = getattr(item, "id", None)
            if not isinstance(item_id, int):
                self.tells_all_apart = False
            elif not self.add(item_id):
                continue
            kept.append(item)
        return kept

    def holds_any(self, items: Iterable[object]) -> bool:
        """Return whether one of ``items`` has an id that was seen; none is added."""
        places = [divmod(it, _IDS_PER_BLOCK) for it in map(_id_of, items) if it is not None]
        return any(self._blocks.get(block, 0) >> bit & 1 for block, bit in places)


def _id_of(item: object) -> int | None:
    item_id = getattr(item, "id", None)
    return item_id if isinstance(item_id, int) else None


@attrs.define(kw_only=True)
class WalkReport:
    """Statistics of a walk, updated while it runs.

    Attributes:
        pages: Number of pages received, not counting those that were read again.
        items: Number of items yielded.
        duplicates: Number of items dropped because they had been yielded before.
        total_at_start: Number of items according to the first response, if it said so.
        total_at_end: Number of items according to the latest response that said so.
        consistent: Whether no response showed that items moved: all had the same total and page
            count, none contained an item that had been yielded before, no page was shorter than
            those around it, and as many items were received as the server counts.
        pages_reread: Number of pages read again because items moved.
        boundaries_unsettled: Number of boundaries between two pages where items that existed
            throughout may be missing, because items kept moving while pages were read again.
    """

    pages: int = 0
    items: int = 0
    duplicates: int = 0
    total_at_start: int | None = None
    total_at_end: int | None = None
    consistent: bool = True
    pages_reread: int = 0
    boundaries_unsettled: int = 0


class _Counts(NamedTuple):
    """The counts of the complete list in one response, which serve as a version of the list."""

    items: int | None
    pages: int | None
    size: int

    @classmethod
    def of(cls, page: Page[Any]) -> _Counts:
        return cls(page.total_items, page.total_pages, page.size)

    @property
    def known(self) -> bool:
        return self.items is not None or self.pages is not None

    @property
    def last(self) -> int | None:
        """The number of the last page, if the response says so."""
        if self.items is None:
            return self.pages
        return max(self.pages or 0, -(-self.items // self.size))

    def agrees(self, other: _Counts) -> bool:
        """Return whether both can be about the same rows."""
        if self.items is not None and other.items is not None:
            return self.items == other.items
        return self.pages is None or other.pages is None or self.pages == other.pages

    def promised(self, number: int) -> int:
        """Return the minimum number of rows on the page ``number``, by these counts."""
        if self.items is not None:
            return max(0, min(self.size, self.items - (number - 1) * self.size))
        return int(number <= (self.pages or 0))


class _Continuity(Generic[T]):
    """The rows known without a gap, as responses are accepted from left to right."""

    def __init__(self, first: int) -> None:
        self.moved: bool = False
        self.edge: int = first - 1
        self.edge_was_reread: bool = False
        self.trusts_promises: bool = True
        self._complete = False
        self._first = first
        self._edges: list[_Counts] = []
        self._latest: _Counts | None = None
        self._seen = SeenIds()
        self._longest = 0
        self._short = False

    @property
    def last(self) -> int:
        """The number of the last page, by the responses for the page joined last."""
        return max([self.edge, *(counts.last or 0 for counts in self._edges)])

    def joins(self, number: int, page: Page[T]) -> bool:
        """Return whether no row can be missing between this response and those before it."""
        counts = _Counts.of(page)
        if counts.known:
            self.moved |= self._latest is not None and not counts.agrees(self._latest)
            self._latest = counts
        if number <= self._first or self._complete:
            return True
        if self.edge <= number <= self.edge + 1:
            if counts.known and any(edge.agrees(counts) for edge in self._edges):
                return True
            # Beyond the end, a response may be empty and have no counts.
            if not counts.known and (
                not self.trusts_promises
                or any(edge.promised(number) <= len(page.items) for edge in self._edges)
            ):
                return True
        self.moved = True
        return self._seen.holds_any(page.items)

    def accept(self, number: int, page: Page[T], *, reread: bool) -> None:
        """Accept a response as joined."""
        counts = _Counts.of(page)
        if counts.known:
            earlier = self._edges if number == self.edge else []
            self._edges = [*(edge for edge in earlier if edge != counts), counts]
            self._complete |= number >= (counts.last or 0)
        else:
            self._edges = self._edges or [counts]
            # Only a page that was not full, and yet was not the last, shows that rows moved.
            self.moved |= bool(page.items) and self._short
            self._short = len(page.items) < self._longest
            self._longest = max(self._longest, len(page.items))
        self.edge, self.edge_was_reread = number, reread
        self._seen.only_new(page.items)


@attrs.define(eq=False)
class Again(Generic[T]):
    """A page to read again; the reader sets ``page``."""

    number: int
    accepted_before: int
    """The number of responses that had been accepted when it was requested."""
    page: Page[T] = attrs.field(init=False)


class Walk(Generic[T]):
    """One walk over pages: what to request next, what to deliver, what to read again.

    Args:
        start: The first page, from 1.
        stop: The page before which to stop; all pages if ``None``.
        ahead: Maximum number of pages requested ahead of one that has not arrived.
    """

    def __init__(self, *, start: int, stop: int | None, ahead: int) -> None:
        self.report: WalkReport = WalkReport()
        self._is_part = stop is not None or start > 1
        self._stop = math.inf if stop is None else stop
        self._ahead = ahead
        self._next = start
        self._last = start
        self._past_the_end = False
        self._fruitless = 0
        self._previous: list[T] = []
        self._delivered = SeenIds()
        # Pages that arrive out of order are delivered at once, and joined in order.
        self._waiting: dict[int, Page[T]] = {}
        self._turn = start
        self._continuity = _Continuity[T](start)
        self._accepted = 0
        self._found: list[T] = []

    @property
    def has_more(self) -> bool:
        """Whether more pages have to be requested."""
        is_stuck = self._fruitless >= _FRUITLESS_PAGES
        return self._counts_more and not self._past_the_end and not is_stuck

    @property
    def _counts_more(self) -> bool:
        return self._next <= self._last and self._next < self._stop

    def numbers(self) -> Iterator[int]:
        """Yield the numbers of the pages to request; responses can move the end.

        It ends early if one page is far behind the others, and resumes when that one arrives.
        """
        while self.has_more and self._next < self._turn + self._ahead:
            self._next += 1
            yield self._next - 1

    def received(self, number: int, page: Page[T]) -> Iterator[Again[T]]:
        """Take a response, and yield the pages to read again.

        Afterwards, ``page.items`` are the items to deliver: those found when pages were read
        again, then the page's own without those that were delivered before.
        """
        if page.number != number:
            page.items = []  # beyond the end, some servers return their last page
        own = self._delivered.only_new(page.items)
        rereads = self.report.pages_reread
        self._waiting[number] = attrs.evolve(page)
        while (waiting := self._waiting.pop(self._turn, None)) is not None:
            yield from self._join(self._turn, waiting)
            self._turn += 1
        items = self._delivered.only_new(self._found) + own
        self._found = []
        self._follow(number, page, anything_new=bool(items))
        if self.report.pages_reread > rereads and self._continuity.last > self._continuity.edge:
            # The response in hand may be older than those that were read again.
            self._last = max(self._last, self._continuity.last)
            self._past_the_end = self._past_the_end and not self._continuity.trusts_promises
        report = self.report
        if not report.pages:
            report.total_at_start = page.total_items
        if page.total_items is not None:
            report.total_at_end = page.total_items
        report.pages += 1
        report.items += len(items)
        report.duplicates += len(page.items) - len(own)
        report.consistent &= not (self._continuity.moved or report.duplicates)
        page.items = items

    def _join(self, number: int, page: Page[T]) -> Iterator[Again[T]]:
        """Accept a response; if it does not join, read pages again until it does."""
        continuity = self._continuity
        attempts = Counter[int]()
        settled: int | None = None
        first: Again[T] = Again(number, -1)
        first.page = page
        pending = [first]
        while pending:
            top = pending[-1]
            if continuity.joins(top.number, top.page):
                self._accept(pending.pop())
                settled = top.number
            elif top.number == settled and top.accepted_before < self._accepted:
                pending.pop()  # its page has joined since, by a later response
            else:
                wanted = top.number - 1
                if top.number == continuity.edge + 1 and continuity.edge_was_reread:
                    # The page before is fresh. Unless this one is fresher still, it is stale.
                    wanted += top.accepted_before < self._accepted
                attempts[wanted] += 1
                is_hasty = self.report.pages_reread >= self.report.pages + _SPARE_REREADS
                if attempts[wanted] > _ATTEMPTS or is_hasty or not self._delivered.tells_all_apart:
                    yield from self._give_up(first)
                    return
                again = yield from self._reread(wanted)
                if self._delivered.tells_all_apart:
                    pending.append(again)

    def _give_up(self, response: Again[T]) -> Iterator[Again[T]]:
        """Accept a page as it is now: rows that were pushed on are on it, or after it."""
        again = response
        if self._delivered.tells_all_apart:
            again = yield from self._reread(response.number)
        if not self._delivered.tells_all_apart:
            self.report.boundaries_unsettled += 1
            self._accept(response)
            return
        if not self._continuity.joins(again.number, again.page):
            self.report.boundaries_unsettled += 1
            # An empty page, once more, where the pages before it promise one that is not.
            self._continuity.trusts_promises &= bool(again.page.items)
        self._accept(again)

    def _reread(self, number: int) -> Generator[Again[T], None, Again[T]]:
        again: Again[T] = Again(number, self._accepted)
        yield again
        if again.page.number != number:
            again.page.items = []
        self._delivered.tells_all_apart &= None not in map(_id_of, again.page.items)
        self.report.pages_reread += 1
        return again

    def _accept(self, response: Again[T]) -> None:
        reread = response.accepted_before >= 0
        self._accepted += 1
        self._continuity.accept(response.number, response.page, reread=reread)
        if reread:
            self._found += response.page.items

    def _follow(self, number: int, page: Page[T], *, anything_new: bool) -> None:
        # An empty page is past the end, unless one behind it is not.
        self._past_the_end = not page.items
        # Items without an id cannot be known again, but a page of them that repeats can.
        repeats = _are_equal(page.items, self._previous)
        anything_new = anything_new and not repeats
        self._fruitless = 0 if anything_new else self._fruitless + 1
        self._previous = page.items
        last = _Counts.of(page).last
        if last is None:
            # The total is unknown, and a page may be smaller than requested.
            last = max(self._last, number + bool(page.items and not repeats))
        elif number >= last and anything_new and (page.next_number or 0) > number:
            # The count is wrong, or rows were inserted: the server itself names the next page.
            last = number + 1
        self._last = last

    def ended(self) -> None:
        """Log a warning if the server's own count does not explain the end."""
        report = self.report
        expected = None if self._is_part else report.total_at_end
        unexplained = self._counts_more and not self.has_more
        if unexplained or (expected is not None and report.items != expected):
            report.consistent = False
        if unexplained or report.boundaries_unsettled or report.items < (expected or 0):
            logger.warning(
                "the walk ended after %d items on %d pages, but the server counts %s on %d: "
                "items moved during the walk, or its count is wrong (boundaries unsettled: %d)",
                report.items,
                report.pages,
                report.total_at_end,
                self._last,
                report.boundaries_unsettled,
                extra={
                    "useresponse_items": report.items,
                    "useresponse_pages": report.pages,
                    "useresponse_total": report.total_at_end,
                },
            )


def _are_equal(items: list[T], others: list[T]) -> bool:
    try:
        return items == others
    except RecursionError:
        return True  # equal, to the depth that Python can compare
