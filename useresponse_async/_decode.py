"""JSON to models: reading, envelopes, PHP's coercions, and one constructor per class.

A field whose value cannot be read as its type becomes ``None`` or empty, and its raw value goes
to ``extra``. Only a wrong shape of the response, or a missing id, is a :class:`StructureError`.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import re
import reprlib
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import datetime, timezone
from operator import itemgetter
from typing import Any, Final, TypeAlias, TypeGuard, TypeVar, cast, get_args, get_origin

import attrs

try:
    import orjson
except ImportError:  # an optional extra
    orjson = None  # type: ignore[assignment]

from useresponse_async._secret import Secret
from useresponse_async.models._page import Page
from useresponse_async.models._wire import (
    known_fields,
    name_alone,
    name_of_key,
    wire_aliases,
    wire_name,
)

T = TypeVar("T")

Decoder: TypeAlias = Callable[[Any], T]
"""Converts a response's JSON to what a call returns. Raises :class:`StructureError`."""

NO_CONTENT: Final = None
"""The JSON of a response without content (204)."""

_log: Final = logging.getLogger("useresponse_async.decode")

_KNOWN_CAP: Final = 50
"""Maximum number of items that servers are known to send on a page."""

_MAX_DEPTH: Final = 200
"""Maximum nesting of unknown JSON, so that ``to_dict()`` and ``json.dumps`` can process it."""

_LONGEST_QUOTE: Final = 40
_EXACT_FLOATS: Final = 2**53
_DIGITS_AS_ZERO: Final = bytes(
    ord("0") if chr(byte) in "-0123456789" else ord(" ") for byte in range(256)
)
_LONG_NUMBER: Final = re.compile(rb"[-0-9]{20}")
_INTEGER: Final = re.compile(r"[+-]?[0-9]{1,4000}")

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
_MODULES: Final = {"knowledgeBase", "knowledge-base", "feedback", "helpdesk", "announcements"}
"""The known groups of 4.0's search results."""


class MalformedBody(ValueError):
    """The body is not valid JSON, or was cut short."""


class StructureError(ValueError):
    """JSON does not have the expected structure.

    Attributes:
        problem: What is wrong.
        place: Where it is, e.g. ``data[3].id``.
    """

    def __init__(self, problem: str, place: str = "") -> None:
        super().__init__(problem, place)
        self.problem = problem
        self.place = place

    def below(self, parent: str) -> StructureError:
        """Return the same error with its place below ``parent``."""
        joint = "." if self.place and not self.place.startswith("[") else ""
        return StructureError(self.problem, f"{parent}{joint}{self.place}")


@attrs.frozen
class Reported:
    """An error that the server's body reports."""

    message: str | None = None
    code: int | None = None
    context: str | None = None


# Reading


def _may_hold_large_integer(body: bytes | bytearray) -> bool:
    """Return whether there is a run of 20 digits and minus signs, as in integers beyond 64 bits."""
    # Every fourth byte is sampled: five of any 20 consecutive bytes. This takes a small part of
    # the time of orjson; a regular expression over all bytes would take longer than it.
    sample = body[::4].translate(_DIGITS_AS_ZERO)
    at = sample.find(b"00000")
    while at >= 0:
        if _LONG_NUMBER.search(body, max(0, 4 * at - 3), 4 * at + 20):
            return True
        at = sample.find(b"00000", at + 1)
    return False


def parse(body: bytes | bytearray) -> Any:
    """Return the JSON in ``body``.

    Raises:
        MalformedBody: It is not valid JSON, or was cut short.
    """
    try:
        # orjson reads integers beyond 64 bits as floats.
        if orjson is not None and not _may_hold_large_integer(body):
            # The standard reader also accepts a byte order mark and NaN.
            with contextlib.suppress(ValueError):
                return orjson.loads(body)
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MalformedBody(str(error)) from None


def parse_error(payload: Any) -> Reported | None:
    """Return the error that a response's JSON reports, or ``None`` if it reports none."""
    if not is_object(payload):
        return None
    reported: Any = payload.get("error")
    if not reported:
        return None
    if not is_object(reported):
        return Reported(message=_shown(reported))
    message, context = reported.get("message"), reported.get("context")
    code = None
    with contextlib.suppress(StructureError):
        code = to_integer(reported.get("code"))
    return Reported(
        message=_shown(message) if message else None,
        code=code,
        context=_shown(context) if context else None,
    )


