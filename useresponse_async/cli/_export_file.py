"""Exports to a file, which can be stopped at any moment and resumed."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import sys
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final

import attrs

from useresponse_async._client import AsyncClient
from useresponse_async._decode import MalformedBody, is_object, parse
from useresponse_async._drift import SeenIds
from useresponse_async._files import commit
from useresponse_async.cli._errors import CommandError, MisuseError, Reporter
from useresponse_async.cli._export_run import ExportOptions, Format, Source, Summary, walk
from useresponse_async.cli._formats import Row, json_line, shape_of, utf8, write_parquet
from useresponse_async.cli._key import without_key
from useresponse_async.cli._options import Connection
from useresponse_async.cli._output import write_all
from useresponse_async.models._wire import Model

if sys.platform != "win32":
    import fcntl

_OWNER_ONLY: Final = 0o600
_START_AGAIN: Final = "--overwrite without --resume starts again"
_ROWS_AT_ONCE: Final = 1000


@attrs.frozen(kw_only=True)
class Checkpoint:
    """The definition of an unfinished export, saved in its resume file.

    Attributes:
        request: The options that define the export, without the API key, and the user's id.
        replaces: Whether the export may replace a file under its final name.
    """

    request: dict[str, Any]
    replaces: bool

    @classmethod
    def load(cls, path: Path) -> Checkpoint | None:
        """Return the content of the resume file; ``None`` if it does not exist."""
        try:
            content: Any = json.loads(path.read_bytes())
        except FileNotFoundError:
            return None
        except (ValueError, RecursionError):
            content = None
        match content:
            case {"version": 3, "request": dict(), "replaces": bool()}:
                return cls(request=content["request"], replaces=content["replaces"])
            case {"version": 1 | 2, "asker": str()}:
                problem = "was written by useresponse-async 0.1, and this version cannot resume it"
            case _:
                problem = "is not a resume file of this version"
        raise CommandError(f"{path} {problem}; {_START_AGAIN}")

    def save(self, path: Path) -> None:
        """Write the resume file in one step."""
        with _new_file(_hidden_beside(path)) as file:
            file.write(json.dumps({"version": 3, **attrs.asdict(self)}).encode())
        _hidden_beside(path).replace(path)

    def check(self, request: dict[str, Any]) -> None:
        """Raise an error if the options, or the user, define another export."""
        for name, value in request.items():
            before, now = (
                "not set" if it is None else json.dumps(it, ensure_ascii=False)
                for it in (self.request.get(name), value)
            )
            if before != now:
                raise MisuseError(
                    f"--resume needs the user and the options of the original export: {name} was "
                    f"{before}, now it is {now}; {_START_AGAIN}"
                )


class FileExport:
    """An export to a file, and the files beside it until it is complete.

    - ``FILE.part``: the items so far, as JSON Lines in every format, written by one process at a
      time. They are all that a resumed export has to know about its progress.
    - ``FILE.resume``: the checkpoint. It exists before the part file has content, and until
      ``FILE`` is complete.
    - ``FILE``: named in one step when all items are there, so that it is always complete.
    """

    def __init__(
        self, source: Source, options: ExportOptions, connection: Connection, reporter: Reporter
    ) -> None:
        self._source = source
        self._options = options
        self._connection = connection
        self._reporter = reporter
        self._target = Path(os.path.realpath(options.output))  # behind all symbolic links
        self._part = self._target.with_name(f"{self._target.name}.part")
        self._resume = self._target.with_name(f"{self._target.name}.resume")
        self._converted = _hidden_beside(self._target)
        self._items = 0
        self._seen = SeenIds()
        self._names = {field.name for field in shape_of(source.model)}

    async def run(self) -> Summary | None:
        """Export everything that is not there yet; return ``None`` if nothing is left."""
        options = self._options
        with _locked(self._part) as descriptor:
            links = [path for path in (self._part, self._converted) if path.exists()]
            if self._target.exists() and any(path.samefile(self._target) for path in links):
                # A run was killed between naming the file and removing the others.
                self._remove_all_but_target()
                return await self.run()
            checkpoint = None
            if options.resume or not options.overwrite:
                checkpoint = Checkpoint.load(self._resume)
                if not self._is_left(checkpoint):
                    return None
            async with self._connection.client as client:
                is_guest = self._connection.key is None
                user = {"user": "guest" if is_guest else (await client.users.me()).id}
                if checkpoint is None:
                    os.ftruncate(descriptor, 0)
                    request = self._request() | user
                    checkpoint = Checkpoint(request=request, replaces=options.overwrite)
                    checkpoint.save(self._resume)
                checkpoint.check(user)
                os.fchmod(descriptor, _OWNER_ONLY)
                self._read_part(descriptor)
                # Set before anything can fail: nothing has to run after a second Ctrl-C.
                self._reporter.advice = self._advice
                try:
                    summary = await self._fetch(client, descriptor)
                    self._finish(overwrite=options.overwrite or checkpoint.replaces)
                except BaseException:
                    if not self._items:
                        self._resume.unlink(missing_ok=True)
                    raise
                return summary

    def _request(self) -> dict[str, Any]:
        """Return the options that a resumed export must have too."""
        return {
            "export": self._source.things,
            "url": self._connection.url,
            "api_version": self._connection.api_version,
            **self._source.filters,
            "page_size": self._options.page_size,
            "format": self._options.chosen_format.value,
            "fields": self._options.fields,
            "all_fields": self._options.all_fields or None,
        }

    def _is_left(self, checkpoint: Checkpoint | None) -> bool:
        """Return whether there is something to export; reject what would replace other files."""
        output, overwrite = self._options.output, self._options.overwrite
        exists = self._target.exists()
        if checkpoint is not None:
            if not self._options.resume:
                raise CommandError(
                    f"{output}: an unfinished export exists; pass --resume to continue it, or "
                    "--overwrite to start again"
                )
            checkpoint.check(self._request())
            if exists and not (overwrite or checkpoint.replaces):
                raise self._foreign_file()
        elif exists and not overwrite:
            if not self._options.resume:
                raise CommandError(f"{output} already exists; pass --overwrite to replace it")
            self._reporter.say(
                f"{output} exists, and no unfinished export beside it: nothing is left to resume"
            )
            return False
        elif self._part.stat().st_size:
            raise CommandError(
                f"{self._part} exists, but is not from an export; pass --overwrite without "
                "--resume to replace it"
            )
        return True

    def _read_part(self, descriptor: int) -> None:
        """Note what earlier runs have written."""
        for row in self._rows():
            self._items += 1
            if isinstance(row.get("id"), int):
                self._seen.add([row["id"]])
        # A process that was killed, or a full disk, can leave the beginning of a line.
        with self._part.open("rb") as file:
            os.ftruncate(descriptor, sum(len(line) for line in file if line.endswith(b"\n")))

    def _rows(self) -> Iterator[Row]:
        """Yield the items in the part file."""
        with self._part.open("rb") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    return
                try:
                    row = parse(line)
                except MalformedBody:
                    row = None
                if not is_object(row) or not self._names.issubset(row):
                    raise CommandError(f"{self._part} was modified; {_START_AGAIN}")
                yield row

    async def _fetch(self, client: AsyncClient, descriptor: int) -> Summary:
        """Append what is missing to the part file."""

        async def take(items: Sequence[Model]) -> int:
            new = self._seen.only_new(items)
            lines = "".join(json_line(item.to_dict()) for item in new)
            write_all(descriptor, utf8(without_key(lines, self._connection.key)))
            self._items += len(new)
            return len(new)

        start, done = await self._first_page_to_read(client), self._items
        summary = await walk(
            self._source, self._connection, take, start=start, done=done, quiet=self._options.quiet
        )
        os.fsync(descriptor)
        return summary

    async def _first_page_to_read(self, client: AsyncClient) -> int:
        """Return the page to resume with, so that rows that have moved are not missed.

        If rows were removed, others have moved to pages that were already read. So pages are
        read again, backwards, until one contains only items that were seen.
        """
        if self._source.changes is not None or not self._items:
            return 1
        first = await self._source.pages(client, 1)  # the server may ignore --page-size
        page, step = self._items // first.size, 1
        while page > 1:
            again = await self._source.pages(client, page)
            unseen = any(
                item.id is not None and not self._seen.holds_any([item]) for item in again.items
            )
            if again.number == page and again.items and not unseen:
                break
            page, step = max(page - step, 1), 2 * step
        return max(page, 1)

    def _finish(self, *, overwrite: bool) -> None:
        """Give the file its final form, its mode and its name."""
        ready = self._part
        if self._options.chosen_format is not Format.JSONL or self._options.fields is not None:
            ready = self._converted
            self._convert()
        os.umask(umask := os.umask(0o077))  # setting it is the only way to read it
        ready.chmod(0o666 & ~umask)
        if overwrite and self._target.exists():
            shutil.copymode(self._target, ready)
        try:
            commit(ready, self._target, overwrite=overwrite)
        except FileExistsError:
            ready.chmod(_OWNER_ONLY)
            raise self._foreign_file() from None
        self._remove_all_but_target()

    def _convert(self) -> None:
        """Write the items in the part file in the format of the export."""
        with _new_file(self._converted) as file:
            if self._options.chosen_format is Format.PARQUET:
                model = self._source.model
                shape = self._options.chosen_shape(model) or shape_of(model)
                for name in write_parquet(self._rows, shape, file):
                    self._reporter.say(
                        f"warning: {name} is written as text: it contains integers beyond 64 bits"
                    )
                return
            text_format = self._options.text_format(self._source.model)
            file.write(text_format.header())
            unread = self._rows()
            while group := list(islice(unread, _ROWS_AT_ONCE)):
                file.write(text_format.encoded(group))

    def _remove_all_but_target(self) -> None:
        # What can be a link to the target shows that the export is complete, so it comes last.
        for path in (self._resume, self._part, self._converted):
            path.unlink(missing_ok=True)

    def _advice(self) -> str:
        """Return how to resume, if there is something to resume."""
        if not self._items or not self._resume.exists():
            return ""
        arguments = [word for word in self._reporter.arguments if word != "--overwrite"]
        again = ["useresponse-async", *arguments, "--resume"]
        if "--resume" in arguments:
            again.pop()
        return f"{self._items:,} {self._source.things} are saved; resume with: {shlex.join(again)}"

    def _foreign_file(self) -> CommandError:
        return CommandError(
            f"{self._options.output} was created by another program during the export and is not "
            "replaced: move it, or continue with --resume --overwrite"
        )


def _hidden_beside(path: Path) -> Path:
    """Return the temporary name of ``path``.

    It is always the same, so that a run removes the file of a killed one, and other programs do
    not use it.
    """
    return path.with_name(f".{path.name}.useresponse-async")


@contextmanager
def _new_file(path: Path) -> Generator[BinaryIO, None, None]:
    """Create a file readable only by its owner, and sync it to disk when the block ends."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            os.fchmod(descriptor, _OWNER_ONLY)  # the umask may have taken that from us too
            yield file
            file.flush()
            os.fsync(descriptor)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


@contextmanager
def _locked(path: Path) -> Generator[int, None, None]:
    """Open a file for this process alone, or create it; remove it in the end if it is empty."""
    if sys.platform == "win32":
        raise CommandError("exports to files need Linux or macOS; use -o - and redirect it")
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, _OWNER_ONLY)

    def is_at_path() -> bool:
        return path.exists() and os.path.samestat(path.stat(), os.fstat(descriptor))

    is_ours = False
    try:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # The other process may have renamed it since it was opened.
            is_ours = is_at_path()
        if not is_ours:
            raise CommandError(f"another export is writing {path}")
        yield descriptor
    finally:
        if is_ours and is_at_path() and not os.fstat(descriptor).st_size:
            path.unlink()
        os.close(descriptor)
