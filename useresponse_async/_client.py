"""The client: its options, resources and connections."""

from __future__ import annotations

import logging
import ssl
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    Awaitable,
    Callable,
    Iterable,
    Mapping,
)
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Final, Literal, TypeVar, overload

import attrs
import httpx

from useresponse_async._arguments import Params, integer, query_of, relative_path
from useresponse_async._concurrency import concurrent_map
from useresponse_async._config import (
    DEFAULT_MAX_IN_FLIGHT,
    DEFAULT_MAX_RESPONSE_BYTES,
    DEFAULT_TIMEOUT,
    UNSET,
    KeyPlacement,
    Proxies,
    RequestHook,
    ResponseHook,
    RetryHook,
    RetryPolicy,
    Settings,
    Unset,
    request_headers,
    require_extra,
)
from useresponse_async._decode import as_sent
from useresponse_async._exceptions import ArgumentError, ClientClosedError, ConfigurationError
from useresponse_async._pacing import Pacing
from useresponse_async._retry import RetryBudget
from useresponse_async._secret import Secret
from useresponse_async._session import Connection, Request, Session, in_bulk
from useresponse_async._transport import (
    ClientTransport,
    CookielessClient,
    KeyTransport,
    PoolTransport,
)
from useresponse_async.resources._resources import NAMES, Resources

Input = TypeVar("Input")
T = TypeVar("T")


# Without this, Python prints the package's warnings if the application configures no logging.
logging.getLogger("useresponse_async").addHandler(logging.NullHandler())

_METHODS: Final = ("GET", "POST", "PUT", "DELETE")
_CLOSE_SECONDS: Final = 5.0


