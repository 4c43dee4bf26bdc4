"""The installed package, alone and without each of its extras."""

import email
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from environment import Environment

ROOT = Path(__file__).parent.parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)

WALK = """
import asyncio
from useresponse_async import AsyncClient

async def main():
    async with AsyncClient({options}) as client:
        print(len(await client.users.search().collect()))

asyncio.run(main())
"""


class Extra(NamedTuple):
    """What an extra is for: what a user writes who needs it, and what is gone without it."""

    code: str
    distributions: list[str]
    purpose: str | None
    command: bool = False


EXTRAS = {
    "aiohttp": Extra(
        WALK.format(options="transport='aiohttp'"), ["httpx-aiohttp"], "the aiohttp transport"
    ),
    "cli": Extra("whoami", ["typer", "rich"], "the command line", command=True),
    "dlt": Extra("import useresponse_async.integrations.dlt", ["dlt"], "the dlt source"),
    "fastapi": Extra(
        "import useresponse_async.integrations.fastapi", ["fastapi"], "the FastAPI integration"
    ),
    "parquet": Extra("export users -o users.parquet -q", ["pyarrow"], "Parquet", command=True),
    "sandbox": Extra(
        "from useresponse_async.sandbox import Sandbox\nwith Sandbox(users=1): print('up')",
        ["starlette", "uvicorn", "python-multipart"],
        "the sandbox",
    ),
    "speedups": Extra(WALK.format(options=""), ["orjson", "uvloop"], None),
}
# The parts of other extras that one needs as well: FastAPI is nothing without starlette.
BUILT_ON = {"sandbox": {"fastapi"}}


def use(environment: Environment, extra: Extra) -> tuple[int, str]:
    done = (
        environment.run("useresponse-async", *extra.code.split())
        if extra.command
        else environment.python(extra.code)
    )
    (environment.home / "users.parquet").unlink(missing_ok=True)
    return done.returncode, done.stdout + done.stderr


def needs(name: str) -> str:
    return f"{EXTRAS[name].purpose} needs: pip install 'useresponse-async[{name}]'"


def walked(environment: Environment) -> str:
    done = environment.python(WALK.format(options=""))
    return done.stdout.strip() or done.stderr


def test_a_walk_works_without_extras(plain):
    assert walked(plain) == "230"


def test_the_first_script_of_readme_works_in_an_empty_environment(plain):
    done = plain.python(SCRIPTS[0])
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 1


def test_only_declared_dependencies_are_installed(plain):
    listing = "from importlib.metadata import distributions\n"
    listing += "print(*sorted(d.name.lower() for d in distributions()))"
    installed = set(plain.python(listing).stdout.split())
    asked_for = {"useresponse-async", "anyio", "attrs", "cattrs", "httpx", "tenacity"}
    theirs = {"certifi", "exceptiongroup", "h11", "httpcore", "idna", "sniffio"}
    assert asked_for <= installed <= asked_for | theirs | {"typing-extensions", "typing_extensions"}


@pytest.mark.parametrize("name", [name for name, extra in EXTRAS.items() if extra.purpose])
def test_a_feature_names_its_missing_extra(plain, name):
    asked_for = "cli" if EXTRAS[name].command else name
    code, output = use(plain, EXTRAS[name])
    assert code != 0
    assert needs(asked_for) in output


@pytest.fixture(scope="module")
def full(new_environment, wheel) -> Environment:
    return new_environment(f"{wheel}[{','.join(EXTRAS)}]")


@pytest.mark.parametrize("name", EXTRAS)
def test_every_extra_installs_what_it_needs(full, name):
    code, output = use(full, EXTRAS[name])
    assert code == 0, output


@pytest.fixture(params=EXTRAS)
def missing(request, full, wheel) -> Iterator[str]:
    full.uninstall(*EXTRAS[request.param].distributions)
    yield request.param
    full.install(f"{wheel}[{','.join(EXTRAS)}]")


def test_without_one_extra_all_other_features_work(full, missing):
    assert walked(full) == "230"
    for name, extra in EXTRAS.items():
        code, output = use(full, extra)
        if name == missing and extra.purpose is not None:
            assert code != 0
            assert needs(name) in output
        elif missing == "cli" and extra.command:
            assert needs("cli") in output
        elif name not in BUILT_ON.get(missing, ()):
            assert code == 0, output


def test_the_pytest_plugin_offers_its_fixtures(new_environment, wheel):
    environment = new_environment(f"{wheel}[testing]")
    test = environment.home / "test_mine.py"
    test.write_text(
        "import pytest\n\n\n"
        "@pytest.mark.anyio\n"
        "async def test_mine(useresponse_client):\n"
        "    assert (await useresponse_client.users.me()).id is not None\n"
        "\n\n"
        "@pytest.fixture\n"
        "def anyio_backend():\n"
        "    return 'asyncio'\n",
        encoding="utf-8",
    )
    done = environment.run(
        "python", "-W", "error", "-m", "pytest", "-q", "-W", "error", "test_mine.py"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


def test_every_extra_is_tested(wheel):
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
    assert set(metadata.get_all("Provides-Extra", [])) == {*EXTRAS, "testing", "bench", "dev"}
