"""The tests that the documentation shows pass, as a user would run them."""

import re
from pathlib import Path

import pytest
from test_plugin_runners import run

pytest_plugins = ("pytester",)

ROOT = Path(__file__).parents[2]
BLOCKS = [
    block
    for page in (ROOT / "README.md", ROOT / "useresponse_async" / "testing" / "README.md")
    for block in re.findall(
        r"^```python\n(.*?)^```$", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
]
TESTS = [block for block in BLOCKS if "def test_" in block]


def test_there_are_tests():
    assert len(TESTS) == 3


@pytest.mark.parametrize("block", TESTS)
def test_a_shown_test_passes(pytester, block):
    pytester.makepyfile(block)
    backends = 2
    run(pytester).assert_outcomes(passed=block.count("def test_") * backends)


@pytest.mark.parametrize("block", TESTS)
def test_a_shown_test_passes_with_pytest_asyncio(pytester, block):
    pytester.makepyfile(block.replace("pytest.mark.anyio", "pytest.mark.asyncio"))
    run(pytester).assert_outcomes(passed=block.count("def test_"))
