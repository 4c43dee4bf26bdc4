"""pytest fixtures and a sandbox for testing code that uses the client.

With the extra ``testing`` installed, pytest has these fixtures without any import:

``useresponse_sandbox``
    A new :class:`Sandbox` on a real socket for each test. It starts within milliseconds.
    ``@pytest.mark.useresponse(users=1000)`` sets its options.
``useresponse_client``
    An :class:`~useresponse_async.AsyncClient` for that sandbox with the administrator's key. It
    is closed after the test, on the test's own event loop, whether anyio's pytest plugin or
    pytest-asyncio runs it.
``useresponse_sandbox_options``, ``useresponse_client_options``
    Dictionaries of keyword arguments for the two. Override these fixtures to change them; the
    marker takes precedence.

::

    @pytest.mark.anyio
    async def test_a_short_outage_goes_unnoticed(useresponse_client, useresponse_sandbox):
        useresponse_sandbox.fail_next(503, times=2)
        await useresponse_client.users.create("ada@example.com", full_name="Ada")
        assert useresponse_sandbox.requests[-1].json()["email"] == "ada@example.com"
"""

from importlib import import_module
from typing import TYPE_CHECKING

from useresponse_async._config import require_extra

if TYPE_CHECKING:
    from useresponse_async.sandbox import Received, Sandbox
    from useresponse_async.testing._options import QUICK_RETRY

__all__ = ["QUICK_RETRY", "Received", "Sandbox"]

# Imported on first use, because pytest loads the plugin in every run.
_HOMES = {
    "QUICK_RETRY": "useresponse_async.testing._options",
    "Received": "useresponse_async.sandbox",
    "Sandbox": "useresponse_async.sandbox",
}


def __getattr__(name: str) -> object:
    """Import a name on first use.

    Raises:
        MissingExtraError: The extra ``testing`` is not installed.
    """
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    if home == "useresponse_async.sandbox":
        require_extra("testing")
    value: object = getattr(import_module(home), name)
    globals()[name] = value
    return value
