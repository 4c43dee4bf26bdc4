"""What does ``useresponse-async sandbox`` do? It hands its arguments on to the sandbox."""

from __future__ import annotations

import sys
from contextlib import redirect_stderr
from io import TextIOBase
from typing import Any, Final, TextIO

import typer

from useresponse_async.sandbox import main

__all__ = ["UNPARSED", "sandbox"]

_PROGRAM: Final = "useresponse-async sandbox"

# The sandbox's own command reads the options, --help included, so that their table exists once.
UNPARSED: Final[dict[str, Any]] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


def sandbox(context: typer.Context) -> None:
    """Serve a UseResponse API made for trying things out, until Ctrl-C (sandbox --help)."""
    with redirect_stderr(_OneLineErrors(sys.stderr)):
        raise typer.Exit(main(context.args, prog=_PROGRAM))


class _OneLineErrors(TextIOBase):
    """Passes on what is written, but of wrong usage only the line that says what is wrong."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def write(self, text: str, /) -> int:
        if not text.startswith("usage: "):
            self._target.write(text.replace(f"{_PROGRAM}: error: ", "error: ", 1))
        return len(text)

    def flush(self) -> None:
        self._target.flush()
