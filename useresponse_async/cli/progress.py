"""What moves on the terminal while a long walk runs?"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TimeRemainingColumn
from rich.text import Text

__all__ = ["Advance", "progress_bar"]


class Advance(Protocol):
    """Moves the bar on."""

    def __call__(self, count: int, *, total: int | None = None) -> None:
        """Count further things; ``total`` says how many there are, where that is known now."""
        ...


class _Count(ProgressColumn):
    """How many things have come, of how many."""

    def render(self, task: Task) -> Text:
        of = "" if task.total is None else f"/{task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{of}")


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
    things: str,
    *,
    total: int | None,
    live: Callable[[], str],
    completed: int = 0,
    hidden: bool = False,
) -> Generator[Advance, None, None]:
    """Show a bar on stderr, if that is a terminal; give a function that moves it on.

    Args:
        things: What is counted, e.g. ``users``.
        total: How many of them there are; ``None`` where that is not known yet.
        live: Gives what else to show; called from the thread that draws the bar.
        completed: How many have come before.
        hidden: Whether to show nothing, even on a terminal.
    """
    if hidden or not sys.stderr.isatty():
        yield _nothing
        return
    columns = (
        BarColumn(bar_width=20),
        _Count(),
        _Speed(),
        _Live(live),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task(things, total=total, completed=completed)
        yield _mover(progress, task)


def _nothing(count: int, *, total: int | None = None) -> None:
    """Show nothing."""


def _mover(progress: Progress, task: TaskID) -> Advance:
    def advance(count: int, *, total: int | None = None) -> None:
        progress.update(task, advance=count, total=total)  # a total of None changes nothing

    return advance
