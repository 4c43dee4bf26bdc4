"""The server of all contenders, in its own process, which is never the limit.

``python -m benchmarks.server`` prints its address and runs until its standard input ends. It
knows ``GET`` without a body and no pipelining, which is all that any contender sends.
"""

import asyncio
import json
import statistics
import sys
import threading
import time
from collections.abc import Coroutine
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

from benchmarks.capacity import Capacity, parse_slots
from benchmarks.pages import REFUSED, UserPages, response

__all__ = ["main"]

_HEAD_END = b"\r\n\r\n"
_GET = b"GET "
_CONTROL = b"/benchmark/"
_TIMERS = 15
_TIMER_SECONDS = 0.005


class _Installation:
    """The state that all connections share: pages, latency and capacity.

    Args:
        timer_lateness: Delay of timers beyond their time, in seconds.
    """

    def __init__(self, timer_lateness: float) -> None:
        self.pages = UserPages()
        self._timer_lateness = timer_lateness
        self._latency = 0.0
        self._capacity: Capacity | None = None

    def handle(self, target: bytes, transport: asyncio.Transport) -> None:
        """Respond to a ``GET`` of ``target``, now or after the latency."""
        if target.startswith(_CONTROL):
            transport.write(response(b"200 OK", self._control(target.decode())))
            return
        capacity = self._capacity
        if capacity is not None and not capacity.enter():
            transport.write(REFUSED)
            return
        data = self.pages.response(target)
        if self._latency:
            loop = asyncio.get_running_loop()
            loop.call_later(self._latency, _finish, transport, data, capacity)
        else:
            _finish(transport, data, capacity)

    def _control(self, target: str) -> bytes:
        url = urlsplit(target)
        if url.path.endswith("/set"):
            options = {name: values[0] for name, values in parse_qs(url.query).items()}
            self.pages.resize(int(options["users"]))
            self._latency = max(0.0, float(options["latency"]) - self._timer_lateness)
            if self._capacity is not None:
                self._capacity.end()
            # Without slots nothing is counted, which saves time.
            schedule = parse_slots(options.get("slots", ""))
            self._capacity = Capacity(schedule) if schedule else None
        return json.dumps(self._capacity.tally() if self._capacity else None).encode()


def _finish(transport: asyncio.Transport, data: bytes, capacity: Capacity | None) -> None:
    if capacity is not None:
        capacity.leave()
    if not transport.is_closing():
        transport.write(data)


class _Connection(asyncio.Protocol):
    def __init__(self, installation: _Installation) -> None:
        self._installation = installation
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (end := self._received.find(_HEAD_END)) >= 0:
            head = self._received[:end]
            self._received = self._received[end + len(_HEAD_END) :]
            if head.startswith(_GET):  # else it is the end of an empty body in chunks
                self._installation.handle(head.split(b" ", 2)[1], self._transport)


async def _timer_lateness() -> float:
    """Return the lateness of a timer, in seconds: event loops count in milliseconds."""
    loop = asyncio.get_running_loop()
    late: list[float] = []
    for number in range(_TIMERS):
        await asyncio.sleep(number / _TIMERS / 1000)  # from any point within a millisecond
        fired = loop.create_future()
        due = time.perf_counter() + _TIMER_SECONDS
        loop.call_later(_TIMER_SECONDS, fired.set_result, None)
        await fired
        late.append(time.perf_counter() - due)
    return max(0.0, statistics.median(late))


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    installation = _Installation(await _timer_lateness())
    server = await loop.create_server(lambda: _Connection(installation), "127.0.0.1", 0)
    ended = asyncio.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(ended.set)

    threading.Thread(target=wait_for_end, daemon=True).start()
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await ended.wait()
    server.close()


def _run(main: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop  # noqa: PLC0415 - an optional extra, whose absence costs only speed
    except ImportError:
        asyncio.run(main)
    else:
        uvloop.run(main)


def main() -> None:
    """Serve until standard input ends."""
    _run(_serve())


if __name__ == "__main__":
    main()
