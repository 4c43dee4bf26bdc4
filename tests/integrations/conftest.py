"""Fixtures of the integrations' tests: a web application served by uvicorn."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest
import uvicorn


@contextmanager
def serving(app: Any, http: Any = "auto") -> Iterator[str]:
    """Serve ``app`` on a socket of this machine, and give its address.

    ``http`` names the parser: ``h11`` or ``httptools``.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, http=http, log_config=None, timeout_graceful_shutdown=5)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the application did not start"
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    with ExitStack() as stack:
        yield lambda app, http="auto": stack.enter_context(serving(app, http))


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], None]:
    """Wait, within the test's own time limit, until something is so."""

    def wait(condition: Callable[[], bool]) -> None:
        while not condition():
            time.sleep(0.01)

    return wait
