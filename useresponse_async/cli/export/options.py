"""Where does an export go, in which format, and how is it walked?"""

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated, Final

import attrs
import typer

from useresponse_async._config import require_extra
from useresponse_async.cli.export.shape import Shape, chosen
from useresponse_async.cli.export.text_formats import CSV, JSONLines, TextFormat
from useresponse_async.cli.failures import CommandError, MisuseError

__all__ = ["ExportOptions", "Format"]

_STANDARD_OUTPUT: Final = "-"


class Format(str, enum.Enum):
    """How rows are written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


_BY_SUFFIX: Final = {
    ".jsonl": Format.JSONL,
    ".ndjson": Format.JSONL,
    ".csv": Format.CSV,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
}


@attrs.frozen(kw_only=True)
class ExportOptions:
    """The options of every export."""

    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to write; - for stdout.")
    ] = _STANDARD_OUTPUT
    format: Annotated[
        Format | None,
        typer.Option(help="The format; by the file's suffix unless given, else jsonl."),
    ] = None
    fields: Annotated[
        str | None,
        typer.Option(metavar="NAMES", help="Only these fields, e.g. id,name,role.alias."),
    ] = None
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on where an earlier run was stopped.")
    ] = False
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the file, and begin anew.")
    ] = False
    excel_safe: Annotated[
        bool,
        typer.Option(
            "--excel-safe", help="CSV: mark the encoding, and put ' before what reads as a formula."
        ),
    ] = False
    param: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Any other query parameter; can be repeated."),
    ] = None
    page_size: Annotated[int, typer.Option(min=1, help="Items to ask for on a page.")] = 50
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show neither progress nor summary.")
    ] = False

    @property
    def is_stream(self) -> bool:
        """Whether rows go straight to standard output, a pipe or a device."""
        path = Path(self.output)
        return self.output == _STANDARD_OUTPUT or (
            path.exists() and not path.is_file() and not path.is_dir()
        )

    @property
    def chosen_format(self) -> Format:
        """The format that was asked for, or that the file's suffix stands for."""
        if self.format is not None:
            return self.format
        suffix = Path(self.output).suffix.lower()
        if self.is_stream or suffix in _BY_SUFFIX:
            return _BY_SUFFIX.get(suffix, Format.JSONL)
        raise MisuseError(
            f"which format has {Path(self.output).name}? Name it .jsonl, .csv or .parquet, or give "
            "--format"
        )

    def chosen_shape(self, shape: Shape) -> Shape:
        """Return those of the fields in ``shape`` that were asked for."""
        if self.fields is None:
            return shape
        return chosen(shape, [name.strip() for name in self.fields.split(",")])

    def text_format(self, shape: Shape) -> TextFormat:
        """Return what writes the chosen format, which is not Parquet."""
        if self.chosen_format is Format.CSV:
            return CSV(self.chosen_shape(shape), excel_safe=self.excel_safe)
        return JSONLines(None if self.fields is None else self.chosen_shape(shape))

    def check(self, shape: Shape) -> None:
        """Refuse what cannot work, before anything is asked of the server.

        Raises:
            CommandError: The output is a directory.
            MisuseError: Options do not go together, or name no file or no field.
            MissingExtraError: The format needs a library that is not installed.
        """
        if not self.output:
            raise MisuseError("--output: the file's name is empty; - is standard output")
        if Path(self.output).is_dir():
            raise CommandError(f"{self.output} is a directory; name a file")
        self.chosen_shape(shape)
        if self.resume and self.overwrite:
            raise MisuseError("--resume goes on, --overwrite begins anew: give one of them")
        if self.resume and self.is_stream:
            raise MisuseError("--resume needs a file: what went to a pipe cannot be taken back")
        if self.excel_safe and self.chosen_format is not Format.CSV:
            raise MisuseError("--excel-safe is for CSV")
        if self.chosen_format is Format.PARQUET:
            require_extra("parquet")
            if self.is_stream:
                raise MisuseError("Parquet needs a file, which it ends with an index: give -o FILE")
