"""The command in its own process, and sandboxes for it."""

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from command_line import KEY, PROGRAM

from useresponse_async.sandbox import Sandbox


@pytest.fixture
def start() -> Iterator[Callable[..., subprocess.Popen]]:
    """Start commands, which are killed when the test ends."""
    with ExitStack() as stack:

        def start_one(*arguments, prefix=(), program=PROGRAM, **variables) -> subprocess.Popen:
            command, pipe = [*prefix, *program, *arguments], subprocess.PIPE
            env = os.environ | variables
            process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=env)  # noqa: S603 - our own
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start_one


@pytest.fixture
def serve(start_sandbox, monkeypatch) -> Callable[..., Sandbox]:
    """Start a sandbox, and point the environment at it."""

    def start_and_point(api_key: str = KEY, **options) -> Sandbox:
        sandbox = start_sandbox(api_key=api_key, **options)
        monkeypatch.setenv("USERESPONSE_URL", sandbox.url)
        monkeypatch.setenv("USERESPONSE_API_KEY", api_key)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        return sandbox

    return start_and_point


@pytest.fixture
def work(tmp_path, monkeypatch) -> Path:
    """Change to an empty directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def key_file(work, serve, monkeypatch) -> Path:
    """A private file with the key, while the environment has another."""
    serve(users=60)
    monkeypatch.setenv("USERESPONSE_API_KEY", "that-of-somebody-else")
    path = work / "key"
    path.write_text(f"{KEY}\n", encoding="utf-8")
    path.chmod(0o600)
    return path
