"""The modules that have only long tests, which the default group does not import."""

from pathlib import Path

import pytest

ONLY_LONG = {"test_benchmarks.py", "test_cookbook.py", "test_soak.py"}


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    only_default = config.getoption("markexpr") == "not long"
    return True if only_default and collection_path.name in ONLY_LONG else None
