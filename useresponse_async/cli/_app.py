"""The commands and their common options."""

from __future__ import annotations

import signal
import sys
from typing import Annotated, Final

import typer

from useresponse_async._config import __version__
from useresponse_async._startup import end_at_once, give_up
from useresponse_async.cli import _export, _sandbox
from useresponse_async.cli._call import call
from useresponse_async.cli._demo import demo
from useresponse_async.cli._errors import (
    EXIT_CODES,
    INTERRUPTED,
    READER_GONE,
    CommandError,
    OutputClosedError,
    Reporter,
)
from useresponse_async.cli._key import EPILOG
from useresponse_async.cli._output import say
from useresponse_async.cli._signals import is_of_interrupt
from useresponse_async.cli._whoami import whoami

_PROGRAM: Final = "useresponse-async"

# Without rich's boxes a help text is the same for every version of typer, and can be searched.
# typer's tracebacks would show local variables, and so the keys.
app: Final[typer.Typer] = typer.Typer(
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    epilog=f"{EPILOG}\n\nNO_COLOR=1 disables colors.",
    context_settings={"help_option_names": ["--help", "-h"]},
)
app.add_typer(_export.app, name="export")
app.command(epilog=EPILOG)(call)
app.command(epilog=EPILOG)(whoami)
app.command(epilog=EXIT_CODES)(demo)
app.command(add_help_option=False, context_settings=_sandbox.UNPARSED)(_sandbox.sandbox)


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        say(f"{_PROGRAM} {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def common(
    context: typer.Context,
    *,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show a traceback if the command fails.")
    ] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Work with the UseResponse REST API from a terminal.

    \b
    Examples:
      useresponse-async whoami
      useresponse-async export users -o users.jsonl
      useresponse-async export tickets --status opened -o tickets.csv
      useresponse-async call GET /me.json
      useresponse-async demo --users 5000 --faults 0.1
      useresponse-async sandbox --port 8089 --users 1000
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    context.ensure_object(Reporter).debug = debug
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def run() -> int:
    """Run a command; a failure becomes one line on standard error and an exit code."""
    reporter = Reporter(arguments=sys.argv[1:])
    try:
        # From now on Ctrl-C raises an exception, unless it is ignored.
        if signal.getsignal(signal.SIGINT) is end_at_once:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        code = _called(reporter)
    except OutputClosedError:
        return READER_GONE
    except (typer.Abort, KeyboardInterrupt):
        # Raised by older versions of typer for Ctrl-C, or by a second Ctrl-C; newer versions
        # return its exit code.
        code = INTERRUPTED
    except OSError as error:
        if error.filename is not None:
            return reporter.report(error)
        give_up(sys.stdout.fileno())
        return reporter.report(CommandError(f"standard output: {error.strerror or error}"))
    except Exception as error:  # noqa: BLE001 - nothing above could report it
        if not is_of_interrupt(error):
            return reporter.report(error)
        code = INTERRUPTED
    if not isinstance(code, int):
        return 0
    if code:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        reporter.interrupted(code)
    return code


def _called(reporter: Reporter) -> object:
    try:
        return app(prog_name=_PROGRAM, obj=reporter, standalone_mode=False)
    except SystemExit as ending:  # typer's own, if the reader of a help text is gone
        if isinstance(ending.__context__, BrokenPipeError):
            raise OutputClosedError from None
        raise
