"""Objects, most recently active first."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from datetime import datetime, timezone
from itertools import pairwise

from useresponse_async._exceptions import ArgumentError
from useresponse_async._pagination import Pages
from useresponse_async.models import Object

_EPOCH = datetime.fromtimestamp(0, timezone.utc)


def changed_since(
    pages: Pages[Object], moment: datetime, *, is_sorted: bool
) -> AsyncGenerator[Object, None]:
    """Iterate over the objects with activity at or after ``moment``.

    Args:
        pages: A list that was requested with the most recently active objects first.
        moment: An aware time.
        is_sorted: Whether the server is known to sort as requested; else the order is checked.
    """
    if not isinstance(moment, datetime):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError("moment", f"must be a datetime.datetime, not {type(moment).__name__}")
    if moment.utcoffset() is None:
        raise ArgumentError("moment", "has no time zone; pass e.g. datetime.now(timezone.utc)")
    since = moment.replace(microsecond=0)  # the API's times are in seconds
    return _as_sorted(pages, since) if is_sorted else _checked(pages, since)


async def _as_sorted(pages: Pages[Object], since: datetime) -> AsyncGenerator[Object, None]:
    async with aclosing(pages.by_page(ramp=True)) as walk:
        async for page in walk:
            for item in _not_older(page.items, since):
                yield item
            if _is_past(page.items, since):
                return


async def _checked(pages: Pages[Object], since: datetime) -> AsyncGenerator[Object, None]:
    found: list[Object] = []
    last: list[Object] = []
    sorted_so_far, order_is_proven = True, False
    async with aclosing(pages.by_page(ramp=True)) as walk:
        async for page in walk:
            found += _not_older(page.items, since)
            for newer, older in pairwise([*last, *page.items]):
                if older.latest_activity is None or newer.latest_activity is None:
                    sorted_so_far = False
                else:
                    sorted_so_far &= newer.latest_activity >= older.latest_activity
                # As long as ids descend too, the list could also be sorted by creation.
                order_is_proven |= newer.id < older.id
            last = page.items[-1:] or last
            if sorted_so_far and order_is_proven and _is_past(page.items, since):
                break
    for item in sorted(found, key=lambda it: it.latest_activity or _EPOCH, reverse=True):
        yield item


async def in_batches(
    objects: AsyncGenerator[Object, None], size: int
) -> AsyncGenerator[list[Object], None]:
    """Yield lists of ``size`` objects; the last may be shorter."""
    batch: list[Object] = []
    async with aclosing(objects):
        async for item in objects:
            batch.append(item)
            if len(batch) == size:
                yield batch
                batch = []
    if batch:
        yield batch


def _not_older(items: Sequence[Object], since: datetime) -> list[Object]:
    # An object without a latest activity may have changed.
    return [it for it in items if it.latest_activity is None or it.latest_activity >= since]


def _is_past(items: Sequence[Object], since: datetime) -> bool:
    times = [it.latest_activity for it in items if it.latest_activity is not None]
    return bool(times) and times[-1] < since
