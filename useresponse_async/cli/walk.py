"""How are all of a sandbox's users walked, and what came of it?"""

from __future__ import annotations

import time
from contextlib import aclosing

import attrs

from useresponse_async._client import AsyncClient
from useresponse_async.cli.arrivals import Arrivals
from useresponse_async.cli.progress import progress_bar
from useresponse_async.cli.retries import counted_retries
from useresponse_async.sandbox import DEFAULT_API_KEY

__all__ = ["WalkResult", "walk_users"]


@attrs.frozen(kw_only=True)
class WalkResult:
    """What a walk over all users came to.

    Attributes:
        arrivals: Who came, and who did not.
        pages: Pages received.
        retries: Requests that were tried again.
        seconds: How long the walk took, in seconds.
    """

    arrivals: Arrivals
    pages: int
    retries: int
    seconds: float

    @property
    def requests(self) -> int:
        """Requests sent: one for each page, and one for each retry."""
        return self.pages + self.retries

    def summary(self) -> str:
        """Return the result as a small table."""
        figures = {
            "users/s": self.arrivals.count / self.seconds,
            "pages": self.pages,
            "retries": self.retries,
            "requests": self.requests,
            "lost": self.arrivals.lost,
            "duplicated": self.arrivals.duplicated,
        }
        rows = [f"  {name:<12}{figure:>9,.0f}" for name, figure in figures.items()]
        return "\n".join([f"{self.arrivals.count:,} users in {self.seconds:.2f} s", *rows])


async def walk_users(address: str, *, users: int, concurrency: int) -> WalkResult:
    """Walk all users of the sandbox at ``address``, with a progress bar.

    Args:
        address: Where the sandbox is.
        users: How many users it has.
        concurrency: The most pages in flight, in pages.

    Raises:
        UseResponseError: A page could not be had.
    """
    arrivals = Arrivals(users)
    async with AsyncClient(
        address, api_key=DEFAULT_API_KEY, api_version="3.0", max_in_flight=concurrency
    ) as client:
        pages = client.users.search()
        with (
            counted_retries() as retries,
            progress_bar(
                "users",
                total=users,
                live=lambda: f"{client.in_flight} in flight, {retries.count} retries",
            ) as advance,
        ):
            started = time.perf_counter()
            async with aclosing(pages.by_page()) as walk:
                async for page in walk:
                    arrivals.take(user.id for user in page.items)
                    advance(len(page.items))
            seconds = time.perf_counter() - started
    # The client drops what comes twice. Nothing moves in this sandbox, so nothing should.
    arrivals.duplicated += pages.report.duplicates
    return WalkResult(
        arrivals=arrivals, pages=pages.report.pages, retries=retries.count, seconds=seconds
    )
