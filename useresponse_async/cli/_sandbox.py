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
from contextlib import ExitStack, contextmanager, redirect_stderr
from io import TextIOBase
from typing import IO, Any, Final, TextIO

import typer

from useresponse_async.cli._errors import CommandError
from useresponse_async.cli._key import KEY_VARIABLE
from useresponse_async.cli._signals import interrupts_held_back
from useresponse_async.sandbox import main

_PROGRAM: Final = "useresponse-async sandbox"
_STOP_SECONDS: Final = 5.0

# The sandbox's own command reads the options, --help included, so that their table exists once.
UNPARSED: Final[dict[str, Any]] = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


def sandbox(context: typer.Context) -> None:
    """Run a local UseResponse API for experiments and tests, until Ctrl-C (sandbox --help)."""
    with redirect_stderr(_OneLineErrors(sys.stderr)):
        raise typer.Exit(main(context.args, prog=_PROGRAM))


class _OneLineErrors(TextIOBase):
    """Forwards what is written; of usage errors, only the line that states the error."""

    def __init__(self, target: TextIO) -> None:
        self._target = target

    def write(self, text: str, /) -> int:
        if not text.startswith("usage: "):
            self._target.write(text.replace(f"{_PROGRAM}: error: ", "error: ", 1))
        return len(text)

    def flush(self) -> None:
        self._target.flush()


@contextmanager
def running_sandbox(*options: str) -> Generator[str, None, None]:
    """Run a sandbox on a free port inside the block, and yield its URL."""
    with ExitStack() as stack:
        # A file takes all that is written; a pipe nobody reads would stop the sandbox when full.
        complaints = stack.enter_context(tempfile.TemporaryFile())
        with interrupts_held_back():
            process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", __name__, "--port", "0", *options],
                # It stops when this pipe is closed, as the system does when this process ends.
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=complaints,
                # Ctrl-C in a terminal goes to a process group. The sandbox must not go first, or
                # the client would see it fail and say so.
                start_new_session=True,
                # The sandbox has a key of its own, and no use for anybody's.
                env={name: value for name, value in os.environ.items() if name != KEY_VARIABLE},
                creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
            )
            stack.callback(stop_process, process)
        yield _address(process, complaints)


def _address(process: subprocess.Popen[bytes], complaints: IO[bytes]) -> str:
    line = process.stdout.readline() if process.stdout else b""
    address = re.search(r"http://\S+", line.decode())
    if address:
        return address[0]
    code = process.wait(_STOP_SECONDS)
    complaints.seek(0)
    reasons = complaints.read().decode(errors="replace").split("\n")
    reason = next((text for text in reversed(reasons) if text.strip()), f"exit code {code}")
    raise CommandError(f"the sandbox did not start: {reason.removeprefix('error: ')}")


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
