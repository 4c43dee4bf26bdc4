"""README and the guides: Python blocks run, links resolve."""

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

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
GUIDES = sorted((ROOT / "useresponse_async").rglob("*.md"))
PAGES = [
    README, ROOT / "CHANGELOG.md", *GUIDES, *(ROOT / "benchmarks").glob("*.md"),
    *(ROOT / "tests").rglob("*.md"),
]  # fmt: skip


def found(pattern: str, page: Path) -> list[str]:
    return re.findall(pattern, page.read_text(encoding="utf-8"), re.MULTILINE)


BLOCKS = {
    f"{page.relative_to(ROOT)}:{number}": block
    for page in [README, *GUIDES]
    for number, block in enumerate(found(r"^```python\n((?:.*\n)*?)^```$", page))
}


@pytest.fixture
def sandbox(
    start_sandbox: Callable[..., Sandbox], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Sandbox:
    sandbox = start_sandbox(users=230)
    for prefix, url in (("USERESPONSE_", "URL"), ("SOURCES__USERESPONSE__", "BASE_URL")):
        monkeypatch.setenv(f"{prefix}{url}", sandbox.url)
        monkeypatch.setenv(f"{prefix}API_KEY", sandbox.api_key)
    monkeypatch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
    monkeypatch.setenv("DLT_DATA_DIR", str(tmp_path))
    return sandbox


def test_there_are_blocks_to_run_and_readme_is_short():
    assert len(BLOCKS) >= 15
    assert len(found("\n", README)) <= 250


# A run of dlt takes seconds, and has its own tests.
LONG = [pytest.param(name, marks=pytest.mark.long) for name in BLOCKS if "dlt" in BLOCKS[name]]


@pytest.mark.parametrize("name", [*(name for name in BLOCKS if "dlt" not in BLOCKS[name]), *LONG])
def test_a_python_block_runs(name, sandbox, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(logging, "basicConfig", lambda **_: None)
    script = tmp_path / "block.py"
    script.write_text(BLOCKS[name], encoding="utf-8")
    anyio.run(use, runpy.run_path(str(script), run_name="__main__"))


async def use(names: dict[str, Any]) -> None:
    """Call what a block only defines."""
    main = names.get("main")
    if main and inspect.signature(main).parameters:
        async with AsyncClient() as client:
            await main(client)
    if app := names.get("app"):
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url="http://app") as browser,
        ):
            assert (await browser.get("/people/7")).json()["id"] == 7
            assert (await browser.get("/people/70000")).status_code == 404
            assert len((await browser.get("/export")).text.splitlines()) == 230


def test_the_quick_start_is_two_complete_commands():
    demo, tests = found(r"^```sh\n((?:.*\n)*?)^```$", README)[0].splitlines()
    assert shlex.split(demo)[-2:] == [".venv/bin/useresponse-async", "demo"]
    assert tests.endswith("&& .venv/bin/python -m pytest -n 4 --dist worksteal")
    # CI takes the second from there.
    assert found("README.md|pytest", ROOT / ".ci" / "run")[0] == "README.md"
    assert "pytest" not in found("README.md|pytest", ROOT / ".ci" / "run")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_resolves(page: Path):
    for target in found(r"\]\((?!https://)([^)\s]+)\)", page):
        file, _, anchor = target.partition("#")
        linked = page.parent / file if file else page
        assert linked.exists(), target
        # The anchors that repository browsers make of headings.
        headings = found(r"^#+ (.+)$", linked) if anchor else [""]
        anchors = [re.sub(r"[^\w -]", "", it.lower()).replace(" ", "-") for it in headings]
        assert anchor in anchors, target


def test_readme_or_the_index_of_guides_links_every_guide():
    linked = {
        (page.parent / target).resolve()
        for page in (README, ROOT / "useresponse_async" / "guides" / "README.md")
        for target in found(r"\]\(([^)#\s]+\.md)", page)
    }
    assert {page.resolve() for page in GUIDES if page.parent.name != "guides"} <= linked
    assert {page.resolve() for page in GUIDES if page.name != "README.md"} <= linked
