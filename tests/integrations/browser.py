"""Browsers and a server of an application."""

import socket
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import uvicorn
from processes import wait_until


def browser_of(app: Any) -> httpx.AsyncClient:
    """Return a client of an application in this process, without a socket."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app")


@asynccontextmanager
async def running(app: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Run the lifespan of an application, and give a browser of it."""
    async with app.router.lifespan_context(app), browser_of(app) as browser:
        yield browser


@contextmanager
def serving(app: Any, **options: Any) -> Iterator[str]:
    """Serve an application with uvicorn in a thread, and give its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, timeout_graceful_shutdown=5, **options))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            wait_until(lambda: server.started or not thread.is_alive())
            assert server.started, "the application did not start"
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
