"""A day at the help desk through the public API: each role sees what the others did.

Who may do what, what is refused, and each value in a response is the subject of ``tests/sandbox``.
"""

from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from quick import client_of

from useresponse_async import (
    AsyncClient,
    Attachment,
    AuthenticationError,
    NotFoundError,
    Object,
    Pages,
    PermissionDeniedError,
    Secret,
)

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

LOG = "Запис\n".encode()
PASSWORD = 'pa55 "wörd"/'


class Day(SimpleNamespace):
    """A client of each person, and what the day has brought so far."""

    guest: AsyncClient
    neighbour: AsyncClient
    agent: AsyncClient
    admin: AsyncClient
    customer: AsyncClient
    cleo: int
    ticket: int


@pytest.fixture
async def day(start_sandbox) -> AsyncIterator[Day]:
    sandbox = start_sandbox(users=30)
    keys = {"guest": None, "neighbour": sandbox.keys["user"], **sandbox.keys}
    async with AsyncExitStack() as stack:

        async def connect(key: Any) -> AsyncClient:
            return await stack.enter_async_context(client_of(sandbox, api_key=key))

        people = {person: await connect(key) for person, key in keys.items()}
        yield Day(connect=connect, **people)


async def test_a_day_at_the_help_desk(day, tmp_path):
    await a_customer_signs_up_and_in(day)
    await the_customer_opens_a_ticket_and_an_agent_takes_it(day)
    await they_talk_and_send_each_other_files(day, tmp_path / "log")
    await what_is_done_twice_or_undone_is_as_it_was(day)
    await the_ticket_is_completed_and_listed_with_its_changes(day)
    await topics_and_comments_wait_for_an_agent(day)
    await notes_and_the_profile_of_the_customer_are_kept(day)
    await the_lists_around_are_read(day)
    await what_and_who_is_deleted_or_banned_is_gone(day)


async def a_customer_signs_up_and_in(day: Day) -> None:
    registered = await day.guest.auth.register(name="Cleo Park", email="cleo@park.example")
    await day.admin.users.change_password(registered.id, PASSWORD)
    await refused(day.guest.auth.login("cleo@park.example", "a guess"), AuthenticationError)
    signed_in = await day.guest.auth.login("cleo@park.example", Secret(PASSWORD))
    assert signed_in.api_key == registered.api_key
    assert isinstance(registered.api_key, Secret)
    day.customer = await day.connect(signed_in.api_key)
    me = await day.customer.users.me()
    day.cleo = me.id
    assert (me.id, me.name, me.role.alias) == (registered.id, "Cleo Park", "user")


async def the_customer_opens_a_ticket_and_an_agent_takes_it(day: Day) -> None:
    photo = Attachment.from_bytes("photo.jpg", b"smoke")
    properties = {11: "A-7", 13: ["api", "mobile"]}
    more = {"attachments": [photo], "properties": properties}
    opened = await day.customer.tickets.create("Printer on fire", "It smokes.", **more)
    day.ticket = opened.id
    assert (opened.status.slug, opened.author.id) == ("opened", day.cleo)
    assert [it.value for it in opened.custom_fields] == [["A-7"], ["api", "mobile"]]
    await refused(day.neighbour.objects.get(day.ticket), NotFoundError)
    mine = {"text": "printer on FIRE", "status": "opened", "date": "today", "author_id": day.cleo}
    assert await ids_of(day.agent.tickets.search(**mine)) == [day.ticket]
    amir = await day.agent.users.me()
    taken = await day.agent.objects.update(day.ticket, responsible_id=amir.id)
    assert (taken.responsible.id, taken.title) == (amir.id, "Printer on fire")


