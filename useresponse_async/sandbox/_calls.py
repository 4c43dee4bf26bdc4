"""One request as a route sees it: who calls, with which parameters."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import parse_qsl

from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response

from useresponse_async.sandbox._catalog import Role
from useresponse_async.sandbox._fields import Fields
from useresponse_async.sandbox._responses import Refusal, bad_request
from useresponse_async.sandbox._text import markup

if TYPE_CHECKING:
    from useresponse_async.sandbox._state import State

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")

# Deeper than any call nests its parameters.
_MOST_KEYS = 8
_FORM_KEY = re.compile(r"\[([^\[\]]*)\]")


class Viewer(NamedTuple):
    """The caller: a role with its account and key, or a guest with none of them."""

    role: Role | None = None
    key: str | None = None
    user_id: int | None = None

    @property
    def is_staff(self) -> bool:
        """Agents and administrators see everything."""
        return self.role in ("agent", "admin")


@dataclass(slots=True)
class Call:
    """One request, parsed."""

    state: "State"
    viewer: Viewer
    version: str
    path: Mapping[str, Any]
    query: Fields
    body: Fields
    request: Request

    @property
    def is_old(self) -> bool:
        """Whether the caller wants the responses of version 4.0."""
        return self.version.startswith("4")

    @property
    def site(self) -> str:
        """The sandbox's address as the caller uses it, sub-path included."""
        return str(self.request.base_url).rstrip("/") + self.state.options.root_path

    @property
    def now(self) -> int:
        """The time, in Unix seconds."""
        return self.state.now()

    @property
    def id(self) -> int:
        """The id in the path."""
        return int(self.path["id"])

    def require_key(self) -> int:
        """Refuse guests; return the caller's own user id."""
        if self.viewer.user_id is None:
            raise Refusal(HTTPStatus.UNAUTHORIZED)
        return self.viewer.user_id

    def require_staff(self) -> int:
        """Refuse all but agents and administrators; return the caller's own user id."""
        user = self.require_key()
        if not self.viewer.is_staff:
            raise Refusal(HTTPStatus.FORBIDDEN)
        return user

    def require_admin(self) -> None:
        """Refuse all but administrators."""
        self.require_key()
        if self.viewer.role != "admin":
            raise Refusal(HTTPStatus.FORBIDDEN)

    def require_own(self, author: int) -> None:
        """Refuse plain users what somebody else has written."""
        if self.require_key() != author and not self.viewer.is_staff:
            raise Refusal(HTTPStatus.FORBIDDEN)

    def content_json(self, content: str, *, is_html: bool) -> str:
        """Return a content as HTML, or as BBCode where the caller asks for it."""
        return markup(content, is_html=is_html, as_bbcode=self.query.flag("bbcode") or False)


#: Path below `/api/{version}` to method to handler.
Routes = Mapping[str, Mapping[str, Callable[[Call], Response]]]


async def read_call(
    state: "State", request: Request, path: Mapping[str, Any], *, is_open: bool = False
) -> Call:
    """Parse a request; an open route needs no key.

    Raises:
        Refusal: The key is wrong, or the body cannot be read.
    """
    query = dict(parse_qsl(request.url.query, keep_blank_values=True))
    body: Mapping[str, object] = {}
    unreadable: Refusal | None = None
    try:
        body = await _read_body(request)
    except Refusal as refusal:
        unreadable = refusal
    # Unknown callers are refused first, and learn nothing about what else was wrong.
    viewer = Viewer() if is_open else state.viewer(_key(query, request.headers, body))
    if unreadable:
        raise unreadable
    return Call(
        state=state,
        viewer=viewer,
        version=path["version"],
        path=path,
        query=Fields(query),
        body=Fields(body),
        request=request,
    )


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
