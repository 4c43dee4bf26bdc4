"""Settings of a client, the retry policy, hooks, and optional extras."""

from __future__ import annotations

import enum
import os
import re
import sys
import warnings
from collections.abc import Awaitable, Callable, Mapping
from importlib.util import find_spec
from typing import Any, Final, TypeAlias
from urllib.parse import unquote
from urllib.request import getproxies, proxy_bypass

import attrs
import httpx

from useresponse_async._exceptions import ConfigurationError, UseResponseError
from useresponse_async._secret import Secret

__version__ = "0.1.0"

DEFAULT_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
DEFAULT_API_VERSION: Final = "3.0"
DEFAULT_MAX_IN_FLIGHT: Final = 10
DEFAULT_MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024

_HIGHEST_PORT: Final = 65535
_HIGHEST_NUMBER: Final = sys.float_info.max
_LOOPBACK: Final = re.compile(r"(.+\.)?localhost|127(\.\d{1,3}){3}|[0:]*:0*1")
_VERSION: Final = re.compile(r"\w+([.-]\w+)*", re.ASCII)
_TIMEOUTS_PER_ATTEMPT: Final = 5
_TOKEN: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_RESERVED_HEADERS: Final = re.compile(
    r"host|authorization|cookie|connection|accept-encoding|transfer-encoding|content-.*",
    re.IGNORECASE,
)

_EXTRAS: Final = {
    "aiohttp": ("the aiohttp transport", ("httpx_aiohttp", "aiohttp")),
    "cli": ("the command line", ("typer", "rich")),
    "dlt": ("the dlt source", ("dlt",)),
    "fastapi": ("the FastAPI integration", ("fastapi", "starlette", "pydantic")),
    "parquet": ("Parquet", ("pyarrow",)),
    "sandbox": ("the sandbox", ("starlette", "uvicorn", "httptools", "python_multipart")),
    "testing": (
        "the pytest plugin",
        ("pytest", "starlette", "uvicorn", "httptools", "python_multipart"),
    ),
}
"""The purpose of each extra, and the modules that it installs."""


class MissingExtraError(ImportError):
    """An optional extra is not installed; the message says how to install it."""


def require_extra(extra: str) -> None:
    """Raise an exception unless the libraries of ``extra`` are installed.

    Args:
        extra: The extra's name, as in ``useresponse-async[name]``.

    Raises:
        MissingExtraError: A library is missing; the message says what to install.
    """
    purpose, modules = _EXTRAS[extra]
    if any(find_spec(name) is None for name in modules):
        raise MissingExtraError(f"{purpose} needs: pip install 'useresponse-async[{extra}]'")


class Unset(enum.Enum):
    """The type of :data:`UNSET`."""

    UNSET = "left out"


UNSET: Final = Unset.UNSET
"""Default of settings for which ``None`` has another meaning."""


class KeyPlacement(enum.Enum):
    """The part of a request that carries the API key."""

    QUERY = "query"
    """The ``apiKey`` query parameter, documented for every API version."""

    HEADER = "header"
    """The ``Authorization`` header, without a scheme, for sites that accept it."""


def _check(
    holds: Callable[[Any], object], otherwise: str
) -> Callable[[object, attrs.Attribute[Any], Any], None]:
    """Return a validator of a setting; ``otherwise`` describes values that fail it."""

    def check(_instance: object, attribute: attrs.Attribute[Any], value: Any) -> None:
        if not holds(value):
            raise ConfigurationError(f"{attribute.name}: {value!r} is {otherwise}")

    return check


def _is_number(value: Any, kinds: Any = (int, float)) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _is_duration(value: Any) -> bool:
    return _is_number(value) and value > 0


def _number(minimum: float) -> Any:
    return _check(
        lambda it: _is_number(it) and minimum <= it <= _HIGHEST_NUMBER,
        f"not a number of {minimum:g} or more",
    )


