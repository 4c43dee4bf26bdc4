"""Which pages of a list to request next, and which to read again because items moved.

Pure computation, without I/O. A list that is read by page number has no snapshot: rows that are
inserted or removed between two requests move other rows across page boundaries, so that a row can
be received twice, or can move from a page not yet read to one that was.

Guarantees, provided that items have ids, that rows keep their order, and that the total and the
rows of each response are consistent with each other:

- No item is yielded twice, and the walk ends.
- Every row that existed throughout is yielded if all boundaries between pages were settled. A
  response *joins* those before it if no row can be missing between them. The next page joins if
  it reports the same total as a response for the page before it: then no row lies between the
  two. A response for any page joins if it contains a row of one that joined: because rows keep
  their order, a row behind the shared row in one response is behind it in the other.
- Where a response does not join, pages are read again, as far to the left as necessary. A
  boundary that still cannot be settled is counted in ``boundaries_unsettled``.

Not guaranteed: if as many rows are inserted as removed between two requests, the total stays the
same and the responses may have no row in common, so that nothing shows the change. Without ids, no
page is read again, since its items could not be recognized. Without totals, removed rows are not
noticed.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Sequence
from itertools import compress
from typing import Any, Final, Generic, NamedTuple, TypeVar

import attrs

from useresponse_async.models._page import Page

T = TypeVar("T")

logger: Final[logging.Logger] = logging.getLogger("useresponse_async.paging")

_BLOCK_BITS: Final = 6
_BIT_MASK: Final = (1 << _BLOCK_BITS) - 1

_FRUITLESS_PAGES: Final = 1000
"""A walk ends after this number of consecutive pages without a new item, despite any count."""

_ATTEMPTS: Final = 3
"""Maximum number of times that a page is read again to settle one boundary."""

_SPARE_REREADS: Final = 100
"""Maximum number of pages read again beyond the number of pages received."""


class SeenIds:
    """A set of ids, stored as one bit each, because most ids are close together."""

    def __init__(self) -> None:
        self.all_had_ids: bool = True
        """Whether every item so far had an id."""
        self._blocks: dict[int, int] = {}

    def add(self, ids: Iterable[int | None]) -> list[bool]:
        """Add ids; return for each whether it is new, which ``None`` always is."""
        found: list[bool] = []
        for item_id in ids:
            if item_id is None:
                self.all_had_ids, new = False, True
            else:
                block, mask = item_id >> _BLOCK_BITS, 1 << (item_id & _BIT_MASK)
                bits = self._blocks.get(block, 0)
                new = not bits & mask
                self._blocks[block] = bits | mask
            found.append(new)
        return found

    def only_new(self, items: Sequence[T]) -> list[T]:
        """Add the ids of ``items``; return the items whose ids are new or that have none."""
        return [*compress(items, self.add(_ids_of(items)))]

    def holds_any(self, items: Sequence[object]) -> bool:
        """Return whether the set contains the id of one of ``items``."""
        ids = [item_id for item_id in _ids_of(items) if item_id is not None]
        return any(self._blocks.get(it >> _BLOCK_BITS, 0) >> (it & _BIT_MASK) & 1 for it in ids)


def _ids_of(items: Sequence[object]) -> list[int | None]:
    ids = [getattr(item, "id", None) for item in items]
    return [item_id if isinstance(item_id, int) else None for item_id in ids]


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
    """The counts in one response. Responses with different counts are for different rows."""

    items: int | None
    last: int | None
    size: int

    @classmethod
    def of(cls, page: Page[Any]) -> _Counts:
        last = page.total_pages
        if page.total_items is not None:
            last = max(last or 0, -(-page.total_items // page.size))
        return cls(page.total_items, last, page.size)

    @property
    def known(self) -> bool:
        return self.last is not None

    def agrees(self, other: _Counts) -> bool:
        """Return whether both can be counts of the same rows."""
        if self.items is not None and other.items is not None:
            return self.items == other.items
        return self.last is None or other.last is None or self.last == other.last

    def promised(self, number: int) -> int:
        """Return the minimum number of rows on page ``number`` according to these counts."""
        if self.items is not None:
            return max(0, min(self.size, self.items - (number - 1) * self.size))
        return int(number <= (self.last or 0))


@attrs.define(eq=False)
class Reading(Generic[T]):
    """One reading of a page. The caller reads a page again by setting ``page``."""

    number: int
    accepted_before: int = -1
    """If the page is read again: how many readings had been accepted when it was requested."""
    page: Page[T] = attrs.field(init=False)


class _Continuity(Generic[T]):
    """The rows known without a gap; readings are accepted from left to right."""

    def __init__(self, first: int) -> None:
        self.moved: bool = False
        self.accepted: int = 0
        # The items of accepted pages that were read again.
        self.found: list[T] = []
        # The number of the page accepted last.
        self.edge: int = first - 1
        self.edge_was_reread: bool = False
        # Whether a page without counts has to have the rows that the page before it promises.
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
        """The number of the last page according to the responses for the page joined last."""
        return max([self.edge, *(counts.last or 0 for counts in self._edges)])

    def joins(self, reading: Reading[T]) -> bool:
        """Return whether no row can be missing between this reading and those before it."""
        number, page = reading.number, reading.page
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

    def accept(self, reading: Reading[T]) -> None:
        """Add a reading that joins, or that no other reading can replace."""
        number, page = reading.number, reading.page
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
        self.edge, self.edge_was_reread = number, reading.accepted_before >= 0
        self.accepted += 1
        self._seen.add(_ids_of(page.items))
        if self.edge_was_reread:
            self.found += page.items


class Walk(Generic[T]):
    """One walk over pages: which to request next, which to read again, which items to yield.

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
        # Pages that are received out of order are yielded at once, and joined in order.
        self._waiting: dict[int, Reading[T]] = {}
        self._continuity = _Continuity[T](start)

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

        The iteration ends early if one page is far behind the others. After that page was
        received, another call continues it.
        """
        while self.has_more and self._next <= self._continuity.edge + self._ahead:
            self._next += 1
            yield self._next - 1

    def received(self, number: int, page: Page[T]) -> Iterator[Reading[T]]:
        """Process a response, and yield the pages to read again.

        Afterwards, ``page.items`` are the items to yield to the caller: those found when pages
        were read again, then the page's own except those that were yielded before.
        """
        if page.number != number:
            page.items = []  # beyond the end, some servers return their last page
        continuity = self._continuity
        own = self._delivered.only_new(page.items)
        rereads = self.report.pages_reread
        self._waiting[number] = Reading(number)
        self._waiting[number].page = attrs.evolve(page)
        while (reading := self._waiting.pop(continuity.edge + 1, None)) is not None:
            yield from self._join(reading)
        items = self._delivered.only_new(continuity.found) + own
        continuity.found = []
        self._follow(number, page, anything_new=bool(items))
        if self.report.pages_reread > rereads and continuity.last > continuity.edge:
            # This response may be older than those for the pages that were read again.
            self._last = max(self._last, continuity.last)
            self._past_the_end = self._past_the_end and not continuity.trusts_promises
        report = self.report
        if not report.pages:
            report.total_at_start = page.total_items
        if page.total_items is not None:
            report.total_at_end = page.total_items
        report.pages += 1
        report.items += len(items)
        report.duplicates += len(page.items) - len(own)
        report.consistent &= not (continuity.moved or report.duplicates)
        page.items = items

    def _join(self, first: Reading[T]) -> Iterator[Reading[T]]:
        """Accept a reading; if it does not join, read pages again until it does."""
        continuity = self._continuity
        attempts = Counter[int]()
        pending = [first]
        while pending:
            top = pending[-1]
            if continuity.joins(top):
                continuity.accept(pending.pop())
            elif top.number == continuity.edge and top.accepted_before < continuity.accepted:
                pending.pop()  # a later reading of its page has joined
            else:
                wanted = top.number - 1
                if top.number == continuity.edge + 1 and continuity.edge_was_reread:
                    # The page before was read again. If this one is older than that, read it.
                    wanted += top.accepted_before < continuity.accepted
                attempts[wanted] += 1
                is_hasty = self.report.pages_reread >= self.report.pages + _SPARE_REREADS
                if attempts[wanted] > _ATTEMPTS or is_hasty or not self._delivered.all_had_ids:
                    yield from self._give_up(first)
                    return
                pending.append((yield from self._reread(wanted)))

    def _give_up(self, reading: Reading[T]) -> Iterator[Reading[T]]:
        """Accept the page as it is now: rows that moved to the right are on it or behind it."""
        if self._delivered.all_had_ids:
            reading = yield from self._reread(reading.number)
        if not self._continuity.joins(reading):
            self.report.boundaries_unsettled += 1
            # It is empty once more, although the pages before it promise that it is not.
            self._continuity.trusts_promises &= bool(reading.page.items)
        self._continuity.accept(reading)

    def _reread(self, number: int) -> Generator[Reading[T], None, Reading[T]]:
        again: Reading[T] = Reading(number, self._continuity.accepted)
        yield again
        if again.page.number != number:
            again.page.items = []
        self.report.pages_reread += 1
        return again

    def _follow(self, number: int, page: Page[T], *, anything_new: bool) -> None:
        # An empty page is past the end, unless a page behind it is not empty.
        self._past_the_end = not page.items
        # Items without an id cannot be recognized, but a page that repeats the one before can.
        repeats = page.items == self._previous
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
        # A page that arrives after one behind it may be older, so it must not move the end back.
        is_furthest = number >= max([self._continuity.edge, *self._waiting])
        self._last = last if is_furthest else max(last, self._last)

    def ended(self) -> None:
        """Log a warning if the walk ended before the end according to the server's counts."""
        report = self.report
        expected = None if self._is_part else report.total_at_end
        if self._counts_more or (expected is not None and report.items != expected):
            report.consistent = False
        if self._counts_more or report.boundaries_unsettled or report.items < (expected or 0):
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
