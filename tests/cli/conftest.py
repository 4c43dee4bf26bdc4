"""The command in its own process, and sandboxes for it."""

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_line import PROGRAM

from useresponse_async.sandbox import Sandbox


@pytest.fixture
def command() -> Callable[..., subprocess.CompletedProcess]:
    """Run the command in its own process to its end."""

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
    """Start commands, which are killed when the test ends."""
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


KEY = "k3y-of-the-test-0123456789"


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture
def serve(
    start_sandbox: Callable[..., Sandbox], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Sandbox]:
    """Start a sandbox, and point the environment at it."""

    def start_and_point(**options) -> Sandbox:
        sandbox = start_sandbox(api_key=KEY, **options)
        monkeypatch.setenv("USERESPONSE_URL", sandbox.url)
        monkeypatch.setenv("USERESPONSE_API_KEY", KEY)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        return sandbox

    return start_and_point


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Change to an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
