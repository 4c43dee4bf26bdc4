"""Progress bar, and lines that report retries."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task
from rich.text import Text

from useresponse_async._config import RetryEvent
from useresponse_async._exceptions import APIStatusError
from useresponse_async.cli._errors import Reporter, one_line

_WIDE: Final = 80
_WIDE_BAR: Final = 16
_NARROW_BAR: Final = 8


class Retries:
    """Counts retries, and optionally writes a line for each.

    Args:
        reporter: Writes the lines.
        shown: Write them.
        complete: Write complete error messages; else only what fits a line of the terminal.
    """

    def __init__(self, reporter: Reporter, *, shown: bool, complete: bool) -> None:
        self.count: int = 0
        self._reporter = reporter
        self._shown = shown
        self._complete = complete

    def __call__(self, event: RetryEvent) -> None:
        """Count a retry (the client's ``on_retry`` hook)."""
        self.count += 1
        if not self._shown:
            return
        error, endpoint = event.error, event.path.partition("/api/")[2].partition("/")[2]
        if isinstance(error, APIStatusError):
            reason = f"{error.status_code} {error.message}"
        else:
            reason = str(error).removeprefix(f"{event.method} {event.path}: ")
        reason = self._reporter.reworded(reason)
        if not self._complete:
            reason = reason.partition(" (")[0]
        place = f"{event.method} {endpoint or event.path}"
        line = one_line(f"retry {event.attempt} in {event.delay:.1f} s: {reason} ({place})")
        width = shutil.get_terminal_size().columns
        if not self._complete and len(line) > width:
            line = f"{line[: width - 1]}…"
        self._reporter.say(line)


class _Figures(ProgressColumn):
    """Count, rate, time left and a live text, as far as they fit on the line."""

    def render(self, task: Task) -> Text:
        """Return the figures, the most important first."""
        width = task.fields["console"].width
        of = "" if task.total is None else f"/{task.total:,.0f}"
        count = f"{task.completed:,.0f}{of}"
        pieces = [f"{count} {task.description}" if width >= _WIDE else count]
        pieces.append(f"{task.finished_speed or task.speed or 0:,.0f}/s")
        if task.total is not None and task.time_remaining is not None:
            pieces.append(f"{timedelta(seconds=round(task.time_remaining))}".removeprefix("0:"))
        room = width - (_WIDE_BAR if width >= _WIDE else _NARROW_BAR) - 1
        line = ""
        for piece in [*pieces, *task.fields["live"]()]:
            longer = f"{line} {piece}" if line else piece
            if len(longer) > room:
                break
            line = longer
        return Text(line, no_wrap=True)


@contextmanager
def progress_bar(
    things: str,
    *,
    live: Callable[[], list[str]],
    total: int | None = None,
    done: int = 0,
    hidden: bool = False,
) -> Generator[Callable[[int, int | None], None], None, None]:
    """Show a bar on standard error, if that is a terminal.

    The block gets a function that takes the number of new items, and of all items if known.
    """
    hidden = hidden or not sys.stderr.isatty()
    console = Console(stderr=True, quiet=hidden)
    bar = BarColumn(bar_width=_WIDE_BAR if console.width >= _WIDE else _NARROW_BAR)
    with Progress(bar, _Figures(), console=console, disable=hidden) as progress:
        task = progress.add_task(things, total=total, completed=done, live=live, console=console)
        # A total of None changes nothing.
        yield lambda new, total: progress.update(task, advance=new, total=total)
