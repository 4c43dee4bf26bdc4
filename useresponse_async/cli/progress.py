"""What moves on the terminal while a long walk runs?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn
from rich.text import Text

__all__ = ["progress_bar"]


class _Speed(ProgressColumn):
    """How many of the counted things come per second."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.finished_speed or task.speed or 0:,.0f} {task.description}/s")


class _Live(ProgressColumn):
    """A text that is asked for anew each time the bar is drawn."""

    def __init__(self, text: Callable[[], str]) -> None:
        super().__init__()
        self._text = text

    def render(self, task: Task) -> Text:
        del task
        return Text(self._text())


@contextmanager
def progress_bar(
    things: str, *, total: int, live: Callable[[], str]
) -> Generator[Callable[[int], None], None, None]:
    """Show a bar on stderr, if that is a terminal; give a function that moves it on.

    Args:
        things: What is counted, e.g. ``users``.
        total: How many of them there are.
        live: Gives what else to show; called from the thread that draws the bar.
    """
    if not sys.stderr.isatty():
        yield lambda _count: None
        return
    columns = (
        BarColumn(bar_width=20),
        TextColumn("{task.completed:,}/{task.total:,}"),
        _Speed(),
        _Live(live),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(things, total=total)
        yield lambda count: progress.update(task, advance=count)
