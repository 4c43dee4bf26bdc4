"""What do all exports have in common, whatever they export?"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import anyio
import typer

from useresponse_async.cli.export.options import ExportOptions
from useresponse_async.cli.export.shape import shape_of
from useresponse_async.cli.export.source import Source
from useresponse_async.cli.export.to_file import FileExport
from useresponse_async.cli.export.to_stream import StreamExport
from useresponse_async.cli.export.walk import Summary
from useresponse_async.cli.failures import CommandError, Failures
from useresponse_async.cli.server import ServerOptions
from useresponse_async.cli.signals import termination_like_ctrl_c

__all__ = ["run_export"]


def run_export(
    source: Source, options: ExportOptions, server: ServerOptions, context: typer.Context
) -> None:
    """Export ``source``, and say what came of it.

    Raises:
        CommandError: It cannot be done.
        UseResponseError: The server did not give a page.
        OutputClosedError: The reader has gone.
    """
    failures = context.ensure_object(Failures)
    options.check(shape_of(source.model))
    connection = server.connect(failures)
    summary = Summary(things=source.things)
    export: FileExport | StreamExport
    if options.is_stream:
        export = StreamExport(
            source=source, options=options, connection=connection, summary=summary
        )
    else:
        export = FileExport(
            source=source,
            options=options,
            connection=connection,
            summary=summary,
            failures=failures,
        )
    with termination_like_ctrl_c():
        try:
            has_run = anyio.run(export.run, backend_options=_backend_options())
        except OSError as error:
            where = error.filename or options.output
            raise CommandError(f"{where}: {error.strerror or error}") from error
    if has_run and not options.quiet:
        summary.tell(failures, "standard output" if options.output == "-" else options.output)


def _backend_options() -> dict[str, Any]:
    return {} if find_spec("uvloop") is None else {"use_uvloop": True}
