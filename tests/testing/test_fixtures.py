"""The pytest fixtures on every event loop."""

import pytest
from test_plugin_runners import PLUGIN, REGISTERED

import useresponse_async.testing
from useresponse_async import ServiceUnavailableError
from useresponse_async.testing import QUICK_RETRY, Received

pytestmark = pytest.mark.anyio
pytest_plugins = () if REGISTERED else (PLUGIN,)


async def test_the_client_uses_the_sandbox(useresponse_client, useresponse_sandbox):
    assert (await useresponse_client.users.me()).id == 1
    (received,) = useresponse_sandbox.requests
    assert isinstance(received, Received)
    assert dict(received.query)["apiKey"] == useresponse_sandbox.api_key


async def test_a_scripted_fault_raises(useresponse_client, useresponse_sandbox):
    useresponse_sandbox.fail_next(503, times=QUICK_RETRY.attempts)
    with pytest.raises(ServiceUnavailableError):
        await useresponse_client.users.me()
    assert useresponse_sandbox.arrivals == QUICK_RETRY.attempts
    assert (await useresponse_client.users.me()).id == 1


def test_the_module_has_no_other_names():
    with pytest.raises(AttributeError, match="Nothing"):
        useresponse_async.testing.Nothing  # noqa: B018
