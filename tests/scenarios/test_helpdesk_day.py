"""A day at the help desk through the public API: each role sees what the others did.

Who may do what, and what is refused, is the subject of ``tests/sandbox``.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from quick import QUICK, client_of

from useresponse_async import (
    AsyncClient,
    Attachment,
    AuthenticationError,
    ConflictError,
    NotFoundError,
    Object,
    Pages,
    PermissionDeniedError,
    Secret,
)

pytestmark = [pytest.mark.anyio, pytest.mark.every_loop]

PHOTO = bytes(range(256)) * 1000
LOG = "Запис\n".encode()
PASSWORD = 'pa55 "wörd"/'


@dataclass
class Day:
    """Who is there, each with a client of their own, and what the day has brought so far."""

    guest: AsyncClient
    neighbour: AsyncClient
    agent: AsyncClient
    admin: AsyncClient
    connect: Callable[[Any], AsyncClient]
    folder: Path
    customer: Any = None
    cleo: Any = None
    amir: Any = None
    ticket: int = 0
    topic: int = 0


@pytest.fixture
async def day(start_sandbox, tmp_path) -> AsyncIterator[Day]:
    sandbox = start_sandbox(users=30)
    async with AsyncExitStack() as stack:

        def connect(key: Any) -> AsyncClient:
            client = AsyncClient(sandbox.url, api_key=key, retry=QUICK)
            stack.push_async_callback(client.aclose)
            return client

        staff = [connect(sandbox.keys[role]) for role in ("user", "agent", "admin")]
        yield Day(connect(None), *staff, connect, tmp_path)


async def test_a_day_at_the_help_desk(day):
    await a_customer_signs_up_and_in(day)
    await the_customer_opens_a_ticket(day)
    await an_agent_finds_it_and_takes_it(day)
    await they_talk_and_send_each_other_files(day)
    await what_is_toggled_twice_is_as_it_was(day)
    await what_goes_to_the_trash_comes_back(day)
    await the_ticket_is_completed_and_shows_wherever_it_should(day)
    await topics_and_comments_wait_for_an_agent(day)
    await an_announcement_runs_out(day)
    await notes_are_kept_about_the_customer(day)
    await the_lists_around_are_read(day)
    await chats_are_read(day)
    await the_customer_changes_the_own_profile(day)
    await what_and_who_is_deleted_or_banned_is_gone(day)


async def a_customer_signs_up_and_in(day: Day) -> None:
    registered = await day.guest.auth.register(name="Cleo Park", email="cleo@park.example")
    assert isinstance(registered.api_key, Secret)
    again = day.guest.auth.register(name="Another", email="CLEO@park.example")
    await refused(again, ConflictError)
    await day.admin.users.change_password(registered.id, PASSWORD)
    await refused(day.guest.auth.login("cleo@park.example", "a guess"), AuthenticationError)
    signed_in = await day.guest.auth.login("cleo@park.example", Secret(PASSWORD))
    assert signed_in.api_key == registered.api_key
    day.customer = day.connect(signed_in.api_key)
    day.cleo, day.amir = await day.customer.users.me(), await day.agent.users.me()
    assert (day.cleo.id, day.cleo.name, day.cleo.role.alias) == (registered.id, "Cleo Park", "user")


async def the_customer_opens_a_ticket(day: Day) -> None:
    (day.folder / "photo.jpg").write_bytes(PHOTO)
    opened = await day.customer.tickets.create(
        "Printer on fire",
        "It [b]smokes[/b].",
        tags=["printer", "urgent"],
        attachments=[
            Attachment.from_path(day.folder / "photo.jpg"),
            Attachment.from_bytes("note.txt", b"smoke"),
        ],
        properties={11: "A-7", 13: ["api", "mobile"]},
    )
    day.ticket = opened.id
    assert (opened.ownership, opened.type.slug, opened.status.slug) == (
        "helpdesk", "ticket", "opened",
    )  # fmt: skip
    assert opened.author.id == day.cleo.id
    assert opened.tags == ["printer", "urgent"]
    assert {value.name: value.value for value in opened.custom_fields} == {
        "property_11": ["A-7"],
        "property_13": ["api", "mobile"],
    }
    assert file_names(opened) == ["photo.jpg", "note.txt"]
    assert opened.content != "It [b]smokes[/b]."
    as_written = await day.customer.objects.get(day.ticket, bbcode=True)
    assert as_written.content == "It [b]smokes[/b]."
    await refused(day.neighbour.objects.get(day.ticket), NotFoundError)


async def an_agent_finds_it_and_takes_it(day: Day) -> None:
    search = day.agent.tickets.search(
        text="printer on FIRE", status="opened", date="today", author_id=day.cleo.id
    )
    assert await ids_of(search) == [day.ticket]
    assert await day.agent.tickets.search(properties={11: "A-7"}).count() == 1
    assert day.ticket in await ids_of(await report(day, "Unassigned"))
    taken = await day.agent.objects.update(
        day.ticket,
        responsible_id=day.amir.id,
        team_id=1,
        attachments=[Attachment.from_bytes("plan.txt", b"water")],
    )
    assert taken.responsible.id == day.amir.id
    assert taken.team
    assert taken.title == "Printer on fire"
    assert file_names(taken) == ["photo.jpg", "note.txt", "plan.txt"]
    assert day.ticket not in await ids_of(await report(day, "Unassigned"))


async def they_talk_and_send_each_other_files(day: Day) -> None:
    private = await day.agent.comments.create(day.ticket, "Call the brigade", is_private=True)
    uploaded = await day.agent.files.upload(Attachment.from_bytes("Журнал 1.txt", LOG))
    public = await day.agent.comments.create(
        day.ticket, "Read [b]this[/b]", reply_to=private.id, attachments=[uploaded]
    )
    answer = await day.customer.comments.create(day.ticket, "Thanks!", reply_to=public.id)
    assert answer.reply_to_id == public.id
    written = [private.id, public.id, answer.id]
    comments = day.agent.objects.comments
    assert await ids_of(comments(day.ticket)) == written
    assert await ids_of(comments(day.ticket, sort="desc")) == written[::-1]
    assert await ids_of(comments(day.ticket, is_private=True)) == [private.id]
    assert (await day.agent.comments.list().first()).id == answer.id
    seen = await day.customer.objects.comments(day.ticket).collect()
    assert [it.id for it in seen] == written[1:]

    (attached,) = seen[0].attachments
    assert attached.name.full == "Журнал 1.txt"
    assert await day.customer.files.download(attached, day.folder / "log") == len(LOG)
    assert (day.folder / "log").read_bytes() == LOG
    ticket = await day.agent.objects.get(day.ticket)
    assert ticket.comments_num == 3
    await day.agent.files.download(ticket.attachments[0], day.folder / "copy.jpg")
    assert (day.folder / "copy.jpg").read_bytes() == PHOTO

    changed = await day.customer.comments.update(answer.id, content="Thank you!")
    assert changed.updated_at_text
    assert changed.content == "Thank you!"
    bill = Attachment.from_bytes("bill.pdf", b"%PDF")
    assert file_names(await day.customer.objects.attach(day.ticket, bill))[-1] == "bill.pdf"


async def what_is_toggled_twice_is_as_it_was(day: Day) -> None:
    before = await day.customer.objects.get(day.ticket)
    voted = await day.customer.objects.toggle_vote(day.ticket)
    assert voted.votes.is_voted is True
    assert voted.votes.all == before.votes.all + 1
    assert (await day.customer.objects.toggle_vote(day.ticket)).votes == before.votes
    for state in (False, True):
        assert (await day.agent.objects.toggle_comments(day.ticket)).can_be_commented is state
    for _ in range(2):
        assert (await day.agent.objects.subscribe(day.ticket)).is_subscribed is True
    assert (await day.agent.objects.unsubscribe(day.ticket)).is_subscribed is False

    comment, other = await ids_of(day.customer.objects.comments(day.ticket))
    comments = day.customer.comments
    for state in (True, False):
        assert (await comments.toggle_vote(comment)).votes.is_voted is state
    assert (await comments.toggle_best(other)).is_best is True
    assert (await comments.toggle_best(comment)).is_best is True
    assert (await day.customer.objects.get(day.ticket)).best_comment.id == comment
    assert (await comments.toggle_best(comment)).is_best is False
    assert (await day.customer.objects.get(day.ticket)).best_comment is None


async def what_goes_to_the_trash_comes_back(day: Day) -> None:
    before = await ids_of(day.agent.objects.comments(day.ticket))
    await day.customer.comments.trash(before[-1])
    assert await ids_of(day.agent.objects.comments(day.ticket)) == before[:-1]
    assert (await day.agent.comments.restore(before[-1])).id == before[-1]
    assert await ids_of(day.agent.objects.comments(day.ticket)) == before

    assert (await day.agent.objects.trash(day.ticket)).state.name == "trashed"
    await refused(day.customer.objects.get(day.ticket), NotFoundError)
    assert await ids_of(await report(day, "Trash")) == [day.ticket]
    # The API has no call to restore an object: a second call takes it out again.
    assert (await day.agent.objects.trash(day.ticket)).state.name == "active"
    assert (await day.customer.objects.get(day.ticket)).id == day.ticket


async def the_ticket_is_completed_and_shows_wherever_it_should(day: Day) -> None:
    statuses = {it.slug: it.id for it in await day.agent.statuses.list(object_type="ticket")}
    waiting = await day.agent.objects.update(day.ticket, status_id=statuses["awaiting_reply"])
    assert waiting.status.is_closed is False
    done = await day.agent.objects.update(day.ticket, status_id=statuses["completed"])
    assert done.status.is_closed is True
    assert done.completed_on_text
    assert done.completed_by.id == day.amir.id
    page = await (await report(day, "Completed"))
    assert (page.items[0].id, page.active_group) == (day.ticket, "all")
    assert page.groups[0].count == page.total_items
    (group,) = [group for group in page.groups if group.name == "Completed"]
    grouped = await report(day, "Completed", group=group.id)
    assert (await grouped).active_group == group.id
    assert day.ticket in await ids_of(grouped)
    assert await ids_of(day.agent.users.activity(day.cleo.id)) == [day.ticket]

    changes = await day.agent.changelog.for_object(day.ticket)
    assert changes[0].created_by.id == day.cleo.id
    told = [action for change in changes for action in change.actions]
    expected = {"created", "responsible", "status", "state", "files", "comment"}
    assert {action.field for action in told} >= expected
    last = told[-1]
    assert (last.field, last.previous, last.value) == ("status", "Awaiting Reply", "Completed")
    of_user = await day.agent.changelog.for_user(day.cleo.id)
    told = [action for change in of_user for action in change.actions]
    assert {action.field for action in told} == {"registered", "password"}
    assert all(PASSWORD not in f"{action.previous}{action.value}" for action in told)


async def topics_and_comments_wait_for_an_agent(day: Day) -> None:
    ideas = [
        await day.customer.objects.create(
            ownership="feedback", object_type="idea", title=title, content="Please"
        )
        for title in ("Water the printers", "Buy my watches")
    ]
    assert [idea.state.name for idea in ideas] == ["moderation"] * 2
    day.topic, spam = (idea.id for idea in ideas)
    moderation = day.agent.moderation
    assert (await moderation.approve_topic(day.topic)).state.name == "active"
    assert (await moderation.decline_topic(spam, "Advertising")).state.name == "declined"
    assert await ids_of(day.guest.objects.search(text="water the")) == [day.topic]
    assert await ids_of(day.guest.objects.search(text="my watches")) == []

    good = await day.neighbour.comments.create(day.topic, "Yes, please")
    bad = await day.neighbour.comments.create(day.topic, "Watches here")
    assert await ids_of(day.customer.objects.comments(day.topic)) == []
    await moderation.approve_comment(good.id)
    await moderation.decline_comment(bad.id, "Advertising")
    assert await ids_of(day.guest.objects.comments(day.topic)) == [good.id]

    assert (await day.agent.objects.archive(day.topic)).state.name == "archived"
    assert await ids_of(day.agent.objects.search(text="water the")) == []
    assert await ids_of(await report(day, "Archive")) == [day.topic]


async def an_announcement_runs_out(day: Day) -> None:
    news = await day.agent.objects.create(
        ownership="announcements",
        object_type="announcement",
        title="The printer smoked",
        content="<p>It did.</p>",
        treat_as_html=True,
        expires_at=date(2020, 1, 31),
    )
    await refused(day.guest.objects.get(news.id), NotFoundError)
    await day.agent.objects.update(news.id, expire_select="never")
    assert (await day.guest.objects.get(news.id)).title == "The printer smoked"


async def notes_are_kept_about_the_customer(day: Day) -> None:
    notes, cleo = day.agent.users.notes, day.cleo.id
    assert await notes.list(cleo) == []
    first = await notes.create(cleo, "Owns a printer")
    second = await notes.create(cleo, "Call", remind_at=datetime(2030, 1, 31, 9, 0))  # noqa: DTZ001 - the API takes no zone
    assert second.author.id == day.amir.id
    assert (await notes.update(first.id, "Owned a printer")).content == "Owned a printer"
    assert {note.content for note in await notes.list(cleo)} == {"Owned a printer", "Call"}
    await notes.delete(first.id)
    assert [note.id for note in await notes.list(cleo)] == [second.id]


async def the_lists_around_are_read(day: Day) -> None:
    categories = await day.guest.categories.list(ownership="helpdesk")
    # Those of no module are for all of them; those for staff only do not show to a guest.
    assert {category.ownership for category in categories} == {"helpdesk", None}
    category = categories[0].id
    assert await day.guest.categories.get(category) == categories[0]
    filed = await day.agent.objects.update(day.ticket, category_id=category)
    assert filed.category.name == categories[0].name
    in_category = day.agent.objects.search(ownership="helpdesk", category_id=category)
    assert day.ticket in await ids_of(in_category)
    assert (await day.agent.objects.update(day.ticket, category_id=0)).category is None

    assert all(isinstance(forum.id, str) and forum.name for forum in await day.guest.forums.list())
    (region,) = [custom for custom in await day.admin.users.custom_fields() if custom.id == 7]
    assert [option.title for option in region.options if option.value == "EU"] == ["Europe"]
    assert {custom.id for custom in await day.guest.objects.custom_fields()} == {7, 11, 12, 13, 14}
    closed = [status for status in await day.guest.statuses.list() if status.is_closed]
    assert "Completed" in {status.title for status in closed}


async def chats_are_read(day: Day) -> None:
    chats = await day.agent.chats.list().collect()
    assert len(chats) == 6
    chat = chats[0]
    assert chat.id in await ids_of(day.agent.chats.list(author_id=chat.author.id))
    for number in (chat.id, chat.external_id):
        assert await day.agent.chats.get(number) == chat
    messages = await day.agent.chats.messages(chat.id).collect()
    assert messages[0] == chat.last_message
    older = day.agent.chats.messages(chat.id, top_id=messages[1].id)
    assert await older.collect() == messages[1:]


async def the_customer_changes_the_own_profile(day: Day) -> None:
    changed = await day.customer.users.update_me(
        full_name="Cleo Park-Ng", phone="+44 20 7000", tags=["vip", "press"], properties={1: "Acme"}
    )
    assert changed.name == "Cleo Park-Ng"
    cleo = await day.agent.users.get(day.cleo.id)
    assert (cleo.phone, cleo.tags, cleo.api_key) == ("+44 20 7000", ["vip", "press"], None)
    assert [(value.id, value.value) for value in cleo.custom_fields] == [(1, ["Acme"])]
    assert await day.agent.users.search(search="park-ng").count() == 1


async def what_and_who_is_deleted_or_banned_is_gone(day: Day) -> None:
    assert (await day.agent.objects.delete(day.ticket)).id == day.ticket
    await refused(day.agent.objects.get(day.ticket), NotFoundError)

    kept = await day.customer.tickets.create("One more", "Really")
    banned = await day.admin.users.ban(
        day.cleo.id, reason="Advertising", days=3, delete_related_objects=True
    )
    assert banned.id == day.cleo.id
    await refused(day.customer.users.me(), PermissionDeniedError)
    assert kept.id in await ids_of(await report(day, "Trash"))

    users = day.admin.users
    dana = await users.create("dana@park.example", full_name="Dana", password=PASSWORD)
    assert (await users.get_by_email("DANA@park.example")).id == dana.id
    assert (await day.guest.auth.login("dana@park.example", PASSWORD)).name == "Dana"
    await users.delete(dana.id)
    assert await users.get_by_email("dana@park.example") is None


@pytest.mark.parametrize("version", ["3.0", "4.0", "7.0"])
async def test_the_same_calls_work_with_each_version(start_sandbox, version):
    sandbox = start_sandbox(users=60, tickets=12, topics=9, articles=7, comments=40)
    async with client_of(sandbox, api_version=version) as client:
        # Bare or under success; in 4.0 articles come as a list under their module's name.
        tickets = await ids_of(client.tickets.search(count=5))
        assert sorted(tickets) == list(sandbox.ticket_ids)
        topics = await ids_of(client.topics.search(count=4))
        assert sorted(topics) == list(sandbox.topic_ids)
        articles = [it.id async for it in client.objects.search(ownership="knowledge-base")]
        assert sorted(articles) == list(sandbox.article_ids)
        assert len([it async for it in client.comments.list()]) == 40
        assert [it.slug for it in await client.statuses.list(object_type="question")] == [
            "new",
            "answered",
        ]

        # A type's title is one text in 4.0, else two.
        ticket = await client.objects.get(1)
        assert ticket.type.title.single == "Ticket"

        # A look-up by address answers one user in 4.0, else a page.
        user = await client.users.get(5)
        assert await client.users.get_by_email(user.email) == user
        assert await client.users.get_by_email("nobody@example.org") is None
        assert [it.id async for it in client.users.search(email=user.email)] == [5]
        assert len([it async for it in client.users.search()]) == 60

        # The messages of a chat come in pages in 4.0, else as a list.
        chat = await client.chats.get(2)
        messages = await client.chats.messages(2).collect()
        assert messages[0] == chat.last_message
        assert messages[0].created_at == chat.updated_at
        assert len({message.id for message in messages}) == len(messages) > 3

        # One list of custom fields is 4.0's, the other 7.0's.
        old, new = await client.custom_fields.list("tickets"), await client.objects.custom_fields()
        assert [(it.id, it.name, it.label) for it in old] == [
            (it.id, it.name, it.label) for it in new
        ]
        assert [it.options for it in old] == [it.options for it in new]

        created = await client.tickets.create(
            "Printer", "Help!", attachments=[Attachment.from_bytes("a.txt", b"hello")]
        )
        assert file_names(created) == ["a.txt"]
        idea = await client.topics.create("Dark mode", "Please", object_type="idea")
        assert idea.id in [it.id async for it in client.topics.search(type="idea", text="dark m")]
        assert idea.id not in [it.id async for it in client.tickets.search()]
        changed = await client.objects.update(created.id, title="Printers")
        assert changed.title == "Printers"
        comment = await client.comments.create(created.id, "See there")
        comments = client.objects.comments(created.id)
        assert [it.id async for it in comments] == [comment.id]
        for empty in (
            client.tickets.search(text="nowhere"),
            client.objects.search(ownership="knowledge-base", text="nowhere"),
            client.objects.comments((await client.tickets.create("New", "New")).id),
        ):
            assert await empty.collect() == []


async def refused(call: Awaitable[object], error: type[Exception]) -> None:
    with pytest.raises(error):
        await call


async def ids_of(pages: Pages[Any]) -> list[int]:
    return [item.id async for item in pages]


def file_names(ticket: Object) -> list[str]:
    return [file.name.full for file in ticket.attachments]


async def report(day: Day, name: str, group: str | None = None) -> Pages[Object]:
    ids = {it.name: it.id for it in await day.agent.reports.list()}
    return day.agent.reports.objects(ids[name], group=group)
