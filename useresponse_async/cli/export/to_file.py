"""How does an export get into a file whole, whenever it is stopped and gone on with?"""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Iterable
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import anyio
import attrs

from useresponse_async._seen_ids import SeenIds
from useresponse_async.cli.export.asker import mark_of
from useresponse_async.cli.export.checkpoint import Checkpoint
from useresponse_async.cli.export.options import ExportOptions, Format
from useresponse_async.cli.export.parquet import write_parquet
from useresponse_async.cli.export.part_file import PartFile
from useresponse_async.cli.export.private_files import private_file_in_place_of
from useresponse_async.cli.export.shape import Row, Shape, shape_of
from useresponse_async.cli.export.source import Source
from useresponse_async.cli.export.text_formats import TextFormat, json_line
from useresponse_async.cli.export.walk import Summary, first_page_to_read, walk
from useresponse_async.cli.failures import CommandError, Failures
from useresponse_async.cli.key import without_key
from useresponse_async.cli.server import Connection
from useresponse_async.models._wire import Model

__all__ = ["FileExport"]

_CHECKPOINT_SECONDS: Final = 0.2
_ROWS_AT_ONCE: Final = 1000


@attrs.define(kw_only=True)
class FileExport:
    """An export into a file, and what stands beside the file until it is whole.

    - ``FILE.part``: the items so far, as JSON Lines whatever the format;
    - ``FILE.resume``: what was asked for by whom, and how much of the part file is on the disk for
      good; there before the part file holds anything, and as long as there is one;
    - ``FILE``: made in one step when all items are there, so half a file is never taken for one.

    Attributes:
        source: What is exported.
        options: Where to, and how.
        connection: How to reach the server.
        failures: Is told how to go on.
        summary: What came of it.
    """

    source: Source
    options: ExportOptions
    connection: Connection
    failures: Failures
    summary: Summary
    _checkpoint: Checkpoint = attrs.field(init=False)
    _saved_at: float = attrs.field(default=0.0, init=False)
    _seen: SeenIds = attrs.field(factory=SeenIds, init=False)

    @property
    def target(self) -> Path:
        """The file, behind whatever symbolic links."""
        return Path(os.path.realpath(self.options.output))

    async def run(self) -> bool:
        """Export everything that is not there yet.

        Returns:
            Whether there was anything to do.

        Raises:
            CommandError: The file is there already, or what is there is of another export.
            UseResponseError: A page could not be had.
            OSError: The file cannot be written.
        """
        if self._is_done():
            return False
        self._refuse_to_replace()
        was_there = self._beside("part").exists()
        with PartFile.opened(self._beside("part")) as part:
            try:
                self._begin(part)
            except BaseException:
                if not was_there:
                    part.path.unlink()
                raise
            try:
                if not self._checkpoint.complete:
                    await self._walk(part)
                self._finish(part)
            finally:
                self._tidy_up(part)
        return True

    def _is_done(self) -> bool:
        """Return whether an earlier run has come to its end, or as good as."""
        if not self.options.resume or not self.target.exists():
            return False
        checkpoint = Checkpoint.load(self._beside("resume"))
        if checkpoint is None and not self._beside("part").exists():
            self.failures.say(
                f"{self.options.output} is there, and no unfinished export beside it: nothing is "
                "left to resume"
            )
            return True
        if checkpoint and checkpoint.complete and not self._beside("part").exists():
            # It was stopped between its last two steps.
            checkpoint.check(self._request(), self.connection.key)
            self._beside("resume").unlink()
            self.failures.say(f"{self.options.output} is whole")
            return True
        return False

    def _refuse_to_replace(self) -> None:
        if self.options.overwrite:
            return
        if self._beside("resume").exists():
            if not self.options.resume:
                raise CommandError(
                    f"{self.options.output}: an unfinished export is there; --resume goes on with "
                    "it, --overwrite begins anew"
                )
        elif self.target.exists():
            raise CommandError(f"{self.options.output} exists; --overwrite replaces it")
        elif _holds_something(self._beside("part")):
            raise CommandError(
                f"{self._beside('part')} exists, and no export is known to have left it; "
                "--overwrite replaces it"
            )

    def _begin(self, part: PartFile) -> None:
        resume_file = self._beside("resume")
        checkpoint = None if self.options.overwrite else Checkpoint.load(resume_file)
        if checkpoint is None:
            # Known as ours before it holds anything, or what a kill leaves would be a stranger's.
            checkpoint = Checkpoint(request=self._request(), asker=mark_of(self.connection.key))
            checkpoint.save(resume_file)
            _sync_directory(self.target.parent)
        else:
            checkpoint.check(self._request(), self.connection.key)
        if part.size < checkpoint.offset:
            raise CommandError(f"{part.path} lost what it held; --overwrite begins anew")
        part.cut(checkpoint.offset)
        self._checkpoint = checkpoint
        self.summary.items = checkpoint.items
        self._advise()

    async def _walk(self, part: PartFile) -> None:
        for row in part.rows():
            if isinstance(row.get("id"), int):
                self._seen.add(row["id"])
        async with self.connection.client:
            start = await first_page_to_read(
                self.source, self.connection, next_page=self._checkpoint.next_page, seen=self._seen
            )
            next_page = start

            async def take(items: list[Model]) -> int:
                nonlocal next_page
                new = self._seen.only_new(items)
                part.append(self._lines(new))
                next_page += 1
                self._note(part, next_page=next_page, items=len(new))
                if time.monotonic() - self._saved_at >= _CHECKPOINT_SECONDS:
                    await anyio.to_thread.run_sync(self._save, part)
                return len(new)

            try:
                await walk(
                    self.source,
                    self.connection,
                    take,
                    self.summary,
                    start=start,
                    quiet=self.options.quiet,
                )
            except BaseException:
                # On a full disk, the last checkpoint that could be written still holds.
                with suppress(OSError):
                    self._save(part)
                raise
        self._checkpoint = attrs.evolve(self._checkpoint, complete=True)
        self._save(part)

    def _lines(self, items: Iterable[Model]) -> bytes:
        lines = "".join(json_line(item.to_dict()) for item in items)
        return without_key(lines, self.connection.key).encode("utf-8", "backslashreplace")

    def _note(self, part: PartFile, *, next_page: int, items: int) -> None:
        self._checkpoint = attrs.evolve(
            self._checkpoint,
            # Pages that are read again after a resumption are no way back.
            next_page=max(next_page, self._checkpoint.next_page),
            offset=part.size,
            items=self._checkpoint.items + items,
        )
        self._advise()

    def _save(self, part: PartFile) -> None:
        part.sync()
        self._checkpoint.save(self._beside("resume"))
        self._saved_at = time.monotonic()

    def _finish(self, part: PartFile) -> None:
        shape = shape_of(self.source.model)
        if self.options.chosen_format is Format.JSONL and self.options.fields is None:
            part.path.replace(self.target)
        else:
            self._convert(part, shape)
        _sync_directory(self.target.parent)
        part.path.unlink(missing_ok=True)
        self._beside("resume").unlink()

    def _tidy_up(self, part: PartFile) -> None:
        """Leave nothing behind that is of no use."""
        if not self._beside("resume").exists():
            self.failures.advice = ""
        elif not self._checkpoint.items and not self._checkpoint.complete:
            self.failures.advice = ""
            part.path.unlink(missing_ok=True)
            self._beside("resume").unlink()

    def _convert(self, part: PartFile, shape: Shape) -> None:
        with private_file_in_place_of(self.target) as file:
            self._write(part.rows(), shape, file)

    def _write(self, rows: Iterable[Row], shape: Shape, file: BinaryIO) -> None:
        if self.options.chosen_format is Format.PARQUET:
            write_parquet(rows, self.options.chosen_shape(shape), file)
        else:
            _write_text(rows, self.options.text_format(shape), file)

    def _beside(self, suffix: str) -> Path:
        return self.target.with_name(f"{self.target.name}.{suffix}")

    def _request(self) -> dict[str, Any]:
        return {
            "export": self.source.things,
            "url": self.connection.url,
            "api_version": self.connection.api_version,
            **self.source.filters,
            "page_size": self.options.page_size,
            "format": self.options.chosen_format.value,
            "fields": self.options.fields,
        }

    def _advise(self) -> None:
        arguments = [word for word in self.failures.arguments if word != "--overwrite"]
        again = shlex.join(["useresponse-async", *arguments])
        resumed = again if "--resume" in arguments else f"{again} --resume"
        self.failures.advice = (
            f"{self._checkpoint.items:,} {self.source.things} are kept; go on with: {resumed}"
        )


def _holds_something(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _write_text(rows: Iterable[Row], text_format: TextFormat, file: BinaryIO) -> None:
    file.write(text_format.header())
    unread = iter(rows)
    while group := list(islice(unread, _ROWS_AT_ONCE)):
        file.write(text_format.encoded(group))


def _sync_directory(path: Path) -> None:
    """Have the new name of a file survive a power cut, where that can be asked for."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
