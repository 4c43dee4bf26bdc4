"""Fixtures of the tests of the wheel and the sdist, which are installed as users install them.

The tests need an index and minutes; they run only where ``USERESPONSE_DIST`` names a folder with
a wheel and an sdist, as ``tox run -e dist`` does.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from environment import Environment

from useresponse_async.sandbox import Sandbox

FOLDER = os.environ.get("USERESPONSE_DIST")

collect_ignore_glob = [] if FOLDER else ["test_*.py"]


def only(files: Sequence[Path]) -> Path:
    assert len(files) == 1, f"expected one of {files}: is the folder fresh?"
    return files[0]


@pytest.fixture(scope="session")
def wheel() -> Path:
    return only(list(Path(FOLDER or "").absolute().glob("*.whl")))


@pytest.fixture(scope="session")
def sdist() -> Path:
    return only(list(Path(FOLDER or "").absolute().glob("*.tar.gz")))


@pytest.fixture(scope="session")
def server() -> Iterator[Sandbox]:
    with Sandbox(users=230) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def new_environment(tmp_path_factory, server) -> Callable[..., Environment]:
    def create(*requirements: str) -> Environment:
        environment = Environment(tmp_path_factory.mktemp("environment") / "venv", server)
        environment.install(*requirements)
        return environment

    return create


@pytest.fixture(scope="session")
def plain(new_environment, wheel) -> Environment:
    """The package with what it requires, and nothing else."""
    return new_environment(str(wheel))