_positive: Final = _check(lambda it: _is_number(it, int) and it > 0, "not a positive integer")
_flag: Final = _check(lambda it: isinstance(it, bool), "neither True nor False")
_hook: Final = _check(lambda it: it is None or callable(it), "not callable")
_duration: Final = _check(
    lambda it: it is None or it is UNSET or _is_duration(it),
    "neither a positive number of seconds nor None",
)


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """Which attempts are retried, how often, and with which delays.

    A 503 and a 429 are retried for every call, because the server did not process the request.
    A connection that could not be established is retried too. A 500, 502 or 504, a timeout, a
    broken connection and a truncated body are retried only if the call is idempotent: ``GET``,
    ``PUT`` and ``DELETE``, with the exceptions that docstrings name.

    Delays grow exponentially with full jitter. The delay before attempt ``n + 1`` is a random
    time between 0 and ``initial_delay * 2 ** (n - 1)``, or the server's ``Retry-After`` if that
    is longer, but at most ``max_delay``. All calls of a client share one retry budget, which
    limits the retry rate during an outage: a retry waits until the budget allows it.

    Args:
        attempts: Maximum number of attempts of one call, including the first. With ``None``
            (the default), idempotent calls are limited only by ``max_elapsed``, once the
            client has received a successful response; all other calls get 6 attempts.
        initial_delay: Upper bound of the first delay, in seconds.
        max_delay: Upper bound of every delay, in seconds.
        max_elapsed: Time after the first failure in which another attempt may start, in
            seconds.
        min_retries_per_second: Retries that the budget always allows, per second.
        max_retry_ratio: Additional retries that the budget allows, per successful response.
        repeat_unsafe: Treat all calls as idempotent: also retry a ``POST`` after a 500 or a
            broken connection, although the first attempt may have been processed.

    Raises:
        ConfigurationError: A value is out of range; the message names it.
    """

    attempts: int | None = attrs.field(default=None, validator=attrs.validators.optional(_positive))
    initial_delay: float = attrs.field(default=0.25, validator=_number(0))
    max_delay: float = attrs.field(default=15.0, validator=_number(0))
    max_elapsed: float = attrs.field(default=60.0, validator=_number(0))
    min_retries_per_second: float = attrs.field(default=10.0, validator=_number(0.1))
    max_retry_ratio: float = attrs.field(default=0.2, validator=_number(0))
    repeat_unsafe: bool = attrs.field(default=False, validator=_flag)


@attrs.frozen(kw_only=True)
class RetryEvent:
    """A failed attempt that is going to be retried.

    Attributes:
        method: The request's method.
        path: The request's path, without its query.
        attempt: The number of the attempt that failed, from 1.
        delay: The time until the next attempt, in seconds.
        status_code: The status code of the response; ``None`` if there was no response.
        error: The error that the call would have raised without a retry.
    """

    method: str
    path: str
    attempt: int
    delay: float
    status_code: int | None
    error: UseResponseError


RequestHook: TypeAlias = Callable[[httpx.Request], Awaitable[None] | None]
"""Called with each request before it waits for a slot; the request has no key."""

ResponseHook: TypeAlias = Callable[[httpx.Response], Awaitable[None] | None]
"""Called with each response after its body was read; its request has no key."""

RetryHook: TypeAlias = Callable[[RetryEvent], Awaitable[None] | None]
"""Called after each failed attempt that is going to be retried, before the delay."""


def parse_base_url(text: object) -> httpx.URL:
    """Return the site's URL, without a trailing slash."""
    if not isinstance(text, str) or not text:
        raise ConfigurationError(
            f"base_url: {'not a string' if text else 'missing'}; pass the URL of your UseResponse "
            "site, e.g. https://mydomain.useresponse.com, or set USERESPONSE_URL"
        )
    # The text itself is not in the message: a password or a key may have been pasted into it.
    if re.search(r"[\s\\\x00-\x1f\x7f\ud800-\udfff]", text):
        raise ConfigurationError(
            "base_url: contains whitespace, a backslash or a control character"
        )
    bare = "://" not in text
    try:
        url = httpx.URL(f"https://{text}" if bare else text)
        host = url.host  # which may fail to be decoded
    except (httpx.InvalidURL, ValueError):
        raise ConfigurationError("base_url: invalid URL") from None
    segments = [unquote(part) for part in text.split("/")[1 if bare else 3 :]]
    named = bool({".", ":"} & set(host)) or host == "localhost"
    problems = (
        (
            url.scheme not in ("http", "https"),
            f"the scheme must be https or http, not {url.scheme!r}",
        ),
        (url.userinfo, "contains a user name or password"),
        (
            not host or (bare and not named),
            f"{host!r} is not a host name such as mydomain.useresponse.com",
        ),
        ({"?", "#"} & set(str(url)), "contains a query or a fragment"),
        (not has_valid_port(url), f"invalid port: {url.port}"),
        (
            {".", ".."} & set(segments) or "" in segments[:-1],
            "the path contains an empty, '.' or '..' segment",
        ),
        ("api" in segments, "remove /api/…, which the client adds"),
    )
    for wrong, problem in problems:
        if wrong:
            raise ConfigurationError(f"base_url: {problem}")
    if url.scheme == "http" and not is_loopback(url):
        warnings.warn(
            f"base_url is http://{url.host}: keys, passwords and data are sent unencrypted",
            UserWarning,
            stacklevel=4,
        )
    return url.copy_with(path=url.path.rstrip("/"))


