"""Is everything installed that the sandbox runs on?"""

from importlib.util import find_spec

_NEEDED = ("starlette", "uvicorn", "python_multipart")


class MissingExtraError(ImportError):
    """The sandbox's own dependencies are not installed."""


def require_extras() -> None:
    """Refuse to go on without the libraries of the `sandbox` extra.

    Raises:
        MissingExtraError: one of them is missing; the message says what to install.
    """
    if any(find_spec(name) is None for name in _NEEDED):
        raise MissingExtraError("the sandbox needs: pip install 'useresponse-async[sandbox]'")
