"""Keys, log-in, registration and the caller's own profile."""

import hmac
from dataclasses import replace
from hashlib import blake2b
from typing import Any

from starlette.responses import Response

from useresponse_async.sandbox._calls import (
    Access,
    Call,
    Refusal,
    Routes,
    bad_request,
    json_response,
    success,
)
from useresponse_async.sandbox._custom_fields import USER_FIELDS, Properties, merged
from useresponse_async.sandbox._files import file_url
from useresponse_async.sandbox._installation import HOLDER_ROLES, KEY_HOLDERS, SITE, Role
from useresponse_async.sandbox._users import (
    UserRecord,
    add_user,
    full_user,
    read_email,
    read_user_fields,
    refuse_duplicate,
    save_user,
)

_GRAVATAR = f"{SITE}/gravatar.png"

_EDITABLE = (
    "email", "full_name", "phone", "tags", "team_id",
    "name", "avatar_type", "avatar_content", "properties",
)  # fmt: skip


class Accounts:
    """The keys of one sandbox: one for each role at the start, others as they are issued."""

    def __init__(self, api_key: str) -> None:
        self._api_key = api_key
        self.role_keys: dict[Role, str] = {
            "admin": api_key,
            "agent": f"{api_key}-agent",
            "user": f"{api_key}-user",
        }
        self._owners = {key: KEY_HOLDERS[role] for role, key in self.role_keys.items()}

    def owner(self, key: str) -> int:
        """Return the id of the user with this key, or 0."""
        return self._owners.get(key, 0)

    def issue(self, user: int) -> str:
        """Return a user's key, the same every time."""
        if user in HOLDER_ROLES:
            return self.role_keys[HOLDER_ROLES[user]]
        key = blake2b(f"{self._api_key}:{user}".encode(), digest_size=20).hexdigest()
        self._owners[key] = user
        return key

    def revoke(self, user: int) -> None:
        self._owners.pop(self.issue(user), None)

    def sso_token(self, email: str, sso_id: str | None = None) -> str:
        """Return the token that `sso/identity.json` takes for an address and an id."""
        text = f"{email.lower()}\n{sso_id or ''}"
        return hmac.new(f"{self._api_key}-sso".encode(), text.encode(), "sha256").hexdigest()


def login(call: Call) -> Response:
    email = call.body.text("email", required=True) or ""
    password = call.body.text("password", required=True) or ""
    call.body.check()
    user = call.state.users.with_email(email)
    known = (user.password or "") if user else ""
    if user is None or not hmac.compare_digest(known.encode(), password.encode()):
        raise Refusal(401)
    call.state.refuse_banned(user)
    return json_response(_with_key(call, user))


def identity(call: Call) -> Response:
    query = call.query
    token = query.text("token", required=True) or ""
    email = query.text("email", required=True) or ""
    sso_id = query.text("sso_id") or None
    query.check()
    if token != call.state.accounts.sso_token(email, sso_id):
        raise Refusal(401)
    user = call.state.users.with_email(email)
    if user is None:
        raise Refusal(404)
    call.state.refuse_banned(user)
    if sso_id is not None and user.sso_id is None:
        user = replace(user, sso_id=sso_id)
        call.state.users.change(user)
    elif sso_id is not None and user.sso_id != sso_id:
        raise Refusal(409)
    return success(_with_key(call, user))


def register(call: Call) -> Response:
    """Open an account; an empty body opens a guest's."""
    name = call.body.text("name") or "Guest"
    email = read_email(call.body)
    sso_id = call.body.text("sso_id") or None
    properties = _read_properties(call)
    avatar = _read_avatar(call)
    call.body.check()
    refuse_duplicate(call, email)
    user = add_user(call, name, email, properties, sso_id=sso_id)
    user = replace(user, **_stored(call, avatar, email))
    call.state.users.change(user)
    return success(_with_key(call, user))


def update_profile(call: Call) -> Response:
    """Change the caller's own account, by the names of either version."""
    user = call.state.users.get(call.caller)
    if user is None:
        raise Refusal(401)
    body = call.body
    properties = _read_properties(call)
    if not (properties or body.wrong_names or any(field in body for field in _EDITABLE)):
        raise bad_request(*_EDITABLE)
    if "team_id" in body and call.viewer.role != "admin":
        raise Refusal(403)
    changes = read_user_fields(body, "full_name", "name")
    avatar = _read_avatar(call)
    body.check()
    email = changes.get("email")
    refuse_duplicate(call, email, owner=user.id)
    changes |= _stored(call, avatar, email or user.email)
    return save_user(call, user, **changes, properties=merged(user.properties, properties))


def _with_key(call: Call, user: UserRecord) -> dict[str, object]:
    return full_user(user) | {"apiKey": call.state.accounts.issue(user.id)}


def _read_properties(call: Call) -> Properties:
    """Read custom fields as version 7.0 sends them, and inside `properties` as 4.0 does."""
    nested = call.body.mapping("properties")
    properties = call.body.properties(USER_FIELDS) | nested.properties(USER_FIELDS)
    call.body.wrong(*nested.wrong_names)
    return properties


def _read_avatar(call: Call) -> str | bytes | None:
    """Read an avatar: the address of a picture, or its content."""
    body = call.body
    kind = body.choice("avatar_type", ("url", "content", "gravatar"))
    if kind == "content":
        return body.content("avatar_content")
    if kind == "gravatar":
        return _GRAVATAR
    address = body.text("avatar_content", required=True) if kind else None
    if address is not None and not address.startswith(("https://", "http://")):
        body.wrong("avatar_content")
    return address


def _stored(call: Call, avatar: str | bytes | None, email: str | None) -> dict[str, Any]:
    """Store an avatar and return it as fields of the record."""
    if avatar is None:
        return {}
    if isinstance(avatar, bytes):
        avatar = file_url(call, call.state.files.add("avatar.png", avatar))
    gravatar = {"gravatar": email} if avatar == _GRAVATAR else {}
    return {"own_avatar": True, "avatar": avatar, **gravatar}


AUTH_ROUTES: Routes = {
    "POST /auth/login.json": (Access.OPEN, login),
    "POST /register.json": (Access.OPEN, register),
    "GET /sso/identity.json": (Access.OPEN, identity),
    "POST /profile/update.json": (Access.USER, update_profile),
}
