"""The installed package, alone and without each of its extras."""

import re
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent.parent / "README.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
PYTHON = ("python", "-W", "error", "-c")
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
DLT = "import useresponse_async.integrations.dlt"
AIOHTTP = WALK.format(options="transport='aiohttp'")
PLAIN = WALK.format(options="")
WHOAMI = ("useresponse-async", "whoami")
EXPORT = ("useresponse-async", "export", "users", "-o", "users.parquet", "-q", "--overwrite")

# A command of a user who needs the extra, what the extra installs, and what is gone without it.
EXTRAS = {
    "aiohttp": ((*PYTHON, AIOHTTP), ["httpx-aiohttp"], "the aiohttp transport"),
    "cli": (WHOAMI, ["typer", "rich"], "the command line"),
    "dlt": ((*PYTHON, DLT), ["dlt"], "the dlt source"),
    "fastapi": ((*PYTHON, FASTAPI), ["fastapi"], "the FastAPI integration"),
    "parquet": (EXPORT, ["pyarrow"], "Parquet"),
    "sandbox": ((*PYTHON, SANDBOX), ["starlette", "uvicorn", "python-multipart"], "the sandbox"),
    "speedups": ((*PYTHON, PLAIN), ["orjson", "uvloop"], None),
}


def test_without_extras_readme_works_and_only_what_is_declared_is_installed(new_environment, wheel):
    plain = new_environment(str(wheel))
    assert plain.run(*PYTHON, PLAIN) == (0, "230\n")
    status, output = plain.run(*PYTHON, SCRIPTS[0])
    assert status == 0, output
    assert len(output.splitlines()) > 1
    listing = "from importlib.metadata import distributions\n"
    listing += "print(*sorted(d.name.lower() for d in distributions()))"
    installed = set(plain.run(*PYTHON, listing)[1].split())
    asked_for = {"useresponse-async", "anyio", "attrs", "cattrs", "httpx", "tenacity"}
    theirs = {"certifi", "exceptiongroup", "h11", "httpcore", "idna", "sniffio"}
    assert asked_for <= installed <= asked_for | theirs | {"typing-extensions", "typing_extensions"}


@pytest.fixture(scope="module")
def full(new_environment, wheel):
    return new_environment(str(wheel))


@pytest.mark.timeout(900)
@pytest.mark.parametrize("missing", [None, *EXTRAS])
def test_without_one_extra_all_others_work_and_its_features_name_it(full, wheel, missing):
    full.pip("install", f"{wheel}[{','.join(EXTRAS)}]")
    if missing is not None:
        full.pip("uninstall", *EXTRAS[missing][1])
    assert full.run(*PYTHON, PLAIN) == (0, "230\n")
    for name, (command, _, _) in EXTRAS.items():
        status, output = full.run(*command)
        needed = "cli" if missing == "cli" and command[0] == "useresponse-async" else name
        purpose = EXTRAS[needed][2]
        if needed == missing and purpose is not None:
            assert status != 0
            assert f"{purpose} needs: pip install 'useresponse-async[{needed}]'" in output
        elif (missing, name) != ("sandbox", "fastapi"):  # FastAPI is nothing without starlette
            assert status == 0, output


def test_the_pytest_plugin_offers_its_fixtures(new_environment, wheel):
    environment = new_environment(f"{wheel}[testing]")
    shown = next(block for block in SCRIPTS if "def test_" in block)
    (environment.home / "test_mine.py").write_text(shown, encoding="utf-8")
    status, output = environment.run("python", "-W", "error", "-m", "pytest", "-q", "-W", "error")
    assert status == 0, output
    assert f"{shown.count('def test_')} passed" in output


def test_every_extra_is_tested(metadata):
    assert set(metadata.get_all("Provides-Extra", [])) == {*EXTRAS, "testing", "bench", "dev"}
