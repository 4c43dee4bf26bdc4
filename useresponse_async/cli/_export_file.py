"""Exports into a file, which can be stopped at any moment and resumed."""

from __future__ import annotations

import os
import shlex
import stat
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, Final

import anyio
import attrs

from useresponse_async._decode import MalformedBody, parse
from useresponse_async._drift import SeenIds
from useresponse_async._files import commit
from useresponse_async.cli._checkpoint import OWNER_ONLY, Checkpoint, hidden_beside, new_file
from useresponse_async.cli._errors import CommandError, Reporter
from useresponse_async.cli._export_run import ExportOptions, Format, Source, Summary, walk
from useresponse_async.cli._formats import Row, json_line, shape_of
from useresponse_async.cli._key import without_key
from useresponse_async.cli._options import Connection
from useresponse_async.cli._parquet import write_parquet
from useresponse_async.models._wire import Model

if sys.platform != "win32":
    import fcntl

_CHECKPOINT_SECONDS: Final = 0.2
_ROWS_AT_ONCE: Final = 1000

# O_BINARY: Windows would turn line ends into its own. It has no O_NOFOLLOW.
_FLAGS: Final = (
    os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
)


@attrs.define(kw_only=True)
class FileExport:
    """An export into a file, and what stands beside the file until it is complete.

    - ``FILE.part``: the items so far, as JSON Lines in every format;
    - ``FILE.resume``: the checkpoint; there before the part file holds anything, and as long as
      there is one;
    - ``FILE``: named in one step when all items are there, so that nobody finds half a file.

    Attributes:
        source: What is exported.
        options: Where to, and how.
        connection: The connection to the server.
        reporter: Is told how to resume.
        summary: The result.
        umask: The permissions that the file must not have.
    """

    source: Source
    options: ExportOptions
    connection: Connection
    reporter: Reporter
    summary: Summary
    umask: int
    _checkpoint: Checkpoint = attrs.field(init=False)
    _saved_at: float = attrs.field(default=0.0, init=False)
    _seen: SeenIds = attrs.field(factory=SeenIds, init=False)

    @property
    def target(self) -> Path:
        """The file, behind all symbolic links."""
        return Path(os.path.realpath(self.options.output))

    @property
    def _part(self) -> Path:
        return self.target.with_name(f"{self.target.name}.part")

    @property
    def _resume(self) -> Path:
        return self.target.with_name(f"{self.target.name}.resume")

    async def run(self) -> bool:
        """Export everything that is not there yet."""
        if self._is_done():
            return False
        self._refuse_to_replace()
        async with self.connection.client as client:
            user_id = None if self.connection.key is None else (await client.users.me()).id
            was_there = self._part.exists()
            with _PartFile.opened(self._part) as part:
                try:
                    self._begin(part, user_id)
                except BaseException:
                    if not was_there:
                        self._part.unlink()
                    raise
                try:
                    if not self._checkpoint.complete:
                        await self._fetch(part)
                    self._finish(part)
                finally:
                    self._remove_if_empty()
        return True

    def _is_done(self) -> bool:
        """Return whether an earlier run has come to its end, or as good as."""
        if not self.options.resume or not self.target.exists():
            return False
        checkpoint = Checkpoint.load(self._resume)
        if checkpoint is None:
            if self.options.overwrite or self._part.exists():
                return False
            self.reporter.say(
                f"{self.options.output} exists, and no unfinished export beside it: nothing is "
                "left to resume"
            )
            return True
        checkpoint.check(self._request())
        if checkpoint.made != _identity(self.target):
            return False
        self._remove_all_but_target()  # it was stopped in its last steps
        self.reporter.say(f"{self.options.output} is complete")
        return True

    def _refuse_to_replace(self) -> None:
        output, overwrite = self.options.output, self.options.overwrite
        if overwrite and not self.options.resume:
            return
        checkpoint = Checkpoint.load(self._resume) if self.options.resume else None
        if checkpoint is not None:
            checkpoint.check(self._request())
            if self.target.exists() and not (overwrite or checkpoint.replaces):
                raise _foreign_file(output)
        elif self._resume.exists():
            raise CommandError(
                f"{output}: an unfinished export exists; give --resume to continue it, or "
                "--overwrite to start again"
            )
        elif self.target.exists() and not overwrite:
            raise CommandError(f"{output} exists; give --overwrite to replace it")
        elif self._part.exists() and self._part.stat().st_size:
            raise CommandError(
                f"{self._part} exists, but not from an export; give --overwrite without --resume "
                "to replace it"
            )

    def _begin(self, part: _PartFile, user_id: int | None) -> None:
        anew = self.options.overwrite and not self.options.resume
        checkpoint = None if anew else Checkpoint.load(self._resume)
        if checkpoint is None:
            checkpoint = Checkpoint(
                request=self._request(), user_id=user_id, replaces=self.options.overwrite
            )
            # Saved before the file has content, so that a killed run's file is known as an export.
            checkpoint.save(self._resume)
            _sync_directory(self.target.parent)
        else:
            checkpoint.check(self._request())
            checkpoint.check_user(user_id)
        if part.size < checkpoint.offset:
            raise CommandError(
                f"{self._part} was truncated; --overwrite without --resume starts again"
            )
        part.cut(checkpoint.offset)
        self._checkpoint = checkpoint
        self.summary.items = checkpoint.items
        self._advise()

    async def _fetch(self, part: _PartFile) -> None:
        for row in part.rows():
            if isinstance(row.get("id"), int):
                self._seen.add(row["id"])
        next_page = start = await self._first_page_to_read()

        async def take(items: list[Model]) -> int:
            nonlocal next_page
            new = self._seen.only_new(items)
            lines = "".join(json_line(item.to_dict()) for item in new)
            clean = without_key(lines, self.connection.key)
            part.append(clean.encode("utf-8", "backslashreplace"))
            next_page += 1
            self._checkpoint = attrs.evolve(
                self._checkpoint,
                # Pages that are read again after resuming do not move the state back.
                next_page=max(next_page, self._checkpoint.next_page),
                offset=part.size,
                items=self._checkpoint.items + len(new),
            )
            self._advise()
            if time.monotonic() - self._saved_at >= _CHECKPOINT_SECONDS:
                await anyio.to_thread.run_sync(self._save, part)
            return len(new)

        quiet = self.options.quiet
        try:
            await walk(self.source, self.connection, take, self.summary, start=start, quiet=quiet)
        except BaseException:
            # On a full disk, the last checkpoint that could be written still holds.
            with suppress(OSError):
                self._save(part)
            raise
        self._checkpoint = attrs.evolve(self._checkpoint, complete=True)
        self._save(part)

    async def _first_page_to_read(self) -> int:
        """Return the page to resume with, so that rows that have moved are not missed.

        If rows were removed, others have moved to pages that were already read. So pages are
        read again, backwards, until one contains only items that were seen.
        """
        if self.source.changes is not None:
            return 1
        page, step = self._checkpoint.next_page - 1, 1
        while page > 1:
            again = await self.source.pages(self.connection.client, page)
            unseen = any(
                item.id is not None and not self._seen.holds_any([item]) for item in again.items
            )
            if again.number == page and again.items and not unseen:
                break
            page, step = max(page - step, 1), 2 * step
        return max(page, 1)

    def _save(self, part: _PartFile) -> None:
        part.sync()
        self._checkpoint.save(self._resume)
        self._saved_at = time.monotonic()

    def _finish(self, part: _PartFile) -> None:
        """Give the file its final form and its name."""
        ready = self._part
        if self.options.chosen_format is not Format.JSONL or self.options.fields is not None:
            ready = hidden_beside(self.target)
            self._convert(part, ready)
        overwrite = self.options.overwrite or self._checkpoint.replaces
        mode = 0o666 & ~self.umask
        if overwrite and self.target.exists():
            mode = stat.S_IMODE(self.target.stat().st_mode)
        # A file that has the final name is known as ours from now on.
        self._checkpoint = attrs.evolve(self._checkpoint, made=_identity(ready))
        self._checkpoint.save(self._resume)
        ready.chmod(mode)
        try:
            commit(ready, self.target, overwrite=overwrite)
        except FileExistsError:
            ready.chmod(OWNER_ONLY)
            raise _foreign_file(self.options.output) from None
        _sync_directory(self.target.parent)
        self._remove_all_but_target()

    def _convert(self, part: _PartFile, ready: Path) -> None:
        shape = self.options.chosen_shape(self.source.model)
        with new_file(ready) as file:
            if self.options.chosen_format is Format.PARQUET:
                changed = write_parquet(part.rows, shape or shape_of(self.source.model), file)
                for name in changed:
                    self.reporter.say(
                        f"warning: {name} is written as text: it contains integers beyond 64 bits"
                    )
                return
            text_format = self.options.text_format(self.source.model)
            file.write(text_format.header())
            unread = part.rows()
            while group := list(islice(unread, _ROWS_AT_ONCE)):
                file.write(text_format.encoded(group))

    def _remove_all_but_target(self) -> None:
        for path in (hidden_beside(self.target), self._part, self._resume):
            path.unlink(missing_ok=True)
        self.reporter.advice = ""

    def _remove_if_empty(self) -> None:
        if not self._resume.exists():
            self.reporter.advice = ""
        elif not self._checkpoint.items and not self._checkpoint.complete:
            self.reporter.advice = ""
            self._part.unlink(missing_ok=True)
            self._resume.unlink()

    def _request(self) -> dict[str, Any]:
        return {
            "export": self.source.things,
            "url": self.connection.url,
            "api_version": self.connection.api_version,
            **self.source.filters,
            "page_size": self.options.page_size,
            "format": self.options.chosen_format.value,
            "fields": self.options.fields,
            "all_fields": self.options.all_fields or None,
        }

    def _advise(self) -> None:
        arguments = [word for word in self.reporter.arguments if word != "--overwrite"]
        again = shlex.join(["useresponse-async", *arguments])
        resumed = again if "--resume" in arguments else f"{again} --resume"
        self.reporter.advice = (
            f"{self._checkpoint.items:,} {self.source.things} are saved; resume with: {resumed}"
        )


