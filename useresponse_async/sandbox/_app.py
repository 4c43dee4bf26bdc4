"""The sandbox as an ASGI application: records, delays, faults and routes of requests."""

import re
import sys
import time
from contextlib import suppress
from urllib.parse import parse_qsl, quote, urlencode

import anyio
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from useresponse_async.sandbox._auth import AUTH_ROUTES
from useresponse_async.sandbox._calls import Access, Handler, Refusal, read_call
from useresponse_async.sandbox._categories import CATEGORY_ROUTES
from useresponse_async.sandbox._changelog import CHANGELOG_ROUTES
from useresponse_async.sandbox._chats import CHAT_ROUTES
from useresponse_async.sandbox._comments import COMMENT_ROUTES
from useresponse_async.sandbox._controls import Controls, Received, State
from useresponse_async.sandbox._custom_fields import CUSTOM_FIELD_ROUTES
from useresponse_async.sandbox._faults import SAMPLE, Fault, spoil
from useresponse_async.sandbox._files import FILE_ROUTES, download
from useresponse_async.sandbox._notes import NOTE_ROUTES
from useresponse_async.sandbox._objects import OBJECT_ROUTES
from useresponse_async.sandbox._options import Options
from useresponse_async.sandbox._statuses import STATUS_ROUTES
from useresponse_async.sandbox._tickets import TICKET_ROUTES
from useresponse_async.sandbox._users import USER_ROUTES

# Path to method to route. Paths hold a 0 where requests have an id.
_ROUTES: dict[str, dict[str, tuple[Access, Handler]]] = {}
for _table in (
    USER_ROUTES, TICKET_ROUTES, OBJECT_ROUTES, COMMENT_ROUTES, FILE_ROUTES, AUTH_ROUTES,
    NOTE_ROUTES, CUSTOM_FIELD_ROUTES, CATEGORY_ROUTES, STATUS_ROUTES, CHAT_ROUTES, CHANGELOG_ROUTES,
):  # fmt: skip
    for _line, _route in _table.items():
        _method, _, _path = _line.partition(" ")
        _ROUTES.setdefault(_path.replace("{id}", "0"), {})[_method] = _route

# The first id in a path. No id has more digits, and a longer number takes long to parse.
_ID = re.compile(r"/([0-9]{1,18})(?=[/.])")

# Parameters of a query that the access log hides.
_SECRETS = ("apiKey", "api_key", "token")


class SandboxApp(Controls):
    """The sandbox as an ASGI application."""

    def __init__(self, state: State) -> None:
        super().__init__(state)
        root = re.escape(state.options.root_path)
        self._call = re.compile(rf"{root}/api/([^/]+)(/.+)")
        self._file = re.compile(rf"{root}/files/([^/]+)/.*")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            for event in ("startup", "shutdown"):
                await receive()
                await send({"type": f"lifespan.{event}.complete"})
            return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000, "reason": ""})
            return
        self._enter()
        started = time.monotonic()
        status, ended = "-", False

        async def send_and_note(message: Message) -> None:
            nonlocal status, ended
            if message["type"] == "http.response.start":
                status = str(message["status"])
            elif not (ended or message.get("more_body", False)):
                # Before the client receives it, since its next request may arrive at once.
                ended = True
                self._leave()
            await send(message)

        try:
            await self._serve(scope, receive, send_and_note)
        finally:
            if not ended:
                self._leave()
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
        if state.capacity is not None and self.in_flight > state.capacity:
            self._faults["overload"] += 1
            await Refusal(503).response(scope, receive, send)
            return
        await anyio.sleep(state.latency + (fault.seconds if fault and fault.kind == "delay" else 0))
        if fault is None or fault.after_effect or fault.kind in ("slow", "delay"):
            response = await self._respond(scope, bytes(body))
        else:
            response = Response(SAMPLE, media_type="application/json")
        if fault is None:
            await response(scope, receive, send)
        else:
            await spoil(fault, response, scope, receive, send)

    def _arrived(self, scope: Scope, body: bytes) -> Fault | None:
        """Record a request and return the fault that it meets."""
        query = scope["query_string"].decode("latin-1")
        if self.state.options.record:
            self._received.append(
                Received(
                    method=scope["method"],
                    path=scope["path"],
                    query=parse_qsl(query, keep_blank_values=True),
                    headers=Headers(raw=scope["headers"]),
                    body=body,
                    at=time.monotonic(),
                )
            )
        with self.state.lock:
            fault = self.state.faults.next_for(scope["method"], scope["path"], query)
        if fault is not None:
            self._faults[str(fault.status) if fault.kind == "status" else fault.kind] += 1
        return fault

    async def _respond(self, scope: Scope, body: bytes) -> Response:
        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        try:
            return await self._route(Request(scope, receive))
        except Refusal as refusal:
            return refusal.response

    async def _route(self, request: Request) -> Response:
        if not self.state.api_enabled:
            raise Refusal(503)
        # Where the application is mounted, the path begins with that of the mount.
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        file = self._file.fullmatch(path)
        if file:
            return download(self.state, request, file[1])
        match = self._call.fullmatch(path)
        if match is None:
            raise Refusal(404)
        version, path = match.groups()
        found = _ID.search(path)
        if found:
            path = f"{path[: found.start(1)]}0{path[found.end(1) :]}"
        methods = _ROUTES.get(path)
        if methods is None:
            raise Refusal(404)
        if request.method not in methods:
            raise Refusal(405, headers={"Allow": ", ".join(methods)})
        access, handler = methods[request.method]
        call = await read_call(self.state, request, version, int(found[1]) if found else 0, access)
        with self.state.lock:
            return handler(call)


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
