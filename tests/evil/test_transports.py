"""Transports that fail, block or never end in one of their steps.

An exception becomes a typed error, and its class alone decides on a retry.
"""

import importlib
import pickle
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import aiohttp
import anyio
import anyio.lowlevel
import h11
import httpcore
import httpx
import pytest
from memory import Memory
from server import CALLS, ONCE
from tasks import live_tasks, until

import useresponse_async as ur

if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup

pytestmark = pytest.mark.anyio

URL = "https://help.example"
LOOPS = ["asyncio", pytest.param("asyncio+uvloop", marks=pytest.mark.long), "trio"]
KEY = "evil-k3y"
TEXT = f"broken at {URL}/?apiKey={KEY}"
NAMES = ["builtins", "ssl", "socket", "httpx", "httpcore", "h11", "h2.exceptions", "anyio"]
NAMES += ["aiohttp", "aiohttp.http_exceptions", "anyio.to_process", "anyio.from_thread"]
PACKAGES = ("anyio", "h11", "h2", "httpcore", "aiohttp")
NEVER_SENT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError,
    httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.ProxyError,
    aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ConnectionTimeoutError,
)  # fmt: skip
TIMEOUTS = (TimeoutError, httpx.TimeoutException, httpcore.TimeoutException)
CONNECTION = SimpleNamespace(ssl=True, host="h", port=443, is_ssl=True, real_url=TEXT)
AT_ONCE = ur.RetryPolicy(attempts=3, initial_delay=0, min_retries_per_second=100_000)


class NoText(OSError):
    """An exception that cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError(TEXT)

    __repr__ = __str__


def made(kind: Any) -> Exception:
    """Return an exception of a class, for any signature of its constructor."""
    failed = OSError(111, TEXT)
    for arguments in ((TEXT,), (), (CONNECTION, failed), (1002, TEXT), (TEXT, [failed])):
        with suppress(TypeError, AttributeError):
            return kind(*arguments)
    return kind.__new__(kind, TEXT)


def errors() -> Iterator[Exception]:
    kinds = {NoText: None, ExceptionGroup: None}
    for name in NAMES:
        if find_spec(name.partition(".")[0]) is not None:
            values = vars(importlib.import_module(name)).values()
            found = (it for it in values if isinstance(it, type) and issubclass(it, Exception))
            kinds |= dict.fromkeys(found)
    # Not those that mean something to Python itself, and one that cannot be made.
    odd = (StopIteration, StopAsyncIteration, h11.ProtocolError)
    yield from (made(kind) for kind in kinds if kind not in odd)
    yield from (OSError("a", "b"), OSError(10**30, TEXT), OSError(-2, TEXT), socket.gaierror())


class Failing(Memory):
    """A server in memory that fails once, in one of its steps."""

    def __init__(self, step: str, error: Exception, only: str) -> None:
        self.step, self.error, self.only = step, error, only
        self.armed, self.arrivals = True, 0

    async def reach(self, step: str, target: str) -> None:
        await super().reach(step, target)
        self.arrivals += step == "head"
        if self.armed and step == self.step and self.only in target:
            self.armed = False
            raise self.error


def transient(error: Exception) -> bool:
    """Return whether the roots of the exception's class are transient."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return False  # what a certificate says does not change
    return isinstance(error, OSError | httpx.TransportError) or any(
        base.__module__.partition(".")[0] in PACKAGES for base in type(error).__mro__
    )


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.parametrize("call", ["get", "post", "download", "walk"])
@pytest.mark.parametrize("step", ["head", "later", "close"])
async def test_every_exception_in_every_step_is_typed_and_retried_by_its_class(
    step, call, tmp_path
):
    kinds: set[type] = set()
    for error in errors():
        kinds.add(type(error))
        sender = Failing(step, error, "page=2" if call == "walk" else "")
        sent = step != "head" or not isinstance(error, NEVER_SENT)
        retried = transient(error) and (call != "post" or not sent)
        succeeds = retried or step == "close"
        caught: ur.APIConnectionError | None = None
        async with ur.AsyncClient(URL, api_key=KEY, transport=sender, retry=AT_ONCE) as client:
            try:
                await CALLS[call](client, tmp_path)
            except ur.APIConnectionError as raised:
                caught = raised
            assert client.in_flight == 0
        assert not sender.armed
        assert (caught is None) is succeeds, type(error)
        if caught is not None:
            assert caught.request_sent is sent, type(error)
            assert caught.permanent is not transient(error), type(error)
            assert isinstance(caught, ur.APITimeoutError) is isinstance(error, TIMEOUTS)
            assert caught.cause.endswith(type(error).__name__)
            assert caught.__cause__ is caught.__context__ is None
            assert KEY not in f"{caught} {vars(caught)} {pickle.dumps(caught)!r}", type(error)
        if succeeds or call != "walk":
            pages = 3 if call == "walk" else 1
            assert sender.arrivals == pages + (retried and step != "close"), type(error)
    assert len(kinds) > 130
    assert {path.name for path in tmp_path.iterdir()} <= {"f"}


