"""Exceptions of a transport become typed errors, and their class alone decides on a retry."""

import importlib
import pickle
import socket
import ssl
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp
import h11
import httpcore
import httpx
import pytest
import yarl
from memory import Memory
from multidict import CIMultiDict, CIMultiDictProxy

from useresponse_async import APIConnectionError, APITimeoutError, AsyncClient, RetryPolicy

if sys.version_info < (3, 11):
    from exceptiongroup import ExceptionGroup

pytestmark = pytest.mark.anyio

KEY = "evil-k3y"
TEXT = f"broken at https://help.example/?apiKey={KEY}"
REQUEST = httpx.Request("GET", f"https://help.example/?apiKey={KEY}")
NAMES = ["builtins", "ssl", "socket", "httpx", "httpcore", "h11", "h2.exceptions", "anyio"]
NAMES += ["aiohttp", "aiohttp.http_exceptions", "anyio.to_process", "anyio.from_thread"]
PACKAGES = ("anyio", "h11", "h2", "httpcore", "aiohttp")
NEVER_SENT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError,
    httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout, httpcore.ProxyError,
    aiohttp.ClientConnectorError, aiohttp.ClientHttpProxyError, aiohttp.ConnectionTimeoutError,
)  # fmt: skip
TIMEOUTS = (TimeoutError, httpx.TimeoutException, httpcore.TimeoutException)
AT_ONCE = RetryPolicy(attempts=3, initial_delay=0, min_retries_per_second=100_000)


class NoText(OSError):
    """An exception that cannot even be shown."""

    def __str__(self) -> str:
        raise RuntimeError(TEXT)

    __repr__ = __str__


def classes() -> list[type[Exception]]:
    found: dict[type[Exception], None] = {NoText: None, ExceptionGroup: None}
    for name in NAMES:
        if find_spec(name.partition(".")[0]) is None:
            continue
        for value in vars(importlib.import_module(name)).values():
            if isinstance(value, type) and issubclass(value, Exception):
                found[value] = None
    # Those that mean something to Python itself, and one that cannot be made.
    for exempt in (StopIteration, StopAsyncIteration, h11.ProtocolError):
        del found[exempt]
    return list(found)


URL = yarl.URL(str(REQUEST.url))
INFO = aiohttp.RequestInfo(URL, "GET", CIMultiDictProxy(CIMultiDict()), URL)
CONNECTION: Any = SimpleNamespace(ssl=True, host="help.example", port=443, is_ssl=True)
RESPONSE = httpx.Response(500, request=REQUEST)
MAKERS: dict[type[Exception], Callable[[Any], Exception]] = {
    UnicodeDecodeError: lambda kind: kind("utf-8", b"x", 0, 1, TEXT),
    UnicodeEncodeError: lambda kind: kind("utf-8", "x", 0, 1, TEXT),
    UnicodeTranslateError: lambda kind: kind("x", 0, 1, TEXT),
    ExceptionGroup: lambda kind: kind(TEXT, [OSError(104, TEXT)]),
    httpx.HTTPStatusError: lambda kind: kind(TEXT, request=REQUEST, response=RESPONSE),
    aiohttp.ClientConnectorCertificateError: lambda kind: kind(CONNECTION, ValueError(TEXT)),
    aiohttp.ClientConnectorError: lambda kind: kind(CONNECTION, OSError(111, TEXT)),
    aiohttp.ClientResponseError: lambda kind: kind(INFO, ()),
    aiohttp.ServerFingerprintMismatch: lambda kind: kind(b"expected", b"got", "help.example", 443),
}


def made(kind: Any) -> Exception:
    """Return an exception of a class, for any signature of its constructor."""
    for base, make in MAKERS.items():
        if issubclass(kind, base):
            return make(kind)
    for arguments in ((TEXT,), (), (1002, TEXT)):
        with suppress(TypeError):
            return kind(*arguments)
    raise AssertionError(f"nobody knows how to make a {kind}")


class Sender(Memory):
    """A server in memory that fails once, in one of its steps."""

    def __init__(self, step: str, error: Exception, only: str = "") -> None:
        self.step, self.error, self.only = step, error, only
        self.armed = True
        self.arrivals: list[str] = []

    async def reach(self, step: str, target: str) -> None:
        await super().reach(step, target)
        if step == "head":
            self.arrivals.append(target)
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


Call = Callable[[AsyncClient, Path], Awaitable[object]]


async def walk(client: AsyncClient, folder: Path) -> None:
    assert [user.id async for user in client.users.search(count=2)] == [1, 2, 3, 4, 5, 6]


CALLS: dict[str, Call] = {
    "get": lambda client, folder: client.users.get(1),
    "post": lambda client, folder: client.users.create("ada@example.com", full_name="Ada"),
    "download": lambda client, folder: client.files.download("/f", folder / "f", overwrite=True),
    "walk": walk,
}


def errors() -> Iterator[Exception]:
    for kind in classes():
        yield made(kind)
    yield from (OSError("a", "b"), OSError(10**30, TEXT), OSError(-2, TEXT), socket.gaierror())


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
@pytest.mark.parametrize("call", CALLS)
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
        async with AsyncClient(
            "https://help.example", api_key=KEY, transport=sender, retry=AT_ONCE
        ) as client:
            caught: APIConnectionError | None = None
            try:
                await CALLS[call](client, tmp_path)
            except APIConnectionError as raised:
                caught = raised
            assert (caught is None) is (retried or step == "close"), type(error)
            if caught is not None:
                assert caught.request_sent is sent, type(error)
                assert caught.permanent is not transient(error), type(error)
                assert isinstance(caught, APITimeoutError) is isinstance(error, TIMEOUTS)
                assert caught.cause.endswith(type(error).__name__)
                assert caught.__cause__ is caught.__context__ is None
                text = f"{caught} {vars(caught)} {pickle.dumps(caught)!r}"
                assert KEY not in text, type(error)
            assert not sender.armed
            pages = 3 if call == "walk" else 1
            if retried or step == "close":
                assert len(sender.arrivals) == pages + (step != "close"), type(error)
            elif call != "walk":
                assert len(sender.arrivals) == 1, type(error)
            assert client.in_flight == 0
    assert len(kinds) > 130
    assert {path.name for path in tmp_path.iterdir()} <= {"f"}
