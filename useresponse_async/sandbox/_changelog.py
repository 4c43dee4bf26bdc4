"""Changelogs of objects and users."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from starlette.responses import Response

from useresponse_async.sandbox._calls import Access, Call, Refusal, Routes
from useresponse_async.sandbox._text import MOMENT, read_time

Entity = Literal["object", "user"]


@dataclass(frozen=True, slots=True)
class Action:
    field: str
    previous: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class Change:
    """The changes of one call; `by` is 0 for a caller without an account."""

    at: int
    by: int
    source: str
    actions: Sequence[Action]
    id: int = 0


class Changes:
    """All changes that were made through the API, by what was changed."""

    def __init__(self) -> None:
        self._next_id = 1
        self._changes: dict[tuple[Entity, int], list[Change]] = {}

    def log(self, call: Call, entity: Entity, number: int, *actions: Action) -> None:
        """Add a change by the caller, unless nothing has changed."""
        if not actions:
            return
        # Users without an account open their own.
        by = call.caller or (number if entity == "user" else 0)
        change = Change(call.now, by, "api", actions, self._next_id)
        self._next_id += len(actions)
        self._changes.setdefault((entity, number), []).append(change)

    def of(self, entity: Entity, number: int) -> Sequence[Change]:
        return self._changes.get((entity, number), ())


def differences(
    before: object, after: object, names: Iterable[str], show: Callable[[str, Any], str | None]
) -> list[Action]:
    return [
        Action(name, show(name, old), show(name, new))
        for name in names
        if (old := getattr(before, name)) != (new := getattr(after, name))
    ]


def of_object(call: Call) -> Response:
    """List the changes of an object, its creation first."""
    record = call.state.objects.get(call.id)
    if record is None:
        raise Refusal(404)
    changes = call.state.changes.of("object", record.id)
    if record.id <= call.state.seeding.objects:
        first = Action("created", None, record.title)
        changes = [Change(record.created, record.author, record.source, [first]), *changes]
    return _list(call, changes)


def of_user(call: Call) -> Response:
    """List the changes of a user's account, its opening first."""
    user = call.state.users.find(call.id)
    changes = call.state.changes.of("user", user.id)
    if not any(action.field == "registered" for change in changes for action in change.actions):
        first = Action("registered", None, user.name)
        at = read_time(user.registered, MOMENT) or 0
        changes = [Change(at, user.id, "web", [first]), *changes]
    return _list(call, changes)


def _list(call: Call, changes: Sequence[Change]) -> Response:
    return call.listed(
        {
            "createdAtPosix": change.at,
            "createdBy": call.state.users.person_json(call.viewer, change.by),
            "source": change.source,
            "actions": [
                {
                    "change_id": str(number),
                    "field": action.field,
                    "previous": action.previous,
                    "value": action.value,
                }
                for number, action in enumerate(change.actions, start=change.id)
            ],
        }
        for change in changes
    )


CHANGELOG_ROUTES: Routes = {
    "GET /changelog/object/{id}.json": (Access.STAFF, of_object),
    "GET /changelog/user/{id}.json": (Access.STAFF, of_user),
}
