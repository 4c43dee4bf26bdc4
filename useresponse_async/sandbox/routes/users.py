"""What do the calls about users do?"""

from dataclasses import replace
from http import HTTPStatus
from typing import cast

from starlette.responses import Response

from useresponse_async.sandbox.answers import Refusal, bad_request, json_answer, success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.catalog import ROLE_IDS, Role
from useresponse_async.sandbox.changes import Action
from useresponse_async.sandbox.clock import local_text
from useresponse_async.sandbox.custom_fields import USER_FIELDS
from useresponse_async.sandbox.editing import log_user, save_user
from useresponse_async.sandbox.lookups import find_user
from useresponse_async.sandbox.object_fields import merged
from useresponse_async.sandbox.pages import paginate, paginate_one
from useresponse_async.sandbox.people import UserRecord
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.user_fields import (
    read_email,
    read_team,
    refuse_duplicate,
    short_name,
)
from useresponse_async.sandbox.user_json import full_user
from useresponse_async.sandbox.users import SORTS, Search
from useresponse_async.sandbox.wire import to_json


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
    if search.email and call.is_old:
        return paginate_one(call, found, users.full_json)
    return paginate(call, found, users.full_json if call.viewer.is_staff else users.public_json)


def get_user(call: Call) -> Response:
    """Show one user, as much as the caller may see."""
    find_user(call, call.id)
    users = call.state.users
    seen_in_full = call.viewer.is_staff or call.id == call.viewer.user_id
    return json_answer(users.full_json(call.id) if seen_in_full else users.public_json(call.id))


def create_user(call: Call) -> Response:
    """Add a user."""
    call.require_admin()
    body = call.body
    email = read_email(body, required=True) or ""
    name = body.text("full_name", required=True) or ""
    password = body.text("password", filled=True)
    tags = body.text("tags") or ""
    team = read_team(body) or 0
    properties = body.properties(USER_FIELDS)
    body.check()
    refuse_duplicate(call, email)
    user = call.state.users.create(
        lambda number: UserRecord(
            id=number,
            name=name,
            short_name=short_name(name),
            email=email,
            phone=None,
            role="user",
            team=team,
            tags=tags,
            properties={key: values for key, values in properties.items() if values},
            registered=local_text(call.now),
            last_visit=None,
            own_avatar=False,
            password=password,
        )
    )
    log_user(call, user.id, Action("registered", None, user.name))
    return success(call.state.users.full_json(user.id))


def edit_user(call: Call) -> Response:
    """Change what was sent of a user, and nothing else."""
    call.require_admin()
    user = find_user(call, call.id)
    body = call.body
    email = read_email(body)
    name = body.text("full_name", filled=True)
    phone = body.text("phone")
    tags = body.text("tags")
    team = read_team(body)
    properties = body.properties(USER_FIELDS)
    body.check()
    if not (properties or any(field in body for field in _EDITABLE)):
        raise bad_request(*_EDITABLE)
    if email is not None:
        refuse_duplicate(call, email, owner=user.id)
    changed = replace(
        user,
        email=user.email if email is None else email,
        name=name or user.name,
        short_name=short_name(name) if name else user.short_name,
        phone=user.phone if phone is None else phone or None,
        tags=user.tags if tags is None else tags,
        team=user.team if team is None else team,
        properties=merged(user.properties, properties),
    )
    return _save(call, user, changed)


def delete_user(call: Call) -> Response:
    """Remove a user for good and show who it was."""
    call.require_admin()
    find_user(call, call.id)
    last_seen = call.state.users.full_json(call.id)
    call.state.users.remove(call.id)
    return success(last_seen)


def change_password(call: Call) -> Response:
    """Give a user another password."""
    call.require_admin()
    user = find_user(call, call.id)
    password = call.body.text("password", required=True)
    call.body.check()
    return _save(call, user, replace(user, password=password))


USER_ROUTES: Routes = {
    "/users/search.json": {"GET": search_users},
    "/me.json": {"GET": me},
    "/users.json": {"POST": create_user},
    "/users/{id:int}.json": {"GET": get_user, "POST": edit_user, "DELETE": delete_user},
    "/users/{id:int}/change-password.json": {"POST": change_password},
}

_EDITABLE = ("email", "full_name", "phone", "tags", "team_id")


def _save(call: Call, before: UserRecord, after: UserRecord) -> Response:
    save_user(call, before, after)
    return success(call.state.users.full_json(after.id))
