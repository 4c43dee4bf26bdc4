"""What all exports have in common: options, pages, summary; and exports into a pipe."""

from __future__ import annotations

import enum
import os
import stat
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any, Final

import attrs
import typer

from useresponse_async._client import AsyncClient
from useresponse_async._config import require_extra
from useresponse_async._pagination import Pages
from useresponse_async.cli._errors import CommandError, MisuseError, Reporter
from useresponse_async.cli._formats import CSV, JSONLines, Shape, TextFormat, chosen, shape_of
from useresponse_async.cli._key import without_key
from useresponse_async.cli._options import Connection
from useresponse_async.cli._output import STANDARD_STREAM, opened_stream, write_when_taken
from useresponse_async.cli._progress import progress_bar
from useresponse_async.models import Object
from useresponse_async.models._wire import Model
from useresponse_async.resources._changes import in_batches


class Format(str, enum.Enum):
    """A file format."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


_BATCH: Final = 50

_BY_SUFFIX: Final = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}

_LEAN: Final[dict[type[Any], str]] = {
    Object: "id,ownership,type.slug,title,status.title,state.name,author.id,author.name,"
    "author.email,responsible.id,responsible.name,responsible.email,team.name,category.name,"
    "forum.name,source.name,tags,created_at,latest_activity,completed_on_text,comments_num,"
    "votes.all,score,is_private,url,content"
}
"""The default CSV columns of models with very many fields."""


@attrs.frozen(kw_only=True)
class ExportOptions:
    """The options of all exports."""

    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Output file; - for stdout.")
    ] = STANDARD_STREAM
    format: Annotated[
        Format | None,
        typer.Option(help="Output format; default: by the file's suffix, else jsonl."),
    ] = None
    fields: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Only these fields, e.g. id,name,role.alias."),
    ] = None
    all_fields: Annotated[
        bool,
        typer.Option(
            "--all-fields", help="Write every field of tickets, topics and objects to CSV."
        ),
    ] = False
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue an export that was interrupted.")
    ] = False
    overwrite: Annotated[
        bool,
        typer.Option(
            "--overwrite", help="Replace the file and, without --resume, an unfinished export."
        ),
    ] = False
    excel_safe: Annotated[
        bool,
        typer.Option(
            "--excel-safe", help="CSV: write a byte order mark, and ' before possible formulas."
        ),
    ] = False
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Additional query parameter; repeatable."),
    ] = None
    page_size: Annotated[int, typer.Option(min=1, help="Number of items per page.")] = 50
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show no progress, retries or summary.")
    ] = False

    @property
    def is_stream(self) -> bool:
        """Whether rows are written directly to standard output, a pipe or a device."""
        if self.output == STANDARD_STREAM:
            return True
        mode = self._mode()
        return mode is not None and not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)

    @property
    def output_name(self) -> str:
        """The name of the output in messages."""
        return "standard output" if self.output == STANDARD_STREAM else self.output

    @property
    def chosen_format(self) -> Format:
        """The format of ``--format``, or of the file's suffix."""
        if self.format is not None:
            return self.format
        suffix = Path(self.output).suffix.lower()
        if self.is_stream or suffix in _BY_SUFFIX:
            return _BY_SUFFIX.get(suffix, Format.JSONL)
        raise MisuseError(
            f"unknown format of {Path(self.output).name}: use the suffix .jsonl, .csv or .parquet, "
            "or give --format"
        )

    def chosen_shape(self, model: type[Model]) -> Shape | None:
        """Return the fields of ``model`` to write; ``None`` for all that it has."""
        names = self.fields
        if names is None and self.chosen_format is Format.CSV and not self.all_fields:
            names = _LEAN.get(model)
        if names is None:
            return None
        return chosen(shape_of(model), [name.strip() for name in names.split(",")])

    def text_format(self, model: type[Model]) -> TextFormat:
        """Return what writes the chosen format, which is not Parquet."""
        shape = self.chosen_shape(model)
        if self.chosen_format is Format.CSV:
            return CSV(shape or shape_of(model), excel_safe=self.excel_safe)
        return JSONLines(shape)

    def check(self, model: type[Model]) -> None:
        """Raise an error for invalid options, before any request."""
        if not self.output:
            raise MisuseError("--output: the file name is empty; use - for standard output")
        mode = self._mode()
        if mode is not None and stat.S_ISDIR(mode):
            raise CommandError(f"{self.output} is a directory; give a file name")
        if self.fields is not None and self.all_fields:
            raise MisuseError("--fields and --all-fields exclude each other")
        self.chosen_shape(model)
        if self.resume and self.is_stream:
            raise MisuseError("--resume needs a file; an export to a pipe cannot be resumed")
        if self.excel_safe and self.chosen_format is not Format.CSV:
            raise MisuseError("--excel-safe applies to CSV only")
        if self.chosen_format is Format.PARQUET:
            require_extra("parquet")
            if self.is_stream:
                raise MisuseError("Parquet cannot be written to a pipe; give -o FILE")

    def _mode(self) -> int | None:
        try:
            return Path(self.output).stat().st_mode
        except FileNotFoundError:
            return None
        except OSError as error:  # e.g. a loop of links, or a name that is too long
            raise CommandError(f"{self.output}: {error.strerror}") from None