class AsyncClient(Resources):
    """A client for one UseResponse site. Nothing is sent before the first call.

    Use it as ``async with AsyncClient(...) as client:``, or call :meth:`aclose` from any task.
    It works on asyncio, uvloop and trio. A client belongs to one event loop.

    Args:
        base_url: The site's URL, e.g. ``https://mydomain.useresponse.com``; default: the
            environment variable ``USERESPONSE_URL``. It may contain a path. The scheme defaults
            to ``https``.
        api_key: The API key; default: ``USERESPONSE_API_KEY``, or else guest access.
        api_version: The API version in the path; default: ``USERESPONSE_API_VERSION``, or else
            ``3.0``.
        timeout: Timeout for connecting, for each read and for each write, in seconds;
            an :class:`httpx.Timeout` sets them separately, ``None`` disables them.
        attempt_timeout: Timeout for one attempt, from its slot to the last byte of the
            response, in seconds; default: five times the read timeout. ``None`` disables it.
            For a download, it ends with the headers of the response.
        retry: Which attempts are retried, how often, and with which delays.
        max_in_flight: Maximum number of concurrent requests, across all tasks.
        adaptive_pacing: Reduce the number of concurrent requests while the server is overloaded.
        queue_timeout: Timeout for waiting for a slot, in seconds; ``None`` disables it. The
            wait does not count towards ``timeout``. When iterating over pages, it applies only
            to the first page.
        max_response_bytes: Maximum size of a response after decompression, in bytes. Downloads
            have their own limit.
        key_placement: The part of the request that carries the API key.
        headers: Headers to send with every call; ``User-Agent`` may be replaced. Values may be
            secrets.
        proxy: The proxy; default: from the environment (``HTTPS_PROXY``, …).
        verify: The TLS context that verifies the server; default: httpx's own.
        transport: An httpx transport to use in place of the client's connection pools; or
            ``"aiohttp"``, which is faster on asyncio and needs the ``aiohttp`` extra.
        http_client: An httpx client to use in place of the client's connection pools. The
            caller has to close it, and its hooks see the API key.
        on_request: Called with each request, an :class:`httpx.Request` without the key,
            before it waits for a slot.
        on_response: Called with each response, an :class:`httpx.Response` with the key redacted
            and its body read; that of a download is empty.
        on_retry: Called before each retry, with a :class:`~useresponse_async.RetryEvent`.

    Hooks may be async functions; the call waits for them. Exceptions that they raise are logged
    and do not reach the call.

    Raises:
        ConfigurationError: A setting is invalid; the message names it.
        MissingExtraError: A setting needs an extra that is not installed; the message names it.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        api_key: str | Secret | None = None,
        api_version: str | None = None,
        timeout: float | httpx.Timeout | None = DEFAULT_TIMEOUT,
        attempt_timeout: float | Unset | None = UNSET,
        retry: RetryPolicy | None = None,
        max_in_flight: int = DEFAULT_MAX_IN_FLIGHT,
        adaptive_pacing: bool = True,
        queue_timeout: float | None = None,
        max_response_bytes: int = DEFAULT_MAX_RESPONSE_BYTES,
        key_placement: KeyPlacement = KeyPlacement.QUERY,
        headers: Mapping[str, str | Secret] | None = None,
        proxy: str | httpx.Proxy | None = None,
        verify: ssl.SSLContext | None = None,
        transport: httpx.AsyncBaseTransport | Literal["aiohttp"] | None = None,
        http_client: httpx.AsyncClient | None = None,
        on_request: RequestHook | None = None,
        on_response: ResponseHook | None = None,
        on_retry: RetryHook | None = None,
    ) -> None:
        if api_key is not None and not isinstance(api_key, Secret):
            # So that no traceback shows it if a setting is invalid, or if it is not a string.
            api_key = Secret(api_key if isinstance(api_key, str) else "")  # pyright: ignore[reportUnnecessaryIsInstance]
        settings = Settings.resolve(
            base_url,
            api_key=api_key,
            api_version=api_version,
            timeout=timeout,
            attempt_timeout=attempt_timeout,
            retry=retry or RetryPolicy(),
            max_in_flight=max_in_flight,
            adaptive_pacing=adaptive_pacing,
            queue_timeout=queue_timeout,
            max_response_bytes=max_response_bytes,
            key_placement=key_placement,
            headers=headers,
            on_request=on_request,
            on_response=on_response,
            on_retry=on_retry,
        )
        inner, proxies = _sender(
            settings, proxy=proxy, verify=verify, transport=transport, http_client=http_client
        )
        keyed = KeyTransport(
            inner,
            base_url=settings.base_url,
            key=settings.api_key,
            placement=settings.key_placement,
            adds_key=proxies is not None,
        )
        self._connection = Connection(
            CookielessClient(transport=keyed), proxies, RetryBudget(settings.retry)
        )
        pacing = Pacing(settings.max_in_flight, adaptive=settings.adaptive_pacing)
        self._session = Session(self._connection, settings, pacing)
        self._is_view = False

    def with_options(
        self,
        *,
        timeout: float | httpx.Timeout | Unset | None = UNSET,
        attempt_timeout: float | Unset | None = UNSET,
        retry: RetryPolicy | Unset = UNSET,
        max_in_flight: int | Unset = UNSET,
        queue_timeout: float | Unset | None = UNSET,
        max_response_bytes: int | Unset = UNSET,
    ) -> AsyncClient:
        """Return a view of this client with other options that shares its connections.

        A view with its own ``max_in_flight`` has its own slots. Closing this client also closes
        the view; closing the view has no effect.

        Args:
            timeout: As for the client.
            attempt_timeout: As for the client.
            retry: As for the client; the view shares the client's retry budget.
            max_in_flight: As for the client.
            queue_timeout: As for the client.
            max_response_bytes: As for the client.

        Raises:
            ConfigurationError: An option is invalid; the message names it.
        """
        options = {
            "timeout": timeout,
            "attempt_timeout": attempt_timeout,
            "retry": retry,
            "max_in_flight": max_in_flight,
            "queue_timeout": queue_timeout,
            "max_response_bytes": max_response_bytes,
        }
        changes: dict[str, Any] = {k: v for k, v in options.items() if v is not UNSET}
        settings = attrs.evolve(self._session.settings, **changes)
        pacing = self._session.pacing
        if max_in_flight is not UNSET:
            pacing = Pacing(settings.max_in_flight, adaptive=settings.adaptive_pacing)
        view = object.__new__(type(self))
        # The resources in use belong to this client's session.
        vars(view).update({k: v for k, v in vars(self).items() if k not in NAMES})
        view._session = Session(self._connection, settings, pacing)
        view._is_view = True
        return view

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        headers: Mapping[str, str | Secret] | None = None,
        sensitive: bool = False,
    ) -> Any:
        """Call any endpoint, by method and path.

        Args:
            method: ``GET``, ``POST``, ``PUT`` or ``DELETE``.
            path: The path below ``/api/{version}``, e.g. ``/anything.json``.
            params: The query parameters.
            json: The JSON body; ``None`` sends no body. Strings in it may be secrets.
            headers: Headers to send in addition to the client's own; values may be secrets.
            sensitive: Omit the bodies of the request and the response from errors, hooks and
                captured responses, because they contain a secret.

        Returns:
            The decoded JSON as the server sent it; ``None`` for a 204.

        Raises:
            ArgumentError: An argument is invalid; nothing was sent.
            APIConnectionError: No complete response was received.
            APIStatusError: The server responded with an error.
            DecodeError: The response is not valid JSON.
            ClientClosedError: The client is closed.

        Endpoint: ``{method} {path}``.
        """
        if method not in _METHODS:
            raise ArgumentError("method", f"{method!r} is not one of {', '.join(_METHODS)}")
        return await self._session.send(
            Request(
                method=method,
                path=relative_path(path),
                query=query_of({}, params),
                body=json,
                decode=as_sent,
                headers=request_headers(headers, lambda problem: ArgumentError("headers", problem)),
                sensitive=sensitive,
            )
        )

    @overload
    def map(
        self,
        function: Callable[[Input], Awaitable[T]],
        inputs: Iterable[Input] | AsyncIterable[Input],
        *,
        max_in_flight: int | None = None,
        ordered: bool = True,
        return_exceptions: Literal[False] = False,
        with_inputs: Literal[False] = False,
    ) -> AsyncGenerator[T, None]: ...

    @overload
    def map(
        self,
        function: Callable[[Input], Awaitable[T]],
        inputs: Iterable[Input] | AsyncIterable[Input],
        *,
        max_in_flight: int | None = None,
        ordered: bool = True,
        return_exceptions: bool,
        with_inputs: Literal[False] = False,
    ) -> AsyncGenerator[T | Exception, None]: ...

    @overload
    def map(
        self,
        function: Callable[[Input], Awaitable[T]],
        inputs: Iterable[Input] | AsyncIterable[Input],
        *,
        max_in_flight: int | None = None,
        ordered: bool = True,
        return_exceptions: Literal[False] = False,
        with_inputs: Literal[True],
    ) -> AsyncGenerator[tuple[Input, T], None]: ...

    @overload
    def map(
        self,
        function: Callable[[Input], Awaitable[T]],
        inputs: Iterable[Input] | AsyncIterable[Input],
        *,
        max_in_flight: int | None = None,
        ordered: bool = True,
        return_exceptions: bool,
        with_inputs: Literal[True],
    ) -> AsyncGenerator[tuple[Input, T | Exception], None]: ...

    def map(
        self,
        function: Callable[[Input], Awaitable[T]],
        inputs: Iterable[Input] | AsyncIterable[Input],
        *,
        max_in_flight: int | None = None,
        ordered: bool = True,
        return_exceptions: bool = False,
        with_inputs: bool = False,
    ) -> AsyncGenerator[Any, None]:
        """Call ``function`` concurrently with each of ``inputs``.

        ``async for user in client.map(client.users.get, ids)`` yields every user, in the order
        of the ids. When all slots are in use, your other calls are sent before these.

        Cancelling the loop cancels the running calls. If you may leave the loop early, close the
        generator with :func:`contextlib.aclosing`.

        Args:
            function: An async function, e.g. a method of a resource.
            inputs: The arguments; the next one is taken when its call can start.
            max_in_flight: Maximum number of concurrent calls; default: the client's
                ``max_in_flight``.
            ordered: Yield results in the order of their inputs; ``False``: as calls finish.
            return_exceptions: Yield the exception of a failed call in place of its result. By
                default, the first exception is raised and the other calls are cancelled.
            with_inputs: Yield ``(input, result)`` tuples.

        Returns:
            An asynchronous generator of the results.

        Raises:
            ArgumentError: ``max_in_flight`` is not a positive integer.

        Endpoint: those that ``function`` calls.
        """
        limit = self._session.pacing.bound
        if max_in_flight is not None:
            limit = integer("max_in_flight", max_in_flight, minimum=1)

        async def call(item: Input) -> T | Exception | tuple[Input, T | Exception]:
            in_bulk.set(True)  # in the context of this call, which runs in a task of its own
            result: T | Exception
            try:
                result = await function(item)
            except Exception as error:
                if not return_exceptions:
                    raise
                result = error
            return (item, result) if with_inputs else result

        return concurrent_map(call, inputs, limit=limit, ordered=ordered)

    @property
    def in_flight(self) -> int:
        """Number of concurrent requests at the moment."""
        return self._session.pacing.in_flight

    def capture_responses(self) -> AbstractContextManager[list[httpx.Response]]:
        """Return a context manager that collects responses in a list.

        It collects the responses to calls of this client inside the ``with`` block, including
        calls of tasks that are started inside it. Each is an :class:`httpx.Response` with its
        body read; ``extensions["attempt"]`` is the number of the attempt, from 1. Downloads and
        followed redirects are not collected.

        Returns:
            A context manager; ``as`` binds the list of responses.
        """
        return self._connection.capture_responses()

    async def aclose(self) -> None:
        """Close the client and its connections.

        Calls in progress raise ``ClientClosedError``. Closing a client twice is allowed. If the
        caller is cancelled, the cancellation is raised after everything is closed.
        """
        if not self._is_view:
            await self._connection.aclose(seconds=_CLOSE_SECONDS)

    async def __aenter__(self) -> AsyncClient:  # noqa: PYI034 - typing.Self needs 3.11
        if self._connection.closed:
            raise ClientClosedError("the client is closed")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        if "_session" not in vars(self):
            return "AsyncClient()"  # in a traceback of its own constructor
        settings = self._session.settings
        return f"AsyncClient({str(settings.base_url)!r}, api_version={settings.api_version!r})"

    def __reduce__(self) -> str:
        raise TypeError(
            "a client has connections and cannot be pickled; create one in each process"
        )


def _sender(
    settings: Settings,
    *,
    proxy: str | httpx.Proxy | None,
    verify: ssl.SSLContext | None,
    transport: httpx.AsyncBaseTransport | Literal["aiohttp"] | None,
    http_client: httpx.AsyncClient | None,
) -> tuple[httpx.AsyncBaseTransport, Proxies | None]:
    """Return the transport, and its proxies unless the transport is the caller's."""
    own = proxy is not None or verify is not None
    is_callers = isinstance(transport, httpx.AsyncBaseTransport)
    if (own and is_callers) or (http_client is not None and (own or transport is not None)):
        raise ConfigurationError(
            "transport, http_client, and proxy or verify exclude each other; pass only one of them"
        )
    if isinstance(transport, httpx.AsyncBaseTransport):
        return transport, None
    if http_client is not None:
        return ClientTransport(http_client), None
    if transport not in (None, "aiohttp"):
        raise ConfigurationError("transport: must be an httpx.AsyncBaseTransport or 'aiohttp'")
    if verify is not None and not isinstance(verify, ssl.SSLContext):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ConfigurationError(
            "verify: must be an ssl.SSLContext, e.g. ssl.create_default_context(cafile='ca.pem')"
        )
    proxies = Proxies(proxy, socks=transport is None)
    proxies.of(settings.base_url)  # so that an invalid proxy raises now
    if transport is None:
        return PoolTransport(verify=verify, proxies=proxies), proxies
    require_extra("aiohttp")
    from useresponse_async._aiohttp import AiohttpTransport  # noqa: PLC0415 - needs the extra

    return AiohttpTransport(verify=verify, proxies=proxies), proxies