async def they_talk_and_send_each_other_files(day: Day, log: Any) -> None:
    private = await day.agent.comments.create(day.ticket, "Call the brigade", is_private=True)
    uploaded = await day.agent.files.upload(Attachment.from_bytes("Журнал 1.txt", LOG))
    public = await day.agent.comments.create(day.ticket, "Read this", attachments=[uploaded])
    thanks = await day.customer.comments.create(day.ticket, "Thanks!", reply_to=public.id)
    assert thanks.reply_to_id == public.id
    written = [private.id, public.id, thanks.id]
    assert await ids_of(day.agent.objects.comments(day.ticket, sort="desc")) == written[::-1]
    assert (await day.agent.comments.list().first()).id == thanks.id
    seen = await day.customer.objects.comments(day.ticket).collect()
    assert [it.id for it in seen] == written[1:]

    (attached,) = seen[0].attachments
    assert attached.name.full == "Журнал 1.txt"
    assert await day.customer.files.download(attached, log) == len(LOG)
    assert log.read_bytes() == LOG
    changed = await day.customer.comments.update(thanks.id, content="Thank you!")
    assert changed.content == "Thank you!"
    bill = Attachment.from_bytes("bill.pdf", b"%PDF")
    ticket = await day.customer.objects.attach(day.ticket, bill)
    assert [file.name.full for file in ticket.attachments] == ["photo.jpg", "bill.pdf"]


async def what_is_done_twice_or_undone_is_as_it_was(day: Day) -> None:
    objects, comments = day.agent.objects, day.customer.comments
    ids = await ids_of(day.customer.objects.comments(day.ticket))
    for is_on in (True, False):
        assert (await day.customer.objects.toggle_vote(day.ticket)).votes.is_voted is is_on
        assert (await objects.toggle_comments(day.ticket)).can_be_commented is not is_on
        assert (await comments.toggle_vote(ids[0])).votes.is_voted is is_on
        assert (await comments.toggle_best(ids[0])).is_best is is_on
        best = (await day.customer.objects.get(day.ticket)).best_comment
        assert (best and best.id) == (ids[0] if is_on else None)
        subscribe = objects.subscribe if is_on else objects.unsubscribe
        assert (await subscribe(day.ticket)).is_subscribed is is_on
    # The API has no call to restore an object: a second call takes it out again.
    for state, trash in (("trashed", [day.ticket]), ("active", [])):
        assert (await objects.trash(day.ticket)).state.name == state
        assert await ids_of(await report(day, "Trash")) == trash
    await comments.trash(ids[-1])
    assert await ids_of(day.customer.objects.comments(day.ticket)) == ids[:-1]
    assert (await day.agent.comments.restore(ids[-1])).id == ids[-1]


async def the_ticket_is_completed_and_listed_with_its_changes(day: Day) -> None:
    statuses = {it.slug: it.id for it in await day.agent.statuses.list(object_type="ticket")}
    done = await day.agent.objects.update(day.ticket, status_id=statuses["completed"])
    assert done.status.is_closed is True
    page = await (await report(day, "Completed"))
    assert (page.items[0].id, page.active_group) == (day.ticket, "all")
    assert await ids_of(day.agent.users.activity(day.cleo)) == [day.ticket]
    first, *_, last = await day.agent.changelog.for_object(day.ticket)
    assert (first.created_by.id, last.actions[-1].value) == (day.cleo, "Completed")
    of_user = await day.agent.changelog.for_user(day.cleo)
    assert [change.actions[0].field for change in of_user] == ["registered", "password"]


async def topics_and_comments_wait_for_an_agent(day: Day) -> None:
    idea = {"content": "Please", "object_type": "idea"}
    topic, spam = [(await day.customer.topics.create(it, **idea)).id for it in ("Water", "Watches")]
    moderation = day.agent.moderation
    assert (await moderation.approve_topic(topic)).state.name == "active"
    assert (await moderation.decline_topic(spam, "Advertising")).state.name == "declined"
    found = await ids_of(day.guest.topics.search())
    assert (topic in found, spam in found) == (True, False)
    good, bad = [(await day.neighbour.comments.create(topic, it)).id for it in ("Yes", "Watches")]
    await moderation.approve_comment(good)
    await moderation.decline_comment(bad, "Advertising")
    assert await ids_of(day.guest.objects.comments(topic)) == [good]
    assert (await day.agent.objects.archive(topic)).state.name == "archived"
    assert await ids_of(await report(day, "Archive")) == [topic]


async def notes_and_the_profile_of_the_customer_are_kept(day: Day) -> None:
    notes = day.agent.users.notes
    first = await notes.create(day.cleo, "Owns a printer")
    second = await notes.create(day.cleo, "Call", remind_at=datetime(2030, 1, 31, 9, 0))  # noqa: DTZ001 - the API takes no zone
    assert (await notes.update(first.id, "Owned a printer")).content == "Owned a printer"
    await notes.delete(first.id)
    assert [note.id for note in await notes.list(day.cleo)] == [second.id]
    tags, properties = ["vip", "press"], {1: "Acme"}
    await day.customer.users.update_me(full_name="Cleo Ng", tags=tags, properties=properties)
    cleo = await day.agent.users.get(day.cleo)
    assert (cleo.name, cleo.tags, cleo.api_key) == ("Cleo Ng", tags, None)
    assert [(value.id, value.value) for value in cleo.custom_fields] == [(1, ["Acme"])]


