"""Calls: the caller, checked parameters, and responses in JSON."""

import json
import re
from base64 import b64decode
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum
from http.client import responses
from typing import TYPE_CHECKING, NamedTuple, TypeVar, cast
from urllib.parse import parse_qsl

from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response

from useresponse_async.sandbox._installation import Role
from useresponse_async.sandbox._text import markup, read_time

if TYPE_CHECKING:
    from useresponse_async.sandbox._controls import State

_dumps: Callable[[object], bytes] | None = None
with suppress(ImportError):
    from orjson import dumps as _dumps

_MESSAGES = {
    400: "Invalid request and/or request parameters",
    401: "Authentication is required",
    403: "API request is prohibited due to lack of permissions",
    404: "Resource is not found",
    405: "The requested method is not allowed",
    409: "Resource conflict or duplicated entry",
    429: "Too many requests",
    500: "Internal server error",
    503: "API interface unavailable or disabled",
}


class Refusal(Exception):
    """An error response; `context` names the wrong parameters of a 400."""

    def __init__(
        self, status: int, *, context: str | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, context)
        body = error_json(status, context=context)
        self.response: Response = json_response(body, status, headers)


def bad_request(*names: str) -> Refusal:
    return Refusal(400, context=", ".join(names))


def error_json(code: int, *, message: str | None = None, context: str | None = None) -> bytes:
    if message is None:
        message = _MESSAGES.get(code) or responses.get(code, f"Status {code}")
    error: dict[str, object] = {"code": code, "message": message}
    if context is not None:
        error["context"] = context
    return to_json({"error": error})


def to_json(value: object) -> bytes:
    """Return compact JSON in UTF-8, the same bytes with and without orjson."""
    if _dumps is not None:
        # Copied, because the original keeps its complete buffer: a gigabyte for 100,000 rows.
        return memoryview(_dumps(value)).tobytes()
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def encoded(value: object) -> bytes:
    return value if isinstance(value, bytes) else to_json(value)


