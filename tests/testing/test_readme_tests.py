"""The tests that the documentation shows."""

import re
from pathlib import Path

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


def test_the_shown_tests_pass(pytester):
    count = sum(block.count("def test_") for block in TESTS)
    assert len(TESTS) == 3
    for runner in ("anyio", "asyncio"):
        shown = [block.replace("pytest.mark.anyio", f"pytest.mark.{runner}") for block in TESTS]
        pytester.makepyfile(**{f"test_{runner}_{n}": block for n, block in enumerate(shown)})
    run(pytester).assert_outcomes(passed=count * (2 + 1))  # anyio's on two event loops
