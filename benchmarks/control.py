"""Client of the benchmark server's control paths."""

import http.client
import json
from typing import Any
from urllib.parse import urlencode, urlsplit

from benchmarks.capacity import Slots, slots_text

__all__ = ["configure", "get", "tally"]

_TIMEOUT = 60.0


def configure(url: str, *, users: int, latency: float, slots: list[Slots] | None = None) -> None:
    """Configure the server with ``users`` users, and reset its counts.

    Args:
        url: The server's address.
        users: How many users it has.
        latency: How long it takes over each request, in seconds.
        slots: Maximum number of concurrent requests; the rest is rejected. Default: no limit.
    """
    options = {"users": users, "latency": latency, "slots": slots_text(slots or [])}
    get(url, f"/benchmark/set?{urlencode(options)}")


def tally(url: str) -> Any:
    """Return the counts of requests since the server was configured with slots."""
    return json.loads(get(url, "/benchmark/tally"))


def get(url: str, target: str) -> bytes:
    """Return the body of ``target``, requested without any of the libraries under test."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", target)
        return connection.getresponse().read()
    finally:
        connection.close()
