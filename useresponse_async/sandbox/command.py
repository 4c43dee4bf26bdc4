"""How is the sandbox run from a terminal, and how does it stop?"""

import argparse
import signal
import sys
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from types import FrameType
from typing import Any

from useresponse_async._config import MissingExtraError, require_extra
from useresponse_async.sandbox.options import (
    DEFAULT_API_KEY,
    EMPTY_STYLES,
    NEXT_PAGE_STYLES,
    Options,
)

# Waking up now and then lets Ctrl-C through on Windows, where a bare wait would swallow it.
_SIGNAL_CHECK_SECONDS = 0.5

_EPILOG = """\
examples:
  {prog}
  {prog} --port 8089 --users 1000 --latency 0.05 --faults 0.02
  {prog} --port 0 --capacity 8

exit codes:
  0  stopped by Ctrl-C or SIGTERM
  1  it cannot listen there, or the extra `sandbox` is not installed
  2  wrong usage
"""


def run(options: Options) -> None:
    """Serve until SIGINT or SIGTERM; print the address and the keys once connections are taken.

    To be called from the main thread, because signals reach no other.

    Raises:
        MissingExtraError: the `sandbox` extra is not installed.
        OSError: the address cannot be listened on.
    """
    require_extra("sandbox")
    from useresponse_async.sandbox.server import Sandbox  # noqa: PLC0415 - needs the extra that was just checked

    with _stop_signals() as stop, Sandbox.from_options(options) as sandbox:
        sys.stdout.write(f"UseResponse sandbox on {sandbox.url}\n")
        sys.stdout.writelines(f"{role} key: {key}\n" for role, key in sandbox.keys.items())
        sys.stdout.flush()
        while not stop.wait(_SIGNAL_CHECK_SECONDS) and sandbox.is_running:
            pass


def main(
    arguments: Sequence[str] | None = None, *, prog: str = "python -m useresponse_async.sandbox"
) -> int:
    """Read the options, run, and turn what goes wrong into one line and an exit code."""
    parser = _parser(prog)
    parsed = parser.parse_args(arguments)
    try:
        options = Options(**vars(parsed))
    except ValueError as error:
        parser.error(str(error))
    try:
        run(options)
    except MissingExtraError as error:
        return _complain(str(error))
    except OSError as error:
        return _complain(f"cannot listen on {options.host}:{options.port}: {error}")
    return 0


def _complain(message: str) -> int:
    sys.stderr.write(f"error: {message}\n")
    return 1


@contextmanager
def _stop_signals() -> Generator[threading.Event]:
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    pass


def _parser(prog: str) -> argparse.ArgumentParser:
    defaults = {field.name: field.default for field in fields(Options)}
    parser = argparse.ArgumentParser(
        prog=prog,
        description="A UseResponse API in one process, for demos, tests and benchmarks.",
        epilog=_EPILOG.format(prog=prog),
        formatter_class=_HelpFormatter,
    )
    add = parser.add_argument
    add("--host", default=defaults["host"], help="address to listen on")
    add("--port", type=int, default=8089, help="port to listen on, 0 for a free one")
    add("--users", type=int, default=defaults["users"], help="users that exist at the start")
    add("--tickets", type=int, default=200, help="tickets that exist at the start")
    add("--topics", type=int, default=60, help="topics that exist at the start")
    add("--articles", type=int, default=20, help="articles that exist at the start")
    add("--comments", type=int, default=600, help="comments that exist at the start")
    add("--chats", type=int, default=30, help="chats that exist at the start")
    add("--api-key", default=DEFAULT_API_KEY, help="the administrator's key")
    add("--seed", type=int, default=defaults["seed"], help="decides what exists and what fails")
    add("--latency", type=float, default=0.0, help="seconds before every answer")
    add("--faults", type=float, default=0.0, help="share of requests that fail, 0 to 1")
    add("--capacity", type=int, help="requests served at once, those beyond are refused")
    add("--root-path", default="", help="sub-path of the API, such as /support")
    add("--empty", choices=EMPTY_STYLES, default="204", help="how a page without rows answers")
    add("--next-page", choices=NEXT_PAGE_STYLES, default="null", help="nextPage on the last page")
    off: dict[str, Any] = {"action": "store_false", "default": argparse.SUPPRESS}
    add("--api-off", dest="api_enabled", help="answer 503 to everything", **off)
    add("--no-guests", dest="guests", help="refuse calls without a key", **off)
    # A long benchmark would fill the memory with its own requests.
    parser.set_defaults(record=False)
    return parser
