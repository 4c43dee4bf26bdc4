"""How are the pages of a list walked, several of them in flight?"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import aclosing
from types import TracebackType
from typing import Any, Final, Generic, Protocol, TypeVar

import anyio
import attrs

from useresponse_async.arguments import Params, integer, query_of
from useresponse_async.codec import Decoder, page_of
from useresponse_async.concurrency import concurrent_map
from useresponse_async.deduplication import SeenIds
from useresponse_async.errors import ArgumentError
from useresponse_async.models.page import Page
from useresponse_async.operations import Executor, Operation

__all__ = ["Page", "Pages", "WalkReport"]

T = TypeVar("T")

logger = logging.getLogger("useresponse_async.paging")

_PAGES_HELD: Final = 64
"""How many pages may wait behind one that is slow, or is tried again."""


@attrs.define(kw_only=True)
class WalkReport:
    """What a walk has seen so far.

    Attributes:
        pages: Pages received.
        items: Items delivered.
        duplicates: Items not delivered, because rows moved and they had come before.
        total_at_start: How many items the first answer said there are, if it said.
        total_at_end: How many items the last answer said there are, if any did.
    """

    pages: int = 0
    items: int = 0
    duplicates: int = 0
    total_at_start: int | None = None
    total_at_end: int | None = None


class PageDecoder(Protocol[T]):
    """Makes the decoder for one page of a list."""

    def __call__(self, model: type[T], *, number: int, size: int) -> Decoder[Page[T]]:
        """Return a decoder to page ``number``, of ``size`` items of ``model``."""
        ...


class Pages(Generic[T]):
    """A list that comes in pages. Nothing is sent until it is used.

    - ``await pages`` gives the first page.
    - ``async for item in pages`` gives every item, in order, with several pages in flight.
    - ``async with pages as items`` does the same for a loop that may be left early: whatever
      is still under way has ended by the line after the block.
    - :meth:`by_page`, :meth:`collect`, :meth:`first` and :meth:`count` do what they say.

    Each of these raises :class:`~useresponse_async.APIConnectionError`,
    :class:`~useresponse_async.APIStatusError` or :class:`~useresponse_async.DecodeError` when
    a page cannot be had. Cancelling any of them cancels the requests it has under way.
    """

    def __init__(
        self,
        executor: Executor,
        path: str,
        model: type[T],
        *,
        query: Params,
        params: Params | None,
        page: int | None,
        count: int,
        since: str | None = None,
        decoder: PageDecoder[T] = page_of,
    ) -> None:
        self._executor = executor
        self._path = path
        self._model = model
        self._query = query
        self._params = params
        self._start = 1 if page is None else integer("page", page, minimum=1)
        self._count = integer("count", count, minimum=1)
        self._since = since
        self._decoder = decoder
        self._entered: list[tuple[int, AsyncGenerator[T, None]]] = []
        self._report = WalkReport()
        self._operation(self._start, self._count)  # so that bad parameters are told of now

    @property
    def report(self) -> WalkReport:
        """What the latest walk over these pages has seen so far."""
        return self._report

    def __await__(self) -> Generator[Any, Any, Page[T]]:
        return self._fetch(self._start).__await__()

    def __aiter__(self) -> AsyncIterator[T]:
        return self._items()

    async def __aenter__(self) -> AsyncGenerator[T, None]:
        items = self._items()
        self._entered.append((anyio.get_current_task().id, items))
        return items

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Several tasks may walk the same pages, and one may leave for another.
        mine = anyio.get_current_task().id
        tasks = [task for task, _ in self._entered]
        place = len(tasks) - 1 - tasks[::-1].index(mine) if mine in tasks else -1
        _, items = self._entered.pop(place)
        await items.aclose()

    def by_page(
        self,
        *,
        start: int | None = None,
        stop: int | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
    ) -> AsyncGenerator[Page[T], None]:
        """Return a walk over whole pages, several of them in flight.

        Close it, with :func:`contextlib.aclosing`, when it may be left early.

        Args:
            start: The first page, from 1; the list's own first page unless told.
            stop: The page before which to stop, as in ``range``; all pages unless told.
            concurrency: The most pages in flight, in pages; the client's ``max_in_flight``
                unless told.
            ordered: Whether pages come in order, or as they arrive.

        Raises:
            ArgumentError: A number is out of its range.
        """
        start = self._start if start is None else integer("start", start, minimum=1)
        if stop is not None and integer("stop", stop, minimum=1) < start:
            raise ArgumentError("stop", f"{stop} is before the start, {start}")
        limit = self._executor.max_in_flight
        if concurrency is not None:
            limit = integer("concurrency", concurrency, minimum=1)
        return self._walk(start, stop, limit, ordered=ordered)

    async def collect(self) -> list[T]:
        """Return every item, in order."""
        async with aclosing(self._items()) as items:
            return [item async for item in items]

    async def first(self) -> T | None:
        """Return the first item of the first page, or ``None`` if there is none."""
        page = await self._fetch(self._start)
        return page.items[0] if page.items else None

    async def count(self) -> int:
        """Return how many items there are on all pages, in items.

        One request tells, unless the server gives no total: then the pages are walked.
        """
        page = await self._fetch(1)
        if page.total_items is not None:
            return page.total_items
        return sum([len(page.items) async for page in self.by_page(start=1)])

    async def _items(self) -> AsyncGenerator[T, None]:
        async with aclosing(self.by_page()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    async def _fetch(self, number: int) -> Page[T]:
        return await self._executor.execute(self._operation(number, self._count))

    def _operation(self, number: int, count: int) -> Operation[Page[T]]:
        return Operation(
            method="GET",
            path=self._path,
            query=query_of({**self._query, "page": number, "count": count}, self._params),
            decode=self._decoder(self._model, number=number, size=count),
            since=self._since,
        )

    async def _walk(
        self, start: int, stop: int | None, limit: int, *, ordered: bool
    ) -> AsyncGenerator[Page[T], None]:
        progress = _Progress[T](start, stop)
        self._report = progress.report
        if stop is not None and start >= stop:
            return
        yield progress.received(start, await self._fetch(start))
        while progress.has_more:
            fetched = concurrent_map(
                self._fetch_numbered,
                progress.numbers(),
                limit=limit,
                ahead=2 * limit + _PAGES_HELD,
                ordered=ordered,
            )
            async with aclosing(fetched) as pages:
                async for number, page in pages:
                    yield progress.received(number, page)
        progress.ended()

    async def _fetch_numbered(self, number: int) -> tuple[int, Page[T]]:
        return number, await self._fetch(number)


class _Progress(Generic[T]):
    """How far a walk has come, and how far it has to go by the latest answer."""

    def __init__(self, start: int, stop: int | None) -> None:
        self.report = WalkReport()
        self._start = start
        self._stop = stop
        self._next = start + 1
        self._last = start
        self._past_the_end = False
        self._seen = SeenIds()
        self._previous: list[T] = []

    @property
    def has_more(self) -> bool:
        """Whether a page is left to be asked for."""
        wanted = self._stop is None or self._next < self._stop
        return wanted and self._next <= self._last and not self._past_the_end

    def numbers(self) -> Iterator[int]:
        """Yield the pages left to be asked for, as the answers move their end."""
        while self.has_more:
            self._next += 1
            yield self._next - 1

    def received(self, number: int, page: Page[T]) -> Page[T]:
        """Take note of an answer; return it without the items that came before."""
        if page.number != number:
            # Asked for a page past the end, some servers answer their last one.
            page.items = []
        items = self._seen.only_new(page.items)
        # An empty page is past the end, unless one behind it is not.
        self._past_the_end = not page.items
        # Items without an id cannot be known again, but a page of them that repeats can.
        anything_new = bool(items) and page.items != self._previous
        self._previous = page.items
        self._last = self._last_by(number, page, anything_new=anything_new)
        self._note(page, delivered=len(items))
        page.items = items
        return page

    def _note(self, page: Page[T], *, delivered: int) -> None:
        report = self.report
        if not report.pages:
            report.total_at_start = page.total_items
        if page.total_items is not None:
            report.total_at_end = page.total_items
        report.pages += 1
        report.items += delivered
        report.duplicates += len(page.items) - delivered

    def _last_by(self, number: int, page: Page[T], *, anything_new: bool) -> int:
        last = page.total_pages
        if page.total_items is not None:
            last = max(last or 0, -(-page.total_items // page.size))
        if last is None:
            # Nothing says how many there are, and a page may be smaller than was asked for.
            return number + 1 if anything_new else self._last
        if number >= last and anything_new and (page.next_number or 0) > number:
            # The count lies, or rows came: the server itself says where it goes on.
            last = number + 1
        return last

    def ended(self) -> None:
        """Tell of an end that the server's own count does not explain."""
        expected = self.report.total_at_end or 0
        if self._stop is not None or self._start > 1:
            expected = 0  # it was not meant to see them all
        if self.has_unexplained_end or self.report.items < expected:
            logger.warning(
                "the walk ended after %d items on %d pages, but the server counts %s on %d: "
                "rows moved meanwhile, or its count is wrong",
                self.report.items,
                self.report.pages,
                self.report.total_at_end,
                self._last,
            )

    @property
    def has_unexplained_end(self) -> bool:
        """Whether the walk stopped at empty pages before the end that the server counts."""
        wanted = self._stop is None or self._next < self._stop
        return wanted and self._past_the_end and self._next <= self._last
