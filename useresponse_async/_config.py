"""What may a client be told, and is it sound? Checked once, then frozen."""

from __future__ import annotations

import enum
import ipaddress
import math
import os
import re
import warnings
from collections.abc import Callable
from typing import Any, Final, TypeVar
from urllib.parse import unquote

import attrs
import httpx

from useresponse_async._exceptions import ConfigurationError
from useresponse_async._hooks import RequestHook, ResponseHook, RetryHook
from useresponse_async._secret import Secret

__all__ = ["DEFAULT_TIMEOUT", "UNSET", "KeyPlacement", "RetryPolicy", "Settings", "Unset"]

T = TypeVar("T")

DEFAULT_TIMEOUT: Final = httpx.Timeout(60.0, connect=10.0)
DEFAULT_API_VERSION: Final = "3.0"
DEFAULT_MAX_IN_FLIGHT: Final = 10
DEFAULT_MAX_RESPONSE_BYTES: Final = 64 * 1024 * 1024

_HIGHEST_PORT: Final = 65535
_TIMEOUTS_PER_ATTEMPT: Final = 5


class Unset(enum.Enum):
    """The type of :data:`UNSET`."""

    UNSET = "left out"


UNSET: Final = Unset.UNSET
"""In place of a setting that was left out, where ``None`` means something else."""


class KeyPlacement(enum.Enum):
    """Where the API key travels in a request."""

    QUERY = "query"
    """The ``apiKey`` query parameter, which every version documents."""

    HEADER = "header"
    """The bare value of the ``Authorization`` header, for installations that take it."""


def _whole_number(minimum: int) -> Callable[[object, attrs.Attribute[Any], object], None]:
    def check(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, int) or isinstance(value, bool) or value < minimum:
            raise ConfigurationError(
                f"{attribute.name}: {value!r} is not a whole number of {minimum} or more"
            )

    return check


def _number(minimum: float) -> Callable[[object, attrs.Attribute[Any], object], None]:
    def check(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not (minimum <= value < math.inf)
        ):
            raise ConfigurationError(
                f"{attribute.name}: {value!r} is not a number of {minimum:g} or more"
            )

    return check


