"""Options, pages and summary of all exports, and exports to a pipe."""

from __future__ import annotations

import enum
import os
import stat
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

import attrs

from useresponse_async._client import AsyncClient
from useresponse_async._config import require_extra
from useresponse_async._drift import WalkReport
from useresponse_async._pagination import Pages
from useresponse_async.cli._errors import CommandError, MisuseError, Reporter
from useresponse_async.cli._formats import CSV, JSONLines, Shape, chosen, shape_of
from useresponse_async.cli._key import without_key
from useresponse_async.cli._options import Connection, flag, option
from useresponse_async.cli._output import STANDARD_STREAM, opened_stream, write_when_taken
from useresponse_async.cli._progress import progress_bar
from useresponse_async.models import Object, Page
from useresponse_async.models._wire import Model
from useresponse_async.resources._changes import in_batches


class Format(str, enum.Enum):
    """A file format."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


_BATCH: Final = 50

_BY_SUFFIX: Final = {f".{known.value}": known for known in Format} | {
    ".ndjson": Format.JSONL,
    ".pq": Format.PARQUET,
}

_FIELDS_OF_OBJECTS: Final = (
    "id,ownership,type.slug,title,status.title,state.name,author.id,author.name,author.email,"
    "responsible.id,responsible.name,responsible.email,team.name,category.name,forum.name,"
    "source.name,tags,created_at,latest_activity,completed_on_text,comments_num,votes.all,score,"
    "is_private,url,content"
)
"""The default CSV columns of objects, which have very many fields."""


@attrs.frozen(kw_only=True)
class ExportOptions:
    """The options of all exports."""

    output: str = option(
        STANDARD_STREAM,
        "--output",
        "-o",
        metavar="FILE",
        help="Output file; - for standard output.",
    )
    format: Format | None = option(
        None, help="Output format; default: from the file's suffix, or jsonl."
    )
    fields: str | None = option(
        None, metavar="NAMES", help="Fields to write, separated by commas, such as id,author.name."
    )
    all_fields: bool = flag(
        "--all-fields",
        "CSV of tickets, topics and objects: write all fields, not only the main ones.",
    )
    resume: bool = flag("--resume", "Continue an export that was interrupted.")
    overwrite: bool = flag(
        "--overwrite",
        "Replace an existing file and, unless --resume is passed, discard an unfinished export.",
    )
    excel_safe: bool = flag(
        "--excel-safe",
        "Make the CSV safe for Excel: add a byte order mark, and prefix possible formulas with '.",
    )
    param: list[str] | None = option(
        None, metavar="NAME=VALUE", help="Additional query parameter; repeatable."
    )
    page_size: int = option(
        50,
        metavar="INTEGER",
        min=1,
        help="Number of items per page; servers may ignore more than 50.",
    )
    quiet: bool = flag("--quiet", "Show no progress, retries or summary.", "-q")

    @property
    def is_stream(self) -> bool:
        """Whether rows are written directly to standard output, a pipe or a device."""
        kinds_of_files = (0, stat.S_IFREG, stat.S_IFDIR)
        return self.output == STANDARD_STREAM or self._kind() not in kinds_of_files

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
            "or pass --format"
        )

    def chosen_shape(self, model: type[Model]) -> Shape:
        """Return the fields of ``model`` to write; none stands for all that it has."""
        names = self.fields
        if names is None:
            is_lean = self.chosen_format is Format.CSV and not self.all_fields
            if model is not Object or not is_lean:
                return ()
            names = _FIELDS_OF_OBJECTS
        return chosen(shape_of(model), [name.strip() for name in names.split(",")])

    def text_format(self, model: type[Model]) -> CSV | JSONLines:
        """Return the writer of the chosen format, which is not Parquet."""
        shape = self.chosen_shape(model)
        if self.chosen_format is Format.CSV:
            return CSV(shape or shape_of(model), excel_safe=self.excel_safe)
        return JSONLines(shape)

    def check(self, model: type[Model]) -> None:
        """Raise an error for invalid options, before any request."""
        if not self.output:
            raise MisuseError("--output: the file name is empty; use - for standard output")
        if self._kind() == stat.S_IFDIR:
            raise CommandError(f"{self.output} is a directory; pass a file name")
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
                raise MisuseError("Parquet cannot be written to a pipe; pass -o FILE")

    def _kind(self) -> int:
        """Return the kind of file that the output is; 0 if it does not exist."""
        try:
            return stat.S_IFMT(Path(self.output).stat().st_mode)
        except FileNotFoundError:
            return 0
        except OSError as error:  # e.g. a loop of links, or a name that is too long
            raise CommandError(f"{self.output}: {error.strerror}") from None


@attrs.frozen(kw_only=True)
class Source:
    """The list to export.

    Attributes:
        things: The plural of its items, e.g. ``users``.
        model: The model of its items.
        filters: The filters of the command, by option.
        pages: Returns the list, beginning with the page of this number.
        changes: Returns the items that changed, if only these are wanted. They have no page
            numbers: a resumed export reads all of them and drops those that it has.
    """

    things: str
    model: type[Model]
    filters: dict[str, Any]
    pages: Callable[[AsyncClient, int], Pages[Any]]
    changes: Callable[[AsyncClient], AsyncGenerator[Object, None]] | None = None


@attrs.frozen(kw_only=True)
class Summary:
    """The result of an export: number of items, with those of earlier runs, and statistics."""

    things: str
    items: int
    fetched: int
    retries: int
    seconds: float
    report: WalkReport

    def tell(self, reporter: Reporter, target: str) -> None:
        """Write one line, and a warning if items may be missing."""
        rate = self.fetched / max(self.seconds, 0.001)
        reporter.say(
            f"{self.items:,} {self.things} in {target}: {self.fetched:,} fetched in "
            f"{self.seconds:.2f} s ({rate:,.0f}/s), {self.retries:,} retries, "
            f"{self.report.duplicates:,} duplicates"
        )
        if self.report.boundaries_unsettled:
            reporter.say(
                f"warning: rows kept moving during the export: {self.things} may be missing in "
                f"{self.report.boundaries_unsettled:,} places"
            )
        total = self.report.total_at_end
        if total is not None and total != self.items:
            reporter.say(
                f"warning: the server counts {total:,} {self.things}: rows moved during the "
                "export, or its count is wrong"
            )


async def walk(
    source: Source,
    connection: Connection,
    take: Callable[[Sequence[Any]], Awaitable[int]],
    *,
    start: int = 1,
    done: int = 0,
    quiet: bool,
) -> Summary:
    """Pass the items of each page from ``start`` on to ``take``, which counts the new ones.

    Earlier runs have written ``done`` items.
    """
    client, retries = connection.client, connection.retries
    pages, fetched, began = source.pages(client, start), 0, time.perf_counter()
    batches: AsyncGenerator[Sequence[Any], None] = pages.by_page()
    if source.changes is not None:
        batches = in_batches(source.changes(client), _BATCH)
    with progress_bar(
        source.things,
        done=done,
        live=lambda: [f"{retries.count} retries", f"{client.in_flight} in flight"],
        hidden=quiet,
    ) as advance:
        async with aclosing(batches):
            async for batch in batches:
                new = await take(batch)
                fetched += new
                advance(new, batch.total_items if isinstance(batch, Page) else None)
    return Summary(
        things=source.things,
        items=done + fetched,
        fetched=fetched,
        retries=retries.count,
        seconds=time.perf_counter() - began,
        report=pages.report,
    )


async def export_to_stream(
    source: Source, options: ExportOptions, connection: Connection
) -> Summary:
    """Export to standard output, a pipe or a device, page by page."""
    text_format = options.text_format(source.model)
    async with opened_stream(options.output) as descriptor, connection.client:
        await write_when_taken(descriptor, text_format.header())

        async def take(items: Sequence[Model]) -> int:
            rows = text_format.encoded(item.to_dict() for item in items)
            await write_when_taken(descriptor, without_key(rows.decode(), connection.key).encode())
            return len(items)

        # On the same terminal, the bar would overwrite rows.
        quiet = options.quiet or os.isatty(descriptor)
        return await walk(source, connection, take, quiet=quiet)
