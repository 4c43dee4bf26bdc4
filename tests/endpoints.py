"""The methods of a client's resources."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from useresponse_async.resources import Resource


def endpoints(owner: Any, prefix: str = "") -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield every public method of every resource, with its dotted name."""
    for name, member in inspect.getmembers(owner):
        if name.startswith("_"):
            continue
        if isinstance(member, Resource):
            yield from endpoints(member, f"{prefix}{name}.")
        elif prefix and inspect.ismethod(member):
            yield f"{prefix}{name}", member
