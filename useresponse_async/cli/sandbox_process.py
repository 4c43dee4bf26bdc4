"""How is a sandbox run in a process of its own, and never left behind?"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import IO, Any, Final

from useresponse_async.cli.failures import CommandError
from useresponse_async.cli.key import KEY_VARIABLE
from useresponse_async.cli.signals import interrupts_held_back

__all__ = ["running_sandbox", "stop_process"]

_MODULE: Final = "useresponse_async.cli.bound_sandbox"
_STOP_SECONDS: Final = 5.0


@contextmanager
def running_sandbox(*options: str) -> Generator[str, None, None]:
    """Start a sandbox on a free port and give its address; stop it when the block ends.

    Args:
        options: Further options of ``python -m useresponse_async.sandbox``.

    Raises:
        CommandError: It did not start; says why.
    """
    with ExitStack() as stack:
        # A file takes all that is written; a pipe nobody reads would stop the sandbox when full.
        complaints = stack.enter_context(tempfile.TemporaryFile())
        with interrupts_held_back():
            process = _start(options, complaints)
            stack.callback(stop_process, process)
        yield _address(process, complaints)


def _start(options: tuple[str, ...], complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", _MODULE, "--port", "0", *options],
        # It stops when this pipe is closed, which the system does whatever ends this process.
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        # Ctrl-C in a terminal goes to a whole group. The sandbox must not go first, or the
        # walk would see it fail and say so.
        start_new_session=True,
        # The sandbox has a key of its own, and no use for anybody's.
        env={name: value for name, value in os.environ.items() if name != KEY_VARIABLE},
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


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
    """End a process, by force if it does not end when asked to.

    Args:
        process: One whose parent is this process.
    """
    with interrupts_held_back(), process:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
