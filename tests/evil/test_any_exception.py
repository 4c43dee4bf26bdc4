"""Exceptions of a transport become typed errors, and their class alone decides on a retry."""

import importlib
import pickle
import socket
import ssl
import sys
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import aiohttp
import h11
import httpcore
import httpx
import pytest
from memory import Memory
from server import CALLS

from useresponse_async import APIConnectionError, APITimeoutError, AsyncClient, RetryPolicy

if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup

pytestmark = pytest.mark.anyio

KEY = "evil-k3y"
TEXT = f"broken at https://help.example/?apiKey={KEY}"
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
AT_ONCE = RetryPolicy(attempts=3, initial_delay=0, min_retries_per_second=100_000)


class NoText(OSError):
    """An exception that cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError(TEXT)

    __repr__ = __str__


def made(kind: Any) -> Exception:
    """Return an exception of a class, for any signature of its constructor."""
    failed = OSError(111, TEXT)
    for arguments in ((TEXT,), (), (CONNECTION, failed), (1002, TEXT), (TEXT, [failed])):
        with suppress(TypeError):
            return kind(*arguments)
    return kind.__new__(kind, TEXT)


def errors() -> Iterator[Exception]:
    kinds = {NoText: None, ExceptionGroup: None}
    for name in NAMES:
        if find_spec(name.partition(".")[0]) is not None:
            values = vars(importlib.import_module(name)).values()
            kinds |= dict.fromkeys(
                it for it in values if isinstance(it, type) and issubclass(it, Exception)
            )
    for kind in kinds:
        # All but those that mean something to Python itself, and one that cannot be made.
        if kind not in (StopIteration, StopAsyncIteration, h11.ProtocolError):
            yield made(kind)
    yield from (OSError("a", "b"), OSError(10**30, TEXT), OSError(-2, TEXT), socket.gaierror())


class Sender(Memory):
    """A server in memory that fails once, in one of its steps."""

    def __init__(self, step: str, error: Exception, only: str = "") -> None:
        self.step, self.error, self.only = step, error, only
        self.armed = True
        self.arrivals = 0

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
        sender = Sender(step, error, only="page=2" if call == "walk" else "")
        sent = step != "head" or not isinstance(error, NEVER_SENT)
        retried = transient(error) and (call != "post" or not sent)
        succeeds = retried or step == "close"
        async with AsyncClient(
            "https://help.example", api_key=KEY, transport=sender, retry=AT_ONCE
        ) as client:
            caught: APIConnectionError | None = None
            try:
                await CALLS[call](client, tmp_path)
            except APIConnectionError as raised:
                caught = raised
            assert (caught is None) is succeeds, type(error)
            if caught is not None:
                assert caught.request_sent is sent, type(error)
                assert caught.permanent is not transient(error), type(error)
                assert isinstance(caught, APITimeoutError) is isinstance(error, TIMEOUTS)
                assert caught.cause.endswith(type(error).__name__)
                assert caught.__cause__ is caught.__context__ is None
                text = f"{caught} {vars(caught)} {pickle.dumps(caught)!r}"
                assert KEY not in text, type(error)
            assert not sender.armed
            if succeeds or call != "walk":
                pages = 3 if call == "walk" else 1
                assert sender.arrivals == pages + (retried and step != "close"), type(error)
            assert client.in_flight == 0
    assert len(kinds) > 130
    assert {path.name for path in tmp_path.iterdir()} <= {"f"}
