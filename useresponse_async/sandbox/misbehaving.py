"""How is a planned misbehaviour acted out over a connection?"""

from collections.abc import Callable, Coroutine, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import anyio
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from useresponse_async.sandbox.faults import Fault, Kind

#: Where a scope carries the connection it came by, when there is a real one.
CONNECTION = "useresponse_async.sandbox.connection"

# What is cut when the request was not allowed to have its effect, so has no answer of its own.
_SAMPLE = b'{"currentPage":1,"firstPage":1,"data":[{"id":1,"name":"Anna","shortName":"A."}]}'

# Time for the first half of a body to leave before the connection is reset.
_HALF_BODY_PAUSE = 0.02

_SLOW_PIECES = 10


class Connection(Protocol):
    """What is needed of a connection to misbehave with it."""

    def reset(self) -> None:
        """Break it off at once with a TCP reset."""
        ...


@dataclass(slots=True)
class _Answer:
    status: int = 200
    headers: list[tuple[bytes, bytes]] = field(
        default_factory=lambda: [(b"content-type", b"application/json")]
    )
    body: bytes = _SAMPLE


async def play(fault: Fault, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer one request the way `fault` says instead of the way `app` would."""
    if fault.kind == "delay":
        await anyio.sleep(fault.seconds)
        await app(scope, receive, send)
        return
    answer = _Answer()
    if fault.after_effect or fault.kind == "slow":
        answer = await _ask(app, scope, receive)
    await _ACTS[fault.kind](fault, answer, scope, receive, send)


async def _ask(app: ASGIApp, scope: Scope, receive: Receive) -> _Answer:
    answer = _Answer(body=b"")

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = list(message["headers"])
        else:
            answer.body += message.get("body", b"")

    await app(scope, receive, keep)
    return answer


async def _other_answer(
    fault: Fault, _answer: _Answer, scope: Scope, receive: Receive, send: Send
) -> None:
    response = Response(fault.body, fault.status, fault.headers, fault.media_type)
    await response(scope, receive, send)


async def _reset(
    _fault: Fault, _answer: _Answer, scope: Scope, receive: Receive, _send: Send
) -> None:
    await _drop(scope, receive)


async def _reset_in_body(
    _fault: Fault, answer: _Answer, scope: Scope, receive: Receive, send: Send
) -> None:
    await _start(answer, len(answer.body), send)
    half = answer.body[: len(answer.body) // 2]
    await send({"type": "http.response.body", "body": half, "more_body": True})
    await anyio.sleep(_HALF_BODY_PAUSE)
    await _drop(scope, receive)


async def _cut(
    _fault: Fault, answer: _Answer, _scope: Scope, _receive: Receive, send: Send
) -> None:
    half = answer.body[: len(answer.body) // 2]
    await _start(answer, len(half), send)
    await send({"type": "http.response.body", "body": half})


async def _slow(
    fault: Fault, answer: _Answer, _scope: Scope, _receive: Receive, send: Send
) -> None:
    await _start(answer, len(answer.body), send)
    step = len(answer.body) // _SLOW_PIECES + 1
    for start in range(0, len(answer.body), step):
        await anyio.sleep(fault.seconds / _SLOW_PIECES)
        piece = answer.body[start : start + step]
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def _start(answer: _Answer, length: int, send: Send) -> None:
    headers = [pair for pair in answer.headers if pair[0] != b"content-length"]
    headers.append((b"content-length", str(length).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def _drop(scope: Scope, receive: Receive) -> None:
    extensions: MutableMapping[str, Any] = scope.get("extensions") or {}
    connection: Connection | None = extensions.get(CONNECTION)
    if connection is None:
        # Without a socket the caller is in this very process and can be told directly.
        raise ConnectionResetError("connection reset by the sandbox")
    connection.reset()
    # The server must see the connection gone, or it would answer for an app that did not.
    while (await receive())["type"] != "http.disconnect":
        pass


_Act = Callable[[Fault, _Answer, Scope, Receive, Send], Coroutine[None, None, None]]
_ACTS: dict[Kind, _Act] = {
    "status": _other_answer,
    "reset": _reset,
    "reset-body": _reset_in_body,
    "cut": _cut,
    "slow": _slow,
}
