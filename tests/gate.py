"""A transport that waits for a number of concurrent requests."""

import anyio
import httpx


class Gate(httpx.AsyncHTTPTransport):
    """Delays requests, after the first ones, until the expected number of them are in flight.

    With fewer the test runs into its time limit; more show in ``peak``.
    """

    def __init__(self, expected: int, *, first: int = 0) -> None:
        super().__init__()
        self._expected = expected
        self._first = first
        self._in_flight = 0
        self._full = anyio.Event()
        self.peak = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._in_flight += 1
        self.peak = max(self.peak, self._in_flight)
        if self._in_flight >= self._expected:
            self._full.set()
        self._first -= 1
        try:
            if self._first < 0:
                await self._full.wait()
            return await super().handle_async_request(request)
        finally:
            self._in_flight -= 1