def has_valid_port(url: httpx.URL) -> bool:
    """Return whether ``url`` has a valid port, or none."""
    return url.port is None or 0 < url.port <= _HIGHEST_PORT


def host_and_port(url: httpx.URL) -> str:
    """Return the host and port of ``url`` as text."""
    port = url.port or (443 if url.scheme == "https" else 80)
    return f"[{url.host}]:{port}" if ":" in url.host else f"{url.host}:{port}"


def is_loopback(url: httpx.URL) -> bool:
    """Return whether ``url`` is on this machine."""
    return _LOOPBACK.fullmatch(url.host) is not None


def _api_key(key: Secret) -> Secret:
    if not key.longest_spelling or not key.reveal().strip():
        raise ConfigurationError(
            "api_key: not a string, or empty, as a Secret is after it was pickled; omit it for "
            "guest access"
        )
    if not re.fullmatch(r"[\x21-\x7e]+", key.reveal().strip()):
        raise ConfigurationError("api_key: contains whitespace, a control or a non-ASCII character")
    text = key.reveal().strip()
    return key if text == key.reveal() else Secret(text)


def _timeout(timeout: Any) -> httpx.Timeout:
    given = timeout.as_dict().values() if isinstance(timeout, httpx.Timeout) else [timeout]
    if all(seconds is None or _is_duration(seconds) for seconds in given):
        return httpx.Timeout(timeout)
    raise ConfigurationError(
        f"timeout: must be a positive number of seconds, None or an httpx.Timeout, not {timeout!r}"
    )


def request_headers(
    given: Mapping[str, str | Secret] | None, error: Callable[[str], UseResponseError]
) -> dict[str, str | Secret]:
    """Return the caller's headers if they are valid.

    Args:
        given: The values by name.
        error: Returns the exception for a problem.
    """
    if not isinstance(given, Mapping | None):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise error("must be a mapping of names to values")
    for name, value in (given or {}).items():
        if not isinstance(name, str) or not _TOKEN.fullmatch(name):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise error(f"{name!r} is not a header name")
        if _RESERVED_HEADERS.fullmatch(name):
            raise error(f"{name} must not be passed; the client sets it")
        text = value.reveal() if isinstance(value, Secret) else value
        if not isinstance(text, str) or not re.fullmatch(r"[\t\x20-\x7e]*", text):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise error(f"the value of {name} is not printable ASCII text")
    return dict(given or {})


def _headers(given: Mapping[str, str | Secret] | None) -> dict[str, str | Secret]:
    return request_headers(given, lambda problem: ConfigurationError(f"headers: {problem}"))


