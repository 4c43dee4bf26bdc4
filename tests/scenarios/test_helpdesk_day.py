"""Days at the help desk through the public API: each role sees what the others did.

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


@pytest.fixture
async def people(start_sandbox) -> AsyncIterator[Any]:
    """A client of a guest and of each role, and how to connect with another key."""
    sandbox = start_sandbox(users=30)
    async with AsyncExitStack() as stack:

        async def connect(key: Any) -> AsyncClient:
            return await stack.enter_async_context(client_of(sandbox, api_key=key))

        roles = {role: await connect(key) for role, key in sandbox.keys.items()}
        yield SimpleNamespace(connect=connect, guest=await connect(None), **roles)


async def test_an_account_from_its_registration_to_its_end(people):
    auth, users = people.guest.auth, people.admin.users
    registered = await auth.register(name="Cleo Park", email="cleo@park.example")
    assert isinstance(registered.api_key, Secret)
    await users.change_password(registered.id, PASSWORD)
    await refused(auth.login("cleo@park.example", "a guess"), AuthenticationError)
    signed_in = await auth.login("cleo@park.example", Secret(PASSWORD))
    assert signed_in.api_key == registered.api_key
    customer = await people.connect(signed_in.api_key)
    me = await customer.users.me()
    assert (me.id, me.name, me.role.alias) == (registered.id, "Cleo Park", "user")
    tags, properties = ["vip", "press"], {1: "Acme"}
    await customer.users.update_me(full_name="Cleo Ng", tags=tags, properties=properties)
    cleo = await people.agent.users.get(me.id)
    assert (cleo.name, cleo.tags, cleo.api_key) == ("Cleo Ng", tags, None)
    assert [(value.id, value.value) for value in cleo.custom_fields] == [(1, ["Acme"])]

    notes = people.agent.users.notes
    first = await notes.create(me.id, "Owns a printer")
    second = await notes.create(me.id, "Call", remind_at=datetime(2030, 1, 31, 9, 0))  # noqa: DTZ001 - the API takes no zone
    assert (await notes.update(first.id, "Owned a printer")).content == "Owned a printer"
    await notes.delete(first.id)
    assert [note.id for note in await notes.list(me.id)] == [second.id]
    changes = await people.agent.changelog.for_user(me.id)
    assert [it.actions[0].field for it in changes] == ["registered", "password", "name"]

    await users.ban(me.id, reason="Advertising", days=3)
    await refused(customer.users.me(), PermissionDeniedError)
    dana = await users.create("dana@park.example", full_name="Dana", password=PASSWORD)
    assert await users.get_by_email("DANA@park.example") == await users.get(dana.id)
    await users.delete(dana.id)
    assert await users.get_by_email("dana@park.example") is None


async def test_a_ticket_from_its_opening_to_its_end(people, tmp_path):
    customer, agent = people.user, people.agent
    cleo, amir = [(await client.users.me()).id for client in (customer, agent)]
    photo = Attachment.from_bytes("photo.jpg", b"smoke")
    more = {"attachments": [photo], "properties": {11: "A-7", 13: ["api", "mobile"]}}
    opened = await customer.tickets.create("Printer on fire", "It smokes.", **more)
    ticket = opened.id
    assert (opened.status.slug, opened.author.id) == ("opened", cleo)
    assert [it.value for it in opened.custom_fields] == [["A-7"], ["api", "mobile"]]
    mine = {"text": "printer on FIRE", "status": "opened", "date": "today", "author_id": cleo}
    assert await ids_of(agent.tickets.search(**mine)) == [ticket]
    assert (await agent.objects.update(ticket, responsible_id=amir)).responsible.id == amir

    private = await agent.comments.create(ticket, "Call the brigade", is_private=True)
    uploaded = await agent.files.upload(Attachment.from_bytes("Журнал 1.txt", LOG))
    public = await agent.comments.create(ticket, "Read this", attachments=[uploaded])
    thanks = await customer.comments.create(ticket, "Thanks!", reply_to=public.id)
    written = [private.id, public.id, thanks.id]
    assert await ids_of(agent.objects.comments(ticket, sort="desc")) == written[::-1]
    assert (await agent.comments.list().first()).id == thanks.id
    seen = await customer.objects.comments(ticket).collect()
    assert [(it.id, it.reply_to_id) for it in seen] == [(public.id, None), (thanks.id, public.id)]
    (attached,) = seen[0].attachments
    assert attached.name.full == "Журнал 1.txt"
    assert await customer.files.download(attached, tmp_path / "log") == len(LOG)
    assert (tmp_path / "log").read_bytes() == LOG
    assert (await customer.comments.update(thanks.id, content="Thank you!")).content == "Thank you!"
    with_bill = await customer.objects.attach(ticket, Attachment.from_bytes("bill.pdf", b"%PDF"))
    assert [file.name.full for file in with_bill.attachments] == ["photo.jpg", "bill.pdf"]

    statuses = {it.slug: it.id for it in await agent.statuses.list(object_type="ticket")}
    done = await agent.objects.update(ticket, status_id=statuses["completed"])
    assert done.status.is_closed is True
    page = await (await report(agent, "Completed"))
    assert (page.items[0].id, page.active_group) == (ticket, "all")
    assert ticket in await ids_of(agent.users.activity(cleo))
    first, *_, last = await agent.changelog.for_object(ticket)
    assert (first.created_by.id, last.actions[-1].value) == (cleo, "Completed")
    assert (await agent.objects.delete(ticket)).id == ticket
    await refused(agent.objects.get(ticket), NotFoundError)


async def test_what_is_done_twice_or_undone_is_as_it_was(people):
    customer, objects = people.user, people.agent.objects
    ticket = (await customer.tickets.create("Printer", "Help!")).id
    comment = (await customer.comments.create(ticket, "It smokes.")).id
    for is_on in (True, False):
        assert (await customer.objects.toggle_vote(ticket)).votes.is_voted is is_on
        assert (await objects.toggle_comments(ticket)).can_be_commented is not is_on
        assert (await people.agent.comments.toggle_vote(comment)).votes.is_voted is is_on
        assert (await customer.comments.toggle_best(comment)).is_best is is_on
        best = (await customer.objects.get(ticket)).best_comment
        assert (best and best.id) == (comment if is_on else None)
        subscribe = objects.subscribe if is_on else objects.unsubscribe
        assert (await subscribe(ticket)).is_subscribed is is_on
    await customer.comments.trash(comment)
    assert await ids_of(customer.objects.comments(ticket)) == []
    assert (await people.agent.comments.restore(comment)).id == comment
    # The API has no call to restore an object: a second call takes it out again.
    for state, trash in (("trashed", [ticket]), ("active", [])):
        assert (await objects.trash(ticket)).state.name == state
        assert await ids_of(await report(people.agent, "Trash")) == trash


async def test_topics_and_comments_wait_for_an_agent(people):
    idea = {"content": "Please", "object_type": "idea"}
    topic, spam = [(await people.user.topics.create(it, **idea)).id for it in ("Water", "Watches")]
    moderation = people.agent.moderation
    assert (await moderation.approve_topic(topic)).state.name == "active"
    assert (await moderation.decline_topic(spam, "Advertising")).state.name == "declined"
    found = await ids_of(people.guest.topics.search())
    assert (topic in found, spam in found) == (True, False)
    good, bad = [(await people.user.comments.create(topic, it)).id for it in ("Yes", "Watches")]
    await moderation.approve_comment(good)
    await moderation.decline_comment(bad, "Advertising")
    assert await ids_of(people.guest.objects.comments(topic)) == [good]
    assert (await people.agent.objects.archive(topic)).state.name == "archived"
    assert await ids_of(await report(people.agent, "Archive")) == [topic]


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


async def report(agent: AsyncClient, name: str) -> Pages[Object]:
    ids = {it.name: it.id for it in await agent.reports.list()}
    return agent.reports.objects(ids[name])
