"""What do the calls about users do?"""

import re
import time
from dataclasses import replace
from http import HTTPStatus
from typing import cast

from starlette.responses import Response

from useresponse_async.sandbox.answers import Refusal, bad_request, json_answer, success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.catalog import ROLE_IDS, TEAMS, USER_FIELDS, Role
from useresponse_async.sandbox.fields import Fields
from useresponse_async.sandbox.pages import paginate, paginate_one
from useresponse_async.sandbox.people import UserRecord
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.user_json import full_user
from useresponse_async.sandbox.users import SORTS, Search
from useresponse_async.sandbox.wire import to_json

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def me(call: Call) -> Response:
    """Show the caller's own account, key included."""
    user = call.state.users.get(call.require_key())
    if user is None:
        raise Refusal(HTTPStatus.UNAUTHORIZED)
    return json_answer(to_json(full_user(user) | {"apiKey": call.viewer.key}))


def search_users(call: Call) -> Response:
    """List users by page."""
    users = call.state.users
    search = Search(
        role=cast("Role | None", call.query.choice("role", ROLE_IDS)),
        text=call.query.text("search") or None,
        email=call.query.text("email") or None,
        sort=call.query.choice("sort", SORTS),
        public=not call.viewer.is_staff,
    )
    call.query.check()
    found = users.find(search)
    if search.email and call.version.startswith("4"):
        return paginate_one(call, found, users.full_json)
    return paginate(call, found, users.full_json if call.viewer.is_staff else users.public_json)


def get_user(call: Call) -> Response:
    """Show one user, as much as the caller may see."""
    _existing(call)
    users = call.state.users
    seen_in_full = call.viewer.is_staff or call.id == call.viewer.user_id
    return json_answer(users.full_json(call.id) if seen_in_full else users.public_json(call.id))


def create_user(call: Call) -> Response:
    """Add a user."""
    call.require_admin()
    body = call.body
    email = _email(body, required=True) or ""
    name = body.text("full_name", required=True) or ""
    password = body.text("password", filled=True)
    tags = body.text("tags") or ""
    team = _team(body) or 0
    properties = body.properties(USER_FIELDS)
    body.check()
    _refuse_duplicate(call, email)
    user = call.state.users.create(
        lambda number: UserRecord(
            id=number,
            name=name,
            short_name=_short(name),
            email=email,
            phone=None,
            role="user",
            team=team,
            tags=tags,
            properties={key: values for key, values in properties.items() if values},
            registered=time.strftime("%Y-%m-%d %H:%M:%S"),
            last_visit=None,
            own_avatar=False,
            password=password,
        )
    )
    return success(call.state.users.full_json(user.id))


def edit_user(call: Call) -> Response:
    """Change what was sent of a user, and nothing else."""
    call.require_admin()
    user = _existing(call)
    body = call.body
    email = _email(body)
    name = body.text("full_name", filled=True)
    phone = body.text("phone")
    tags = body.text("tags")
    team = _team(body)
    properties = body.properties(USER_FIELDS)
    body.check()
    if not (properties or any(field in body for field in _EDITABLE)):
        raise bad_request(*_EDITABLE)
    if email is not None:
        _refuse_duplicate(call, email, owner=user.id)
    merged = {key: values for key, values in (user.properties | properties).items() if values}
    changed = replace(
        user,
        email=user.email if email is None else email,
        name=name or user.name,
        short_name=_short(name) if name else user.short_name,
        phone=user.phone if phone is None else phone or None,
        tags=user.tags if tags is None else tags,
        team=user.team if team is None else team,
        properties=merged,
    )
    return _save(call, changed)


def delete_user(call: Call) -> Response:
    """Remove a user for good and show who it was."""
    call.require_admin()
    _existing(call)
    last_seen = call.state.users.full_json(call.id)
    call.state.users.remove(call.id)
    return success(last_seen)


def change_password(call: Call) -> Response:
    """Give a user another password."""
    call.require_admin()
    user = _existing(call)
    password = call.body.text("password", required=True)
    call.body.check()
    return _save(call, replace(user, password=password))


USER_ROUTES: Routes = {
    "/users/search.json": {"GET": search_users},
    "/me.json": {"GET": me},
    "/users.json": {"POST": create_user},
    "/users/{id:int}.json": {"GET": get_user, "POST": edit_user, "DELETE": delete_user},
    "/users/{id:int}/change-password.json": {"POST": change_password},
}

_EDITABLE = ("email", "full_name", "phone", "tags", "team_id")


def _existing(call: Call) -> UserRecord:
    user = call.state.users.get(call.id)
    if user is None:
        raise Refusal(HTTPStatus.NOT_FOUND)
    return user


def _save(call: Call, user: UserRecord) -> Response:
    call.state.users.change(user)
    return success(call.state.users.full_json(user.id))


def _email(body: Fields, *, required: bool = False) -> str | None:
    email = body.text("email", required=required, filled=True)
    if email is not None and not _EMAIL.fullmatch(email):
        body.wrong("email")
    return email


def _team(body: Fields) -> int | None:
    team = body.number("team_id")
    if team and team not in TEAMS:
        body.wrong("team_id")
    return team


def _refuse_duplicate(call: Call, email: str, owner: int | None = None) -> None:
    if call.state.users.with_email(email) not in (None, owner):
        raise Refusal(HTTPStatus.CONFLICT)


def _short(name: str) -> str:
    first, _, last = name.partition(" ")
    return f"{first} {last[0]}." if last else first
