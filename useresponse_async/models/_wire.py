"""How does a model say what the wire calls its fields, and how does it show itself?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, cast

import attrs

_WIRE_NAME: Final = "wire_name"
# Named once with their types: calling list[Any] itself would cost more than a user does.
_no_items = cast("Callable[[], list[Any]]", list)
_no_keys = cast("Callable[[], dict[str, Any]]", dict)
_IDENTIFYING: Final = ("id", "name", "title")


def wire(name: str) -> Any:
    """Return an attrs field that the wire calls ``name``; ``None`` where it is left out."""
    return attrs.field(default=None, metadata={_WIRE_NAME: name})


def listed(name: str | None = None) -> Any:
    """Return an attrs field for a list, empty where it is left out."""
    return attrs.field(factory=_no_items, metadata={_WIRE_NAME: name} if name else None)


def unknown_keys() -> Any:
    """Return an attrs field for what the server sends beyond the known fields."""
    return attrs.field(factory=_no_keys)


def wire_name(attribute: attrs.Attribute[Any]) -> str:
    """Return what the wire calls ``attribute``."""
    return str(attribute.metadata.get(_WIRE_NAME, attribute.name))


class ShortRepr:
    """Shows the class and what identifies the object: its id, name or title."""

    __slots__ = ()

    def __repr__(self) -> str:
        shown = [
            f"{name}={getattr(self, name)!r}"
            for name in _IDENTIFYING
            if getattr(self, name, None) is not None
        ]
        return f"{type(self).__name__}({', '.join(shown)})"
