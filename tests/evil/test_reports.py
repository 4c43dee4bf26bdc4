"""Sentry and structlog show every variable of every frame, and no secret."""

import json
import secrets
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from server import REQUEST, RESET, SILENCE, answer, chunked, flood
from structlog.tracebacks import ExceptionDictTransformer

from useresponse_async import AsyncClient, KeyPlacement, RetryPolicy, Secret, UseResponseError

pytestmark = pytest.mark.anyio

# Made anew, so that no line of this file's source, which Sentry shows too, holds one.
KEY, PASSWORD, TOKEN, NEW_KEY = (
    f"{name}-{secrets.token_hex(8)}" for name in ("key", "password", "token", "new")
)
ECHO = f"key {KEY} and password {PASSWORD} and token {TOKEN}".encode()
NEW = f'{{"success": {{"id": 1, "name": "Ada", "apiKey": "{NEW_KEY}"}}}}'.encode()
CUT = answer(ECHO + NEW + b" " * 99)[:-9]
TWICE = RetryPolicy(attempts=2, initial_delay=0, min_retries_per_second=1000)

FAILURES = {
    "status": (answer(ECHO, b"X-Echo: " + ECHO, status=b"401 " + ECHO),),
    "typed error": (answer(b'{"error": {"code": 400, "message": "%b"}}' % ECHO, status=b"400 A"),),
    "overload": (answer(b'{"error": {"message": "%b"}}' % ECHO, status=b"503 Busy"),),
    "not JSON": (answer(b"<b>Notice</b> " + ECHO + NEW),),
    "misfit": (answer(b'{"success": {"id": "%b %b"}}' % (ECHO, NEW_KEY.encode())),),
    "cut": (CUT, RESET),
    "cut compressed": (answer(ECHO + NEW, b"Content-Encoding: gzip"),),
    "stalled": (CUT, SILENCE),
    "endless": (answer(bytes(10**6))[: -(10**6)], flood(ECHO + NEW, seconds=0.001)),
    "bad head": (b"HTTP/1.1 200 OK\r\nX " + KEY.encode() + b"\r\n\r\n",),
    "bad chunk": (chunked(ECHO + NEW)[:-5] + b"nonsense " + ECHO, RESET),
    "reset": (RESET,),
    "silence": (SILENCE,),
    "redirect": (answer(b"", b"Location: http://h:99999/?apiKey=" + KEY.encode(), status=b"302 "),),
}

CALLS = {
    "get": lambda client, to: client.users.get(1),
    "me": lambda client, to: client.users.me(),
    "create": lambda client, to: client.users.create("a@b.c", full_name="A", password=PASSWORD),
    "login": lambda client, to: client.auth.login("a@b.example", PASSWORD),
    "identity": lambda client, to: client.auth.identity(TOKEN, "a@b.example"),
    "register": lambda client, to: client.auth.register(name="A", email="a@b.example"),
    "change": lambda client, to: client.users.change_password(1, PASSWORD),
    "sensitive": lambda client, to: client.request(
        "POST", "x.json", json={"password": Secret(PASSWORD)}, sensitive=True
    ),
    "download": lambda client, to: client.files.download("/f", to / "f", max_bytes=10_000),
    "walk": lambda client, to: client.users.search().collect(),
}
# The secrets that a call sends or receives: the response may contain a new key.
HIDDEN = {
    **dict.fromkeys(("me", "register"), (NEW_KEY,)),
    "identity": (TOKEN, NEW_KEY),
    **dict.fromkeys(("create", "login", "change", "sensitive"), (PASSWORD, NEW_KEY)),
}


async def failure_of(call: Any, client: AsyncClient, folder: Path) -> UseResponseError | None:
    """Return the failure of a call, from a frame whose own variables show nothing."""
    try:
        await call(client, folder)
    except UseResponseError as error:
        return error
    return None


in_structlog = ExceptionDictTransformer(show_locals=True, locals_max_string=10**6, max_frames=500)


class Kept(Transport):
    """Keeps the events that Sentry would send."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.events += [json.loads(item.payload.get_bytes()) for item in envelope.items]


@pytest.fixture
def events() -> Iterator[list[Any]]:
    """Give the list of the events that Sentry would send."""
    kept = Kept()
    sentry_sdk.init(
        "http://public@localhost/1",
        transport=kept,
        max_request_body_size="always",
        max_value_length=1_000_000,
        send_client_reports=False,
        auto_session_tracking=False,
    )
    yield kept.events
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.init()


# A sender of httpx's gets the key as a part of the request.
OTHERS = ("its own, with a header", "transport", "client")


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize(
    "sender", ["its own", *(pytest.param(it, marks=pytest.mark.long) for it in OTHERS)]
)
async def test_no_failure_of_a_call_shows_a_secret(  # noqa: PLR0917 - fixtures
    server, events, wire, tmp_path, sender, failure
):
    options: dict[str, Any] = {"transport": wire}
    placement = KeyPlacement.HEADER if "header" in sender else KeyPlacement.QUERY
    async with AsyncExitStack() as stack:
        if sender == "transport":
            options = {"transport": httpx.AsyncHTTPTransport()}
        elif sender == "client":
            options = {"http_client": await stack.enter_async_context(httpx.AsyncClient())}
        options |= {"api_key": KEY, "key_placement": placement, "retry": TWICE}
        options |= {"timeout": 0.1, "attempt_timeout": 0.2, "max_response_bytes": 100_000}
        client = await stack.enter_async_context(AsyncClient(server.url, **options))
        failures: set[str] = set()
        for name, call in CALLS.items():
            sentry_sdk.get_isolation_scope().clear_breadcrumbs()  # they are another call's
            heard = [] if failure == "silence" else [REQUEST]
            server.play(*heard, *FAILURES[failure], times=2)
            server.play(SILENCE, times=50)  # no connection is kept, so each plays its own
            with anyio.fail_after(10):
                error = await failure_of(call, client, tmp_path)
            if error is not None:
                failures.add(name)
                sentry_sdk.capture_exception(error)
                event = events.pop()
                assert event["exception"]["values"][-1]["stacktrace"]["frames"][-1]["vars"]
                if sender == "client":  # its own requests, in the breadcrumbs, hold the key
                    event = event["exception"]
                shown = json.dumps(event)
                shown += str(in_structlog((type(error), error, error.__traceback__)))
                for secret in (KEY, *HIDDEN.get(name, ())):
                    assert secret not in shown, name
            (tmp_path / "f").unlink(missing_ok=True)
            server.scripts.clear()  # what the call did not need
        # These return the body unchanged.
        assert {*CALLS} - failures <= {"download", "sensitive"}
