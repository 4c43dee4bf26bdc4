"""What does the user read when a command fails, and with which exit code does it end?"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Final, Protocol, runtime_checkable

import attrs

from useresponse_async.errors import UseResponseError
from useresponse_async.extras import MissingExtraError
from useresponse_async.secret import Secret

__all__ = ["FAILED", "INTERRUPTED", "CommandError", "Failures"]

FAILED: Final = 1
INTERRUPTED: Final = 130


class CommandError(Exception):
    """A command cannot do what was asked; the message is all that the user needs to know."""


@runtime_checkable
class _UsageError(Protocol):
    # Newer versions of typer bring their own copy of click, so its class has no one address.
    exit_code: int

    def format_message(self) -> str: ...


@attrs.define
class Failures:
    """Tells the user of failures.

    Attributes:
        debug: Whether the traceback is shown.
    """

    debug: bool = False

    def report(self, error: Exception) -> int:
        """Say in one line what went wrong, and return the exit code."""
        if self.debug:
            self.say("".join(traceback.format_exception(error)).rstrip())
        if isinstance(error, _UsageError):
            self.say(f"error: {_one_line(error.format_message())} (--help lists the options)")
            return error.exit_code
        if isinstance(error, CommandError | MissingExtraError | UseResponseError):
            self.say(f"error: {_one_line(str(error))}")
        else:
            problem = _one_line(f"{type(error).__name__}: {error}")
            hint = "" if self.debug else " (useresponse-async --debug … shows where)"
            self.say(f"error: unexpected {problem}{hint}")
        return FAILED

    def say(self, text: str) -> None:
        """Write a line to stderr, without the key that the environment holds."""
        key = Secret(os.environ.get("USERESPONSE_API_KEY", ""))
        sys.stderr.write(key.redact(text) + "\n")


def _one_line(text: str) -> str:
    return " ".join(text.split())
