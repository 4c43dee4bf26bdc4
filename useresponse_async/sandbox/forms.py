"""How do form fields such as `attachments[0][name]` become lists and mappings?"""

import re
from collections.abc import Iterable
from typing import cast

# Deeper than any call nests its parameters.
_MOST_KEYS = 8

_KEY = re.compile(r"\[([^\[\]]*)\]")


def nest(pairs: Iterable[tuple[str, str]]) -> dict[str, object]:
    """Put a form's fields together as PHP does: `a[]` appends, `a[b]` names."""
    root: dict[str, object] = {}
    for name, value in pairs:
        head = name.partition("[")[0]
        keys = [head, *_KEY.findall(name[len(head) :])]
        _put(root, keys[:_MOST_KEYS], value)
    return {name: _listed(value) for name, value in root.items()}


def _put(into: dict[str, object], keys: list[str], value: str) -> None:
    for key in keys[:-1]:
        inner = into.setdefault(key or str(len(into)), {})
        if not isinstance(inner, dict):
            return
        into = cast("dict[str, object]", inner)
    into[keys[-1] or str(len(into))] = value


def _listed(value: object) -> object:
    if not isinstance(value, dict):
        return value
    items = {key: _listed(inner) for key, inner in cast("dict[str, object]", value).items()}
    numbered = list(items) == [str(number) for number in range(len(items))]
    return list(items.values()) if numbered else items
