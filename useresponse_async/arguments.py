"""Is what the caller gave something the API can take? Checked before any request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

from useresponse_async.errors import ArgumentError

__all__ = ["Params", "Properties"]

Params: TypeAlias = Mapping[str, str | int | float | bool | None]
"""Query parameters by name. Flags are sent as 0 or 1, and ``None`` is not sent."""

Properties: TypeAlias = Mapping[int, Any]
"""Values of custom fields by the field's id."""

_KEY_PARAMETER: Final = "apiKey"
_CONTROL_CODES: Final = re.compile(r"[\x00-\x1f\x7f]")


def positive_id(name: str, value: int) -> int:
    """Return ``value`` if it is a positive integer."""
    return integer(name, value, minimum=1)


def integer(name: str, value: int, *, minimum: int) -> int:
    """Return ``value`` if it is an integer of ``minimum`` or more."""
    if not isinstance(value, int) or isinstance(value, bool):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(name, f"{value!r} is no integer")
    if value < minimum:
        raise ArgumentError(name, f"{value} is less than {minimum}")
    return value


def text(name: str, value: str) -> str:
    """Return ``value`` if it is a text that is not empty."""
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(name, f"a {type(value).__name__} is no text")
    if not value.strip():
        raise ArgumentError(name, "it is empty")
    return value


def optional_text(name: str, value: str | None) -> str | None:
    """Return ``value`` if it is ``None`` or a text that is not empty."""
    return None if value is None else text(name, value)


def optional_id(name: str, value: int | None) -> int | None:
    """Return ``value`` if it is ``None`` or a positive integer."""
    return None if value is None else positive_id(name, value)


def query_of(named: Params, params: Params | None = None) -> tuple[tuple[str, str], ...]:
    """Return the query for ``named``, then for the caller's own ``params``.

    Raises:
        ArgumentError: A name in ``params`` is one of ``named``, or the API key's.
    """
    for name in params or {}:
        if not isinstance(name, str) or not name:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentError("params", f"{name!r} is no parameter name")
        if name in named:
            raise ArgumentError("params", f"{name!r} has an argument of its own")
        if name == _KEY_PARAMETER:
            raise ArgumentError("params", "give the key to the client, as api_key")
    return tuple(
        (name, _query_text(name, value))
        for name, value in {**named, **(params or {})}.items()
        if value is not None
    )


def _query_text(name: str, value: str | float) -> str:
    if isinstance(value, bool):
        return str(int(value))
    if not isinstance(value, str | int | float):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(name, f"a {type(value).__name__} cannot be sent in a query")
    try:
        str(value).encode()
    except UnicodeEncodeError:
        raise ArgumentError(name, "it is no valid text: half of a surrogate pair") from None
    return str(value)


def body_of(named: Mapping[str, Any], properties: Properties | None = None) -> dict[str, Any]:
    """Return the body for what of ``named`` was given, and for the custom fields."""
    body = {name: value for name, value in named.items() if value is not None}
    for field_id, value in (properties or {}).items():
        body[f"property_{positive_id('properties', field_id)}"] = value
    return body


def comma_text(name: str, values: str | Sequence[str] | None) -> str | None:
    """Return ``values`` as one text with commas, which is how users' tags travel."""
    if values is None or isinstance(values, str):
        return values
    for value in values:
        if "," in text(name, value):
            raise ArgumentError(name, f"{value!r} holds a comma, which separates values")
    return ",".join(values)


def relative_path(path: str) -> str:
    """Return ``path`` without its leading slash, if it stays below the API's address."""
    segments = unquote(text("path", path)).split("/")
    if _CONTROL_CODES.search(unquote(path)):
        raise ArgumentError("path", "it holds a control code")
    if any(mark in path for mark in "?#\\"):
        raise ArgumentError("path", "it holds one of ? # \\; give the query as params")
    if any(segment in (".", "..") for segment in segments) or "" in segments[1:]:
        raise ArgumentError("path", "it has an empty, a '.' or a '..' part")
    return path.removeprefix("/")
