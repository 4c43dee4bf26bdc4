"""A watch for the key in log records and in the text of errors."""

import logging
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from traceback import TracebackException

import httpx

# Where a loop logs what was never awaited, and the package a hook that failed.
_COMPLAINERS = ("asyncio", "useresponse_async.hooks")


class Watch(logging.Handler):
    """Looks for the key, by a part of it that is spelled the same everywhere."""

    def __init__(self, mark: str, report: Callable[[str], None], searched: Counter[str]) -> None:
        super().__init__()
        self._mark = mark
        self._report = report
        self._searched = searched

    def emit(self, record: logging.LogRecord) -> None:
        complains = record.name in _COMPLAINERS and record.levelno >= logging.ERROR
        # The traceback is included; without one there is little to format.
        written = logging.Formatter().format(record) if complains or record.exc_info else ""
        if complains:
            self._report(f"{record.name} complains: {written}")
        text = f"{record.getMessage()} {vars(record)} {written}"
        self._look(text, f"a record of {record.name}", "log records searched")

    def look_at_error(self, error: BaseException) -> None:
        """Look at an error as a tool would show it that shows every frame's variables."""
        shown = TracebackException.from_exception(error, capture_locals=True)
        self._look(f"{error!r} {''.join(shown.format())}", type(error).__name__)

    def look_at_request(self, request: httpx.Request) -> None:
        self._look(f"{request!r} {request.url} {request.headers.raw}", "a request in a hook")

    def look_at_response(self, response: httpx.Response) -> None:
        """Look at a response that a hook received, or that was captured, and at its request."""
        self._look(f"{response!r} {response.headers.raw}", "a response")
        with suppress(httpx.ResponseNotRead):  # a download's
            self._look(repr(response.content), "a response's body")
        self.look_at_request(response.request)

    def _look(self, text: str, what: str, kind: str = "other texts searched") -> None:
        self._searched[kind] += 1
        if self._mark in text:
            self._report(f"{what} holds the key")