def _foreign_file(output: str) -> CommandError:
    return CommandError(
        f"{output} was created by another program during the export and is not replaced: move "
        "it, or continue with --resume --overwrite"
    )


def _identity(path: Path) -> list[int]:
    status = path.stat()
    return [status.st_dev, status.st_ino, status.st_size]


def _sync_directory(path: Path) -> None:
    """Make the new name of a file durable, where the system supports it."""
    if os.name != "posix":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class _PartFile:
    """Lines of JSON that only their owner can read, and only one process writes.

    Attributes:
        size: The size of its valid content, in bytes; the rest is cut off at the end.
    """

    def __init__(self, path: Path, descriptor: int) -> None:
        self.size: int = os.fstat(descriptor).st_size
        self._path = path
        self._descriptor = descriptor

    @classmethod
    @contextmanager
    def opened(cls, path: Path) -> Generator[_PartFile, None, None]:
        """Open the file, or make it, for this process alone."""
        descriptor = os.open(path, _FLAGS, OWNER_ONLY)
        try:
            if sys.platform != "win32":
                _lock(path, descriptor)
                os.fchmod(descriptor, OWNER_ONLY)
            part = cls(path, descriptor)
            try:
                yield part
            finally:
                if os.fstat(descriptor).st_size != part.size:
                    os.ftruncate(descriptor, part.size)
        finally:
            os.close(descriptor)

    def cut(self, size: int) -> None:
        """Truncate the file to ``size`` bytes."""
        os.ftruncate(self._descriptor, size)
        self.size = size

    def append(self, lines: bytes) -> None:
        """Add complete lines."""
        rest = memoryview(lines)
        while rest:
            rest = rest[os.write(self._descriptor, rest) :]
        self.size += len(lines)

    def sync(self) -> None:
        """Write everything that was added to the disk."""
        os.fsync(self._descriptor)

    def rows(self) -> Iterator[Row]:
        """Yield the items."""
        with self._path.open("rb") as file:
            for line in file:
                try:
                    row = parse(line)
                except MalformedBody:
                    row = None
                if not isinstance(row, dict):
                    raise CommandError(
                        f"{self._path} was modified; --overwrite without --resume starts again"
                    )
                yield row


def _lock(path: Path, descriptor: int) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        # The other one may have made the file's final form of it since it was opened.
        is_still_there = path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor))
    except BlockingIOError:
        is_still_there = False
    if not is_still_there:
        raise CommandError(f"another export is writing {path}")
