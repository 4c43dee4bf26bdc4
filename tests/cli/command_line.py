"""The command in this process and on a terminal."""

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from useresponse_async.cli import main

PROGRAM = [sys.executable, "-W", "error", "-m", "useresponse_async"]
KEY = "k3y-of-the-test-0123456789"


def run(arguments: list[str]) -> int:
    """Run the command in this process, which is faster than starting one; return the exit code."""
    before = sys.argv, signal.getsignal(signal.SIGINT)
    sys.argv = ["useresponse-async", *arguments]
    try:
        return main()
    except SystemExit as ended:
        return ended.code
    finally:
        sys.argv, handler = before
        signal.signal(signal.SIGINT, handler)


def on_terminal(
    *arguments: str, columns: int = 80, stdout: bool = True, typed: str = "", **environment: str
) -> tuple[str, int]:
    """Run the command on a terminal, with input at its prompt; return its output and exit code."""
    pytest.importorskip("termios")  # Windows has no pseudo-terminals
    terminal, its_end = os.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own module
        [*PROGRAM, *arguments],
        stdin=its_end,
        stdout=its_end if stdout else subprocess.DEVNULL,
        stderr=its_end,
        start_new_session=True,  # else a prompt would be shown on the real terminal
        env=os.environ | {"TERM": "xterm", "COLUMNS": f"{columns}", "LINES": "24"} | environment,
    )
    os.close(its_end)
    shown = b""
    # Linux says OSError when the other end is closed.
    with process, os.fdopen(terminal, "r+b", buffering=0) as screen, suppress(OSError):
        while chunk := screen.read(4096):
            shown += chunk
            if typed and b": " in shown:
                screen.write(typed.encode())
                typed = ""
    return shown.decode(), process.returncode


def rows_in(path: str) -> list[dict]:
    """Return the rows of a JSON Lines file."""
    return [json.loads(line) for line in Path(path).read_bytes().splitlines()]


def ids_in(path: str) -> list[int]:
    return [row["id"] for row in rows_in(path)]
