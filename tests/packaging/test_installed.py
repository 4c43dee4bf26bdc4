"""The installed package, alone and without each of its extras."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
WALK = """
import asyncio
from useresponse_async import AsyncClient

async def main():
    async with AsyncClient({options}) as client:
        print(len(await client.users.search().collect()))

asyncio.run(main())
"""
SANDBOX = "from useresponse_async.sandbox import Sandbox\nwith Sandbox(users=1): pass"
FASTAPI = "import useresponse_async.integrations.fastapi"


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
    "fastapi": Extra(FASTAPI, ["fastapi"], "the FastAPI integration"),
    "parquet": Extra("export users -o users.parquet -q", ["pyarrow"], "Parquet", command=True),
    "sandbox": Extra(SANDBOX, ["starlette", "uvicorn", "python-multipart"], "the sandbox"),
    "speedups": Extra(WALK.format(options=""), ["orjson", "uvloop"], None),
}
# The parts of other extras that one needs as well: FastAPI is nothing without starlette.
BUILT_ON = {"sandbox": {"fastapi"}}


def test_without_extras_readme_works_and_only_what_is_declared_is_installed(new_environment, wheel):
    plain = new_environment(str(wheel))
    assert plain.python(WALK.format(options="")) == (0, "230\n")
    status, output = plain.python(SCRIPTS[0])
    assert status == 0, output
    assert len(output.splitlines()) > 1
    listing = "from importlib.metadata import distributions\n"
    listing += "print(*sorted(d.name.lower() for d in distributions()))"
    installed = set(plain.python(listing)[1].split())
    asked_for = {"useresponse-async", "anyio", "attrs", "cattrs", "httpx", "tenacity"}
    theirs = {"certifi", "exceptiongroup", "h11", "httpcore", "idna", "sniffio"}
    assert asked_for <= installed <= asked_for | theirs | {"typing-extensions", "typing_extensions"}


@pytest.fixture(scope="module")
def full(new_environment):
    return new_environment()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("missing", [None, *EXTRAS])
def test_without_one_extra_all_others_work_and_its_features_name_it(full, wheel, missing):
    full.pip("install", f"{wheel}[{','.join(EXTRAS)}]")
    if missing is not None:
        full.pip("uninstall", *EXTRAS[missing].distributions)
    assert full.python(WALK.format(options="")) == (0, "230\n")
    for name, extra in EXTRAS.items():
        run = full.run if extra.command else full.python
        arguments = ["useresponse-async", *extra.code.split()] if extra.command else [extra.code]
        status, output = run(*arguments)
        (full.home / "users.parquet").unlink(missing_ok=True)
        lacks = "cli" if missing == "cli" and extra.command else name
        if lacks == missing and EXTRAS[lacks].purpose is not None:
            assert status != 0
            needs = f"{EXTRAS[lacks].purpose} needs: pip install 'useresponse-async[{lacks}]'"
            assert needs in output
        elif name not in BUILT_ON.get(missing, ()):
            assert status == 0, output


PLUGIN_TEST = """
import pytest

@pytest.mark.anyio
async def test_mine(useresponse_client):
    assert (await useresponse_client.users.me()).id is not None

@pytest.fixture
def anyio_backend():
    return "asyncio"
"""


def test_the_pytest_plugin_offers_its_fixtures(new_environment, wheel):
    environment = new_environment(f"{wheel}[testing]")
    (environment.home / "test_mine.py").write_text(PLUGIN_TEST, encoding="utf-8")
    status, output = environment.run("python", "-W", "error", "-m", "pytest", "-q", "-W", "error")
    assert status == 0, output
    assert "1 passed" in output


def test_every_extra_is_tested(metadata):
    assert set(metadata.get_all("Provides-Extra", [])) == {*EXTRAS, "testing", "bench", "dev"}
