"""The sandbox as an ASGI application: records, delays and spoils requests, then routes them."""

import sys
import time
from contextlib import suppress
from urllib.parse import parse_qsl, quote, urlencode

import anyio
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import Message, Receive, Scope, Send

from useresponse_async.sandbox._auth import AUTH_ROUTES, OPEN_ROUTES
from useresponse_async.sandbox._calls import Routes, read_call
from useresponse_async.sandbox._categories import CATEGORY_ROUTES
from useresponse_async.sandbox._changelog import CHANGELOG_ROUTES
from useresponse_async.sandbox._chats import CHAT_ROUTES
from useresponse_async.sandbox._comments import COMMENT_ROUTES
from useresponse_async.sandbox._controls import Controls
from useresponse_async.sandbox._custom_fields import CUSTOM_FIELD_ROUTES
from useresponse_async.sandbox._faults import Fault, play
from useresponse_async.sandbox._files import FILE_ROUTES, download
from useresponse_async.sandbox._moderation import MODERATION_ROUTES
from useresponse_async.sandbox._notes import NOTE_ROUTES
from useresponse_async.sandbox._objects import OBJECT_ROUTES
from useresponse_async.sandbox._options import Options
from useresponse_async.sandbox._reports import REPORT_ROUTES
from useresponse_async.sandbox._responses import Refusal
from useresponse_async.sandbox._state import Received, State
from useresponse_async.sandbox._statuses import STATUS_ROUTES
from useresponse_async.sandbox._tickets import TICKET_ROUTES
from useresponse_async.sandbox._users import USER_ROUTES

# The first match wins, so the busiest routes come first.
_ROUTES: Routes = {
    **USER_ROUTES,
    **TICKET_ROUTES,
    **OBJECT_ROUTES,
    **COMMENT_ROUTES,
    **FILE_ROUTES,
    **MODERATION_ROUTES,
    **AUTH_ROUTES,
    **NOTE_ROUTES,
    **CUSTOM_FIELD_ROUTES,
    **CATEGORY_ROUTES,
    **STATUS_ROUTES,
    **CHAT_ROUTES,
    **CHANGELOG_ROUTES,
    **REPORT_ROUTES,
}

# Parameters of a query that the access log hides.
_SECRETS = ("apiKey", "api_key", "token")


class SandboxApp(Controls):
    """The sandbox as an ASGI application."""

    def __init__(self, state: State) -> None:
        self.state = state
        root = state.options.root_path
        self._routes = [
            (compile_path(f"{root}/api/{{version}}{path}")[0], methods, path in OPEN_ROUTES)
            for path, methods in _ROUTES.items()
        ]
        self._files = compile_path(f"{root}/files/{{token}}/{{name:path}}")[0]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        traffic = self.state.traffic
        traffic.arrivals += 1
        traffic.in_flight += 1
        traffic.peak_in_flight = max(traffic.peak_in_flight, traffic.in_flight)
        started = time.monotonic()
        status = "-"

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._serve(scope, receive, send_and_note)
        finally:
            traffic.in_flight -= 1
            if self.state.options.access_log:
                _log(scope, status, time.monotonic() - started)

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        state = self.state
        body = bytearray()
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
        # Chosen on arrival: the order of requests repeats, that of responses does not.
        fault = self._arrived(scope, bytes(body))
        if state.capacity is not None and state.traffic.in_flight > state.capacity:
            state.traffic.faults["overload"] += 1
            await Refusal(503).response(scope, receive, send)
            return
        if state.latency:
            await anyio.sleep(state.latency)
        replayed = False

        async def replay() -> Message:
            nonlocal replayed
            if replayed:
                return await receive()
            replayed = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        if fault is None:
            await self._route(scope, replay, send)
        else:
            await play(fault, self._route, scope, replay, send)

    def _arrived(self, scope: Scope, body: bytes) -> Fault | None:
        """Record a request and return the fault that it meets."""
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
        try:
            response = await self._respond(Request(scope, receive))
        except Refusal as refusal:
            response = refusal.response
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        if not self.state.api_enabled:
            raise Refusal(503)
        # Where the application is mounted, the path begins with that of the mount.
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        for pattern, methods, is_open in self._routes:
            match = pattern.match(path)
            if match is None:
                continue
            handler = methods.get(request.method)
            if handler is None:
                allowed = {"Allow": ", ".join(methods)}
                raise Refusal(405, headers=allowed)
            call = await read_call(self.state, request, match.groupdict(), is_open=is_open)
            with self.state.lock:
                return handler(call)
        match = self._files.match(path)
        if match is None:
            raise Refusal(404)
        return download(self.state, request, match["token"])


def create_app(options: Options | None = None) -> SandboxApp:
    """Return the sandbox as an ASGI application, to be mounted or called without a socket."""
    return SandboxApp(State(options or Options()))


def _log(scope: Scope, status: str, seconds: float) -> None:
    """Write a line about a request; a `-` means that it got no response."""
    query = [
        (name, "***" if name in _SECRETS else value)
        for name, value in parse_qsl(
            scope["query_string"].decode("latin-1"), keep_blank_values=True
        )
    ]
    target = quote(scope["path"]) + ("?" + urlencode(query, safe="*") if query else "")
    # The log is not worth a request: its reader may have gone.
    with suppress(OSError, ValueError):
        sys.stderr.write(f"{scope['method']} {target} {status} {seconds * 1000:.0f} ms\n")
