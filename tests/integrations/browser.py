"""A browser of an application in this process."""

from typing import Any

import httpx


def browser_of(app: Any) -> httpx.AsyncClient:
    """Return a client of an application, without a socket."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app")
