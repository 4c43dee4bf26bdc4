"""What does ``useresponse-async sandbox`` do? It hands its arguments on to the sandbox."""

from __future__ import annotations

from typing import Any, Final

import typer

from useresponse_async.sandbox.command import main

__all__ = ["UNPARSED", "sandbox"]

# The sandbox's own command reads the options, --help included, so that their table exists once.
UNPARSED: Final[dict[str, Any]] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


def sandbox(context: typer.Context) -> None:
    """Serve a UseResponse API made for trying things out, until Ctrl-C (sandbox --help)."""
    raise typer.Exit(main(context.args))
