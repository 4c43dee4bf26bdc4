"""Fixtures of the integrations' tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from browser import serving


@pytest.fixture(params=["h11", "httptools"])
def serve(request) -> Iterator[Callable[[Any], str]]:
    with ExitStack() as stack:
        options = {"http": request.param, "log_config": None}
        yield lambda app: stack.enter_context(serving(app, **options))