def _shown(value: Any) -> str:
    # Any other value may be nested deeply.
    return value if isinstance(value, str) else reprlib.repr(value)


# Coercions: how a value of one JSON type is read as another, since PHP servers mix types.


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Return whether ``value`` is a JSON object."""
    return isinstance(value, dict)


def is_array(value: Any) -> TypeGuard[list[Any]]:
    """Return whether ``value`` is a JSON array."""
    return isinstance(value, list)


def _kind_of(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    kinds = {dict: "an object", list: "a list", str: "a text", type(None): "null"}
    return kinds.get(cast("Any", type(value)), "a number")


def to_integer(value: Any) -> int | None:
    """Return an integer, also from its text; ``None`` for null and an empty text."""
    if value is None or type(value) is int:
        return value
    if isinstance(value, str):
        if not (digits := value.strip()):
            return None
        if _INTEGER.fullmatch(digits):
            return int(digits)
        # In full or not at all: redaction does not recognize a part of a secret.
        long = len(value) > _LONGEST_QUOTE
        quoted = f"a text of {len(value)} characters" if long else repr(value)
        raise StructureError(f"{quoted} is not an integer")
    if isinstance(value, bool):
        return int(value)
    # Beyond 2**53 a float is not exact. NaN and the infinities fail the comparison.
    if isinstance(value, float) and abs(value) <= _EXACT_FLOATS and value.is_integer():
        return int(value)
    raise StructureError(
        f"{value if isinstance(value, float) else _kind_of(value)}, not an integer"
    )


def _to_id(value: Any) -> int:
    number = to_integer(value)
    if number is None:
        raise StructureError("missing")
    return number


def _to_text(value: Any) -> str | None:
    if value is None or type(value) is str:
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if value is False:
        return None
    raise StructureError(f"{_kind_of(value)}, not a text")


def _to_flag(value: Any) -> bool | None:
    if isinstance(value, str):
        value = {"true": 1, "false": 0}.get(value.lower(), value)
    number = to_integer(value)
    if number not in (None, 0, 1):
        raise StructureError(f"{number}, neither 0 nor 1")
    return None if number is None else bool(number)


def _to_moment(value: Any) -> datetime | None:
    if not (value and (seconds := to_integer(value))):
        return None
    try:
        return datetime.fromtimestamp(seconds, timezone.utc)
    except (ValueError, OverflowError, OSError):
        raise StructureError(f"{seconds}, not a Unix time") from None


def _to_secret(value: Any) -> Secret | None:
    text = _to_text(value) if value else None
    return Secret(text) if text else None


def _to_list(value: Any) -> list[Any]:
    """Return a list, also one that PHP sends as an object or an empty value."""
    if is_array(value):
        return value
    if is_object(value) and all(key.isdecimal() for key in value):
        return list(value.values())
    if value is None or value is False or value == "":
        return []
    raise StructureError(f"{_kind_of(value)}, not a list")


def _to_texts(value: Any) -> list[str]:
    """Return a list of texts, which some endpoints send as one text with commas."""
    if isinstance(value, str):
        if "," in value:
            return [*filter(None, map(str.strip, value.split(",")))]
        return [text] if (text := value.strip()) else []
    texts = map(_to_text, _to_list(value))
    return [stripped for text in texts if text and (stripped := text.strip())]


def _to_values(value: Any) -> list[Any]:
    return cast("list[Any]", _kept(_to_list(value)))


_CONTAINERS: Final = frozenset({dict, list})


def _kept(value: Any, depth: int = 1) -> Any:
    """Return unknown JSON without API keys; it must not be nested too deeply."""
    if value.__class__ not in _CONTAINERS:
        return value
    if depth > _MAX_DEPTH:
        raise StructureError(f"nested more than {_MAX_DEPTH} levels deep")
    if is_array(value):
        return [_kept(item, depth + 1) for item in value]
    members = {key: _kept(item, depth + 1) for key, item in value.items()}
    for secret in _SECRET_NAMES:
        members.pop(secret, None)
    return members


_SECRET_NAMES: Final = frozenset({"apiKey"})
"""Wire names of secrets, which are never stored in ``extra``."""

_ONE_TEXT: Final = "{v}.__class__ is list and len({v}) == 1 and {v}[0].__class__ is str"
_COERCIONS: Final[dict[Any, tuple[Callable[[Any], Any], str]]] = {
    int: (_to_id, "{v} if {v}.__class__ is int else {to}({v})"),
    int | None: (to_integer, "{v} if {v}.__class__ is int or {v} is None else {to}({v})"),
    str | None: (_to_text, "{v} if {v}.__class__ is str or {v} is None else {to}({v})"),
    bool | None: (_to_flag, "{v} if {v}.__class__ is bool or {v} is None else {to}({v})"),
    datetime | None: (_to_moment, "{to}({v}) if {v} else None"),
    Secret | None: (_to_secret, "{to}({v}) if {v} else None"),
    list[str]: (_to_texts, "{to}({v}) if {v} else []"),
    list[Any]: (_to_values, f"{{v}} if {_ONE_TEXT} else {{to}}({{v}})"),
    Any: (_kept, "{to}({v}) if {v}.__class__ in containers else {v}"),
}
"""By type of a field, the function that reads it, and code that calls it only if necessary."""


# Models


@attrs.frozen
class _Field:
    """How one field of a model is read."""

    name: str
    wire: str
    alias: str | None
    wanted: Any
    model: Any
    read: Callable[[Any], Any]
    code: str


@functools.cache
def _fields_of(model: Any) -> tuple[_Field, ...]:
    aliases = {own: alias for alias, own in wire_aliases(model).items()}
    fields: list[_Field] = []
    for field in known_fields(attrs.resolve_types(model)):
        wire, wanted = wire_name(field), cast("Any", field.type)
        # The model of an optional model or of a list of models.
        inner: Any = next((member for member in get_args(wanted) if attrs.has(member)), None)
        convert = _to_models if get_origin(wanted) is list else _to_model
        read, code = _COERCIONS.get(wanted) or (functools.partial(convert, inner), "")
        fields.append(_Field(field.name, wire, aliases.get(wire), wanted, inner, read, code))
    return tuple(fields)


@functools.cache
def wire_names(model: Any) -> frozenset[str]:
    """Return the wire names of the fields of ``model``, in every version of the API."""
    return frozenset((*(field.wire for field in _fields_of(model)), *wire_aliases(model)))


def _to_model(model: type[T], value: Any) -> T | None:
    return structure(value, model) if value and value != "0" else None


def _to_models(model: type[T], value: Any) -> list[T]:
    key, alone = name_of_key(model), name_alone(model)
    if value and key is not None and alone is not None:
        # A mapping is read as a list of its values, with each key in a field of its item. PHP
        # sends a mapping with the keys 0, 1, 2, … as a list.
        if is_object(value):
            value = [
                {key: at, **(it if is_object(it) else {alone: it})} for at, it in value.items()
            ]
        elif is_array(value):
            value = [
                it if is_object(it) else {key: str(at), alone: it} for at, it in enumerate(value)
            ]
    return [structure(item, model) for item in _to_list(value)]


def structure(value: Any, model: type[T]) -> T:
    """Return ``value`` as a ``model``.

    Raises:
        StructureError: It has another shape, or its id is missing.
    """
    return cast("T", _constructor(model)(value))


def _structure_all(values: Any, model: type[T], place: str) -> list[T]:
    make, made = _constructor(model), cast("list[T]", [])
    items = _read_at(place, _to_list, values)
    try:
        for item in items:
            made.append(make(item))
    except StructureError as error:
        raise error.below(f"{place}[{len(made)}]") from None
    return made


def _read_at(place: str, read: Callable[[Any], T], value: Any) -> T:
    """Return ``read(value)``; an error has the place of the value."""
    try:
        return read(value)
    except StructureError as error:
        raise error.below(place) from None


def _careful(model: Any, value: Any) -> Any:
    """Return a model of an object with any values; a value that cannot be read affects no other."""
    if isinstance(value, str) and value != "0" and (alone := name_alone(model)):
        value = {alone: value}
    if value == []:
        value = {}
    if not is_object(value):
        raise StructureError(f"{_kind_of(value)}, expected {model.__name__}")
    values: dict[str, Any] = {}
    taken: set[str] = set()
    for field in _fields_of(model):
        uses_alias = field.wire not in value and field.alias in value
        key = cast("str", field.alias) if uses_alias else field.wire
        try:
            values[field.name] = field.read(value.get(key))
            taken.add(key)
        except StructureError as error:
            if field.wanted is int:
                raise error.below(key) from None
            values[field.name] = [] if get_origin(field.wanted) is list else None
            _report_once(model.__name__, key, _kind_of(value[key]))
    return model(**values, extra=_beyond(value, taken))


def _beyond(value: dict[str, Any], known: AbstractSet[str]) -> dict[str, Any] | None:
    """Return the members of an object that are not known, or ``None``."""
    unknown = value.keys() - known - _SECRET_NAMES
    return {key: _read_at(key, _kept, value[key]) for key in value if key in unknown} or None


@functools.cache
def _report_once(model: str, key: str, kind: str) -> None:
    # Without the value, which may be personal data.
    kept = "dropped" if key in _SECRET_NAMES else "kept in extra"
    _log.warning("%s.%s: %s cannot be read as its type, and is %s", model, key, kind, kept)


# Constructors. Decoding takes a large part of a walk's time, and most values have the expected
# type. So one function is generated for each class, which gets the values of an object in one
# step and checks their types. It passes any other object to _careful. A key that was missing
# once is looked up separately from then on.

_CONSTRUCTOR: Final = """\
def make_{name}(value, expected=expected_{name}):
    try:
        {expected} = expected(value)
    except KeyError as missing:
        return learn_{name}(missing.args[0])(value)
    except TypeError:
        return careful_{name}(value)
    {others}
    made = new(model_{name})
    try:
        {assignments}
    except StructureError:
        return careful_{name}(value)
    made._extra = None if len(value) == {count} else beyond(value, known_{name})
    return made
