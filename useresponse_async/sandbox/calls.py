"""Who is calling, with which parameters?"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from starlette.formparsers import MultiPartException
from starlette.requests import Request

from useresponse_async.sandbox.answers import Refusal, bad_request
from useresponse_async.sandbox.fields import Fields
from useresponse_async.sandbox.forms import nest
from useresponse_async.sandbox.state import GUEST, State, Viewer
from useresponse_async.sandbox.visibility import Eyes

_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


@dataclass(slots=True)
class Call:
    """One request, understood: what a route works from."""

    state: State
    viewer: Viewer
    version: str
    path: Mapping[str, Any]
    query: Fields
    body: Fields
    request: Request

    @property
    def eyes(self) -> Eyes:
        """What decides about what shows."""
        return self.viewer.eyes

    @property
    def is_old(self) -> bool:
        """Whether the answers of version 4.0 are asked for."""
        return self.version.startswith("4")

    @property
    def site(self) -> str:
        """Where the sandbox is, as the caller addresses it, sub-path included."""
        return str(self.request.base_url).rstrip("/") + self.state.options.root_path

    @property
    def now(self) -> int:
        """The time, in Unix seconds."""
        return self.state.clock.now()

    @property
    def id(self) -> int:
        """The id in the path."""
        return int(self.path["id"])

    def require_key(self) -> int:
        """Refuse guests; give the caller's own user id."""
        if self.viewer.user_id is None:
            raise Refusal(HTTPStatus.UNAUTHORIZED)
        return self.viewer.user_id

    def require_staff(self) -> int:
        """Refuse everyone but agents and administrators; give the caller's own user id."""
        user = self.require_key()
        if not self.viewer.is_staff:
            raise Refusal(HTTPStatus.FORBIDDEN)
        return user

    def require_admin(self) -> None:
        """Refuse everyone but administrators."""
        self.require_key()
        if self.viewer.role != "admin":
            raise Refusal(HTTPStatus.FORBIDDEN)


async def read_call(state: State, request: Request, *, open_to_all: bool = False) -> Call:
    """Understand a request; where it is open to all, nobody is asked for a key.

    Raises:
        Refusal: the key is wrong, or the body cannot be read.
    """
    query = dict(parse_qsl(request.url.query, keep_blank_values=True))
    body: Mapping[str, object] = {}
    unreadable: Refusal | None = None
    try:
        body = await _read_body(request)
    except Refusal as refusal:
        unreadable = refusal
    # Whoever is not known is told that first, and nothing about what else was wrong.
    viewer = GUEST if open_to_all else state.viewer(_key(query, request.headers, body))
    if unreadable:
        raise unreadable
    return Call(
        state=state,
        viewer=viewer,
        version=request.path_params["version"],
        path=request.path_params,
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
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        return _read_json(content)
    if kind in _FORMS:
        return await _read_form(request)
    raise bad_request("Content-Type")


def _read_json(content: bytes) -> Mapping[str, object]:
    try:
        value: object = json.loads(content)
    except ValueError:
        raise bad_request("body") from None
    if isinstance(value, dict):
        return value  # pyright: ignore[reportUnknownVariableType]  # JSON's keys are text
    # PHP writes an empty mapping as an empty list.
    if value == []:
        return {}
    raise bad_request("body")


async def _read_form(request: Request) -> Mapping[str, object]:
    try:
        async with request.form() as form:
            return nest(
                (name, value) for name, value in form.multi_items() if isinstance(value, str)
            )
    except (MultiPartException, ValueError):
        raise bad_request("body") from None
