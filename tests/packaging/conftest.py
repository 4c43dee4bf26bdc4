"""Fixtures of the tests of the wheel and the sdist, which are installed as users install them.

The tests need an index and minutes; they run only where ``USERESPONSE_DIST`` names a folder with
a wheel and an sdist, as ``tox run -e dist`` does.
"""

import email
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path

import pytest

from useresponse_async.sandbox import Sandbox

FOLDER = os.environ.get("USERESPONSE_DIST")

collect_ignore_glob = [] if FOLDER else ["test_*.py"]


class Environment:
    """A virtual environment of its own, which sees nothing of the repository."""

    def __init__(self, folder: Path, server: Sandbox, *requirements: str) -> None:
        self.folder = folder
        self.home = folder / "home"
        kept = os.environ.keys() & {"HOME", "LANG", "TMPDIR"}
        self.variables = {name: os.environ[name] for name in kept}
        self.variables |= {"USERESPONSE_URL": server.url, "USERESPONSE_API_KEY": server.api_key}
        uv("venv", "--python", sys.executable, str(folder))
        self.home.mkdir()
        self.pip("install", *requirements)

    def pip(self, command: str, *distributions: str) -> None:
        python = str(self.folder / "bin" / "python")
        uv("pip", command, "--python", python, *distributions)

    def run(self, *command: str) -> tuple[int, str]:
        """Run a command of the environment in an empty folder; return its status and output."""
        command = (str(self.folder / "bin" / command[0]), *command[1:])
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        place = {"cwd": self.home, "env": self.variables}
        done = subprocess.run(command, check=False, timeout=300, **pipes, **place)  # noqa: S603 - our own
        return done.returncode, done.stdout


def uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", "--quiet", *arguments], check=True)  # noqa: S603 - ours


def only(pattern: str) -> Path:
    files = list(Path(FOLDER or "").absolute().glob(pattern))
    assert len(files) == 1, f"expected one of {files}: is the folder fresh?"
    return files[0]


@pytest.fixture(scope="session")
def wheel() -> Path:
    return only("*.whl")


@pytest.fixture(scope="session")
def sdist() -> Path:
    return only("*.tar.gz")


@pytest.fixture(scope="session")
def metadata(wheel) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


@pytest.fixture(scope="session")
def new_environment(tmp_path_factory) -> Iterator[Callable[..., Environment]]:
    with Sandbox(users=230) as server:
        folder = tmp_path_factory.mktemp
        yield lambda *names: Environment(folder("environment") / "venv", server, *names)