def json_response(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    return Response(encoded(value), status, headers, "application/json")


def success(value: object) -> Response:
    return json_response(b'{"success":%b}' % encoded(value))


_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

# No id, page or count has more digits, and a longer number takes long to parse.
_MOST_DIGITS = 18

# Default and maximum number of rows on a page.
_MOST_ROWS = 50

# Deeper than any call nests its parameters.
_MOST_KEYS = 8
_Word = TypeVar("_Word", bound=str)

_FORM_KEY = re.compile(r"\[([^\[\]]*)\]")


class Fields:
    """Reads parameters one by one, collects the wrong ones, and rejects them together.

    Each reader returns `None` for a parameter that was not sent and for a wrong one; `check`
    after the last reader raises if any was wrong.
    """

    def __init__(self, values: Mapping[str, object]) -> None:
        self._values = values
        self.wrong_names: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(
        self, name: str, *, required: bool = False, filled: bool = False, longest: int | None = None
    ) -> str | None:
        """Read a text; `filled` rejects an empty one, `required` also a missing one."""
        if name not in self._values:
            if required:
                self.wrong(name)
            return None
        text = _as_text(self._values[name])
        if (
            text is None
            or (not text and (filled or required))
            or (longest is not None and len(text) > longest)
        ):
            self.wrong(name)
            return None
        return text

    def number(self, name: str, *, least: int = 0, required: bool = False) -> int | None:
        """Read an integer, sent as a number or as its digits."""
        text = self.text(name, required=required)
        if text is None:
            return None
        digits = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        if not digits or int(text) < least:
            self.wrong(name)
            return None
        return int(text)

    def choice(
        self, name: str, allowed: Iterable[_Word], *, required: bool = False
    ) -> _Word | None:
        """Read one of the allowed words; an empty text means none."""
        text = self.text(name, required=required)
        word = next((word for word in allowed if word == text), None)
        if text and word is None:
            self.wrong(name)
        return word

    def flag(self, name: str) -> bool | None:
        """Read a 0 or a 1; booleans of JSON are rejected."""
        text = self.text(name)
        if text not in (None, "0", "1"):
            self.wrong(name)
        return text == "1" if text in ("0", "1") else None

    def boolean(self, name: str) -> bool | None:
        """Read a boolean of JSON; a form sends its name."""
        value = self._values.get(name)
        if isinstance(value, bool):
            return value
        if name in self and value not in ("true", "false"):
            self.wrong(name)
        return value == "true" if value in ("true", "false") else None

    def texts(self, name: str) -> tuple[str, ...] | None:
        """Read a list of texts; empty ones do not count."""
        items = self._list(name)
        if items is None:
            return None
        texts = [_as_text(item) for item in items]
        if None in texts:
            self.wrong(name)
        return tuple(text for text in texts if text)

    def entries(self, name: str) -> list["Fields"]:
        """Read a list of mappings; one that was not sent is empty."""
        items = self._list(name) or []
        entries = [Fields(cast("dict[str, object]", i)) for i in items if isinstance(i, dict)]
        if len(entries) != len(items):
            self.wrong(name)
        return entries

    def mapping(self, name: str) -> "Fields":
        """Read a mapping; one that was not sent is empty."""
        value = self._values.get(name)
        if isinstance(value, dict):
            return Fields(cast("dict[str, object]", value))
        # PHP writes an empty mapping as an empty list.
        if name in self and value not in (None, [], ""):
            self.wrong(name)
        return Fields({})

    def content(self, name: str) -> bytes | None:
        """Read the content of a file in base64; it is required, but a file may be empty."""
        text = self.text(name)
        with suppress(ValueError):
            if text is not None:
                return b64decode(text, validate=True)
        self.wrong(name)
        return None

    def time(self, name: str, pattern: str) -> int | None:
        """Read a local time in a format; an empty text means none."""
        text = self.text(name)
        moment = read_time(text, pattern) if text else None
        if text and moment is None:
            self.wrong(name)
        return moment

    def properties(self, known: Collection[int]) -> dict[int, tuple[str, ...]]:
        """Read every `property_<id>`; several values of one field are joined by a bar."""
        numbers = {f"property_{number}": number for number in known}
        found: dict[int, tuple[str, ...]] = {}
        for name in self._values:
            if name in numbers:
                text = self.text(name)
                found[numbers[name]] = tuple(text.split("|")) if text else ()
            elif name.startswith("property_"):
                self.wrong(name)
        return found

    def wrong(self, *names: str) -> None:
        self.wrong_names += [name for name in names if name not in self.wrong_names]

    def check(self) -> None:
        if self.wrong_names:
            raise bad_request(*self.wrong_names)

    def _list(self, name: str) -> list[object] | None:
        value = self._values.get(name)
        if isinstance(value, list):
            return cast("list[object]", value)
        if name in self:
            self.wrong(name)
        return None


def _as_text(value: object) -> str | None:
    if value is None:
        return ""
    # A number equals its digits, since forms cannot distinguish the two.
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    text = str(value).strip()
    # JSON can escape half of a surrogate pair, which no response could contain.
    return None if re.search("[\ud800-\udfff]", text) else text


class Viewer(NamedTuple):
    """The caller; a guest has the id 0. `today` is the time at which the site's day began."""

    today: int
    role: Role | None = None
    key: str | None = None
    user_id: int = 0

    @property
    def is_staff(self) -> bool:
        """Whether the caller is an agent or an administrator, who see everything."""
        return self.role in ("agent", "admin")


class Access(IntEnum):
    """Minimum role for a route; an open route returns a key and ignores that of the caller."""

    OPEN = -1
    GUEST = 0
    USER = 1
    STAFF = 2
    ADMIN = 3


_ACCESS = {None: Access.GUEST, "user": Access.USER, "agent": Access.STAFF, "admin": Access.ADMIN}


@dataclass(slots=True)
class Call:
    """One request, parsed; `id` is the one in the path, or 0."""

    state: "State"
    viewer: Viewer
    version: str
    id: int
    query: Fields
    body: Fields
    request: Request

    @property
    def caller(self) -> int:
        return self.viewer.user_id

    @property
    def is_old(self) -> bool:
        return self.version.startswith("4")

    @property
    def now(self) -> int:
        return self.state.now()

    def require_own(self, author: int) -> None:
        """Raise a 403 for a plain user who is not the author."""
        if self.caller != author and not self.viewer.is_staff:
            raise Refusal(403)

    def content_json(self, content: str, *, is_html: bool) -> str:
        """Return content as HTML, or as BBCode if the query requests it."""
        return markup(content, is_html=is_html, as_bbcode=self.query.flag("bbcode") or False)

    def page(
        self,
        rows: Sequence[int],
        write: Callable[[int], bytes],
        *,
        under_success: bool = False,
        extra: bytes = b"",
    ) -> Response:
        """Return the page of `rows` that the query's `page` and `count` request.

        `extra` contains more fields of the page, each followed by a comma.
        """
        options = self.state.options
        number, size = self._asked()
        pages = -(-len(rows) // size)
        if number > pages:
            if options.empty == "204":
                return Response(status_code=204)
            if options.empty == "last-page" and pages:
                number = pages
        if number < pages:
            next_page = b'"nextPage":%d,' % (number + 1)
        elif options.next_page == "repeats":
            next_page = b'"nextPage":%d,' % max(pages, 1)
        else:
            next_page = b"" if options.next_page == "absent" else b'"nextPage":null,'
        shown = b",".join([write(row) for row in rows[(number - 1) * size : number * size]])
        respond = success if under_success else json_response
        return respond(
            b'{%b"currentPage":%d,"firstPage":1,"lastPage":%d,%b"objectsPerPage":%d,'
            b'"totalObjects":%d,"totalPages":%d,"data":[%b]}'
            % (extra, number, pages, next_page, size, len(rows), pages, shown)
        )

    def cut(self, rows: Sequence[int]) -> Sequence[int]:
        """Return the rows of the requested page, for a list that is sent bare."""
        number, size = self._asked()
        return rows[(number - 1) * size : number * size]

    def listed(self, items: Iterable[object], *, under_success: bool = False) -> Response:
        """Return a list without pages."""
        shown = list(items)
        if not shown and self.state.options.empty == "204":
            return Response(status_code=204)
        return success(shown) if under_success else json_response(shown)

    def _asked(self) -> tuple[int, int]:
        number = self.query.number("page", least=1)
        count = self.query.number("count", least=1)
        self.query.check()
        return number or 1, min(count or _MOST_ROWS, _MOST_ROWS)


Handler = Callable[[Call], Response]

#: Method and path below `/api/{version}` to the minimum role and the handler.
Routes = Mapping[str, tuple[Access, Handler]]


async def read_call(
    state: "State", request: Request, version: str, number: int, access: Access
) -> Call:
    """Parse a request for a route with this access, or reject the caller."""
    query = dict(parse_qsl(request.url.query, keep_blank_values=True))
    body: Mapping[str, object] = {}
    unreadable: Refusal | None = None
    try:
        body = await _read_body(request)
    except Refusal as refusal:
        unreadable = refusal
    # Unknown callers are rejected first, and learn nothing about other mistakes.
    if access is Access.OPEN:
        viewer = Viewer(state.today)
    else:
        viewer = state.viewer(_key(query, request.headers, body))
    if unreadable:
        raise unreadable
    if access > _ACCESS[viewer.role]:
        raise Refusal(403 if viewer.role else 401)
    return Call(state, viewer, version, number, Fields(query), Fields(body), request)


def _key(
    query: Mapping[str, str], headers: Mapping[str, str], body: Mapping[str, object]
) -> str | None:
    for name in ("apiKey", "api_key"):
        if name in query:
            return query[name]
    if "authorization" in headers:
        return headers["authorization"]
    return str(body["apiKey"]) if "apiKey" in body else None


async def _read_body(request: Request) -> Mapping[str, object]:
    content = await request.body()
    if not content:
        return {}
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == "application/json":
        try:
            value: object = json.loads(content)
        except ValueError:
            raise bad_request("body") from None
        if isinstance(value, dict):
            return cast("dict[str, object]", value)
        # PHP writes an empty mapping as an empty list.
        if value == []:
            return {}
        raise bad_request("body")
    if media_type not in _FORMS:
        raise bad_request("Content-Type")
    try:
        async with request.form() as form:
            return _nest(
                (name, value) for name, value in form.multi_items() if isinstance(value, str)
            )
    except (MultiPartException, ValueError):
        raise bad_request("body") from None


def _nest(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Combine a form's fields as PHP does: `a[]` appends, `a[b]` names."""
    root: dict[str, object] = {}
    for name, value in pairs:
        head = name.partition("[")[0]
        *outer, last = [head, *_FORM_KEY.findall(name[len(head) :])][:_MOST_KEYS]
        into = root
        for key in outer:
            inner = into.setdefault(key or str(len(into)), {})
            # A name that was used for a text cannot hold more: the value is lost, as in PHP.
            into = cast("dict[str, object]", inner) if isinstance(inner, dict) else {}
        into[last or str(len(into))] = value
    return {name: _listed(value) for name, value in root.items()}


def _listed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    items = {key: _listed(inner) for key, inner in cast("dict[str, object]", value).items()}
    numbered = list(items) == [str(number) for number in range(len(items))]
    return list(items.values()) if numbered else items
