"""Errors and exit codes of the command line, and its messages on standard error."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from typing import Any, Final

import attrs

from useresponse_async._config import MissingExtraError
from useresponse_async._exceptions import ArgumentError, ConfigurationError, UseResponseError
from useresponse_async._secret import Secret
from useresponse_async._startup import give_up

FAILED: Final = 1
MISUSED: Final = 2
INTERRUPTED: Final = 130
READER_GONE: Final = 141  # as in shells after SIGPIPE

EXIT_CODES: Final = """\b
Exit codes:
  0    done
  1    failed; one line on standard error says why
  2    wrong usage
  130  interrupted by Ctrl-C (143 by SIGTERM, 129 by SIGHUP)
  141  broken pipe: the reader has closed it (SIGPIPE)"""

_NAMES_OF_SETTINGS: Final = {
    "base_url": "--url",
    "api_key": "the API key",
    "api_version": "--api-version",
    "timeout": "--timeout",
}

_NEVER_AN_ARGUMENT: Final = (
    "the API key cannot be an argument, because process lists and the shell's history show it: "
    "set USERESPONSE_API_KEY or pass --api-key-file FILE, and remove this command from the "
    "history"
)


class CommandError(Exception):
    """The command failed; the message is complete."""

    exit_code: int = FAILED


class MisuseError(CommandError):
    """Wrong usage of the command."""

    exit_code = MISUSED


class OutputClosedError(Exception):
    """The reader has closed the output, which is not an error."""


@attrs.define
class Reporter:
    """Writes to standard error.

    Attributes:
        debug: Show tracebacks.
        arguments: The arguments of the program.
        secrets: The keys in use, which are redacted.
        wording: The command line's terms for the client's, e.g. ``--url`` for ``base_url``.
        advice: Returns how to resume the running command after it failed or was interrupted.
    """

    debug: bool = False
    arguments: list[str] = attrs.field(factory=list[str])
    secrets: list[Secret] = attrs.field(factory=list[Secret])
    wording: dict[str, str] = attrs.field(factory=dict[str, str])
    advice: Callable[[], str] = str

    def report(self, error: Exception) -> int:
        """Write one line that says what failed; return the exit code."""
        if self.debug:
            self.say("".join(traceback.format_exception(error)).rstrip())
        problem, code = self._problem(error)
        self.say(f"error: {problem}{self._advice()}")
        return code

    def interrupted(self, code: int) -> None:
        """Say that a signal ended the command, and how to resume it."""
        advice = self._advice()
        if code == INTERRUPTED or advice:
            self.say(("interrupted" if code == INTERRUPTED else "stopped") + advice)

    def say(self, text: str) -> None:
        """Write a line, without the keys in use and the one in the environment."""
        for key in (*self.secrets, Secret(os.environ.get("USERESPONSE_API_KEY", "").strip())):
            text = key.redact(text)
        try:
            sys.stderr.write(text + "\n")
        except OSError:
            give_up(sys.stderr.fileno())

    def reworded(self, text: str) -> str:
        """Return a message of the client in the terms of the command line."""
        for term, ours in self.wording.items():
            text = text.replace(term, ours)
        return text

    def _problem(self, error: Exception) -> tuple[str, int]:
        if isinstance(error, CommandError):
            return one_line(str(error)), error.exit_code
        # Newer versions of typer bring their own copy of click, so its errors have no one class.
        usage: Any = getattr(error, "format_message", None)
        if usage is not None:
            option = str(getattr(error, "option_name", "")).lower()
            if "api" in option and "key" in option:
                return _NEVER_AN_ARGUMENT, MISUSED
            problem = one_line(usage()).rstrip(".")
            listed = "commands" if problem.startswith("No such command") else "options"
            return f"{problem} (--help lists the {listed})", MISUSED
        if isinstance(error, ConfigurationError):
            setting, colon, problem = str(error).partition(":")
            name = _NAMES_OF_SETTINGS.get(setting, setting)
            return one_line(f"{name}{colon}{problem}"), MISUSED
        if isinstance(error, MissingExtraError | UseResponseError):
            code = MISUSED if isinstance(error, ArgumentError) else FAILED
            return one_line(self.reworded(str(error))), code
        hint = "" if self.debug else " (useresponse-async --debug … shows the traceback)"
        return f"unexpected {one_line(f'{type(error).__name__}: {error}')}{hint}", FAILED

    def _advice(self) -> str:
        advice = self.advice()
        return f" ({advice})" if advice else ""


def one_line(text: str) -> str:
    """Return ``text`` on one line, with control characters escaped."""
    words = " ".join(text.split())
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in words)
