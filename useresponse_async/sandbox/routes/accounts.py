"""What do the calls do by which somebody comes in, or changes their own account?"""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from starlette.responses import Response

from useresponse_async.sandbox.accounts import knows_password
from useresponse_async.sandbox.answers import Refusal, bad_request, json_answer, success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.catalog import SITE
from useresponse_async.sandbox.changes import Action
from useresponse_async.sandbox.clock import local_text
from useresponse_async.sandbox.custom_fields import USER_FIELDS
from useresponse_async.sandbox.downloads import file_url
from useresponse_async.sandbox.editing import log_user, save_user
from useresponse_async.sandbox.object_fields import merged
from useresponse_async.sandbox.people import UserRecord
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.user_fields import (
    read_email,
    read_team,
    refuse_duplicate,
    short_name,
)
from useresponse_async.sandbox.user_json import full_user
from useresponse_async.sandbox.wire import to_json


def login(call: Call) -> Response:
    """Give the key of whoever knows an address and its password."""
    email = call.body.text("email", required=True) or ""
    password = call.body.text("password", required=True) or ""
    call.body.check()
    user = _with_email(call, email)
    if user is None or not knows_password(user, password):
        raise Refusal(HTTPStatus.UNAUTHORIZED)
    call.state.refuse_banned(user.id)
    return json_answer(_with_key(call, user))


def identity(call: Call) -> Response:
    """Give the key of whoever the customer's own system has signed in."""
    query = call.query
    token = query.text("token", required=True) or ""
    email = query.text("email", required=True) or ""
    sso_id = query.text("sso_id") or None
    query.check()
    if token != call.state.accounts.sso_token(email, sso_id):
        raise Refusal(HTTPStatus.UNAUTHORIZED)
    user = _with_email(call, email)
    if user is None:
        raise Refusal(HTTPStatus.NOT_FOUND)
    call.state.refuse_banned(user.id)
    if sso_id is not None and user.sso_id is None:
        user = replace(user, sso_id=sso_id)
        call.state.users.change(user)
    elif sso_id is not None and user.sso_id != sso_id:
        raise Refusal(HTTPStatus.CONFLICT)
    return success(_with_key(call, user))


def register(call: Call) -> Response:
    """Open an account; a body without anything opens a guest's."""
    name = call.body.text("name") or "Guest"
    email = read_email(call.body)
    sso_id = call.body.text("sso_id") or None
    properties = _old_properties(call)
    avatar = _read_avatar(call)
    call.body.check()
    if email is not None:
        refuse_duplicate(call, email)
    user = call.state.users.create(
        lambda number: UserRecord(
            id=number,
            name=name,
            short_name=short_name(name),
            email=email,
            phone=None,
            role="user",
            team=0,
            tags="",
            properties=merged({}, properties),
            registered=local_text(call.now),
            last_visit=None,
            own_avatar=False,
            sso_id=sso_id,
        )
    )
    log_user(call, user.id, Action("registered", None, user.name))
    changes = _avatar_changes(call, avatar, email)
    if changes:
        user = replace(user, **changes)
        call.state.users.change(user)
    return success(_with_key(call, user))


def update_profile(call: Call) -> Response:
    """Change the caller's own account, by the names of either version."""
    user = call.state.users.get(call.require_key())
    if user is None:
        raise Refusal(HTTPStatus.UNAUTHORIZED)
    body = call.body
    if not (body.properties(USER_FIELDS) or any(field in body for field in _EDITABLE)):
        raise bad_request(*_EDITABLE)
    if "team_id" in body and call.viewer.role != "admin":
        raise Refusal(HTTPStatus.FORBIDDEN)
    email = read_email(body)
    sent = {
        "email": email,
        "name": body.text("full_name", filled=True) or body.text("name", filled=True),
        "phone": body.text("phone"),
        "tags": body.text("tags"),
        "team": read_team(body),
    }
    properties = body.properties(USER_FIELDS) | _old_properties(call)
    avatar = _read_avatar(call)
    body.check()
    if email is not None:
        refuse_duplicate(call, email, owner=user.id)
    changes: dict[str, Any] = {name: value for name, value in sent.items() if value is not None}
    changes |= _avatar_changes(call, avatar, email or user.email)
    after = replace(user, **changes, properties=merged(user.properties, properties))
    after = replace(after, short_name=short_name(after.name), phone=after.phone or None)
    save_user(call, user, after)
    return success(call.state.users.full_json(user.id))


ACCOUNT_ROUTES: Routes = {
    "/auth/login.json": {"POST": login},
    "/register.json": {"POST": register},
    "/sso/identity.json": {"GET": identity},
    "/profile/update.json": {"POST": update_profile},
}

#: The calls that nobody needs a key for, because they give one.
OPEN_TO_ALL = ("/auth/login.json", "/register.json", "/sso/identity.json")

_EDITABLE = (
    "email", "full_name", "phone", "tags", "team_id",
    "name", "avatar_type", "avatar_content", "properties",
)  # fmt: skip

_AVATAR_TYPES = ("url", "content", "gravatar")

# What kind of avatar was sent, and its address or its content.
_Avatar = tuple[str, str | bytes] | None


def _with_email(call: Call, email: str) -> UserRecord | None:
    number = call.state.users.with_email(email)
    return None if number is None else call.state.users.get(number)


def _with_key(call: Call, user: UserRecord) -> bytes:
    return to_json(full_user(user) | {"apiKey": call.state.accounts.issue(user.id)})


def _old_properties(call: Call) -> dict[int, tuple[str, ...]]:
    sent = call.body.mapping("properties")
    properties = sent.properties(USER_FIELDS)
    for name in sent.wrong_names:
        call.body.wrong(name)
    return properties


def _read_avatar(call: Call) -> _Avatar:
    body = call.body
    kind = body.choice("avatar_type", _AVATAR_TYPES)
    if kind == "content":
        content = body.content("avatar_content")
        return None if content is None else (kind, content)
    if kind == "url":
        url = body.text("avatar_content", required=True)
        if url is not None and not url.startswith(("https://", "http://")):
            body.wrong("avatar_content")
        return None if url is None else (kind, url)
    return None if kind is None else (kind, "")


def _avatar_changes(call: Call, avatar: _Avatar, email: str | None) -> Mapping[str, Any]:
    if avatar is None:
        return {}
    kind, content = avatar
    if isinstance(content, bytes):
        file = call.state.files.add("avatar.png", content)
        return {"own_avatar": True, "avatar": file_url(call.site, file.token, file.name)}
    if kind == "url":
        return {"own_avatar": True, "avatar": content}
    return {"own_avatar": True, "avatar": f"{SITE}/gravatar.png", "gravatar": email}
