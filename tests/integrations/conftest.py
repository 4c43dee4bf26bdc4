"""Fixtures of the integrations' tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from browser import serving


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    with ExitStack() as stack:
        yield lambda app, http="auto": stack.enter_context(serving(app, http=http, log_config=None))
