"""What a user sees in an editor: checked by mypy and pyright, never run."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

import anyio
import httpx
from typing_extensions import assert_type

from useresponse_async import (
    APIStatusError,
    AsyncClient,
    AttachedFile,
    Attachment,
    Category,
    Changelog,
    Chat,
    Comment,
    CustomField,
    Forum,
    Message,
    Object,
    Page,
    Pages,
    Report,
    ReportGroup,
    ReportPage,
    RetryPolicy,
    Role,
    Secret,
    Status,
    UploadedFile,
    User,
    UserNote,
    WalkReport,
)
from useresponse_async.integrations.fastapi import NDJSONResponse, UseResponse, current_client
from useresponse_async.sandbox import Sandbox


async def users(client: AsyncClient) -> None:
    pages = client.users.search(role="a role nobody documented", count=20, params={"x": 1})
    assert_type(pages, Pages[User])
    assert_type(await pages, Page[User])
    assert_type([user async for user in pages], list[User])
    assert_type(pages.report, WalkReport)
    assert_type(await pages.collect(), list[User])
    assert_type(await pages.first(), User | None)
    assert_type(await pages.count(), int)
    async with pages as items:
        assert_type(items, AsyncGenerator[User, None])
        async for user in items:
            assert_type(user.id, int)
            assert_type(user.tags, list[str])
            assert_type(user.api_key, Secret | None)
    assert_type(pages.by_page(), AsyncGenerator[Page[User], None])
    async for page in pages.by_page(start=2, stop=9, concurrency=3, ordered=False):
        sequence: Sequence[User] = page
        assert_type(sequence[0], User)
        assert_type(page[0], User)
        assert_type(page[:2], list[User])
        assert_type(page.items, list[User])
        assert_type(page.next_number, int | None)
    assert_type(await client.users.get_by_email("a@b.c"), User | None)
    assert_type(await client.users.custom_fields(), list[CustomField])
    assert_type(await client.users.create("a@b.c", full_name="A", properties={7: "x"}), User)
    assert_type(await client.users.update(1, tags=["a"]), User | None)


async def objects(client: AsyncClient) -> None:
    attachment = Attachment.from_path("photo.jpg")
    found = client.objects.search(ownership="knowledge-base", type="a type nobody documented")
    assert_type(found, Pages[Object])
    assert_type(client.tickets.search(status="all-active", properties={7: ["x"]}), Pages[Object])
    now = datetime.now(timezone.utc)
    assert_type(client.tickets.changed_since(now), AsyncGenerator[Object, None])
    assert_type(client.topics.changed_since(now, count=20), AsyncGenerator[Object, None])
    assert_type(
        await client.objects.create(
            ownership="announcements",
            object_type="announcement",
            title="A",
            attachments=(attachment,),
            expires_at=date(2030, 1, 31),
        ),
        Object,
    )
    assert_type(await client.topics.create("A", "B", object_type="idea"), Object)
    ticket = await client.tickets.create("A", "B", attachments=[attachment])
    assert_type(ticket.author, User | None)
    assert_type(ticket.created_at, datetime | None)
    assert_type(ticket.attachments, list[AttachedFile])
    assert_type(Object.from_dict(ticket.to_dict()), Object)
    assert_type(await client.objects.update(1, tags="a,b", attachments=[attachment]), Object | None)
    assert_type(await client.objects.attach(1, attachment), Object | None)
    assert_type(await client.objects.trash(1), Object | None)
    assert_type(client.objects.comments(1, sort="desc"), Pages[Comment])


async def comments(client: AsyncClient) -> None:
    uploaded = await client.files.upload(Attachment.from_bytes("a.txt", b"hello"))
    assert_type(uploaded, UploadedFile)
    assert_type(await client.comments.create(1, "A", attachments=[uploaded]), Comment)
    assert_type(await client.comments.update(1, content="A"), Comment | None)
    assert_type(await client.moderation.decline_comment(1, "Spam"), Comment | None)


async def files(client: AsyncClient) -> None:
    async def progress(received: int, total: int | None) -> None: ...

    async with await anyio.open_file("a.txt", "r+b") as file:
        sent = Attachment.from_file(file, name="a.txt", max_bytes=100)
        assert_type(sent, Attachment)
        assert_type(await client.files.download("/files/1", file, on_progress=progress), int)
    assert_type(await client.files.download(AttachedFile(), Path("a.txt"), max_bytes=100), int)
    assert_type(await client.files.download(UploadedFile(), "a.txt", on_progress=print), int)


async def around_the_desk(client: AsyncClient, remind_at: datetime) -> None:
    assert_type(await client.auth.login("a@b.c", Secret("x")), User)
    assert_type(client.chats.list(author_id=1), Pages[Chat])
    assert_type(client.chats.messages(1), Pages[Message])
    assert_type(await client.reports.list(), list[Report])
    pages = client.reports.objects(4, group="1")
    assert_type(await pages, ReportPage)
    assert_type((await pages).groups, list[ReportGroup])
    assert_type([page async for page in pages.by_page()], list[ReportPage])
    assert_type([found async for found in pages], list[Object])
    assert_type(await client.changelog.for_object(1), list[Changelog])
    assert_type(await client.categories.list(ownership="feedback"), list[Category])
    assert_type(await client.forums.list(), list[Forum])
    assert_type(await client.statuses.list(object_type="ticket"), list[Status])
    assert_type(await client.custom_fields.list("tickets"), list[CustomField])
    assert_type(await client.users.notes.create(1, "A", remind_at=remind_at), UserNote)
    assert_type(await client.users.notes.update(1, "A"), UserNote | None)
    assert_type(client.users.activity(1), Pages[Object])
    # Only what can be requested by its id surely has one.
    assert_type((await client.categories.get(1)).id, int)
    assert_type(Role().id, int | None)


async def bulk(client: AsyncClient, ids: AsyncIterator[int]) -> None:
    get = client.users.get
    either = bool(ids)
    assert_type(client.map(client.objects.trash, ids), AsyncGenerator[Object | None, None])
    assert_type([user async for user in client.map(get, [1, 2], ordered=False)], list[User])
    assert_type(
        client.map(get, ids, return_exceptions=False, with_inputs=False), AsyncGenerator[User, None]
    )
    results = client.map(get, range(9), return_exceptions=True)
    assert_type(results, AsyncGenerator[User | Exception, None])
    async for result in results:
        if not isinstance(result, Exception):
            assert_type(result, User)
    assert_type(
        client.map(get, ids, return_exceptions=either), AsyncGenerator[User | Exception, None]
    )
    assert_type(
        client.map(client.users.get_by_email, {"a@b.c"}, with_inputs=True),
        AsyncGenerator[tuple[str, User | None], None],
    )
    pairs = client.map(get, ids, with_inputs=True, return_exceptions=True)
    assert_type(pairs, AsyncGenerator[tuple[int, User | Exception], None])
    pairs = client.map(get, ids, with_inputs=True, return_exceptions=either)
    assert_type(pairs, AsyncGenerator[tuple[int, User | Exception], None])


async def around(client: AsyncClient) -> None:
    async with AsyncClient("https://example.com", api_key="k", retry=RetryPolicy()) as opened:
        assert_type(opened, AsyncClient)
    assert_type(client.with_options(timeout=None, max_in_flight=5), AsyncClient)
    assert_type(await client.request("GET", "/x.json"), Any)
    with client.capture_responses() as responses:
        assert_type(responses, list[httpx.Response])


async def failures(client: AsyncClient) -> None:
    try:
        await client.users.me()
    except APIStatusError as error:
        assert_type(error.status_code, int)
        assert_type(error.message, str)
        assert_type(error.response, httpx.Response)


def in_a_sandbox() -> None:
    with Sandbox(users=230, latency=0.01) as sandbox:
        assert_type(sandbox, Sandbox)
        assert_type(sandbox.url, str)


async def in_fastapi(client: AsyncClient) -> None:
    useresponse = UseResponse(lambda: AsyncClient(max_in_flight=20))
    async with useresponse.lifespan():
        assert_type(await useresponse(), AsyncClient)
    assert_type(await UseResponse()(), AsyncClient)
    assert_type(await current_client(), AsyncClient)
    assert_type(NDJSONResponse(client.users.search()), NDJSONResponse)


async def mistakes(client: AsyncClient) -> None:
    client.users.search(rôle="user")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    client.users.search("user")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.topics.create("A", object_type="idea")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await client.users.get("1")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.objects.attach(1, "a.txt")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await client.comments.create(1, "A", attachments=[Attachment.from_path("a")])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
