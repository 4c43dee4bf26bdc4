"""The tests that the documentation shows."""

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


@pytest.mark.parametrize(("runner", "backends"), [("anyio", 2), ("asyncio", 1)])
def test_the_shown_tests_pass(pytester, runner, backends):
    shown = [block.replace("pytest.mark.anyio", f"pytest.mark.{runner}") for block in TESTS]
    pytester.makepyfile(**{f"test_{number}": block for number, block in enumerate(shown)})
    count = sum(block.count("def test_") for block in shown)
    run(pytester).assert_outcomes(passed=count * backends)
