"""Progress bar, and lines that report retries."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import attrs
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task
from rich.text import Text

from useresponse_async._config import RetryEvent
from useresponse_async._exceptions import APIStatusError
from useresponse_async.cli._errors import Reporter, one_line

_WIDE: Final = 80
_WIDE_BAR: Final = 16
_NARROW_BAR: Final = 8


@attrs.define(kw_only=True)
class Retries:
    """Counts retries, and optionally writes a line for each.

    Attributes:
        reporter: Writes the lines.
        shown: Write them.
        complete: Write complete error messages; else only what fits a line of the terminal.
        count: Number of retries so far.
    """

    reporter: Reporter
    shown: bool
    complete: bool
    count: int = 0

    def __call__(self, event: RetryEvent) -> None:
        """Count a retry (the client's ``on_retry`` hook)."""
        self.count += 1
        if not self.shown:
            return
        error, endpoint = event.error, event.path.partition("/api/")[2].partition("/")[2]
        if isinstance(error, APIStatusError):
            reason = f"{error.status_code} {error.message}"
        else:
            reason = str(error).removeprefix(f"{event.method} {event.path}: ")
        reason = self.reporter.reworded(reason)
        if not self.complete:
            reason = reason.partition(" (")[0]
        place = f"{event.method} {endpoint or event.path}"
        line = one_line(f"retry {event.attempt} in {event.delay:.1f} s: {reason} ({place})")
        width = shutil.get_terminal_size().columns
        if not self.complete and len(line) > width:
            line = f"{line[: width - 1]}…"
        self.reporter.say(line)


class _Figures(ProgressColumn):
    """Count, rate, time left and a live text, as far as they fit on the line."""

    def render(self, task: Task) -> Text:
        """Return the figures, the most important first."""
        width = task.fields["console"].width
        line = f"{task.completed:,.0f}"
        if task.total is not None:
            line += f"/{task.total:,.0f}"
        if width >= _WIDE:
            line += f" {task.description}"
        pieces = [f"{task.finished_speed or task.speed or 0:,.0f}/s"]
        if task.total is not None and task.time_remaining is not None:
            pieces.append(f"{timedelta(seconds=round(task.time_remaining))}".removeprefix("0:"))
        room = width - (_WIDE_BAR if width >= _WIDE else _NARROW_BAR) - 1
        for piece in [*pieces, *task.fields["live"]()]:
            if len(line) + 1 + len(piece) > room:
                break
            line += f" {piece}"
        return Text(line, no_wrap=True)


@contextmanager
def progress_bar(
    things: str, *, live: Callable[[], list[str]], done: int, hidden: bool
) -> Generator[Callable[[int, int | None], None], None, None]:
    """Show a bar on standard error, if that is a terminal.

    The block receives a function that takes the number of new items, and the total if known.
    """
    hidden = hidden or not sys.stderr.isatty()
    console = Console(stderr=True, quiet=hidden)
    bar = BarColumn(bar_width=_WIDE_BAR if console.width >= _WIDE else _NARROW_BAR)
    with Progress(bar, _Figures(), console=console, disable=hidden) as progress:
        task = progress.add_task(things, total=None, completed=done, live=live, console=console)
        # A total of None changes nothing.
        yield lambda new, total: progress.update(task, advance=new, total=total)
