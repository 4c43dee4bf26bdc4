"""A virtual environment as a user has it."""

import os
import subprocess
import sys
from pathlib import Path

from useresponse_async.sandbox import Sandbox


class Environment:
    """A virtual environment of its own, which sees nothing of the repository."""

    def __init__(self, folder: Path, server: Sandbox) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.server = server
        uv("venv", "--python", sys.executable, str(folder))
        self.home.mkdir()

    @property
    def bin(self) -> Path:
        return self.folder / "bin"

    def install(self, *requirements: str) -> None:
        uv("pip", "install", "--python", str(self.bin / "python"), *requirements)

    def uninstall(self, *distributions: str) -> None:
        uv("pip", "uninstall", "--python", str(self.bin / "python"), *distributions)

    def run(self, *command: str) -> subprocess.CompletedProcess:
        """Run a command of the environment in an empty folder, with a server to talk to."""
        kept = ("HOME", "LANG", "TMPDIR")
        return subprocess.run(  # noqa: S603 - our own commands
            [str(self.bin / command[0]), *command[1:]],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
            cwd=self.home,
            env={name: os.environ[name] for name in kept if name in os.environ}
            | {"USERESPONSE_URL": self.server.url, "USERESPONSE_API_KEY": self.server.api_key},
        )

    def python(self, code: str) -> subprocess.CompletedProcess:
        script = self.home / "script.py"
        script.write_text(code, encoding="utf-8")
        return self.run("python", "-W", "error", str(script))


def uv(*arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own arguments
        [sys.executable, "-m", "uv", "--quiet", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
