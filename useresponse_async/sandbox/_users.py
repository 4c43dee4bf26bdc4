"""Routes about users, and the fields that they read."""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

from starlette.responses import Response

from useresponse_async.sandbox._calls import Call, Fields, Routes
from useresponse_async.sandbox._catalog import ROLE_IDS, TEAMS, Role
from useresponse_async.sandbox._changelog import Action
from useresponse_async.sandbox._custom_fields import (
    USER_FIELDS,
    Properties,
    merged,
    properties_text,
)
from useresponse_async.sandbox._object_records import ObjectSearch
from useresponse_async.sandbox._responses import (
    Refusal,
    bad_request,
    json_response,
    no_content,
    success,
)
from useresponse_async.sandbox._text import DAY_SECONDS, local_text
from useresponse_async.sandbox._user_records import SORTS, Ban, UserRecord, UserSearch, full_user

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_EDITABLE = ("email", "full_name", "phone", "tags", "team_id")
_LOGGED = ("name", "email", "phone", "team", "tags", "properties", "avatar", "password", "ban")
_MOST_BAN_DAYS = 36_500


def read_email(body: Fields, name: str = "email", *, required: bool = False) -> str | None:
    """Read an address."""
    email = body.text(name, required=required, filled=True)
    if email is not None and not _EMAIL.fullmatch(email):
        body.wrong(name)
    return email


def read_team(body: Fields) -> int | None:
    """Read a team's id; 0 stands for none."""
    team = body.number("team_id")
    if team and team not in TEAMS:
        body.wrong("team_id")
    return team


def refuse_duplicate(call: Call, email: str | None, owner: int | None = None) -> None:
    """Refuse an address that somebody other than its owner has with a 409."""
    holder = call.state.users.with_email(email) if email else None
    if holder is not None and holder.id != owner:
        raise Refusal(409)


def add_user(
    call: Call, name: str, email: str | None, properties: Properties | None = None, **fields: Any
) -> UserRecord:
    """Add a plain user and log it."""
    users = call.state.users
    user = UserRecord(
        id=users.next_id,
        name=name,
        email=email,
        properties=merged({}, properties or {}),
        registered=local_text(call.now),
        **fields,
    )
    users.add(user)
    call.state.changes.log(call, "user", user.id, Action("registered", None, name))
    return user


def save_user(call: Call, before: UserRecord, **changes: Any) -> Response:
    """Store a user with some fields changed, log the changes, and return the user."""
    after = replace(before, **changes)
    call.state.users.change(after)
    call.state.changes.log(call, "user", after.id, *_differences(before, after))
    return success(call.state.users.full_json(after.id))


def read_user_fields(body: Fields, *names: str) -> dict[str, Any]:
    """Read what was sent of a user, as fields of the record; `names` are those of the name."""
    sent = {
        "email": read_email(body),
        "name": next(filter(None, [body.text(name, filled=True) for name in names]), None),
        "phone": body.text("phone"),
        "tags": body.text("tags"),
        "team": read_team(body),
    }
    changes: dict[str, Any] = {name: value for name, value in sent.items() if value is not None}
    # An empty text removes the phone number.
    return changes | ({"phone": None} if sent["phone"] == "" else {})


def _differences(before: UserRecord, after: UserRecord) -> Iterator[Action]:
    for name in _LOGGED:
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield Action(name, _logged(name, old), _logged(name, new))


def _logged(name: str, value: Any) -> str | None:
    if value is None or name == "password":
        return None
    if name == "team":
        return str(value) if value else None
    if name == "properties":
        return properties_text(value)
    return (value.reason or "banned") if isinstance(value, Ban) else value


def me(call: Call) -> Response:
    """Return the caller's own account, key included."""
    user = call.state.users.get(call.require_key())
    if user is None:
        raise Refusal(401)
    return json_response(full_user(user) | {"apiKey": call.viewer.key})


def search_users(call: Call) -> Response:
    """List users by page."""
    users = call.state.users
    search = UserSearch(
        role=cast("Role | None", call.query.choice("role", ROLE_IDS)),
        text=call.query.text("search") or None,
        email=call.query.text("email") or None,
        sort=call.query.choice("sort", SORTS),
        public=not call.viewer.is_staff,
    )
    call.query.check()
    found = users.search(search)
    if search.email and call.is_old:
        # Version 4.0 puts no page around the only row.
        if found:
            return success(users.full_json(found[0]))
        return no_content() if call.state.options.empty == "204" else success(b"[]")
    return call.page(found, users.full_json if call.viewer.is_staff else users.public_json)


def get_user(call: Call) -> Response:
    """Return one user, as much as the caller may see."""
    user = call.state.users.find(call.id)
    in_full = call.viewer.is_staff or user.id == call.viewer.user_id
    users = call.state.users
    return json_response(users.full_json(user.id) if in_full else users.public_json(user.id))


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
    user = add_user(call, name, email, properties, password=password, tags=tags, team=team)
    return success(call.state.users.full_json(user.id))


def edit_user(call: Call) -> Response:
    """Change the fields of a user that were sent."""
    call.require_admin()
    user = call.state.users.find(call.id)
    changes = read_user_fields(call.body, "full_name")
    properties = call.body.properties(USER_FIELDS)
    call.body.check()
    if not (properties or any(field in call.body for field in _EDITABLE)):
        raise bad_request(*_EDITABLE)
    refuse_duplicate(call, changes.get("email"), owner=user.id)
    return save_user(call, user, **changes, properties=merged(user.properties, properties))


def delete_user(call: Call) -> Response:
    """Delete a user permanently with the key, and return the last state."""
    call.require_admin()
    user = call.state.users.find(call.id)
    last_seen = call.state.users.full_json(user.id)
    call.state.users.remove(user.id)
    call.state.accounts.revoke(user.id)
    return success(last_seen)


def change_password(call: Call) -> Response:
    """Set the password of a user."""
    call.require_admin()
    user = call.state.users.find(call.id)
    password = call.body.text("password", required=True)
    call.body.check()
    return save_user(call, user, password=password)


def ban_user(call: Call) -> Response:
    """Ban a user, for some days or permanently."""
    call.require_admin()
    user = call.state.users.find(call.id)
    body = call.body
    days = body.number("ban_duration_days", least=1)
    if days is not None and days > _MOST_BAN_DAYS:
        body.wrong("ban_duration_days")
    reason = body.text("ban_reason") or ""
    delete = body.boolean("delete_related_objects") or False
    permanent = body.boolean("permanent") or days is None
    body.check()
    if user.id == call.viewer.user_id:
        raise Refusal(403)
    until = None if permanent or days is None else call.now + days * DAY_SECONDS
    response = save_user(call, user, ban=Ban(reason=reason, until=until))
    if delete:
        objects, comments = call.state.objects, call.state.comments
        search = ObjectSearch(viewer=call.viewer, today=call.state.today, author=user.id)
        for number in objects.search(search):
            record = objects.find(call, number)
            objects.save(call, record, state="trashed", came_from=record.state)
        for comment in comments.by(user.id):
            comments.change(replace(comment, state="trashed", came_from=comment.state))
    return response


USER_ROUTES: Routes = {
    "/users/search.json": {"GET": search_users},
    "/me.json": {"GET": me},
    "/users.json": {"POST": create_user},
    "/users/{id:int}.json": {"GET": get_user, "POST": edit_user, "DELETE": delete_user},
    "/users/{id:int}/change-password.json": {"POST": change_password},
    "/users/{id:int}/ban.json": {"POST": ban_user},
}
