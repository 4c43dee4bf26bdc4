"""A UseResponse API in one process, for tests, demos and benchmarks.

    with Sandbox(users=200) as sandbox:
        httpx.get(sandbox.url + "/api/3.0/users/search.json", params={"apiKey": sandbox.api_key})

`Sandbox` is an HTTP server in a background thread; `create_app` returns the same API as an ASGI
application without a socket; `python -m useresponse_async.sandbox` runs it as a command.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from useresponse_async._config import MissingExtraError, require_extra
from useresponse_async.sandbox._command import main, run
from useresponse_async.sandbox._options import DEFAULT_API_KEY, Options

if TYPE_CHECKING:
    from useresponse_async.sandbox._app import SandboxApp, create_app
    from useresponse_async.sandbox._chats import MessageRecord
    from useresponse_async.sandbox._comments import CommentRecord
    from useresponse_async.sandbox._controls import Received
    from useresponse_async.sandbox._objects import ObjectRecord
    from useresponse_async.sandbox._server import Sandbox
    from useresponse_async.sandbox._users import UserRecord

__all__ = [
    "DEFAULT_API_KEY",
    "CommentRecord",
    "MessageRecord",
    "MissingExtraError",
    "ObjectRecord",
    "Options",
    "Received",
    "Sandbox",
    "SandboxApp",
    "UserRecord",
    "create_app",
    "main",
    "run",
]

# Loaded on first use: they need the `sandbox` extra, and the command checks for it first.
_HOMES = {
    "CommentRecord": "._comments",
    "MessageRecord": "._chats",
    "ObjectRecord": "._objects",
    "Received": "._controls",
    "Sandbox": "._server",
    "SandboxApp": "._app",
    "UserRecord": "._users",
    "create_app": "._app",
}


def __getattr__(name: str) -> object:
    """Load the parts that need the `sandbox` extra.

    Raises:
        MissingExtraError: The extra is not installed.
    """
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_extra("sandbox")
    value: object = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value
