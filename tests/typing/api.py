"""What a user sees in an editor: checked by mypy and pyright, never run."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import anyio
import httpx
from typing_extensions import assert_type

import useresponse_async as ur
from useresponse_async.integrations.fastapi import NDJSONResponse, UseResponse, current_client


async def users(client: ur.AsyncClient) -> None:
    pages = client.users.search(role="a role nobody documented", count=20, params={"x": 1})
    assert_type(pages, ur.Pages[ur.User])
    assert_type(await pages, ur.Page[ur.User])
    assert_type([user async for user in pages], list[ur.User])
    assert_type(pages.report, ur.WalkReport)
    assert_type(await pages.collect(), list[ur.User])
    assert_type(await pages.first(), ur.User | None)
    assert_type(await pages.count(), int)
    async with pages as items:
        assert_type(items, AsyncGenerator[ur.User, None])
        async for user in items:
            assert_type((user.id, user.tags), tuple[int, list[str]])
            assert_type(user.api_key, ur.Secret | None)
    async for page in pages.by_page(start=2, stop=9, concurrency=3, ordered=False):
        sequence: Sequence[ur.User] = page
        assert_type((sequence[0], page[0]), tuple[ur.User, ur.User])
        assert_type((page[:2], page.items), tuple[list[ur.User], list[ur.User]])
        assert_type(page.next_number, int | None)


async def objects(client: ur.AsyncClient) -> None:
    attachment = ur.Attachment.from_path("photo.jpg")
    found = client.objects.search(ownership="knowledge-base", type="a type nobody documented")
    assert_type(found, ur.Pages[ur.Object])
    now = datetime.now(timezone.utc)
    assert_type(client.topics.changed_since(now, count=20), AsyncGenerator[ur.Object, None])
    ticket = await client.objects.create(
        ownership="announcements",
        object_type="announcement",
        title="A",
        attachments=(attachment,),
        expires_at=date(2030, 1, 31),
    )
    assert_type(ticket, ur.Object)
    assert_type(ticket.author, ur.User | None)
    assert_type(ticket.attachments, list[ur.AttachedFile])
    assert_type(ur.Object.from_dict(ticket.to_dict()), ur.Object)
    assert_type(await client.objects.update(1, tags="a", properties={7: [1]}), ur.Object | None)
    uploaded = await client.files.upload(attachment)
    assert_type(await client.comments.create(1, "A", attachments=[uploaded]), ur.Comment)


async def files(client: ur.AsyncClient) -> None:
    async def progress(received: int, total: int | None) -> None: ...

    async with await anyio.open_file("a.txt", "r+b") as file:
        assert_type(ur.Attachment.from_file(file, name="a.txt", max_bytes=100), ur.Attachment)
        assert_type(await client.files.download("/files/1", file, on_progress=progress), int)
    assert_type(await client.files.download(ur.AttachedFile(), Path("a.txt"), max_bytes=100), int)
    assert_type(await client.files.download(ur.UploadedFile(), "a.txt", on_progress=print), int)


async def reports(client: ur.AsyncClient) -> None:
    assert_type(await client.reports.list(), list[ur.Report])
    pages = client.reports.objects(4, group="1")
    assert_type((await pages).groups, list[ur.ReportGroup])
    assert_type([page async for page in pages.by_page()], list[ur.ReportPage])
    assert_type([found async for found in pages], list[ur.Object])
    assert_type(await client.statuses.list(object_type="ticket"), list[ur.Status])
    assert_type(await client.auth.login("a@b.c", ur.Secret("x")), ur.User)
    # Only what can be requested by its id surely has one.
    assert_type((await client.categories.get(1)).id, int)
    assert_type(ur.Role().id, int | None)


async def bulk(client: ur.AsyncClient, ids: AsyncIterator[int]) -> None:
    get, either = client.users.get, bool(ids)
    assert_type(client.map(client.objects.trash, ids), AsyncGenerator[ur.Object | None, None])
    assert_type([user async for user in client.map(get, [1, 2], ordered=False)], list[ur.User])
    found = client.map(get, ids, return_exceptions=False, with_inputs=False)
    assert_type(found, AsyncGenerator[ur.User, None])
    results = client.map(get, range(9), return_exceptions=True)
    assert_type(results, AsyncGenerator[ur.User | Exception, None])
    results = client.map(get, ids, return_exceptions=either)
    assert_type(results, AsyncGenerator[ur.User | Exception, None])
    by_email = client.map(client.users.get_by_email, {"a@b.c"}, with_inputs=True)
    assert_type(by_email, AsyncGenerator[tuple[str, ur.User | None], None])
    pairs = client.map(get, ids, with_inputs=True, return_exceptions=True)
    assert_type(pairs, AsyncGenerator[tuple[int, ur.User | Exception], None])
    pairs = client.map(get, ids, with_inputs=True, return_exceptions=either)
    assert_type(pairs, AsyncGenerator[tuple[int, ur.User | Exception], None])


async def around(client: ur.AsyncClient) -> None:
    async with ur.AsyncClient("https://example.com", api_key="k", retry=ur.RetryPolicy()) as opened:
        assert_type(opened, ur.AsyncClient)
    assert_type(client.with_options(timeout=None, max_in_flight=5), ur.AsyncClient)
    with client.capture_responses() as responses:
        assert_type(responses, list[httpx.Response])
    try:
        assert_type(await client.request("GET", "/x.json"), Any)
    except ur.APIStatusError as error:
        assert_type((error.status_code, error.message), tuple[int, str])
        assert_type(error.response, httpx.Response)


async def in_fastapi(client: ur.AsyncClient) -> None:
    useresponse = UseResponse(lambda: ur.AsyncClient(max_in_flight=20))
    async with useresponse.lifespan():
        assert_type(await useresponse(), ur.AsyncClient)
    assert_type(await current_client(), ur.AsyncClient)
    NDJSONResponse(client.users.search())


async def mistakes(client: ur.AsyncClient) -> None:
    client.users.search(rôle="user")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.users.search("user")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.topics.create("A", object_type="idea")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.users.get("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.objects.attach(1, "a.txt")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.comments.create(1, "A", attachments=[ur.Attachment.from_path("a")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
