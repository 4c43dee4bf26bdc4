"""What happens to every request, whichever route it is for?"""

import time
from urllib.parse import parse_qsl

import anyio
from starlette.datastructures import Headers
from starlette.types import Message, Receive, Scope, Send

from useresponse_async.sandbox.answers import Refusal
from useresponse_async.sandbox.controls import Controls
from useresponse_async.sandbox.downloads import Downloads
from useresponse_async.sandbox.faults import Fault
from useresponse_async.sandbox.misbehaving import play
from useresponse_async.sandbox.options import Options
from useresponse_async.sandbox.routes import OPEN_TO_ALL, ROUTES
from useresponse_async.sandbox.routing import build_router
from useresponse_async.sandbox.state import State
from useresponse_async.sandbox.traffic import Received


class SandboxApp(Controls):
    """The sandbox as an ASGI application: counts, records, delays, misbehaves, then routes."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._router = build_router(
            state, ROUTES, open_to_all=OPEN_TO_ALL, downloads=Downloads(state)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._router(scope, receive, send)
            return
        traffic = self.state.traffic
        traffic.enter()
        try:
            await self._serve(scope, receive, send)
        finally:
            traffic.leave()

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        if body is None:
            return
        # Decided on arrival: the order of arrivals, not of answers, is what repeats.
        fault = self._arrived(scope, body)
        if self._is_overloaded:
            self.state.traffic.faults["overload"] += 1
            await Refusal(503).response(scope, receive, send)
            return
        if self.state.latency:
            await anyio.sleep(self.state.latency)
        replay = _Replay(body, receive)
        if fault is None:
            await self._route(scope, replay, send)
        else:
            await play(fault, self._route, scope, replay, send)

    @property
    def _is_overloaded(self) -> bool:
        capacity = self.state.capacity
        return capacity is not None and self.state.traffic.in_flight > capacity

    def _arrived(self, scope: Scope, body: bytes) -> Fault | None:
        state = self.state
        query = scope["query_string"].decode("latin-1")
        if state.traffic.record:
            state.traffic.requests.append(
                Received(
                    method=scope["method"],
                    path=scope["path"],
                    query=parse_qsl(query, keep_blank_values=True),
                    headers=Headers(raw=scope["headers"]),
                    body=body,
                    at=time.monotonic(),
                )
            )
        with state.lock:
            fault = state.script.next_for(scope["method"], scope["path"], query)
            fault = fault or state.chance.next()
        if fault is not None:
            state.traffic.faults[fault.label] += 1
        return fault

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self.state.api_enabled:
            await self._router(scope, receive, send)
        else:
            await Refusal(503).response(scope, receive, send)


def create_app(options: Options | None = None) -> SandboxApp:
    """Build the sandbox as an ASGI application, to be mounted or called without a socket."""
    return SandboxApp(State(options or Options()))


async def _read(receive: Receive) -> bytes | None:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(body)


class _Replay:
    """Gives the body that was already read once more, then what the server has to say."""

    __slots__ = ("_body", "_receive")

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._body: bytes | None = body
        self._receive = receive

    async def __call__(self) -> Message:
        if self._body is None:
            return await self._receive()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}
