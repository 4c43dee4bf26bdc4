"""Exports into a file, which can be stopped at any moment and resumed."""

from __future__ import annotations

import os
import shlex
import stat
import sys
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import anyio
import attrs

from useresponse_async._client import AsyncClient
from useresponse_async._decode import MalformedBody, parse
from useresponse_async._drift import SeenIds
from useresponse_async._files import commit
from useresponse_async.cli._checkpoint import (
    OWNER_ONLY,
    START_AGAIN,
    Checkpoint,
    hidden_beside,
    new_file,
)
from useresponse_async.cli._errors import CommandError, Reporter
from useresponse_async.cli._export_run import ExportOptions, Format, Source, Summary, walk
from useresponse_async.cli._formats import Row, json_line, shape_of, utf8
from useresponse_async.cli._key import without_key
from useresponse_async.cli._options import Connection
from useresponse_async.cli._output import write_all
from useresponse_async.cli._parquet import write_parquet
from useresponse_async.models._wire import Model

if sys.platform != "win32":
    import fcntl

_CHECKPOINT_SECONDS: Final = 0.2
_ROWS_AT_ONCE: Final = 1000


@attrs.define
class FileExport:
    """An export into a file, and what stands beside the file until it is complete.

    - ``FILE.part``: the items so far, as JSON Lines in every format, which only one process at
      a time writes;
    - ``FILE.resume``: the checkpoint; there before the part file holds anything, and as long as
      there is one;
    - ``FILE``: named in one step when all items are there, so that nobody finds half a file.
    """

    source: Source
    options: ExportOptions
    connection: Connection
    reporter: Reporter
    umask: int
    _target: Path = attrs.field(init=False)
    _part: Path = attrs.field(init=False)
    _resume: Path = attrs.field(init=False)
    _request: dict[str, Any] = attrs.field(init=False)
    _checkpoint: Checkpoint = attrs.field(init=False)
    _descriptor: int = attrs.field(default=-1, init=False)
    _saved_at: float = attrs.field(default=0.0, init=False)
    _seen: SeenIds = attrs.field(factory=SeenIds, init=False)

    def __attrs_post_init__(self) -> None:
        self._target = Path(os.path.realpath(self.options.output))  # behind all symbolic links
        self._part = self._target.with_name(f"{self._target.name}.part")
        self._resume = self._target.with_name(f"{self._target.name}.resume")
        self._request = {
            "export": self.source.things,
            "url": self.connection.url,
            "api_version": self.connection.api_version,
            **self.source.filters,
            "page_size": self.options.page_size,
            "format": self.options.chosen_format.value,
            "fields": self.options.fields,
            "all_fields": self.options.all_fields or None,
        }

    async def run(self) -> Summary | None:
        """Export everything that is not there yet; return ``None`` if nothing is left."""
        anew = self.options.overwrite and not self.options.resume
        with _locked(self._part) as self._descriptor:
            checkpoint = None if anew else Checkpoint.load(self._resume)
            if not (anew or self._is_left(checkpoint)):
                return None
            async with self.connection.client as client:
                is_guest = self.connection.key is None
                user = {"user": "guest" if is_guest else (await client.users.me()).id}
                if checkpoint is None:
                    request = {**self._request, **user}
                    checkpoint = Checkpoint(request=request, replaces=self.options.overwrite)
                    # Saved before there is content, so that a killed run's is known as an export.
                    checkpoint.save(self._resume)
                    _sync_directory(self._target.parent)
                checkpoint.check(user)
                if os.fstat(self._descriptor).st_size < checkpoint.offset:
                    raise CommandError(f"{self._part} was truncated; {START_AGAIN}")
                os.ftruncate(self._descriptor, checkpoint.offset)
                os.fchmod(self._descriptor, OWNER_ONLY)
                self._checkpoint = checkpoint
                try:
                    summary = await self._fetch(client)
                    self._finish()
                except BaseException:
                    self._advise()
                    raise
                return summary

    def _is_left(self, checkpoint: Checkpoint | None) -> bool:
        """Return whether there is something to export; refuse to replace what is there."""
        output, resume, overwrite = self.options.output, self.options.resume, self.options.overwrite
        exists = self._target.exists()
        if checkpoint is not None:
            if not resume:
                raise CommandError(
                    f"{output}: an unfinished export exists; pass --resume to continue it, or "
                    "--overwrite to start again"
                )
            checkpoint.check(self._request)
            if exists and checkpoint.made == _identity(self._target):
                self._remove_all_but_target()  # it was stopped in its last steps
                self.reporter.say(f"{output} is complete")
                return False
            if exists and not (overwrite or checkpoint.replaces):
                raise self._foreign_file()
        elif exists and not overwrite:
            if not resume:
                raise CommandError(f"{output} already exists; pass --overwrite to replace it")
            self.reporter.say(
                f"{output} exists, and no unfinished export beside it: nothing is left to resume"
            )
            return False
        elif os.fstat(self._descriptor).st_size:
            raise CommandError(
                f"{self._part} exists, but is not from an export; pass --overwrite without "
                "--resume to replace it"
            )
        return True

    async def _fetch(self, client: AsyncClient) -> Summary:
        for row in self._rows():
            if isinstance(row.get("id"), int):
                self._seen.add(row["id"])
        next_page = start = await self._first_page_to_read(client)

        async def take(items: Sequence[Model]) -> int:
            nonlocal next_page
            new = self._seen.only_new(items)
            lines = "".join(json_line(item.to_dict()) for item in new)
            clean = utf8(without_key(lines, self.connection.key))
            write_all(self._descriptor, clean)
            next_page += 1
            self._checkpoint = attrs.evolve(
                self._checkpoint,
                # Pages that are read again after resuming do not move the state back.
                next_page=max(next_page, self._checkpoint.next_page),
                offset=self._checkpoint.offset + len(clean),
                items=self._checkpoint.items + len(new),
            )
            if time.monotonic() - self._saved_at >= _CHECKPOINT_SECONDS:
                await anyio.to_thread.run_sync(self._save)
            return len(new)

        done, quiet = self._checkpoint.items, self.options.quiet
        try:
            summary = await walk(
                self.source, self.connection, take, start=start, done=done, quiet=quiet
            )
        except BaseException:
            # On a full disk, the last checkpoint that could be written still holds.
            with suppress(OSError):
                os.ftruncate(self._descriptor, self._checkpoint.offset)  # a line cut in half
                self._save()
            raise
        self._save()
        return summary

    async def _first_page_to_read(self, client: AsyncClient) -> int:
        """Return the page to resume with, so that rows that have moved are not missed.

        If rows were removed, others have moved to pages that were already read. So pages are
        read again, backwards, until one contains only items that were seen.
        """
        if self.source.changes is not None:
            return 1
        page, step = self._checkpoint.next_page - 1, 1
        while page > 1:
            again = await self.source.pages(client, page)
            unseen = any(
                item.id is not None and not self._seen.holds_any([item]) for item in again.items
            )
            if again.number == page and again.items and not unseen:
                break
            page, step = max(page - step, 1), 2 * step
        return max(page, 1)

    def _rows(self) -> Iterator[Row]:
        """Yield the items in the part file."""
        with self._part.open("rb") as file:
            for line in file:
                try:
                    row = parse(line)
                except MalformedBody:
                    row = None
                if not isinstance(row, dict):
                    raise CommandError(f"{self._part} was modified; {START_AGAIN}")
                yield row

    def _save(self) -> None:
        os.fsync(self._descriptor)
        self._checkpoint.save(self._resume)
        self._saved_at = time.monotonic()

    def _finish(self) -> None:
        """Give the file its final form and its name."""
        ready = self._part
        if self.options.chosen_format is not Format.JSONL or self.options.fields is not None:
            ready = hidden_beside(self._target)
            self._convert(ready)
        overwrite = self.options.overwrite or self._checkpoint.replaces
        mode = 0o666 & ~self.umask
        if overwrite and self._target.exists():
            mode = stat.S_IMODE(self._target.stat().st_mode)
        # A file that has the final name is known as ours from now on.
        self._checkpoint = attrs.evolve(self._checkpoint, made=_identity(ready))
        self._checkpoint.save(self._resume)
        ready.chmod(mode)
        try:
            commit(ready, self._target, overwrite=overwrite)
        except FileExistsError:
            ready.chmod(OWNER_ONLY)
            raise self._foreign_file() from None
        _sync_directory(self._target.parent)
        self._remove_all_but_target()

    def _convert(self, ready: Path) -> None:
        shape = self.options.chosen_shape(self.source.model)
        with new_file(ready) as file:
            if self.options.chosen_format is Format.PARQUET:
                changed = write_parquet(self._rows, shape or shape_of(self.source.model), file)
                for name in changed:
                    self.reporter.say(
                        f"warning: {name} is written as text: it contains integers beyond 64 bits"
                    )
                return
            text_format = self.options.text_format(self.source.model)
            file.write(text_format.header())
            unread = self._rows()
            while group := list(islice(unread, _ROWS_AT_ONCE)):
                file.write(text_format.encoded(group))

    def _remove_all_but_target(self) -> None:
        for path in (hidden_beside(self._target), self._part, self._resume):
            path.unlink(missing_ok=True)

    def _advise(self) -> None:
        """Say how to resume, if there is something to resume; else leave nothing behind."""
        if not self._resume.exists():
            return
        if not self._checkpoint.items:
            self._resume.unlink()
            return
        arguments = [word for word in self.reporter.arguments if word != "--overwrite"]
        again = shlex.join(["useresponse-async", *arguments])
        resumed = again if "--resume" in arguments else f"{again} --resume"
        self.reporter.advice = (
            f"{self._checkpoint.items:,} {self.source.things} are saved; resume with: {resumed}"
        )

    def _foreign_file(self) -> CommandError:
        return CommandError(
            f"{self.options.output} was created by another program during the export and is not "
            "replaced: move it, or continue with --resume --overwrite"
        )


def _identity(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_dev, status.st_ino, status.st_size]


def _sync_directory(path: Path) -> None:
    """Make the new name of a file durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _locked(path: Path) -> Generator[int, None, None]:
    """Open a file for this process alone, or make it; remove it in the end if it is empty."""
    if sys.platform == "win32":
        raise CommandError("exports to files need Linux or macOS; use -o - and redirect it")
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, OWNER_ONLY)

    def is_at_path() -> bool:
        return path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor))

    is_ours = False
    try:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The other one may have made the file's final form of it since it was opened.
            is_ours = is_at_path()
        if not is_ours:
            raise CommandError(f"another export is writing {path}")
        yield descriptor
    finally:
        if is_ours and is_at_path() and not os.fstat(descriptor).st_size:
            path.unlink()
        os.close(descriptor)
