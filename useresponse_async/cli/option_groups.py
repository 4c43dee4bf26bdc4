"""How do several commands take the same options, which are written down once?"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import attrs

__all__ = ["with_groups"]


def with_groups(function: Callable[..., None]) -> Callable[..., None]:
    """Return ``function`` as a command that has an option for each field of its groups.

    Args:
        function: A command's function. A parameter whose type is an attrs class is a group: the
            command takes the fields of the class, and the function gets them as one object.
    """
    signature = inspect.signature(function, eval_str=True)
    parameters = signature.parameters.values()
    groups: dict[str, Any] = {p.name: p.annotation for p in parameters if attrs.has(p.annotation)}
    options = [
        option
        for parameter in parameters
        for option in (
            _options_of(groups[parameter.name]) if parameter.name in groups else [parameter]
        )
    ]

    @functools.wraps(function)
    def command(**values: Any) -> None:
        for name, group in groups.items():
            fields = [field.name for field in attrs.fields(group)]
            values[name] = group(**{field: values.pop(field) for field in fields})
        function(**values)

    changed: Any = command
    changed.__signature__ = signature.replace(parameters=options)
    changed.__annotations__ = {option.name: option.annotation for option in options}
    return command


def _options_of(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=hints[field.name],
        )
        for field in attrs.fields(group)
    ]
