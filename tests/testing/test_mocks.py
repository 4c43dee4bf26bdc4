"""The fixtures on every event loop, the sandbox without a socket, and respx."""

import httpx
import pytest
import respx
from test_plugin import PLUGIN, REGISTERED

import useresponse_async.testing
from useresponse_async import AsyncClient
from useresponse_async.sandbox import Options, create_app
from useresponse_async.testing import QUICK_RETRY, Received

pytestmark = pytest.mark.anyio
pytest_plugins = () if REGISTERED else (PLUGIN,)

URL = "https://example.com"
API = f"{URL}/api/3.0"


async def test_the_sandbox_responds_without_a_socket():
    transport = httpx.ASGITransport(app=create_app(Options(users=3)))
    async with AsyncClient(URL, api_key="sandbox-key", transport=transport) as client:
        assert len(await client.users.search().collect()) == 3


async def test_respx_matches_the_query_sees_a_body_and_responds_in_sequence():
    async with respx.mock(base_url=API) as router:
        router.get("/users/search.json", params__contains={"role": "agent"}).respond(
            json={"currentPage": 1, "totalPages": 1, "totalCount": 1, "data": [{"id": 1}]}
        )
        router.get("/users/search.json").respond(204)
        route = router.post("/users.json").mock(
            side_effect=[httpx.Response(503), httpx.Response(200, json={"id": 7})]
        )
        async with AsyncClient(URL, api_key="k", retry=QUICK_RETRY) as client:
            assert [user.id for user in (await client.users.search(role="agent")).items] == [1]
            assert (await client.users.search()).items == []
            assert (await client.users.create("ada@example.com", full_name="Ada")).id == 7
    assert route.call_count == 2
    assert b"ada@example.com" in route.calls.last.request.content
    assert dict(route.calls.last.request.url.params) == {"apiKey": "k"}


async def test_the_client_uses_the_sandbox(useresponse_client, useresponse_sandbox):
    assert (await useresponse_client.users.me()).id == 1
    (received,) = useresponse_sandbox.requests
    assert isinstance(received, Received)
    assert dict(received.query)["apiKey"] == useresponse_sandbox.api_key


def test_pytest_finds_the_plugin_and_its_module_has_no_other_names():
    assert REGISTERED
    with pytest.raises(AttributeError, match="Nothing"):
        useresponse_async.testing.Nothing  # noqa: B018
