"""Fixtures of all tests: event loops, a sandbox on a real socket, and its client."""

import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, settings
from quick import client_of

from useresponse_async import AsyncClient
from useresponse_async.sandbox import Sandbox

# `--hypothesis-profile=thorough` is for the long group, `unshrunk` for the mutation check.
settings.register_profile("default", deadline=None, max_examples=30)
settings.register_profile("thorough", deadline=None, max_examples=300)
settings.register_profile(
    "unshrunk", deadline=None, max_examples=100, phases=[Phase.explicit, Phase.generate]
)
settings.load_profile("default")

# Coverage follows the workers of pytest-xdist, but not all that the tests start: that takes long.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
# Where Python may not write compiled modules beside the sources, the workers and all that the tests
# start would compile every module again.
if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
    compiled = Path(__file__).parents[1] / ".pytest_cache" / "compiled"
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(compiled))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave it to the long group to repeat on other event loops what does not depend on them."""
    for item in items:
        params = item.callspec.params if hasattr(item, "callspec") else {}
        other = params.get("anyio_backend") in ("asyncio+uvloop", "trio")
        if other and not item.get_closest_marker("every_loop"):
            item.add_marker("long")


# In asyncio's debug mode a busy machine's slow callbacks are logged, and fill the standard error of
# processes whose output is compared. So the mode is for the tests' own loops alone.
DEBUG = bool(os.environ.get("PYTHONASYNCIODEBUG"))
logging.getLogger("asyncio").setLevel(logging.ERROR)


@pytest.fixture(autouse=True, scope="session")
def children_can_be_interrupted_and_do_not_debug() -> None:
    os.environ.pop("PYTHONASYNCIODEBUG", None)
    # What a shell starts in the background ignores Ctrl-C, and so would all that the tests start.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    # Likewise a hangup under nohup; to ignore it by a handler is not handed down.
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


@pytest.fixture(params=["asyncio", "asyncio+uvloop", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    backend, _, loop = request.param.partition("+")
    return backend, {} if backend == "trio" else {"use_uvloop": bool(loop), "debug": DEBUG}


@pytest.fixture
def collect() -> Iterator[Callable[[], object]]:
    """Give a garbage collection that does not look through what was there before the test."""
    gc.freeze()
    yield gc.collect
    gc.unfreeze()


@pytest.fixture
def start_sandbox() -> Iterator[Callable[..., Sandbox]]:
    with ExitStack() as stack:
        yield lambda **options: stack.enter_context(Sandbox(**options))


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return start_sandbox(users=230)


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[AsyncClient]:
    async with client_of(sandbox) as client:
        yield client
