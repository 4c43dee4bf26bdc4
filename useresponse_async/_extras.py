"""Is an optional extra installed, and what is to be typed when it is not?"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Final

__all__ = ["MissingExtraError", "require_extra"]

_NEEDS: Final = {
    "aiohttp": ("the aiohttp transport", ("httpx_aiohttp", "aiohttp")),
    "cli": ("the command line", ("typer", "rich")),
    "fastapi": ("the FastAPI integration", ("fastapi", "starlette", "pydantic")),
    "http2": ("HTTP/2", ("h2",)),
    "parquet": ("Parquet", ("pyarrow",)),
    "sandbox": ("the sandbox", ("starlette", "uvicorn", "python_multipart")),
    "testing": ("the pytest plugin", ("pytest", "starlette", "uvicorn", "python_multipart")),
}
"""What each extra is for, and the modules that are there once it is installed."""


class MissingExtraError(ImportError):
    """An optional extra is not installed; the message says how to install it."""


def require_extra(extra: str) -> None:
    """Refuse to go on without the libraries of ``extra``.

    Args:
        extra: Its name, as in ``useresponse-async[name]``.

    Raises:
        MissingExtraError: One of them is missing; the message says what to install.
    """
    purpose, modules = _NEEDS[extra]
    if any(find_spec(name) is None for name in modules):
        raise MissingExtraError(f"{purpose} needs: pip install 'useresponse-async[{extra}]'")
