"""Faults: planned and random failures of requests."""

import random
import re
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Literal

import anyio
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from useresponse_async.sandbox._calls import error_json

#: `status`: another response than the real one; `reset`: the connection is reset without a
#: response; `reset-body`: reset after half of the body; `cut`: half of the JSON under a matching
#: Content-Length; `slow`: the real body, in small pieces; `delay`: the real response, late.
Kind = Literal["status", "reset", "reset-body", "cut", "slow", "delay"]


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault; `after_effect` lets the request do its work before it fails."""

    kind: Kind
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""
    media_type: str = "application/json"
    seconds: float = 0.0
    after_effect: bool = False


@dataclass(slots=True)
class _Plan:
    fault: Fault
    times: int
    pattern: re.Pattern[str] | None


_RANDOM_FAULTS = (
    Fault(kind="status", status=503, body=error_json(503)),
    Fault(kind="status", status=500, body=error_json(500)),
    Fault(kind="reset"),
    Fault(kind="cut"),
)


class Faults:
    """The faults of one sandbox: those that a test has planned, in order, then random ones.

    The same seed hits the same requests in the same way.
    """

    def __init__(self, share: float, seed: int) -> None:
        self._share = share
        self._dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
        self.planned: list[_Plan] = []

    def plan(self, fault: Fault, times: int, match: str | None) -> None:
        if times < 1:
            raise ValueError(f"times must be 1 or more, got {times}")
        self.planned.append(_Plan(fault, times, re.compile(match) if match else None))

    def next_for(self, method: str, path: str, query: str) -> Fault | None:
        line = f"{method} {path}?{query}" if query else f"{method} {path}"
        for plan in self.planned:
            if plan.pattern is None or plan.pattern.search(line):
                plan.times -= 1
                if not plan.times:
                    self.planned.remove(plan)
                return plan.fault
        if not self._share or self._dice.random() >= self._share:
            return None
        return self._dice.choice(_RANDOM_FAULTS)


#: Key among the extensions of a scope, where there is a real connection, of a function that
#: resets it.
RESET = "useresponse_async.sandbox.reset"

#: Sent by a fault that keeps the request from having its own response.
SAMPLE = b'{"currentPage":1,"firstPage":1,"data":[{"id":1,"name":"Anna","shortName":"A."}]}'

# Seconds for the first half of a body to leave before the connection is reset.
_HALF_BODY_PAUSE = 0.02

_SLOW_PIECES = 10


async def spoil(
    fault: Fault, response: Response, scope: Scope, receive: Receive, send: Send
) -> None:
    if fault.kind == "status":
        response = Response(fault.body, fault.status, fault.headers, fault.media_type)
    if fault.kind in ("status", "delay"):
        await response(scope, receive, send)
        return
    if fault.kind == "reset":
        await _reset(scope, receive)
        return
    body = bytes(response.body)
    half = body[: len(body) // 2]
    length = len(half) if fault.kind == "cut" else len(body)
    headers = [pair for pair in response.raw_headers if pair[0] != b"content-length"]
    headers.append((b"content-length", str(length).encode()))
    start = {"type": "http.response.start", "status": response.status_code, "headers": headers}
    await send(start)
    if fault.kind == "cut":
        await send({"type": "http.response.body", "body": half})
    elif fault.kind == "reset-body":
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await anyio.sleep(_HALF_BODY_PAUSE)
        await _reset(scope, receive)
    else:
        step = len(body) // _SLOW_PIECES + 1
        for begin in range(0, len(body), step):
            await anyio.sleep(fault.seconds / _SLOW_PIECES)
            piece = body[begin : begin + step]
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


async def _reset(scope: Scope, receive: Receive) -> None:
    extensions: MutableMapping[str, Any] = scope.get("extensions") or {}
    reset: Callable[[], None] | None = extensions.get(RESET)
    if reset is None:
        # Without a socket, the caller is in this process and can receive the error directly.
        raise ConnectionResetError("connection reset by the sandbox")
    reset()
    # The server must see the disconnection, or it would respond in place of the application.
    while (await receive())["type"] != "http.disconnect":
        pass
