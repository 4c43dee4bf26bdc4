"""README says what works: every Python block runs, every console line is what it claims."""

import asyncio
import inspect
import logging
import re
import runpy
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from useresponse_async import AsyncClient
from useresponse_async.sandbox import Sandbox

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
SHELL_BLOCKS = re.findall(r"^```sh\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def sandbox(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Sandbox:
    sandbox = start_sandbox(users=230)
    monkeypatch.setenv("USERESPONSE_URL", sandbox.url)
    monkeypatch.setenv("USERESPONSE_API_KEY", sandbox.api_key)
    monkeypatch.setenv("SOURCES__USERESPONSE__BASE_URL", sandbox.url)
    monkeypatch.setenv("SOURCES__USERESPONSE__API_KEY", sandbox.api_key)
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path))
    return sandbox


def test_there_are_blocks_to_run():
    assert len(BLOCKS) >= 10


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_a_python_block_runs(
    block: str,
    sandbox: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    script = tmp_path / "block.py"
    script.write_text(block, encoding="utf-8")
    names = runpy.run_path(str(script), run_name="__main__")
    main = names.get("main")
    if main is not None and inspect.signature(main).parameters:
        anyio.run(with_client, main)
    if "app" in names:
        asyncio.run(ask(names["app"]))


async def with_client(main: Callable[[AsyncClient], Any]) -> None:
    async with AsyncClient() as client:
        await main(client)


async def ask(app: Any) -> None:
    transport = httpx.ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://app") as browser,
    ):
        assert (await browser.get("/people/7")).json()["id"] == 7
        assert (await browser.get("/people/70000")).status_code == 404
        assert len((await browser.get("/export")).text.splitlines()) == 230


def test_the_quick_start_is_two_complete_commands():
    demo, tests = SHELL_BLOCKS[0].splitlines()
    assert shlex.split(demo)[-2:] == [".venv/bin/useresponse-async", "demo"]
    assert tests.endswith("&& .venv/bin/python -m pytest -n 4 --dist worksteal")


def test_ci_runs_the_test_command_that_readme_gives():
    script = (Path(__file__).parent.parent / ".ci" / "run").read_text(encoding="utf-8")
    assert "README.md" in script
    assert "pytest" not in script
