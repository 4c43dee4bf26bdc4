"""Paginated lists, and concurrent iteration over their pages."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Generator
from contextlib import aclosing
from contextvars import ContextVar
from itertools import islice
from types import TracebackType
from typing import Any, Final, Generic, TypeAlias, TypeVar
from urllib.parse import urlencode

import anyio

from useresponse_async._arguments import Params, integer, query_of
from useresponse_async._concurrency import concurrent_map
from useresponse_async._decode import Decoder, page_of
from useresponse_async._drift import Walk, WalkReport
from useresponse_async._exceptions import ArgumentError
from useresponse_async._secret import redact
from useresponse_async._session import Request, Session
from useresponse_async.models._page import Page

T = TypeVar("T")

PageDecoder: TypeAlias = Callable[..., Decoder[Page[T]]]
"""A function of a model, and of ``number`` and ``size`` of a page, like :func:`page_of`."""

_PLACE: Final = ("page", "count")

_SHOWN: Final = 100
"""Maximum number of characters of the path and filters in a ``repr``."""

_PAGES_HELD: Final = 64
"""Maximum number of pages that wait for one that is slow or being retried."""


_entered: Final[ContextVar[tuple[tuple[Pages[Any], AsyncGenerator[Any, None]], ...]]] = ContextVar(
    "useresponse_async_entered", default=()
)
"""The iterations of the ``async with`` blocks that this context is in."""


class Pages(Generic[T]):
    """A paginated list. Nothing is sent until it is used.

    - ``await pages`` returns the first page.
    - ``async for item in pages`` yields every item, in the server's order, and fetches several
      pages concurrently.
    - ``async with pages as items`` does the same for a loop that you may leave early: its
      requests are cancelled before the block exits.
    - :meth:`by_page` yields pages, :meth:`collect` returns all items, :meth:`first` the first
      item, and :meth:`count` the number of items.

    An iteration over the pages is called a walk. A walk guarantees the following, provided that
    items have ids and keep their order, and that the total and the items of each response are
    consistent with each other:

    - If the list does not change, every item on the pages that the server counts is yielded
      once, in order, or the walk raises an exception. No page is requested twice.
    - No item is yielded twice. A walk ends, unless items are added as fast as it reads them;
      after 1000 consecutive pages without a new item it ends in any case.
    - If items are inserted during the walk, every item that existed throughout is yielded,
      provided that the responses contain the total or the walk has ``concurrency=1``. Inserted
      items may or may not be yielded.
    - If items are removed, or removed and inserted, an item can move to a page that was already
      read. Where neighbouring pages report different totals or page counts, or a page is
      shorter than the page before it implies, and the two share no item, pages are read again
      until no item can be missing between them. Items found this way are yielded before those
      of the next page. Every item that existed throughout is yielded, provided that the
      responses contain the total and ``report.boundaries_unsettled`` is 0. The exception is
      that as many items were inserted as removed between two responses for the same or
      neighbouring pages, which no response shows.
    - ``report.consistent`` is true as long as no response shows that items moved.

    The guarantees are weaker if items change their order (as in a list sorted by a time that
    changes); if items have no ids (no page is read again, and duplicates are not recognized);
    if the responses contain no total (removed items go unnoticed, and a page equal to the one
    before it is treated as the end); and at the edges of a range, which are not compared.

    All of these raise :class:`~useresponse_async.APIConnectionError`,
    :class:`~useresponse_async.APIStatusError` or :class:`~useresponse_async.DecodeError` if
    a page cannot be fetched. Cancelling any of them cancels its requests.
    """

    def __init__(
        self,
        session: Session,
        path: str,
        model: type[T],
        *,
        query: Params,
        params: Params | None,
        page: int | None,
        count: int,
        decoder: PageDecoder[T] = page_of,
    ) -> None:
        self._session = session
        self._path = path
        self._model = model
        self._query = query
        self._params = params
        self._start = 1 if page is None else integer("page", page, minimum=1)
        self._count = integer("count", count, minimum=1)
        self._decoder = decoder
        self._report = WalkReport()
        sent = self._request(self._start).query  # so that invalid parameters raise now
        filters = urlencode([(name, value) for name, value in sent if name not in _PLACE])
        source = redact(f"{path}?{filters}" if filters else path, session.secrets)
        self._source = source if len(source) <= _SHOWN else f"{source[:_SHOWN]}…"

    @property
    def report(self) -> WalkReport:
        """Statistics of the latest walk over these pages."""
        return self._report

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._source}>"

    def __await__(self) -> Generator[Any, Any, Page[T]]:
        return self._fetch(self._start).__await__()

    def __aiter__(self) -> AsyncIterator[T]:
        return self._items()

    async def __aenter__(self) -> AsyncGenerator[T, None]:
        # Several tasks may iterate over the same pages: each finds its own walk in its context.
        self._latest = self._items()
        _entered.set((*_entered.get(), (self, self._latest)))
        return self._latest

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        entered = _entered.get()
        mine = [items for pages, items in entered if pages is self]
        items = mine[-1] if mine else self._latest  # the block exits in another context
        _entered.set(tuple(entry for entry in entered if entry[1] is not items))
        await items.aclose()

    def by_page(
        self,
        *,
        start: int | None = None,
        stop: int | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        ramp: bool = False,
    ) -> AsyncGenerator[Page[T], None]:
        """Iterate over pages, and fetch several of them concurrently.

        Each page is yielded once. Items that are found when pages are read again precede the
        next page's own items, so that a page can contain more items than its size.

        If you may leave the loop early, close the generator with :func:`contextlib.aclosing`.

        Args:
            start: The first page, from 1; default: the first page of the list.
            stop: The page before which to stop, as in ``range``; default: all pages.
            concurrency: Maximum number of pages requested concurrently; default: the client's
                ``max_in_flight`` and a third more, which wait for a slot, so that the next
                request is sent as soon as a response is complete.
            ordered: Yield pages in order; ``False``: as they arrive.
            ramp: Fetch one page, then two concurrently, then four, and so on: for a loop that
                you are likely to leave early.

        Returns:
            An asynchronous generator of pages.

        Raises:
            ArgumentError: A number is out of range.
        """
        start = self._start if start is None else integer("start", start, minimum=1)
        if stop is not None and integer("stop", stop, minimum=1) < start:
            raise ArgumentError("stop", f"{stop} is less than start, {start}")
        limit = self._session.walk_concurrency
        if concurrency is not None:
            limit = integer("concurrency", concurrency, minimum=1)
        return self._walk(start, stop, limit, ordered=ordered, width=2 if ramp else limit)

    async def collect(self) -> list[T]:
        """Return every item, in order."""
        async with aclosing(self._items()) as items:
            return [item async for item in items]

    async def first(self) -> T | None:
        """Return the first item of the first page, or ``None`` if the page is empty."""
        page = await self._fetch(self._start)
        return page[0] if page else None

    async def count(self) -> int:
        """Return the number of items on all pages.

        This takes one request, unless the server sends no total: then all pages are read.
        """
        page = await self._fetch(1)
        if page.total_items is not None:
            return page.total_items
        return sum([len(page) async for page in self.by_page(start=1)])

    async def _items(self) -> AsyncGenerator[T, None]:
        async with aclosing(self.by_page()) as pages:
            async for page in pages:
                for item in page:
                    yield item

    async def _fetch(self, number: int, *, size: int | None = None, bulk: bool = False) -> Page[T]:
        page = await self._session.send(self._request(number, size=size, bulk=bulk))
        page.source = self._source
        return page

    def _request(
        self, number: int, *, size: int | None = None, bulk: bool = False
    ) -> Request[Page[T]]:
        return Request(
            method="GET",
            path=self._path,
            query=query_of({**self._query, "page": number, "count": self._count}, self._params),
            decode=self._decoder(self._model, number=number, size=size or self._count),
            bulk=bulk,
        )

    async def _walk(
        self, start: int, stop: int | None, limit: int, *, ordered: bool, width: int
    ) -> AsyncGenerator[Page[T], None]:
        room = anyio.Semaphore(limit, fast_acquire=True)
        size = self._count

        async def fetch(number: int) -> tuple[int, Page[T]]:
            async with room:  # also for pages that are read again
                return number, await self._fetch(number, size=size, bulk=True)

        ahead = 2 * limit + _PAGES_HELD
        walk = Walk[T](start=start, stop=stop, ahead=ahead)
        self._report = walk.report
        for number in islice(walk.numbers(), 1):
            page = await self._fetch(number)
            size = page.size  # which may be smaller than requested
            list(walk.received(number, page))  # the first page is never read again
            yield page
        while walk.has_more:
            # Rounds of `width` pages, which doubles until the limit; then one round to the end.
            numbers = walk.numbers() if width >= limit else islice(walk.numbers(), width)
            fetched = concurrent_map(fetch, numbers, limit=limit, ahead=ahead, ordered=ordered)
            async with aclosing(fetched) as pages:
                async for number, page in pages:
                    for again in walk.received(number, page):
                        _, again.page = await fetch(again.number)
                    yield page
            width *= 2
        walk.ended()
