"""A watch for the key in log records and in the text of errors."""

import logging
from collections.abc import Callable
from contextlib import suppress
from traceback import TracebackException

import httpx

# Where a loop logs what was never awaited, and the package a hook that failed.
_COMPLAINERS = ("asyncio", "useresponse_async.hooks")


class Watch(logging.Handler):
    """Looks at every record and every error for the key.

    Args:
        mark: A part of the key that is spelled the same everywhere.
        report: Is told what is wrong.
    """

    def __init__(self, mark: str, report: Callable[[str], None]) -> None:
        super().__init__()
        self.records = 0
        self.texts = 0
        self._mark = mark
        self._report = report

    def emit(self, record: logging.LogRecord) -> None:
        self.records += 1
        text = f"{record.getMessage()} {vars(record)}"
        if record.exc_info:
            text += self.written(record)
        if self._mark in text:
            self._report(f"a record of {record.name} holds the key")
        if record.name in _COMPLAINERS and record.levelno >= logging.ERROR:
            self._report(f"{record.name} complains: {self.written(record)}")

    def written(self, record: logging.LogRecord) -> str:
        """Return a record as it would be written, its traceback included."""
        return logging.Formatter().format(record)

    def look_at_error(self, error: BaseException) -> None:
        """Look at an error as a tool would show it that shows every frame's variables."""
        shown = TracebackException.from_exception(error, capture_locals=True)
        self._look(f"{error!r} {''.join(shown.format())}", type(error).__name__)

    def look_at_request(self, request: httpx.Request) -> None:
        """Look at a request that a hook received."""
        self._look(f"{request!r} {request.url} {request.headers.raw}", "a request in a hook")

    def look_at_response(self, response: httpx.Response) -> None:
        """Look at a response that a hook received, or that was captured."""
        self._look(f"{response!r} {response.headers.raw}", "a response")
        self.look_at_request(response.request)

    def look_at_body(self, response: httpx.Response) -> None:
        """Look at the body of a response that a hook received."""
        with suppress(httpx.ResponseNotRead):  # a download's
            self._look(repr(response.content), "a response's body")

    def _look(self, text: str, what: str) -> None:
        self.texts += 1
        if self._mark in text:
            self._report(f"{what} holds the key")
