"""The sandbox as a command."""

import argparse
import shlex
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from types import FrameType
from typing import Any, NoReturn, TextIO

from useresponse_async._config import MissingExtraError, require_extra
from useresponse_async._startup import give_up
from useresponse_async.sandbox._options import (
    DEFAULT_API_KEY,
    EMPTY_STYLES,
    NEXT_PAGE_STYLES,
    Options,
)

# On Windows a wait without a timeout would swallow Ctrl-C.
_SIGNAL_CHECK_SECONDS = 0.5

_READER_GONE = 141  # as in shells after SIGPIPE

_EPILOG = """\
examples:
  {prog}
  {prog} --port 8089 --users 1000 --latency 0.05 --faults 0.02
  {prog} --port 0 --capacity 8 --access-log

exit codes:
  0    stopped by Ctrl-C or SIGTERM
  1    cannot listen on the address or write the output, or the extra `sandbox` is not installed
  2    wrong usage
  141  broken pipe: the reader of standard output has closed it
"""


def run(options: Options) -> None:
    """Serve until SIGINT or SIGTERM; print the address and the keys when the server is ready.

    Call it from the main thread, the only one that can handle signals.

    Raises:
        MissingExtraError: The `sandbox` extra is not installed.
        OSError: The server cannot listen on the address.
    """
    require_extra("sandbox")
    from useresponse_async.sandbox._server import Sandbox  # noqa: PLC0415 - needs the extra

    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    with ExitStack() as stack:
        for number in (signal.SIGINT, signal.SIGTERM):
            stack.callback(signal.signal, number, signal.signal(number, on_signal))
        try:
            sandbox = stack.enter_context(Sandbox.from_options(options))
        except OSError as error:
            place = f"{options.host}:{options.port}"
            raise OSError(error.errno, f"cannot listen on {place}: {error}") from error
        sys.stdout.write(f"UseResponse sandbox on {sandbox.url}\n")
        sys.stdout.writelines(f"{role} key: {key}\n" for role, key in sandbox.keys.items())
        url, key = shlex.quote(sandbox.url), shlex.quote(sandbox.api_key)
        sys.stdout.write(f"export USERESPONSE_URL={url} USERESPONSE_API_KEY={key}\n")
        sys.stdout.flush()
        while not stop.wait(_SIGNAL_CHECK_SECONDS) and sandbox.is_running:
            pass


def main(
    arguments: Sequence[str] | None = None, *, prog: str = "python -m useresponse_async.sandbox"
) -> int:
    """Run the command with these arguments; return its exit code."""
    try:
        return _main(arguments, prog)
    finally:
        _flush(sys.stdout)
        _flush(sys.stderr)


def _flush(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        give_up(stream.fileno())


def _main(arguments: Sequence[str] | None, prog: str) -> int:
    parser = _parser(prog)
    parsed = parser.parse_args(arguments)
    try:
        options = Options(**vars(parsed))
    except ValueError as error:
        parser.error(str(error))
    try:
        run(options)
    except BrokenPipeError:
        return _READER_GONE
    except (MissingExtraError, OSError) as error:
        with suppress(OSError):
            sys.stderr.write(f"error: {getattr(error, 'strerror', error)}\n")
        return 1
    return 0


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.exit(2, f"error: {message} (--help lists the options)\n")

    def _print_message(self, message: str, file: Any = None) -> None:
        with suppress(OSError):  # as newer versions of Python do
            super()._print_message(message, file)


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter, argparse.RawDescriptionHelpFormatter):
    pass


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = _Parser(
        prog=prog,
        description="Run a local UseResponse server for tests and demos.",
        epilog=_EPILOG.format(prog=prog),
        formatter_class=_HelpFormatter,
    )
    add = parser.add_argument
    add("--host", default="127.0.0.1", help="address to listen on")
    add("--port", type=int, default=8089, help="port to listen on, 0 for a free one")
    add("--users", type=int, default=100, help="initial number of users")
    add("--tickets", type=int, default=200, help="initial number of tickets")
    add("--topics", type=int, default=60, help="initial number of topics")
    add("--articles", type=int, default=20, help="initial number of articles")
    add("--comments", type=int, default=600, help="initial number of comments")
    add("--chats", type=int, default=30, help="initial number of chats")
    add("--api-key", default=DEFAULT_API_KEY, help="API key of the sandbox's administrator")
    add("--seed", type=int, default=1, help="seed for the random data and failures")
    add("--latency", type=float, default=0.0, help="delay before every response, in seconds")
    add("--faults", type=float, default=0.0, help="fraction of requests that fail, 0 to 1")
    unset: dict[str, Any] = {"default": argparse.SUPPRESS}
    capacity = "maximum number of concurrent requests (default: no limit)"
    add("--capacity", type=int, help=capacity, **unset)
    add("--root-path", help="path prefix of the API, such as /support (default: none)", **unset)
    empty = "response to a page beyond the last: status 204, an empty list, or the last page again"
    add("--empty", choices=EMPTY_STYLES, default="204", help=empty)
    next_page = "nextPage on the last page: null, left out, or the number of that page"
    add("--next-page", choices=NEXT_PAGE_STYLES, default="null", help=next_page)
    off: dict[str, Any] = {"action": "store_false", **unset}
    add("--api-off", dest="api_enabled", help="respond to every request with 503", **off)
    add("--no-guests", dest="guests", help="respond to requests without a key with 401", **off)
    log = "log every request to standard error"
    add("--access-log", action="store_true", help=log, **unset)
    # A long benchmark would fill the memory with its own requests.
    parser.set_defaults(record=False)
    return parser