@attrs.frozen(kw_only=True)
class Source:
    """What is exported.

    Attributes:
        things: What the items are called, e.g. ``users``.
        model: Their model.
        filters: Which of them are wanted, as the options say.
        pages: Makes the list, which begins with the page of that number.
        changes: Makes what is read in place of the list, where only changes are wanted. It has
            no page numbers: what is resumed is read again, and what was written is dropped.
    """

    things: str
    model: type[Model]
    filters: dict[str, Any]
    pages: Callable[[AsyncClient, int], Pages[Any]]
    changes: Callable[[AsyncClient], AsyncGenerator[Object, None]] | None = None


@attrs.define(kw_only=True)
class Summary:
    """The result of an export.

    Attributes:
        things: What was exported, e.g. ``users``.
        items: Items written, those of earlier runs included.
        fetched: Items written by this run.
        total: How many the server counted at the end, if it did.
        duplicates: Items that came again, because rows moved, and were dropped.
        unsettled: Places where items may be missing, because rows kept moving.
        retries: Requests that were retried.
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

    def tell(self, reporter: Reporter, target: str) -> None:
        """Write it in one line, and a warning about what may be missing."""
        rate = self.fetched / max(self.seconds, 0.001)
        reporter.say(
            f"{self.items:,} {self.things} in {target}: {self.fetched:,} fetched in "
            f"{self.seconds:.2f} s ({rate:,.0f}/s), {self.retries:,} retries, "
            f"{self.duplicates:,} duplicates dropped"
        )
        if self.unsettled:
            reporter.say(
                f"warning: rows kept moving during the export: {self.things} may be missing in "
                f"{self.unsettled:,} places"
            )
        if self.total is not None and self.total != self.items:
            reporter.say(
                f"warning: the server counts {self.total:,} {self.things}: rows moved during the "
                "export, or its count is wrong"
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
    """Hand the items of every page to ``take``, in order."""
    client, retries = connection.client, connection.retries
    pages = source.pages(client, start)
    with progress_bar(
        source.things,
        total=None,
        completed=summary.items,
        live=lambda: [f"{retries.count} retries", f"{client.in_flight} in flight"],
        hidden=quiet,
    ) as advance:
        began = time.perf_counter()
        try:
            changes = source.changes
            batches = _batches(pages) if changes is None else _batches_of(changes(client))
            async with aclosing(batches) as walked:
                async for items, total in walked:
                    new = await take(items)
                    summary.items += new
                    summary.fetched += new
                    advance(new, total=total)
        finally:
            summary.seconds = time.perf_counter() - began
            summary.retries = retries.count
            summary.duplicates = pages.report.duplicates
            summary.unsettled = pages.report.boundaries_unsettled
            summary.total = pages.report.total_at_end


async def _batches(pages: Pages[Any]) -> AsyncGenerator[tuple[list[Any], int | None], None]:
    async with aclosing(pages.by_page()) as walked:
        async for page in walked:
            yield page.items, page.total_items


async def _batches_of(
    changes: AsyncGenerator[Object, None],
) -> AsyncGenerator[tuple[list[Any], int | None], None]:
    async with aclosing(in_batches(changes, _BATCH)) as batches:
        async for batch in batches:
            yield batch, None


async def export_to_stream(
    source: Source, options: ExportOptions, connection: Connection, summary: Summary
) -> None:
    """Export into standard output, a pipe or a device, page by page."""
    text_format = options.text_format(source.model)
    async with opened_stream(options.output) as descriptor, connection.client:
        await write_when_taken(descriptor, text_format.header())

        async def take(items: list[Model]) -> int:
            rows = text_format.encoded(item.to_dict() for item in items)
            await write_when_taken(descriptor, without_key(rows.decode(), connection.key).encode())
            return len(items)

        # On the same terminal, rows and a bar would run through each other.
        quiet = options.quiet or os.isatty(descriptor)
        await walk(source, connection, take, summary, start=1, quiet=quiet)