@attrs.frozen(kw_only=True, repr=False)  # attrs' own repr fails in a traceback of the constructor
class Settings:
    """All settings of a client."""

    base_url: httpx.URL
    api_key: Secret | None = attrs.field(
        default=None, converter=attrs.converters.optional(_api_key)
    )
    base_url_source: str = "the base_url argument"
    api_key_source: str = "the api_key argument"
    api_version: str = attrs.field(
        default=DEFAULT_API_VERSION,
        validator=_check(
            lambda it: isinstance(it, str) and _VERSION.fullmatch(it), "not a version such as '3.0'"
        ),
    )
    key_placement: KeyPlacement = attrs.field(
        default=KeyPlacement.QUERY,
        validator=_check(lambda it: isinstance(it, KeyPlacement), "not a KeyPlacement"),
    )
    headers: dict[str, str | Secret] = attrs.field(default=None, converter=_headers)
    timeout: httpx.Timeout = attrs.field(default=DEFAULT_TIMEOUT, converter=_timeout)
    retry: RetryPolicy = attrs.field(
        factory=RetryPolicy,
        validator=_check(lambda it: isinstance(it, RetryPolicy), "not a RetryPolicy"),
    )
    max_in_flight: int = attrs.field(default=DEFAULT_MAX_IN_FLIGHT, validator=_positive)
    adaptive_pacing: bool = attrs.field(default=True, validator=_flag)
    attempt_timeout: float | Unset | None = attrs.field(default=UNSET, validator=_duration)
    queue_timeout: float | None = attrs.field(default=None, validator=_duration)
    max_response_bytes: int = attrs.field(default=DEFAULT_MAX_RESPONSE_BYTES, validator=_positive)
    on_request: RequestHook | None = attrs.field(default=None, validator=_hook)
    on_response: ResponseHook | None = attrs.field(default=None, validator=_hook)
    on_retry: RetryHook | None = attrs.field(default=None, validator=_hook)

    @property
    def longest_attempt(self) -> float | None:
        """The timeout of one attempt, from its slot to the last byte, in seconds."""
        if self.attempt_timeout is not UNSET:
            return self.attempt_timeout
        return None if self.timeout.read is None else _TIMEOUTS_PER_ATTEMPT * self.timeout.read

    @classmethod
    def resolve(
        cls,
        base_url: str | None,
        *,
        api_key: Secret | None,
        api_version: str | None,
        **others: Any,
    ) -> Settings:
        """Return the settings; those that are ``None`` come from the environment.

        Raises:
            ConfigurationError: A setting is invalid; the message names it.
        """
        if base_url is None and (url := os.environ.get("USERESPONSE_URL")):
            base_url, others["base_url_source"] = url, "USERESPONSE_URL"
        # Not in a variable: no frame of a failure below may contain the key.
        if api_key is None and os.environ.get("USERESPONSE_API_KEY"):
            api_key = Secret(os.environ["USERESPONSE_API_KEY"])
            others["api_key_source"] = "USERESPONSE_API_KEY"
        if api_version is None:
            api_version = os.environ.get("USERESPONSE_API_VERSION") or DEFAULT_API_VERSION
        return cls(
            base_url=parse_base_url(base_url),
            api_key=api_key,
            api_version=api_version,
            **others,
        )


class Proxies:
    """The proxies of a client: the caller's for all requests, or those from the environment.

    Args:
        given: The caller's proxy; ``None`` for those from the environment, with ``NO_PROXY``.
        socks: Whether the transport supports SOCKS proxies.

    Attributes:
        source: The origin of the proxies, for messages.

    Raises:
        ConfigurationError: A proxy cannot be used.
    """

    def __init__(self, given: str | httpx.Proxy | None, *, socks: bool) -> None:
        self._socks = socks
        self.source: str = "from the environment" if given is None else "from the proxy argument"
        self._given = None if given is None else _proxy("proxy", given, socks=socks)
        self._environment = getproxies() if given is None else {}

    def of(self, url: httpx.URL) -> httpx.Proxy | None:
        """Return the proxy for ``url``, if it needs one.

        Raises:
            ConfigurationError: The environment's proxy cannot be used.
        """
        address = self._environment.get(url.scheme) or self._environment.get("all")
        if not address or is_loopback(url):
            return self._given
        if proxy_bypass(url.host) or proxy_bypass(host_and_port(url)):
            return self._given
        return _proxy("the proxy from the environment", address, socks=self._socks)


def _proxy(name: str, given: str | httpx.Proxy, *, socks: bool) -> httpx.Proxy:
    # The message does not contain the URL, which may contain a password.
    try:
        if isinstance(given, str) and "://" not in given:
            given = f"http://{given}"
        proxy = given if isinstance(given, httpx.Proxy) else httpx.Proxy(given)
    except (ValueError, TypeError, httpx.InvalidURL):
        raise ConfigurationError(f"{name}: not an http, https or socks5 URL") from None
    if not proxy.url.host or not has_valid_port(proxy.url):
        raise ConfigurationError(f"{name}: invalid host or port")
    if proxy.url.scheme.startswith("socks"):
        if not socks:
            raise ConfigurationError(f"{name}: this transport does not support SOCKS proxies")
        if find_spec("socksio") is None:
            raise ConfigurationError(f"{name}: SOCKS proxies need: pip install 'httpx[socks]'")
    return proxy
