"""How do bytes become models? JSON, then the envelope off, then attrs classes by cattrs."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from typing import Any, Final, TypeAlias, TypeVar

import attrs

from useresponse_async._coercion import (
    StructureError,
    is_array,
    is_object,
    kind_of,
    to_list,
    whole_number,
)
from useresponse_async._structuring import structure, structure_all, wire_names
from useresponse_async.models._page import Page

__all__ = [
    "NO_CONTENT",
    "Decoder",
    "MalformedBody",
    "Reported",
    "as_sent",
    "entity",
    "entity_or_none",
    "list_of",
    "page_of",
    "parse",
    "parse_error",
    "unwrap",
]

T = TypeVar("T")

Decoder: TypeAlias = Callable[[Any], T]
"""Turns an answer's JSON into what a call returns. Raises :class:`StructureError`."""

_KNOWN_CAP: Final = 50
"""The most items that servers are known to put on a page, however many are asked for."""

NO_CONTENT: Final = None
"""What a 204 decodes to before a decoder makes something of it."""

_PAGINATOR_KEYS: Final = {
    "currentPage",
    "firstPage",
    "lastPage",
    "nextPage",
    "objectsPerPage",
    "totalObjects",
    "totalPages",
    "data",
}


class MalformedBody(ValueError):
    """The body is no JSON, or JSON that was cut short."""


@attrs.frozen
class Reported:
    """An error as the server's body tells it."""

    message: str | None = None
    code: int | None = None
    context: str | None = None


@functools.cache
def _loads() -> Callable[[bytes], Any]:
    try:
        import orjson  # noqa: PLC0415 - an optional extra, looked for on first use
    except ImportError:
        return json.loads

    def loads(body: bytes) -> Any:
        try:
            return orjson.loads(body)
        except ValueError:
            # The standard reader also takes a byte order mark and NaN.
            return json.loads(body)

    return loads


def parse(body: bytes) -> Any:
    """Return the JSON in ``body``.

    Raises:
        MalformedBody: It is no JSON, or was cut short.
    """
    try:
        return _loads()(body)
    except (ValueError, RecursionError) as error:
        raise MalformedBody(str(error)) from None


def parse_error(payload: Any) -> Reported | None:
    """Return the error that an answer's JSON reports, or ``None`` if it reports none."""
    if not is_object(payload):
        return None
    reported: Any = payload.get("error")
    if not reported:
        return None
    if not is_object(reported):
        return Reported(message=_shown(reported))
    message, context = reported.get("message"), reported.get("context")
    return Reported(
        message=_shown(message) if message else None,
        code=_code(reported.get("code")),
        context=_shown(context) if context else None,
    )


def _shown(value: Any) -> str:
    try:
        return str(value)
    except RecursionError:
        return f"{kind_of(value)} too deep to show"


def _code(value: Any) -> int | None:
    try:
        return whole_number(value)
    except StructureError:
        return None


def unwrap(payload: Any) -> Any:
    """Return ``payload`` without the ``success`` envelope, if it has one."""
    if not is_object(payload) or "success" not in payload:
        return payload
    content: Any = payload["success"]
    if isinstance(content, bool) and len(payload) > 1:
        return {key: value for key, value in payload.items() if key != "success"}
    return content


def as_sent(payload: Any) -> Any:
    """Decode to the JSON itself."""
    return payload


def entity(model: type[T]) -> Decoder[T]:
    """Return a decoder to one ``model``."""

    def decode(answer: Any) -> T:
        payload = unwrap(answer)
        if is_array(payload) and len(payload) == 1:
            payload = payload[0]
        if payload is NO_CONTENT or payload == []:
            raise StructureError(f"nothing, where a {model.__name__} was promised")
        if is_object(payload) and wire_names(model).isdisjoint(payload):
            raise StructureError(f"an object without any field of a {model.__name__}")
        return structure(payload, model)

    return decode


def entity_or_none(model: type[T]) -> Decoder[T | None]:
    """Return a decoder to a ``model``, or to ``None`` where the server just says it is done."""
    required = entity(model)

    def decode(payload: Any) -> T | None:
        payload = unwrap(payload)
        if payload is NO_CONTENT or payload is True or payload in ([], {}):
            return None
        return required(payload)

    return decode


def page_of(model: type[T], *, number: int, size: int) -> Decoder[Page[T]]:
    """Return a decoder to a page of ``model``, whatever shape the list comes in.

    Args:
        model: What the items are.
        number: The page that was asked for, taken where the answer does not say.
        size: The page size that was asked for, likewise.
    """

    def decode(payload: Any) -> Page[T]:
        payload = unwrap(payload)
        if is_object(payload) and not _PAGINATOR_KEYS.isdisjoint(payload):
            return _paginator(payload, model, number=number, size=size)
        if payload is NO_CONTENT or payload in ([], {}):
            total = 0 if number == 1 else None
            return Page(items=[], number=number, size=size, total_items=total, total_pages=total)
        items = structure_all(_bare_list(payload), model)
        if len(items) >= min(size, _KNOWN_CAP):
            # It may be the whole list or the first of several pages: only the next one tells.
            return Page(items=items, number=number, size=size)
        total = len(items) if number == 1 else None
        return Page(items=items, number=number, size=size, total_items=total, total_pages=number)

    return decode


def list_of(model: type[T]) -> Decoder[list[T]]:
    """Return a decoder to a list of ``model`` that comes whole, in whatever shape."""
    decode_page = page_of(model, number=1, size=1)

    def decode(payload: Any) -> list[T]:
        return decode_page(payload).items

    return decode


def _bare_list(payload: Any) -> list[Any]:
    if is_object(payload):
        if "id" in payload:
            return [payload]
        if len(payload) == 1:
            (content,) = payload.values()
            if is_array(content):
                return content
    items = to_list(payload)
    if items is None or payload is False:
        raise StructureError(f"{kind_of(payload)}, where a page or a list was promised")
    return items


def _paginator(payload: dict[str, Any], model: type[T], *, number: int, size: int) -> Page[T]:
    def count(key: str) -> int | None:
        try:
            found = whole_number(payload.get(key))
        except StructureError as misfit:
            raise misfit.below(key) from None
        if found is not None and found < 0:
            raise StructureError(f"{found} is negative").below(key)
        return found

    try:
        items = structure_all(payload.get("data"), model)
    except StructureError as misfit:
        raise misfit.below("data") from None
    total_items, per_page = count("totalObjects"), count("objectsPerPage") or size
    pages, current = count("totalPages"), count("currentPage") or number
    if current != number and number <= (pages or 0):
        raise StructureError(f"{current}, where page {number} was asked for").below("currentPage")
    return Page(
        items=items,
        number=current,
        size=per_page,
        total_items=total_items,
        total_pages=count("lastPage") if pages is None else pages,
        next_number=count("nextPage") or None,
        extra={key: payload[key] for key in payload if key not in _PAGINATOR_KEYS},
    )
