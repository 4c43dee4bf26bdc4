"""Checks of arguments, and their conversion to the forms that the API accepts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar, cast
from urllib.parse import unquote

from useresponse_async._exceptions import ArgumentError
from useresponse_async._secret import Secret

__all__ = ["Params", "Properties", "Tags"]

Params: TypeAlias = Mapping[str, str | int | float | bool | None]
"""Query parameters by name. Booleans are sent as 0 or 1; ``None`` is not sent."""

Properties: TypeAlias = Mapping[int, Any]
"""Values of custom fields by field id. A list or tuple gives one field several values."""

Tags: TypeAlias = str | Sequence[str]
"""Tags: a sequence, or one string separated by commas."""

T = TypeVar("T")
Checked = TypeVar("Checked")

_SLUG: Final = re.compile(r"[\w-]+", re.ASCII)
_KEY_PARAMETER: Final = "apiKey"
_CONTROL_CODES: Final = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATES: Final = re.compile(r"[\ud800-\udfff]")


def _optional(check: Callable[[str, T], Checked]) -> Callable[[str, T | None], Checked | None]:
    """Return ``check`` for arguments that may be ``None``."""
    return lambda name, value: None if value is None else check(name, value)


def _check_type(name: str, value: object, kinds: Any, described: str) -> None:
    """Check that ``value`` is an instance of ``kinds``, which ``described`` names."""
    if not isinstance(value, kinds):
        raise ArgumentError(name, f"must be {described}, not {type(value).__name__}")


def integer(name: str, value: int, *, minimum: int) -> int:
    """Return ``value`` if it is an integer of ``minimum`` or more."""
    if not isinstance(value, int) or isinstance(value, bool) or value < minimum:  # pyright: ignore[reportUnnecessaryIsInstance]
        wanted = "a positive integer" if minimum == 1 else f"an integer of {minimum} or more"
        raise ArgumentError(name, f"{value!r} is not {wanted}")
    return value


def text(name: str, value: str) -> str:
    """Return ``value`` if it is a string that is not empty."""
    _check_type(name, value, str, "a string")
    if not value.strip():
        raise ArgumentError(name, "must not be empty")
    return value


positive_id: Final = partial(integer, minimum=1)
optional_text: Final = _optional(text)
optional_id: Final = _optional(positive_id)
optional_id_or_zero: Final = _optional(partial(integer, minimum=0))


def encodable(name: str, value: str) -> str:
    """Return ``value`` if it can be encoded as UTF-8."""
    if _SURROGATES.search(value):
        raise ArgumentError(name, "contains a lone surrogate, which UTF-8 cannot encode")
    return value


def secret_text(name: str, value: str | Secret) -> Secret:
    """Return ``value`` as a secret if it is a string that is not empty and can be sent."""
    given = value.reveal() if isinstance(value, Secret) else value
    return Secret(encodable(name, text(name, given)))


def mapping(name: str, value: Mapping[Any, T] | None) -> Mapping[Any, T]:
    """Return ``value`` if it is a mapping; ``None`` is an empty one."""
    _check_type(name, value, Mapping | None, "a mapping")
    return value or {}


def query_of(named: Params, params: Params | None = None) -> tuple[tuple[str, str], ...]:
    """Return the query: ``named``, then the caller's own ``params``.

    Raises:
        ArgumentError: A name in ``params`` is also in ``named``, or is that of the API key.
    """
    own = mapping("params", params)
    for name in own:
        if not isinstance(name, str) or not name:  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ArgumentError("params", f"{name!r} is not a parameter name")
        encodable("params", name)
        if name in named:
            raise ArgumentError("params", f"{name!r} has its own argument; use that instead")
        if name == _KEY_PARAMETER:
            raise ArgumentError(
                "params", "must not contain the API key; pass api_key to the client"
            )
    return tuple(
        (name, _query_text(name, value))
        for name, value in {**named, **own}.items()
        if value is not None
    )


def _query_text(name: str, value: str | float) -> str:
    if isinstance(value, bool):
        return str(int(value))
    _check_type(name, value, str | int | float, "a string or number")
    return encodable(name, str(value))


def body_of(named: Mapping[str, Any], properties: Properties | None = None) -> dict[str, Any]:
    """Return the body: the values of ``named`` other than ``None``, and the custom fields."""
    given = {name: value for name, value in named.items() if value is not None}
    return given | property_keys(properties)


def property_keys(properties: Properties | None) -> dict[str, Any]:
    """Return the values of custom fields by their names in the API, ``property_<id>``."""
    return {
        f"property_{positive_id('properties', field_id)}": (
            _joined("properties", cast("Iterable[Any]", value), "|")
            if isinstance(value, list | tuple)
            else value
        )
        for field_id, value in mapping("properties", properties).items()
    }


@_optional
def comma_text(name: str, values: Tags) -> str:
    """Return ``values`` separated by commas, the form of a user's tags."""
    if isinstance(values, str):
        return values
    return _joined(name, _texts(name, values), ",")


