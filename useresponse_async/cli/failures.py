"""What does the user read when a command fails, and with which exit code does it end?"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Final, Protocol, runtime_checkable

import attrs

from useresponse_async._config import MissingExtraError
from useresponse_async._exceptions import ArgumentError, UseResponseError
from useresponse_async._secret import Secret

__all__ = [
    "FAILED",
    "INTERRUPTED",
    "MISUSED",
    "NOBODY_READS",
    "CommandError",
    "Failures",
    "MisuseError",
    "one_line",
]

FAILED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130
NOBODY_READS: Final = 141  # as shells name an end by SIGPIPE

_NEVER_AN_ARGUMENT: Final = (
    "the API key is never an argument, which process lists and the shell's history would show: "
    "set USERESPONSE_API_KEY or give --api-key-file FILE; take the one just typed out of the "
    "history"
)


class CommandError(Exception):
    """A command cannot do what was asked; the message is all that the user needs to know."""

    exit_code: int = FAILED


class MisuseError(CommandError):
    """What was asked for makes no sense."""

    exit_code = MISUSED


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
        arguments: What was typed after the program's name.
        secrets: The keys in use, which nothing that is said may show.
        advice: How to go on after the command that runs now has failed or was interrupted.
    """

    debug: bool = False
    arguments: list[str] = attrs.field(factory=list[str])
    secrets: list[Secret] = attrs.field(factory=list[Secret])
    advice: str = ""

    def report(self, error: Exception) -> int:
        """Say in one line what went wrong, and return the exit code."""
        if self.debug:
            self.say("".join(traceback.format_exception(error)).rstrip())
        problem, code = self._problem(error)
        self.say(f"error: {problem}{self._in_parentheses()}")
        return code

    def interrupted(self, code: int) -> None:
        """Say that the command ended by a signal, and how to go on."""
        if code == INTERRUPTED:
            self.say(f"interrupted{self._in_parentheses()}")
        elif self.advice:
            self.say(f"stopped{self._in_parentheses()}")

    def say(self, text: str) -> None:
        """Write a line to stderr, without the keys in use and that in the environment."""
        for key in (*self.secrets, Secret(os.environ.get("USERESPONSE_API_KEY", ""))):
            text = key.redact(text)
        sys.stderr.write(text + "\n")

    def _problem(self, error: Exception) -> tuple[str, int]:
        if isinstance(error, CommandError):
            return one_line(str(error)), error.exit_code
        if isinstance(error, _UsageError):
            if "api" in _option_of(error) and "key" in _option_of(error):
                return _NEVER_AN_ARGUMENT, error.exit_code
            return f"{one_line(error.format_message())} (--help lists the options)", error.exit_code
        if isinstance(error, MissingExtraError | UseResponseError):
            code = MISUSED if isinstance(error, ArgumentError) else FAILED
            return one_line(str(error)), code
        hint = "" if self.debug else " (useresponse-async --debug … shows where)"
        return f"unexpected {one_line(f'{type(error).__name__}: {error}')}{hint}", FAILED

    def _in_parentheses(self) -> str:
        return f" ({self.advice})" if self.advice else ""


def one_line(text: str) -> str:
    """Return ``text`` on one line; what would steer a terminal is spelled out."""
    words = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)


def _option_of(error: _UsageError) -> str:
    return str(getattr(error, "option_name", "")).lower()
