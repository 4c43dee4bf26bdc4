"""How is a change to an object or a user kept, and written into its changelog?"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.categories import CATEGORIES
from useresponse_async.sandbox.changes import Action
from useresponse_async.sandbox.object_records import ObjectRecord
from useresponse_async.sandbox.people import UserRecord
from useresponse_async.sandbox.statuses import STATUSES

_Write = Callable[[Any], str | None]


def save_object(call: Call, before: ObjectRecord, **changes: Any) -> ObjectRecord:
    """Keep an object with some of its fields changed; the changelog tells which."""
    after = replace(before, **changes)
    actions = list(_differences(before, after, _object_fields(call)))
    if actions:
        after.activity = call.now
    call.state.objects.change(after)
    log_object(call, after.id, *actions)
    return after


def save_user(call: Call, before: UserRecord, after: UserRecord) -> None:
    """Keep a changed user; the changelog tells what changed."""
    call.state.users.change(after)
    log_user(call, after.id, *_differences(before, after, _USER_FIELDS))


def log_object(call: Call, number: int, *actions: Action) -> None:
    """Write into an object's changelog."""
    call.state.changes.add("object", number, *actions, at=call.now, by=call.viewer.user_id)


def log_user(call: Call, number: int, *actions: Action) -> None:
    """Write into a user's changelog; who has no account yet did it to themselves."""
    by = call.viewer.user_id or number
    call.state.changes.add("user", number, *actions, at=call.now, by=by)


def _differences(before: object, after: object, fields: Mapping[str, _Write]) -> Iterable[Action]:
    for name, write in fields.items():
        old, new = getattr(before, name), getattr(after, name)
        if old != new:
            yield Action(name, write(old), write(new))


def _object_fields(call: Call) -> Mapping[str, _Write]:
    def name_of(user: int) -> str | None:
        known = call.state.users.get(user) if user else None
        return known.name if known else None

    return {
        "title": str,
        "content": str,
        "type": str,
        "author": name_of,
        "responsible": name_of,
        "team": _number,
        "category": lambda number: CATEGORIES[number].name if number else None,
        "status": lambda number: STATUSES[number].title if number else None,
        "state": str,
        "tags": ", ".join,
        "properties": _properties,
        "files": _amount,
        "private": _flag,
        "closed": _flag,
        "best": _number,
    }


def _number(number: int) -> str | None:
    return str(number) if number else None


def _flag(value: bool) -> str:  # noqa: FBT001 - it is what is written
    return str(int(value))


def _amount(values: tuple[str, ...]) -> str:
    return str(len(values))


def _properties(values: Mapping[int, tuple[str, ...]]) -> str:
    return "; ".join(f"property_{number}={'|'.join(texts)}" for number, texts in values.items())


def _hidden(_value: object) -> None:
    return None


_USER_FIELDS: Mapping[str, _Write] = {
    "name": str,
    "email": lambda email: email,
    "phone": lambda phone: phone,
    "team": _number,
    "tags": str,
    "properties": _properties,
    "avatar": lambda avatar: avatar,
    "password": _hidden,
    "ban": lambda ban: None if ban is None else ban.reason or "banned",
}
