"""What a user sees in an editor: checked by mypy and pyright, never run."""

from collections.abc import AsyncGenerator
from typing import Any

import httpx
from typing_extensions import assert_type

from useresponse_async import AsyncClient, Page, Pages, RetryPolicy, Secret, User, WalkReport


async def users(client: AsyncClient) -> None:
    pages = client.users.search(role="user", sort="top_rated", count=20, params={"x": 1})
    assert_type(pages, Pages[User])
    assert_type(await pages, Page[User])
    assert_type((await pages).items, list[User])
    assert_type((await pages).total_items, int | None)
    assert_type(pages.report, WalkReport)
    assert_type(await pages.collect(), list[User])
    assert_type(await pages.first(), User | None)
    assert_type(await pages.count(), int)
    async for user in client.users.search(role="a role nobody documented"):
        assert_type(user, User)
    async with pages as items:
        assert_type(items, AsyncGenerator[User, None])
        async for user in items:
            assert_type(user.id, int | None)
            assert_type(user.tags, list[str])
            assert_type(user.api_key, Secret | None)
    async for page in pages.by_page(start=2, stop=9, concurrency=3, ordered=False):
        assert_type(page, Page[User])
    assert_type(await client.users.me(), User)
    assert_type(await client.users.get(1), User)
    assert_type(await client.users.create("a@b.c", full_name="A", properties={7: "x"}), User)
    assert_type(await client.users.update(1, tags=["a"]), User | None)
    assert_type(await client.users.delete(1), User | None)


async def around(client: AsyncClient) -> None:
    async with AsyncClient("https://example.com", api_key="k", retry=RetryPolicy()) as opened:
        assert_type(opened, AsyncClient)
    assert_type(client.with_options(timeout=None, max_in_flight=5), AsyncClient)
    assert_type(await client.request("GET", "/x.json"), Any)
    with client.capture_responses() as responses:
        assert_type(responses, list[httpx.Response])


async def mistakes(client: AsyncClient) -> None:
    client.users.search(rôle="user")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.users.search("user")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.users.get("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
