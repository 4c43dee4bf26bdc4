"""``useresponse-async sandbox``, and a sandbox in a child process."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import typer

from useresponse_async.cli._errors import CommandError
from useresponse_async.cli._key import KEY_VARIABLE
from useresponse_async.cli._signals import interrupts_held_back
from useresponse_async.sandbox import main

_STOP_SECONDS: Final = 5.0

# The sandbox's own command reads the options, --help included, so that their table exists once.
UNPARSED: Final[dict[str, Any]] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


def sandbox(context: typer.Context) -> None:
    """Run a local UseResponse server for tests and demos."""
    raise typer.Exit(main(context.args, prog="useresponse-async sandbox"))


@contextmanager
def running_sandbox(*options: str) -> Generator[str, None, None]:
    """Run a sandbox on a free port inside the block, and yield its URL."""
    with ExitStack() as stack:
        # A file takes everything that is written; a full pipe without a reader would block it.
        complaints = stack.enter_context(tempfile.TemporaryFile())
        with interrupts_held_back():
            process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", __name__, "--port", "0", *options],
                # It stops when this pipe is closed, as the system does when this process ends.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                # Ctrl-C in a terminal goes to a process group. If the sandbox ended first, the
                # client would report failures.
                start_new_session=True,
                # The sandbox has its own key.
                env={name: value for name, value in os.environ.items() if name != KEY_VARIABLE},
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
            stack.callback(stop_process, process)
        line = process.stdout.readline() if process.stdout else b""
        address = re.search(r"http://\S+", line.decode())
        if address is None:
            code = process.wait(_STOP_SECONDS)
            complaints.seek(0)
            reason = complaints.read().decode(errors="replace").strip().rpartition("\n")[2]
            reason = reason.removeprefix("error: ") or f"exit code {code}"
            raise CommandError(f"the sandbox did not start: {reason}")
        yield address[0]


def stop_process(process: subprocess.Popen[Any]) -> None:
    """Terminate a child process, and kill it if it does not end."""
    with interrupts_held_back(), process:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


def _serve_until_input_ends() -> int:
    """Serve as the child of :func:`running_sandbox`, which may be killed; return the exit code."""

    def stop_at_end_of_input() -> None:
        # Past Python's buffer, whose lock the interpreter wants when it ends.
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop_at_end_of_input, daemon=True).start()
    return main()


if __name__ == "__main__":
    sys.exit(_serve_until_input_ends())
