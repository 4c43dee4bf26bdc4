"""The command in a process of its own, as a user starts it."""

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

PROGRAM = [sys.executable, "-W", "error", "-m", "useresponse_async.cli"]


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess]:
    """Run the command to its end."""

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run(  # noqa: S603 - our own module
            [*PROGRAM, *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            env=os.environ | environment,
        )

    return run


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    """Start commands that are gone when the test ends."""
    with contextlib.ExitStack() as stack:

        def start_one(*arguments: str, prefix: tuple[str, ...] = ()) -> subprocess.Popen:
            process = subprocess.Popen(  # noqa: S603 - our own module
                [*prefix, *PROGRAM, *arguments],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start_one
