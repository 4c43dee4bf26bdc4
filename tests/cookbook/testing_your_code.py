"""Test your own application with the sandbox, a real server that can fail on request.

Install:  pip install 'useresponse-async[testing]'
Run:      pytest testing_your_code.py

No UseResponse site and no key are needed. The package adds the fixtures useresponse_sandbox and
useresponse_client to pytest.
"""

import pytest

from useresponse_async import AsyncClient, ServiceUnavailableError
from useresponse_async.testing import Sandbox

pytestmark = pytest.mark.anyio  # anyio, which the package requires, runs the async tests


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


# A function of your application.


async def count_by_role(client: AsyncClient) -> dict[str, int]:
    counts: dict[str, int] = {}
    async for user in client.users.search():
        role = (user.role and user.role.alias) or "unknown"
        counts[role] = counts.get(role, 0) + 1
    return counts


# Its tests.


async def test_everybody_is_counted(
    useresponse_client: AsyncClient, useresponse_sandbox: Sandbox
) -> None:
    counts = await count_by_role(useresponse_client)
    assert sum(counts.values()) == useresponse_sandbox.user_count
    assert counts["user"] > counts["agent"]


async def test_a_short_outage_is_not_noticed(
    useresponse_client: AsyncClient, useresponse_sandbox: Sandbox
) -> None:
    useresponse_sandbox.fail_next(503, times=2)
    useresponse_sandbox.reset_next(match="page=2")
    counts = await count_by_role(useresponse_client)
    assert sum(counts.values()) == useresponse_sandbox.user_count


async def test_a_long_outage_is_reported(
    useresponse_client: AsyncClient, useresponse_sandbox: Sandbox
) -> None:
    useresponse_sandbox.set_api_enabled(enabled=False)
    with pytest.raises(ServiceUnavailableError):
        await count_by_role(useresponse_client)


@pytest.mark.useresponse(users=120)
async def test_no_page_is_asked_for_twice(
    useresponse_client: AsyncClient, useresponse_sandbox: Sandbox
) -> None:
    await count_by_role(useresponse_client)
    pages = [dict(request.query)["page"] for request in useresponse_sandbox.requests]
    assert sorted(pages) == ["1", "2", "3"]
