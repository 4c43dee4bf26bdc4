"""How does an export get into a pipe? As it comes."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

import attrs

from useresponse_async.cli.export.options import ExportOptions
from useresponse_async.cli.export.shape import shape_of
from useresponse_async.cli.export.source import Source
from useresponse_async.cli.export.walk import Summary, walk
from useresponse_async.cli.key import without_key
from useresponse_async.cli.output import write_when_taken
from useresponse_async.cli.server import Connection
from useresponse_async.models._wire import Model

__all__ = ["StreamExport"]


@attrs.frozen(kw_only=True)
class StreamExport:
    """An export into standard output, a pipe or a device.

    Attributes:
        source: What is exported.
        options: Where to, and how.
        connection: How to reach the server.
        summary: What came of it.
    """

    source: Source
    options: ExportOptions
    connection: Connection
    summary: Summary

    async def run(self) -> bool:
        """Export everything.

        Returns:
            Whether there was anything to do: always.

        Raises:
            OutputClosedError: The reader has gone.
            UseResponseError: A page could not be had.
            OSError: It cannot be written.
        """
        text_format = self.options.text_format(shape_of(self.source.model))
        with self._opened() as descriptor:
            await write_when_taken(descriptor, text_format.header())

            async def take(items: list[Model]) -> int:
                rows = text_format.encoded(item.to_dict() for item in items)
                clean = without_key(rows.decode(), self.connection.key).encode()
                await write_when_taken(descriptor, clean)
                return len(items)

            async with self.connection.client:
                await walk(
                    self.source,
                    self.connection,
                    take,
                    self.summary,
                    start=1,
                    # On the same terminal, rows and a bar would run through each other.
                    quiet=self.options.quiet or os.isatty(descriptor),
                )
        return True

    @contextmanager
    def _opened(self) -> Generator[int, None, None]:
        if self.options.output == "-":
            sys.stdout.flush()
            yield sys.stdout.fileno()
            return
        descriptor = os.open(self.options.output, os.O_WRONLY)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
