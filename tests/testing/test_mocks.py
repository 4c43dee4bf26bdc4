"""Mock transports of httpx, and respx."""

import httpx
import pytest
import respx

from useresponse_async import AsyncClient, KeyPlacement, NotFoundError
from useresponse_async.sandbox import Options, create_app
from useresponse_async.testing import QUICK_RETRY

pytestmark = pytest.mark.anyio

URL = "https://example.com"
API = f"{URL}/api/3.0"


@pytest.mark.parametrize("place", ["transport", "http_client"])
async def test_a_mock_transport_responds_and_sees_the_key(place):
    def answer(request: httpx.Request) -> httpx.Response:
        if request.url == f"{API}/users/7.json?apiKey=k":
            return httpx.Response(200, json={"id": 7, "name": "Ada"})
        return httpx.Response(404, json={"error": {"code": 404, "message": "gone"}})

    mock = httpx.MockTransport(answer)
    async with httpx.AsyncClient(transport=mock) as http_client:
        options = {"transport": mock} if place == "transport" else {"http_client": http_client}
        async with AsyncClient(URL, api_key="k", **options) as client:
            assert (await client.users.get(7)).name == "Ada"
            with pytest.raises(NotFoundError, match="gone"):
                await client.users.get(8)


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


async def test_respx_lets_requests_through_to_the_sandbox(sandbox):
    async with respx.mock() as router:
        router.get(f"{sandbox.url}/api/3.0/users/1.json").respond(json={"id": 1, "name": "Mock"})
        router.route(host="127.0.0.1").pass_through()
        async with AsyncClient(sandbox.url, api_key=sandbox.api_key) as client:
            assert (await client.users.get(1)).name == "Mock"
            assert (await client.users.get(2)).name != "Mock"
    assert [received.path for received in sandbox.requests] == ["/api/3.0/users/2.json"]


async def test_respx_sees_a_header_with_the_key_as_it_is_sent():
    async with respx.mock() as router:
        route = router.get(f"{API}/me.json").respond(json={"id": 1})
        async with AsyncClient(URL, api_key="k", key_placement=KeyPlacement.HEADER) as client:
            assert (await client.users.me()).id == 1
    assert route.calls.last.request.headers["Authorization"] == "k"
