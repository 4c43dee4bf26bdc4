"""Who has changed what, and when?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Entity = Literal["object", "user"]


@dataclass(frozen=True, slots=True)
class Action:
    """One field that became something else."""

    field: str
    previous: str | None
    value: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one call changed at once; `by` 0 means nobody who has an account."""

    id: int
    at: int
    by: int
    source: str
    actions: tuple[Action, ...]


class Changes:
    """Everything that was changed through the API, by what it was changed on.

    Not locked in itself; whoever calls it holds the lock of the state it belongs to.
    """

    def __init__(self) -> None:
        self._next = 1
        self._changes: dict[tuple[Entity, int], list[Change]] = {}

    def add(self, entity: Entity, number: int, *actions: Action, at: int, by: int | None) -> None:
        """Write down a change, unless nothing changed."""
        if not actions:
            return
        change = Change(id=self._next, at=at, by=by or 0, source="api", actions=actions)
        self._next += len(actions)
        self._changes.setdefault((entity, number), []).append(change)

    def of(self, entity: Entity, number: int) -> Sequence[Change]:
        """List the changes of an entity, oldest first."""
        return self._changes.get((entity, number), ())