@_optional
def text_list(name: str, values: Tags) -> list[str]:
    """Return ``values`` as a list of strings, the form of an object's tags."""
    if isinstance(values, str):
        return [value.strip() for value in values.split(",") if value.strip()]
    return _texts(name, values)


def _texts(name: str, values: Iterable[str]) -> list[str]:
    _check_type(name, values, Iterable, "a string or strings")
    return [text(name, value) for value in values]


def _joined(name: str, values: Iterable[Any], separator: str) -> str:
    texts = [str(value) for value in values]
    for value in texts:
        if separator in value:
            raise ArgumentError(name, f"{value!r} contains {separator!r}, the separator of values")
    return separator.join(texts)


def truth(name: str, value: bool) -> bool:  # noqa: FBT001 - the value to check
    """Return ``value`` as a boolean if it is ``True``, ``False``, 1 or 0."""
    if value not in (True, False):
        raise ArgumentError(name, f"{value!r} is neither True nor False")
    return bool(value)


@_optional
def flag(name: str, value: bool) -> int:  # noqa: FBT001 - the value to check
    """Return ``value`` as 1 or 0, the API's form of true and false."""
    return int(truth(name, value))


@_optional
def day_text(name: str, value: date) -> str:
    """Return a day as ``dd.mm.yyyy``.

    Raises:
        ArgumentError: It is not a date, or it is a ``datetime``: the API accepts only a date.
    """
    if not isinstance(value, date) or isinstance(value, datetime):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise ArgumentError(name, f"must be a datetime.date, not {type(value).__name__}")
    return f"{value.day:02}.{value.month:02}.{value.year:04}"


@_optional
def moment_text(name: str, value: datetime) -> str:
    """Return a time as ``YYYY-MM-DD HH:MM:SS``, in the site's time zone.

    Raises:
        ArgumentError: It is not a datetime, or it has a time zone. The API does not say which
            time zone the site uses, so it cannot be converted.
    """
    _check_type(name, value, datetime, "a datetime.datetime")
    if value.tzinfo is not None:
        raise ArgumentError(name, "has a time zone; pass the site's local time without a time zone")
    return value.isoformat(sep=" ", timespec="seconds")


def slug(name: str, value: str) -> str:
    """Return ``value`` if it can be a path segment without quoting."""
    if not _SLUG.fullmatch(text(name, value)):
        raise ArgumentError(name, f"{value!r} may contain only letters, digits, - and _")
    return value


def relative_path(path: str) -> str:
    """Return ``path`` without its leading slash, if it is below the API's URL."""
    decoded = unquote(encodable("path", text("path", path)))
    if _CONTROL_CODES.search(decoded):
        raise ArgumentError("path", "contains a control character")
    if any(mark in path for mark in "?#\\"):
        raise ArgumentError("path", "contains one of ? # \\; pass the query as params")
    if not {"", ".", ".."}.isdisjoint(decoded.removeprefix("/").split("/")):
        raise ArgumentError("path", "contains an empty, '.' or '..' segment")
    return path.removeprefix("/")