"""

_namespace: Final[dict[str, Any]] = {
    "StructureError": StructureError,
    "beyond": _beyond,
    "containers": _CONTAINERS,
    "new": object.__new__,
}
"""The globals of the constructors, which call each other by name."""


def _constructor(model: Any) -> Callable[[Any], Any]:
    return _namespace.get(f"make_{model.__name__}") or _generate(model, _SECRET_NAMES)


def _generate(model: Any, rare: frozenset[str]) -> Callable[[Any], Any]:
    """Generate the constructor of ``model``, in place of any earlier one.

    Args:
        model: The class.
        rare: The keys that may be missing.
    """
    name, fields, make = model.__name__, _fields_of(model), f"make_{model.__name__}"
    expected = [field for field in fields if field.wire not in rare]
    others = [field for field in fields if field.wire in rare]
    _namespace[make] = careful = functools.partial(_careful, model)
    if wire_aliases(model) or len(expected) < 2:  # noqa: PLR2004 - fewer are no tuple to unpack
        return careful

    def learn(key: str) -> Callable[[Any], Any]:
        # The caller may still use the previous constructor.
        return _namespace[make] if key in rare else _generate(model, rare | {key})

    _namespace.update({f"to_{name}_{field.name}": field.read for field in fields})
    _namespace[f"model_{name}"] = model
    _namespace[f"careful_{name}"] = careful
    _namespace[f"known_{name}"] = wire_names(model)
    _namespace[f"expected_{name}"] = itemgetter(*(field.wire for field in expected))
    _namespace[f"learn_{name}"] = learn
    assignments = [f"made.{field.name} = {_expression(name, field)}" for field in fields]
    present = [str(len(expected)), *(f"(v_{field.name} is not None)" for field in others)]
    source = _CONSTRUCTOR.format(
        name=name,
        expected=", ".join(f"v_{field.name}" for field in expected),
        others="; ".join(f"v_{field.name} = value.get({field.wire!r})" for field in others),
        assignments="\n        ".join(assignments),
        count=" + ".join(present),
    )
    # The source contains only names of our own fields, never data from a server.
    exec(source, _namespace)  # noqa: S102
    return cast("Callable[[Any], Any]", _namespace[make])


def _expression(name: str, field: _Field) -> str:
    """Return the code for the value of a field."""
    value, convert, model = f"v_{field.name}", f"to_{name}_{field.name}", field.model
    if model is None:
        return field.code.format(v=value, to=convert)
    _constructor(model)
    make = f"make_{model.__name__}"
    if get_origin(field.wanted) is not list:
        return f"{make}({value}) if {value} else None"
    if name_of_key(model) is not None:
        return f"{convert}({value})"
    made = f"[{make}(item) for item in {value}]"
    return f"{made} if {value}.__class__ is list else {convert}({value})"


# Decoders: from the JSON of a response to the result of a call


def unwrap(payload: Any) -> Any:
    """Return ``payload`` without the ``success`` envelope, if it has one."""
    if not is_object(payload) or "success" not in payload:
        return payload
    content: Any = payload["success"]
    if isinstance(content, bool) and len(payload) > 1:
        return {key: value for key, value in payload.items() if key != "success"}
    return content


def is_confirmation(payload: Any) -> bool:
    """Return whether ``payload``, without its envelope, only says that a change was made."""
    return payload in (NO_CONTENT, 1, "1", "true", "", [], {})  # 1 equals True


def as_sent(payload: Any) -> Any:
    """Return the JSON itself, unless it is nested too deeply."""
    _kept(payload)
    return payload


def entity(model: type[T]) -> Decoder[T]:
    """Return a decoder to one ``model``."""
    names = wire_names(cast("Any", model))

    def decode(response: Any) -> T:
        payload = unwrap(response)
        if is_array(payload) and len(payload) == 1:
            payload = payload[0]
        if payload is NO_CONTENT or payload == []:
            raise StructureError(f"nothing, expected {model.__name__}")
        if is_object(payload) and names.isdisjoint(payload):
            raise StructureError(f"an object without any field of a {model.__name__}")
        return structure(payload, model)

    return decode


def entity_or_none(model: type[T]) -> Decoder[T | None]:
    """Return a decoder to a ``model``, or to ``None`` if the server only reports success."""
    required = entity(model)

    def decode(payload: Any) -> T | None:
        return None if is_confirmation(unwrap(payload)) else required(payload)

    return decode


def list_of(model: type[T]) -> Decoder[list[T]]:
    """Return a decoder to a complete list of ``model``, in any shape of a list."""
    decode_page = page_of(model, number=1, size=1)

    def decode(payload: Any) -> list[T]:
        return decode_page(payload).items

    return decode


def page_of(model: type[T], *, number: int, size: int) -> Decoder[Page[T]]:
    """Return a decoder to a page of ``model``, in any shape of a list.

    Args:
        model: The class of the items.
        number: The requested page, used if the response contains no number.
        size: The requested page size, used if the response contains none.
    """

    def decode(payload: Any) -> Page[T]:
        payload = unwrap(payload)
        if is_object(payload) and not _PAGINATOR_KEYS.isdisjoint(payload):
            return _paginator(payload, model, number=number, size=size)
        items: list[T] = []
        for place, group in _groups_in(payload).items():
            items += _structure_all(group, model, place)
        if not items:
            total = 0 if number == 1 else None
            return Page(items=items, number=number, size=size, total_items=total, total_pages=total)
        if len(items) >= min(size, _KNOWN_CAP):
            # This may be the complete list or one of several pages: only the next one shows which.
            return Page(items=items, number=number, size=size)
        total = len(items) if number == 1 else None
        return Page(items=items, number=number, size=size, total_items=total, total_pages=number)

    return decode


def _groups_in(payload: Any) -> dict[str, list[Any]]:
    """Return the lists in ``payload`` by place: one, or one for each module."""
    if is_object(payload) and "id" in payload:
        return {"": [payload]}
    if not is_object(payload) or all(key.isdecimal() for key in payload):
        return {"": _to_list(payload)}
    # An object of empty values is recognized by the names of the modules.
    if _MODULES.issuperset(payload) or any(is_array(group) for group in payload.values()):
        with contextlib.suppress(StructureError):
            return {module: _to_list(group) for module, group in payload.items()}
    raise StructureError("an object, neither a page nor a list")


def _to_count(value: Any) -> int | None:
    number = to_integer(value)
    if number is not None and number < 0:
        raise StructureError(f"{number} is negative")
    return number


def _paginator(payload: dict[str, Any], model: type[T], *, number: int, size: int) -> Page[T]:
    items = _structure_all(payload.get("data"), model, "data")

    def count(key: str) -> int | None:
        counted = _read_at(key, _to_count, payload.get(key))
        return None if items and counted == 0 else counted  # PHP also sends null as 0

    total_items, per_page = count("totalObjects"), count("objectsPerPage")
    pages, current = count("totalPages"), count("currentPage") or number
    if current != number and number <= (pages or 0):
        problem = f"{current}, not {number}, the requested page"
        raise StructureError(problem, "currentPage")
    total_pages = count("lastPage") if pages is None else pages
    if not per_page:
        # A first page with fewer items than it should have shows the server's own limit.
        should_have = min(size, total_items or 0) if number == 1 and not total_pages else 0
        per_page = len(items) if 0 < len(items) < should_have else size
    return Page(
        items=items,
        number=current,
        size=per_page,
        total_items=total_items,
        total_pages=total_pages,
        next_number=count("nextPage") or None,
        extra=_beyond(payload, _PAGINATOR_KEYS) or {},
    )