async def the_lists_around_are_read(day: Day) -> None:
    category, *_ = await day.guest.categories.list(ownership="helpdesk")
    assert await day.guest.categories.get(category.id) == category
    assert all(isinstance(forum.id, str) and forum.name for forum in await day.guest.forums.list())
    (region,) = [custom for custom in await day.admin.users.custom_fields() if custom.id == 7]
    assert [option.title for option in region.options if option.value == "EU"] == ["Europe"]
    chat, *_ = await day.agent.chats.list().collect()
    assert await day.agent.chats.get(chat.id) == chat
    messages = await day.agent.chats.messages(chat.id).collect()
    assert messages[0] == chat.last_message
    older = day.agent.chats.messages(chat.id, top_id=messages[1].id)
    assert await older.collect() == messages[1:]


async def what_and_who_is_deleted_or_banned_is_gone(day: Day) -> None:
    assert (await day.agent.objects.delete(day.ticket)).id == day.ticket
    await refused(day.agent.objects.get(day.ticket), NotFoundError)
    users = day.admin.users
    await users.ban(day.cleo, reason="Advertising", days=3)
    await refused(day.customer.users.me(), PermissionDeniedError)
    dana = await users.create("dana@park.example", full_name="Dana", password=PASSWORD)
    assert await users.get_by_email("DANA@park.example") == await users.get(dana.id)
    await users.delete(dana.id)
    assert await users.get_by_email("dana@park.example") is None


@pytest.mark.parametrize("version", ["3.0", "4.0", "7.0"])
async def test_the_same_calls_work_with_each_version(start_sandbox, version):
    sandbox = start_sandbox(users=60, tickets=12, topics=9, articles=7, comments=40)
    async with client_of(sandbox, api_version=version) as client:
        # Bare or under success; in 4.0 articles come as a list under their module's name.
        assert sorted(await ids_of(client.tickets.search(count=5))) == list(sandbox.ticket_ids)
        assert sorted(await ids_of(client.topics.search(count=4))) == list(sandbox.topic_ids)
        articles = client.objects.search(ownership="knowledge-base")
        assert sorted(await ids_of(articles)) == list(sandbox.article_ids)
        assert len(await ids_of(client.comments.list())) == 40
        assert len(await ids_of(client.users.search())) == 60
        statuses = await client.statuses.list(object_type="question")
        assert [it.slug for it in statuses] == ["new", "answered"]
        # A type's title is one text in 4.0, else two.
        assert (await client.objects.get(1)).type.title.single == "Ticket"
        # A look-up by address answers one user in 4.0, else a page.
        user = await client.users.get(5)
        assert await client.users.get_by_email(user.email) == user
        assert await client.users.get_by_email("nobody@example.org") is None
        # The messages of a chat come in pages in 4.0, else as a list.
        messages = await client.chats.messages(2).collect()
        assert messages[0] == (await client.chats.get(2)).last_message
        assert len({message.id for message in messages}) == len(messages) > 3
        # One list of custom fields is 4.0's, the other 7.0's.
        old, new = await client.custom_fields.list("tickets"), await client.objects.custom_fields()
        assert [(it.id, it.name, it.label, it.options) for it in old] == [
            (it.id, it.name, it.label, it.options) for it in new
        ]
        created = await client.tickets.create("Printer", "Help!")
        assert (await client.objects.update(created.id, title="Printers")).title == "Printers"
        assert await client.objects.comments(created.id).collect() == []
        comment = await client.comments.create(created.id, "See there")
        assert await ids_of(client.objects.comments(created.id)) == [comment.id]


async def refused(call: Awaitable[object], error: type[Exception]) -> None:
    with pytest.raises(error):
        await call


async def ids_of(pages: Pages[Any]) -> list[int]:
    return [item.id async for item in pages]


async def report(day: Day, name: str) -> Pages[Object]:
    ids = {it.name: it.id for it in await day.agent.reports.list()}
    return day.agent.reports.objects(ids[name])