def _flag(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not isinstance(value, bool):
        raise ConfigurationError(f"{attribute.name}: {value!r} is neither True nor False")


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """What is tried again, how often, and after how long.

    A 503 is always tried again: the interface was unavailable, so nothing happened. So is a
    connection that was never made. A 500, 502, 504, 429, a time-out, a broken connection and
    a body cut short are tried again where repeating the call is safe.

    Delays grow exponentially with full jitter: before try ``n + 1`` a random time between 0
    and ``initial_delay * 2 ** (n - 1)``, or what the server's ``Retry-After`` says if that is
    longer, but never more than ``max_delay``. All calls of a client share one budget for
    their retries, so that an outage meets a trickle of them and not a storm: a retry the
    budget has no room for yet waits until it has.

    Args:
        attempts: The most tries of one call, the first included.
        initial_delay: The upper bound of the first delay, in seconds.
        max_delay: The upper bound of every backoff delay, in seconds.
        max_elapsed: No try is begun, or begins to wait for its turn, later than this after the
            first one failed, in seconds.
        min_retries_per_second: Retries that the budget always allows, per second.
        max_retry_ratio: Retries that the budget allows on top, per successful answer.
        repeat_unsafe: Also repeat calls that create or toggle after a 500 or a broken
            connection, although the first try may have worked.

    Raises:
        ConfigurationError: A value is out of its range; names it.
    """

    attempts: int = attrs.field(default=6, validator=_whole_number(1))
    initial_delay: float = attrs.field(default=0.25, validator=_number(0))
    max_delay: float = attrs.field(default=15.0, validator=_number(0))
    max_elapsed: float = attrs.field(default=120.0, validator=_number(0))
    min_retries_per_second: float = attrs.field(default=10.0, validator=_number(0.1))
    max_retry_ratio: float = attrs.field(default=0.2, validator=_number(0))
    repeat_unsafe: bool = attrs.field(default=False, validator=_flag)


def parse_base_url(text: object) -> httpx.URL:
    """Return the installation's address, without a trailing slash.

    Raises:
        ConfigurationError: The text is no such address; says why.
    """
    if not isinstance(text, str) or not text:
        raise ConfigurationError(
            "base_url: give the installation's address, e.g. https://mydomain.useresponse.com, "
            "or set USERESPONSE_URL"
        )
    # What is wrong is told without the text: a password or a key may have been pasted into it.
    if re.search(r"[\s\\\x00-\x1f\x7f\ud800-\udfff]", text):
        raise ConfigurationError("base_url: it holds a space, a backslash or a control code")
    bare = "://" not in text
    try:
        url = httpx.URL(f"https://{text}" if bare else text)
    except (httpx.InvalidURL, ValueError):
        raise ConfigurationError("base_url: it is no URL") from None
    segments = text.split("/")[1 if bare else 3 :]  # as given: httpx would resolve the dots
    problem = _base_url_problem(url, bare=bare) or _path_problem(segments)
    if problem:
        raise ConfigurationError(f"base_url: {problem}")
    _warn_if_insecure(url)
    return url.copy_with(path=url.path.rstrip("/"))


def _base_url_problem(url: httpx.URL, *, bare: bool) -> str | None:
    if url.scheme not in ("http", "https"):
        return f"the scheme is {url.scheme!r}, neither https nor http"
    if url.userinfo:
        return "a user name or password has no place in it"
    if not url.host or (bare and not {".", ":"} & set(url.host) and url.host != "localhost"):
        return f"{url.host!r} is no host name"
    if "?" in str(url) or "#" in str(url):
        return "a query or fragment has no place in it"
    if url.port is not None and not 0 < url.port <= _HIGHEST_PORT:
        return f"{url.port} is no port"
    return None


def _path_problem(segments: list[str]) -> str | None:
    decoded = [unquote(segment) for segment in segments]
    if {".", ".."} & set(decoded) or "" in decoded[:-1]:
        return "the path has an empty, a '.' or a '..' part"
    if "api" in decoded:
        return "leave out /api/…: it is added, with api_version"
    return None


def is_loopback(url: httpx.URL) -> bool:
    """Return whether ``url`` is on this machine."""
    if url.host == "localhost" or url.host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(url.host).is_loopback
    except ValueError:
        return False


def _warn_if_insecure(url: httpx.URL) -> None:
    if url.scheme == "http" and not is_loopback(url):
        warnings.warn(
            f"base_url is http://{url.host}: keys, passwords and data travel in the clear",
            UserWarning,
            stacklevel=5,
        )


def kept_secret(key: T) -> T | Secret:
    """Return a key as a secret, so that no frame holds its text where a setting is refused."""
    return Secret(key) if isinstance(key, str) else key


def _parse_api_key(given: object) -> Secret | None:
    key = kept_secret(given)
    if key is None:
        return None
    if not isinstance(key, Secret) or not key.reveal():
        raise ConfigurationError("api_key: it is empty or no text; leave it out for guest access")
    if not re.fullmatch(r"[\x21-\x7e]+", key.reveal()):
        raise ConfigurationError("api_key: it holds a space or a character that is not ASCII")
    return key


def _parse_api_version(version: object) -> str:
    if not isinstance(version, str) or not re.fullmatch(r"\w+([.-]\w+)*", version, re.ASCII):
        raise ConfigurationError(f"api_version: {version!r} is no version, e.g. '3.0'")
    return version


def _parse_seconds(name: str, given: object) -> float | None:
    if given is None:
        return None
    if isinstance(given, int | float) and not isinstance(given, bool) and given > 0:
        return float(given)
    raise ConfigurationError(f"{name}: {given!r} is neither a positive number of seconds nor None")


def _parse_attempt_timeout(timeout: object) -> float | Unset | None:
    return UNSET if timeout is UNSET else _parse_seconds("attempt_timeout", timeout)


def _parse_queue_timeout(timeout: object) -> float | None:
    return _parse_seconds("queue_timeout", timeout)


def _parse_timeout(timeout: object) -> httpx.Timeout:
    if isinstance(timeout, httpx.Timeout):
        return timeout
    if timeout is None:
        return httpx.Timeout(None)
    if isinstance(timeout, int | float) and not isinstance(timeout, bool) and timeout > 0:
        return httpx.Timeout(timeout)
    raise ConfigurationError(
        f"timeout: {timeout!r} is neither a positive number of seconds, None, nor httpx.Timeout"
    )


def _instance_of(kind: type) -> Callable[[object, attrs.Attribute[Any], object], None]:
    def check(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if not isinstance(value, kind):
            raise ConfigurationError(f"{attribute.name}: {value!r} is no {kind.__name__}")

    return check


def _hook(_instance: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not callable(value):
        raise ConfigurationError(f"{attribute.name}: {value!r} cannot be called")


def _from_environment(name: str) -> str | None:
    return os.environ.get(name) or None


@attrs.frozen(kw_only=True, repr=False)
class Settings:
    """All that a client was told. Arguments left as ``None`` come from the environment."""

    base_url: httpx.URL
    api_key: Secret | None = attrs.field(default=None, converter=_parse_api_key)
    api_version: str = attrs.field(default=DEFAULT_API_VERSION, converter=_parse_api_version)
    key_placement: KeyPlacement = attrs.field(
        default=KeyPlacement.QUERY, validator=_instance_of(KeyPlacement)
    )
    timeout: httpx.Timeout = attrs.field(default=DEFAULT_TIMEOUT, converter=_parse_timeout)
    retry: RetryPolicy = attrs.field(factory=RetryPolicy, validator=_instance_of(RetryPolicy))
    max_in_flight: int = attrs.field(default=DEFAULT_MAX_IN_FLIGHT, validator=_whole_number(1))
    adaptive_pacing: bool = attrs.field(default=True, validator=_flag)
    attempt_timeout: float | Unset | None = attrs.field(
        default=UNSET, converter=_parse_attempt_timeout
    )
    queue_timeout: float | None = attrs.field(default=None, converter=_parse_queue_timeout)
    max_response_bytes: int = attrs.field(
        default=DEFAULT_MAX_RESPONSE_BYTES, validator=_whole_number(1)
    )
    on_request: RequestHook | None = attrs.field(default=None, validator=_hook)
    on_response: ResponseHook | None = attrs.field(default=None, validator=_hook)
    on_retry: RetryHook | None = attrs.field(default=None, validator=_hook)

    @property
    def longest_attempt(self) -> float | None:
        """The most that one try may take on the wire, in seconds; ``None`` is no bound."""
        if self.attempt_timeout is not UNSET:
            return self.attempt_timeout
        return None if self.timeout.read is None else _TIMEOUTS_PER_ATTEMPT * self.timeout.read

    def __repr__(self) -> str:
        # Also of one that is half made, in the traceback of its own constructor.
        names = [field.name for field in attrs.fields(Settings) if hasattr(self, field.name)]
        return f"Settings({', '.join(f'{name}={getattr(self, name)!r}' for name in names)})"

    @classmethod
    def resolve(
        cls,
        base_url: str | None,
        *,
        api_key: str | Secret | None,
        api_version: str | None,
        **others: Any,
    ) -> Settings:
        """Return the settings, with what was left out taken from the environment.

        Raises:
            ConfigurationError: A setting cannot work; names it.
        """
        return cls(
            base_url=parse_base_url(
                _from_environment("USERESPONSE_URL") if base_url is None else base_url
            ),
            api_key=kept_secret(
                _from_environment("USERESPONSE_API_KEY") if api_key is None else api_key
            ),
            api_version=_from_environment("USERESPONSE_API_VERSION") or DEFAULT_API_VERSION
            if api_version is None
            else api_version,
            **others,
        )
