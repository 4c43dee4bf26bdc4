"""What does the sandbox, a UseResponse API in one process, offer to its users?

    with Sandbox(users=200) as sandbox:
        httpx.get(sandbox.url + "/api/3.0/users/search.json", params={"apiKey": sandbox.api_key})

`Sandbox` is a real HTTP server in a background thread; `create_app` is the same API as an ASGI
application without a socket; `python -m useresponse_async.sandbox` is the same as a command.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from useresponse_async._config import MissingExtraError, require_extra
from useresponse_async.sandbox.command import run
from useresponse_async.sandbox.options import DEFAULT_API_KEY, Options

if TYPE_CHECKING:
    from useresponse_async.sandbox.app import SandboxApp, create_app
    from useresponse_async.sandbox.server import Sandbox
    from useresponse_async.sandbox.traffic import Received

__all__ = [
    "DEFAULT_API_KEY",
    "MissingExtraError",
    "Options",
    "Received",
    "Sandbox",
    "SandboxApp",
    "create_app",
    "run",
]

# Loaded on first use, so that the command can say which extra is missing before it is needed.
_HOMES = {
    "Received": ".traffic",
    "Sandbox": ".server",
    "SandboxApp": ".app",
    "create_app": ".app",
}


def __getattr__(name: str) -> object:
    """Load the parts that need the `sandbox` extra when they are first asked for."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    require_extra("sandbox")
    value: object = getattr(import_module(home, __name__), name)
    globals()[name] = value
    return value