class Blocking(Memory):
    """A server in memory, one of whose steps never ends, unless it is cancelled."""

    pages = 1
    asleep = 0

    def __init__(self, step: str) -> None:
        self.step = step
        self.reached = anyio.Event()

    async def reach(self, step: str, target: str) -> None:
        await super().reach(step, target)
        if step == self.step:
            self.reached.set()
            self.asleep += 1
            try:
                await anyio.sleep_forever()
            finally:
                self.asleep -= 1


STEPS = ["head", "first", "later", "last", "close"]


# Cancellation in each way and at each await is the subject of scenarios/test_cancellation.py.
@pytest.mark.every_loop
@pytest.mark.parametrize("anyio_backend", LOOPS, indirect=True)
@pytest.mark.parametrize("by", ["deadline", "scope", "closing the client"])
@pytest.mark.parametrize(
    ("call", "step"), [("upload", "upload"), *((call, step) for call in CALLS for step in STEPS)]
)
async def test_a_blocked_call_ends_at_once_or_within_its_deadline(
    by, call, step, tmp_path, collect
):
    sender, tasks = Blocking(step), live_tasks()
    seconds = 0.3 if by == "deadline" else 60
    # A download has no other limit once it has begun than that of each part.
    limits = {"attempt_timeout": seconds, "timeout": seconds if call == "download" else 60}
    client = ur.AsyncClient(URL, transport=sender, retry=ONCE, **limits)

    async def run() -> None:
        try:
            await CALLS[call](client, tmp_path)
        except ur.APITimeoutError:
            assert (by, step == "close") == ("deadline", False)
        except ur.ClientClosedError:
            assert by == "closing the client"
        else:
            assert step == "close"  # a result that came counts

    with anyio.fail_after(20):
        async with anyio.create_task_group() as group:
            group.start_soon(run)
            await sender.reached.wait()
            if by == "scope":
                group.cancel_scope.cancel()
            elif by == "closing the client":
                await client.aclose()
    assert (client.in_flight, sender.asleep) == (0, 0)
    await until(lambda: live_tasks() == tasks)
    await client.aclose()
    collect()  # so that what was not closed warns here
    assert {path.name for path in tmp_path.iterdir()} <= ({"f"} if step == "close" else set())


class Endless(httpx.MockTransport):
    """Sends chunk after chunk, although the body is closed."""

    def __init__(self, chunk: bytes) -> None:
        super().__init__(lambda _: httpx.Response(200, content=self.body(chunk)))
        self.taken = 0

    async def body(self, chunk: bytes) -> AsyncIterator[bytes]:
        while True:
            await anyio.lowlevel.checkpoint()
            self.taken += 1
            yield chunk


# The generator of such a body is left to the garbage collector, for httpx stands in between.
@pytest.mark.filterwarnings("ignore:Async generator:ResourceWarning", "ignore:Exception ignored")
@pytest.mark.every_loop
@pytest.mark.parametrize("anyio_backend", LOOPS, indirect=True)
@pytest.mark.parametrize(
    ("call", "options", "kind", "chunk"),
    [
        ("get", {"max_response_bytes": 50_000}, ur.ResponseTooLargeError, b"x" * 1000),
        ("get", {"attempt_timeout": 0.2}, ur.APITimeoutError, b"x"),
        ("get", {"attempt_timeout": 0.2}, ur.APITimeoutError, b""),
        ("get", {}, TimeoutError, b"x"),
        ("download", {"attempt_timeout": 0.1}, TimeoutError, b""),  # it lasts as long as it comes
    ],
)
async def test_a_body_that_ignores_its_closing_can_be_left(  # noqa: PLR0917 - fixtures and a row
    tmp_path, collect, call, options, kind, chunk
):
    sender = Endless(chunk)
    async with ur.AsyncClient(URL, transport=sender, retry=ONCE, **options) as client:
        with anyio.fail_after(20), pytest.raises(kind) as caught:
            with anyio.fail_after(0.4 if kind is TimeoutError else 30):
                if call == "get":
                    await client.users.me()
                else:
                    await client.files.download("/f", tmp_path / "f")
        assert client.in_flight == 0
    assert type(caught.value) is kind
    assert sender.taken < 200 or kind is not ur.ResponseTooLargeError
    assert list(tmp_path.iterdir()) == []
    collect()  # what warns does so here
