"""Which endpoints are there? One file per namespace."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from useresponse_async.resources._namespace import Namespace

__all__ = ["Namespace"]


def __getattr__(name: str) -> object:
    """Load what namespaces have in common when it is first asked for."""
    if name == "Namespace":
        from useresponse_async.resources._namespace import Namespace  # noqa: PLC0415

        return Namespace
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
