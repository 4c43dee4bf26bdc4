"""How is a list walked to its end, with what moves on the terminal meanwhile?"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from copy import deepcopy
from typing import Any

import attrs

from useresponse_async._pagination import Pages
from useresponse_async._seen_ids import SeenIds
from useresponse_async.cli.export.source import Source
from useresponse_async.cli.failures import Failures
from useresponse_async.cli.progress import progress_bar
from useresponse_async.cli.retries import counted_retries
from useresponse_async.cli.server import Connection
from useresponse_async.models._wire import Model

__all__ = ["Summary", "first_page_to_read", "walk"]


@attrs.define(kw_only=True)
class Summary:
    """What an export came to.

    Attributes:
        things: What was exported, e.g. ``users``.
        items: Items written, those of earlier runs included.
        fetched: Items written by this run.
        total: How many the server counted at the end, if it did.
        duplicates: Items that came again, because rows moved, and were dropped.
        unsettled: Places where items may be missing, because rows kept moving.
        retries: Requests that were tried again.
        seconds: How long this run took, in seconds.
    """

    things: str
    items: int = 0
    fetched: int = 0
    total: int | None = None
    duplicates: int = 0
    unsettled: int = 0
    retries: int = 0
    seconds: float = 0.0

    def tell(self, failures: Failures, target: str) -> None:
        """Say it in one line, and what may be missing in others."""
        rate = self.fetched / max(self.seconds, 0.001)
        failures.say(
            f"{self.items:,} {self.things} in {target}: {self.fetched:,} fetched in "
            f"{self.seconds:.2f} s ({rate:,.0f}/s), {self.retries:,} retries, "
            f"{self.duplicates:,} duplicates dropped"
        )
        if self.unsettled:
            failures.say(
                f"warning: rows kept moving: {self.things} may be missing in {self.unsettled:,} "
                "places"
            )
        if self.total is not None and self.total != self.items:
            failures.say(
                f"warning: the server counts {self.total:,} {self.things}: rows moved meanwhile, "
                "or its count is wrong"
            )


async def walk(
    source: Source,
    connection: Connection,
    take: Callable[[list[Model]], Awaitable[int]],
    summary: Summary,
    *,
    start: int,
    quiet: bool,
) -> None:
    """Hand the items of every page to ``take``, in order.

    Args:
        source: What to walk.
        connection: How to reach the server; its client is open.
        take: Is awaited with the items of each page; returns how many it had not had before.
        summary: Takes note of what was seen.
        start: The page to begin with.
        quiet: Whether to show no progress.
    """
    client = connection.client
    pages = source.pages(client, start)
    with (
        counted_retries() as retries,
        progress_bar(
            source.things,
            total=None,
            completed=summary.items,
            live=lambda: f"{client.in_flight} in flight, {retries.count} retries",
            hidden=quiet,
        ) as advance,
    ):
        began = time.perf_counter()
        try:
            async with aclosing(pages.by_page()) as walked:
                async for page in walked:
                    new = await take(page.items)
                    summary.items += new
                    summary.fetched += new
                    advance(new, total=page.total_items)
        finally:
            summary.seconds = time.perf_counter() - began
            summary.retries = retries.count
            summary.duplicates = pages.report.duplicates
            summary.unsettled = pages.report.boundaries_unsettled
            summary.total = pages.report.total_at_end


async def first_page_to_read(
    source: Source, connection: Connection, *, next_page: int, seen: SeenIds
) -> int:
    """Return the page to go on with, so that rows that moved since are not missed.

    When rows before have gone, others have moved to pages that were read. So pages are looked
    at again, backwards, until one has nothing but what was seen.

    Args:
        source: What was being walked.
        connection: How to reach the server; its client is open.
        next_page: The first page that had not been read.
        seen: The ids that were.
    """
    page, step = next_page - 1, 1
    while page > 1:
        again = await _page(source.pages(connection.client, page))
        if again.number == page and again.items and not _has_new(again.items, seen):
            break
        page, step = max(page - step, 1), 2 * step
    return max(page, 1)


async def _page(pages: Pages[Any]) -> Any:
    return await pages


def _has_new(items: list[Any], seen: SeenIds) -> bool:
    # Asking adds, so a copy is asked; it is small.
    return bool(deepcopy(seen).only_new([item for item in items if item.id is not None]))
