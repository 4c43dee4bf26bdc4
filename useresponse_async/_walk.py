"""How far has a walk over pages come, and which pages must it read again?"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, Generic, TypeVar

import attrs

from useresponse_async._drift import Continuity, Counts
from useresponse_async._seen_ids import SeenIds
from useresponse_async.models._page import Page

__all__ = ["Walk", "WalkReport"]

T = TypeVar("T")

logger: Final[logging.Logger] = logging.getLogger("useresponse_async.paging")

_FRUITLESS_PAGES: Final = 1000
"""After so many pages in a row that bring nothing new a walk ends, whatever the server counts."""

_TRIES: Final = 3
"""How often a page is read again to settle one boundary."""

_SPARE_REREADS: Final = 100
"""How many more pages than it has received a walk may read again."""


@attrs.define(kw_only=True)
class WalkReport:
    """What a walk has seen so far.

    Attributes:
        pages: Pages received, those that were read again not counted.
        items: Items delivered.
        duplicates: Items not delivered, because rows moved and they had come before.
        total_at_start: How many items the first answer said there are, if it said.
        total_at_end: How many items the last answer said there are, if any did.
        consistent: Whether no answer showed that rows moved: all told the same total and page
            count, none brought an item that had come before, no page was shorter than those
            around it, and as many items came as the server counts.
        pages_reread: Pages read again because rows moved.
        boundaries_unsettled: Boundaries between two pages where items that were there all the
            time may be missing, because the rows did not stand still while they were read again.
    """

    pages: int = 0
    items: int = 0
    duplicates: int = 0
    total_at_start: int | None = None
    total_at_end: int | None = None
    consistent: bool = True
    pages_reread: int = 0
    boundaries_unsettled: int = 0


@attrs.frozen
class _Answer(Generic[T]):
    number: int
    page: Page[T]
    accepted_before: int
    """How many answers had been accepted when this one was asked for."""


class Walk(Generic[T]):
    """One walk over pages: what to ask for next, what to deliver, what to read again.

    Args:
        fetch: What fetches a page.
        start: The first page, from 1.
        stop: The page before which to stop; all pages if ``None``.
        ahead: How many pages may be asked for behind one that has not come, in pages.
        ordered: Whether answers are handed over in the order of their pages.
    """

    def __init__(
        self,
        fetch: Callable[[int], Awaitable[Page[T]]],
        *,
        start: int,
        stop: int | None,
        ahead: int,
        ordered: bool,
    ) -> None:
        self.report: WalkReport = WalkReport()
        self._fetch = fetch
        self._start = start
        self._stop = stop
        self._ahead = ahead
        self._next = start + 1
        self._last = start
        self._past_the_end = False
        self._fruitless = 0
        self._previous: list[T] = []
        self._continuity = Continuity[T](start)
        # Pages that come before their turn are delivered at once, and joined in their turn.
        self._delivered = None if ordered else SeenIds()
        self._waiting: dict[int, Page[T]] = {}
        self._turn = start
        self._accepted = 0

    @property
    def has_more(self) -> bool:
        """Whether a page is left to be asked for."""
        return self._counts_more and not self._past_the_end and not self._is_stuck

    @property
    def _counts_more(self) -> bool:
        wanted = self._stop is None or self._next < self._stop
        return wanted and self._next <= self._last

    @property
    def _is_stuck(self) -> bool:
        return self._fruitless >= _FRUITLESS_PAGES

    def numbers(self) -> Iterator[int]:
        """Yield the pages left to be asked for, as the answers move their end.

        It ends early where one page is far behind the others, to go on when that one has come.
        """
        while self.has_more and self._next < self._turn + self._ahead:
            self._next += 1
            yield self._next - 1

    async def received(self, number: int, page: Page[T]) -> Page[T]:
        """Take note of an answer; return it with the items that are to be delivered.

        Those are its own without the ones that came before, behind any that were found when
        pages were read again.
        """
        if page.number != number:
            # Asked for a page past the end, some servers answer their last one.
            page.items = []
        rereads = self.report.pages_reread
        if self._delivered is None:
            items = await self._joined(number, page)
            self._turn = number + 1
        else:
            items = await self._delivered_now(number, page, self._delivered)
        self._follow(number, page, anything_new=bool(items))
        if self.report.pages_reread > rereads:
            self._follow_rereads()
        self._note(page, delivered=len(items))
        page.items = items
        return page

    async def _delivered_now(self, number: int, page: Page[T], delivered: SeenIds) -> list[T]:
        items = delivered.only_new(page.items)
        self.report.duplicates += len(page.items) - len(items)
        self._waiting[number] = attrs.evolve(page)
        while (waiting := self._waiting.pop(self._turn, None)) is not None:
            joined = await self._joined(self._turn, waiting)
            own = {id(item) for item in waiting.items}
            items += delivered.only_new([item for item in joined if id(item) not in own])
            self._turn += 1
        return items

    async def _joined(self, number: int, page: Page[T]) -> list[T]:
        if self._continuity.joins(number, page):
            return self._accept(number, page)
        return await self._settled(number, page)

    def _accept(self, number: int, page: Page[T], *, reread: bool = False) -> list[T]:
        self._accepted += 1
        items = self._continuity.accept(number, page, reread=reread)
        if self._delivered is None and not reread:
            self.report.duplicates += len(page.items) - len(items)
        return items

    @property
    def _is_hasty(self) -> bool:
        return self.report.pages_reread >= self.report.pages + _SPARE_REREADS

    async def _settled(self, number: int, page: Page[T]) -> list[T]:
        """Read pages again, to the left as far as need be, until this one joins; return finds."""
        continuity = self._continuity
        found: list[T] = []
        tries = Counter[int]()
        settled: int | None = None
        pending = [_Answer(number, page, -1)]
        while pending:
            top = pending[-1]
            if continuity.joins(top.number, top.page):
                pending.pop()
                found += self._accept(top.number, top.page, reread=top.accepted_before >= 0)
                settled = top.number
            elif top.number == settled and top.accepted_before < self._accepted:
                pending.pop()  # its page has joined since, by a later answer
            else:
                wanted = top.number - 1
                if top.number == continuity.edge + 1 and continuity.edge_was_reread:
                    # The page before is fresh. Unless this one is fresher still, it is stale.
                    wanted += top.accepted_before < self._accepted
                tries[wanted] += 1
                if tries[wanted] > _TRIES or self._is_hasty or not self._tells_apart(page):
                    return found + await self._given_up(number, page)
                answer = await self._reread(wanted)
                if self._tells_apart(answer.page):
                    pending.append(answer)
        return found

    def _tells_apart(self, page: Page[T]) -> bool:
        # An item without an id would come twice if its page were read again.
        return self._continuity.tells_all_apart and all(
            isinstance(getattr(item, "id", None), int) for item in page.items
        )

    async def _given_up(self, number: int, page: Page[T]) -> list[T]:
        """Accept a page as it is now: rows that others pushed on are on it, or behind it."""
        answer = await self._reread(number) if self._tells_apart(page) else None
        if answer is None or not self._tells_apart(answer.page):
            self.report.boundaries_unsettled += 1
            return self._accept(number, page)
        if not self._continuity.joins(number, answer.page):
            self.report.boundaries_unsettled += 1
            # An empty page, once more, where the pages before it promise one that is not.
            self._continuity.trusts_promises &= bool(answer.page.items)
        return self._accept(number, answer.page, reread=True)

    async def _reread(self, number: int) -> _Answer[T]:
        accepted = self._accepted
        page = await self._fetch(number)
        if page.number != number:
            page.items = []
        self.report.pages_reread += 1
        return _Answer(number, page, accepted)

    def _follow(self, number: int, page: Page[T], *, anything_new: bool) -> None:
        # An empty page is past the end, unless one behind it is not.
        self._past_the_end = not page.items
        # Items without an id cannot be known again, but a page of them that repeats can.
        repeats = _are_equal(page.items, self._previous)
        anything_new = anything_new and not repeats
        self._fruitless = 0 if anything_new else self._fruitless + 1
        self._previous = page.items
        last = Counts.of(page).last
        if last is None:
            # Nothing says how many there are, and a page may be smaller than was asked for.
            last = max(self._last, number + bool(page.items and not repeats))
        elif number >= last and anything_new and (page.next_number or 0) > number:
            # The count lies, or rows came: the server itself says where it goes on.
            last = number + 1
        self._last = last

    def _follow_rereads(self) -> None:
        # The answer in hand may be older than those that were read again.
        if self._continuity.last > self._continuity.edge:
            self._last = max(self._last, self._continuity.last)
            self._past_the_end = self._past_the_end and not self._continuity.trusts_promises

    def _note(self, page: Page[T], *, delivered: int) -> None:
        report = self.report
        if not report.pages:
            report.total_at_start = page.total_items
        if page.total_items is not None:
            report.total_at_end = page.total_items
        report.pages += 1
        report.items += delivered
        if self._continuity.moved or report.duplicates:
            report.consistent = False

    def ended(self) -> None:
        """Tell of an end that the server's own count does not explain."""
        report = self.report
        expected = report.total_at_end
        if self._stop is not None or self._start > 1:
            expected = None  # it was not meant to see them all
        unexplained = self._counts_more and (self._past_the_end or self._is_stuck)
        if unexplained or (expected is not None and report.items != expected):
            report.consistent = False
        if unexplained or report.boundaries_unsettled or report.items < (expected or 0):
            logger.warning(
                "the walk ended after %d items on %d pages, but the server counts %s on %d: "
                "rows moved meanwhile, or its count is wrong (boundaries unsettled: %d)",
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
        return True  # they are, as deep as Python can look
