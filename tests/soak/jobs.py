"""The jobs of the workers: everything that the package offers, each checked in itself."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

import anyio

from tests.soak.shift import Shift
from useresponse_async import (
    APITimeoutError,
    Attachment,
    ClientClosedError,
    ConflictError,
    KeyPlacement,
    NotFoundError,
    QueueTimeoutError,
    RetryPolicy,
    UseResponseError,
)

# Sent in place of a response where a request must have no effect. A download cannot know that it is
# not the file.
_DECOY: Final = b'{"currentPage":1,'


async def read_one(shift: Shift) -> None:
    user_id = shift.somebody()
    user = await shift.any_client().users.get(user_id)
    shift.count("items checked")
    shift.expect(user.id == user_id, f"asked for user {user_id}, and got {user.id}")


async def meet_a_refusal(shift: Shift, user_id: int = 10**9) -> None:
    with suppress(NotFoundError):
        await shift.any_client().users.get(user_id)
        shift.expect(truth=False, otherwise="a user was found who is not there")


async def walk_all(shift: Shift) -> None:
    pages = shift.any_client().users.search(count=shift.dice.choice((20, 25, 50)))
    ordered = shift.dice.random() < 0.6
    async with aclosing(pages.by_page(ordered=ordered, concurrency=4)) as walk:
        ids = [user.id async for page in walk for user in page.items]
    shift.take_walk(ids if ordered else sorted(ids))


async def walk_what_moves(shift: Shift) -> None:
    tickets = await shift.any_client().tickets.search(count=20).collect()
    shift.count("items checked", len(tickets))
    shift.count("duplicated", len(tickets) - len({ticket.id for ticket in tickets}))


async def _as_true(call: Awaitable[object]) -> bool:
    await call
    return True


@contextmanager
def _cancelled_within(shift: Shift, seconds: float) -> Iterator[anyio.CancelScope]:
    with anyio.move_on_after(shift.dice.uniform(0, seconds)) as scope:
        yield scope
    shift.count("calls and walks cancelled", scope.cancelled_caught)


async def leave_a_walk(shift: Shift) -> None:
    """Leave a walk over all users at one of them, or cancel it before."""
    stop = shift.dice.randint(1, shift.world.users - 1)
    ids: list[int] = []
    with _cancelled_within(shift, shift.dice.choice((0.3, 30))):
        async with shift.any_client().users.search(count=20) as users:
            async for user in users:
                ids.append(user.id)
                if user.id == stop:
                    break
        shift.count("left early")
    shift.count("items checked", len(ids))
    shift.expect(ids == list(range(1, len(ids) + 1)), f"a part of a walk was {ids!r:.200}")


async def cancel_a_call(shift: Shift) -> None:
    with _cancelled_within(shift, 0.1):
        await read_one(shift)


async def cancel_as_asyncio_does(shift: Shift) -> None:
    """Cancel a task, perhaps once more while it ends: no scope is asked, and no shield helps."""
    if not shift.on_asyncio:
        await cancel_a_call(shift)
        return
    client = shift.any_client()
    users = client.users.search(count=20)
    calls = (lambda: client.users.get(shift.somebody()), users.collect, users.count)
    task = asyncio.create_task(_as_true(shift.dice.choice(calls)()))
    try:
        for _ in range(shift.dice.randint(1, 3)):
            await asyncio.sleep(shift.dice.choice((0, shift.dice.uniform(0, 0.1))))
            task.cancel()
    finally:
        task.cancel()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([task])
    shift.count("calls and walks cancelled", task.cancelled() or not task.result())


async def live_a_users_life(shift: Shift) -> None:
    """Create, change and delete a user; the creation may be cancelled."""
    client = shift.any_client()
    email = shift.unique("user") + "@example.com"
    created = None
    with _cancelled_within(shift, shift.dice.choice((0.1, 300))) as scope:
        try:
            created = await shift.once(client.users.create(email, full_name="Ada"))
            if shift.world.sabotage.creates_twice:
                await client.users.create(email, full_name="Ada")
        except ConflictError:
            shift.count("created twice")
    found = await client.users.get_by_email(email)
    if not scope.cancelled_caught:
        shift.count_created(int(found is not None), answered=created is not None)
    if found is None:
        return
    shift.expect(created is None or created.id == found.id, f"{email} has two ids")
    update = client.users.update(found.id, full_name="Ada Lovelace", tags=["soak"])
    renamed = await shift.once(_as_true(update))
    name = (await client.users.get(found.id)).name
    shift.expect(name == "Ada Lovelace" or not renamed, "a new name was not kept")
    await client.users.delete(found.id)
    await meet_a_refusal(shift, found.id)
    shift.count("items checked", 3)


async def live_a_tickets_life(shift: Shift) -> None:
    client = shift.any_client()
    title, remark = shift.unique("Printer on fire "), shift.unique("It burns ")
    file = Attachment.from_bytes("photo.bin", shift.dice.randbytes(3000))
    opened = await shift.once(client.tickets.create(title, "Help!", attachments=[file]))
    found = await client.tickets.search(text=title).collect()
    shift.count_created(len(found), answered=opened is not None)
    for ticket in found:
        commented = await shift.once(client.comments.create(ticket.id, remark))
        comments = await client.objects.comments(ticket.id).collect()
        written = [comment for comment in comments if remark in (comment.content or "")]
        shift.count_created(len(written), answered=commented is not None)
        await client.objects.delete(ticket.id)
        shift.count("items checked")


async def move_a_file(shift: Shift) -> None:
    content = shift.dice.randbytes(shift.dice.randint(1, 100_000))
    path = Path(shift.world.directory, shift.unique("file"))
    path.write_bytes(content)
    client = shift.any_client()
    try:
        uploaded = await shift.once(client.files.upload(Attachment.from_path(path)))
        if uploaded is None:
            shift.count("failed and not created")
            return
        await client.files.download(uploaded, path, overwrite=True)
        came = path.read_bytes()
        shift.expect(came == content or came.startswith(_DECOY), "a file came down as another")
        shift.count("bytes compared", len(content))
    finally:
        path.unlink()


async def cancel_a_download(shift: Shift) -> None:
    path = Path(shift.world.directory, shift.unique("file"))
    ticket = await shift.client.objects.get(shift.dice.randint(1, 100))
    for attached in ticket.attachments[:1]:
        with _cancelled_within(shift, 0.05):
            await shift.any_client().files.download(attached, path)
    path.unlink(missing_ok=True)
    left = [file.name for file in path.parent.iterdir() if file.name.startswith(path.name)]
    shift.expect(not left, f"a download left {left}")


async def map_reads(shift: Shift) -> None:
    """Read all of a map in any order, or leave it after some."""
    ids = [shift.somebody() for _ in range(30)]
    client, ordered = shift.any_client(), shift.dice.random() < 0.7
    stop = shift.dice.choice((len(ids), shift.dice.randint(1, 10))) if ordered else len(ids)
    came: list[int] = []
    mapped = client.map(client.users.get, ids, max_in_flight=6, ordered=ordered)
    async with aclosing(mapped) as users:
        async for user in users:
            came.append(user.id)
            if len(came) == stop < len(ids):
                break
    came, wanted = (came, ids[:stop]) if ordered else (sorted(came), sorted(ids))
    shift.expect(came == wanted, "a map gave others than it was asked for")
    shift.count("items checked", len(came))


async def run_out_of_time(shift: Shift) -> None:
    """Wait too short for a slot, or for a response."""
    limit = shift.dice.choice(("queue_timeout", "attempt_timeout"))
    seconds = shift.dice.uniform(0.0001, 0.03)
    hasty = shift.any_client().with_options(retry=RetryPolicy(attempts=1), **{limit: seconds})
    try:
        await read_one(replace(shift, client=hasty, views=()))
    except QueueTimeoutError as error:
        shift.count("without a slot in time")
        shift.expect(not error.request_sent, "a call without a slot was sent")
    except UseResponseError as error:  # a fault may come first
        shift.count("without a response in time", isinstance(error, APITimeoutError))


async def capture(shift: Shift) -> None:
    client = shift.any_client()
    with client.capture_responses() as responses:
        user = await client.users.get(shift.somebody())
    attempts = [response.extensions["attempt"] for response in responses]
    # A try that was reset has no response.
    shift.expect(attempts == sorted(set(attempts)), f"attempts were captured as {attempts}")
    shift.expect(responses[-1].json()["id"] == user.id, "another response was captured")
    shift.count("items checked")


async def close_under_calls(shift: Shift) -> None:
    transport = "aiohttp" if shift.on_asyncio and shift.dice.random() < 0.4 else None
    placement = shift.dice.choice(tuple(KeyPlacement))
    client = shift.world.client(transport=transport, max_in_flight=5, key_placement=placement)
    shift = replace(shift, client=client, views=())

    async def call(job: Callable[[Shift], Awaitable[None]]) -> None:
        try:
            await job(shift)
        except ClientClosedError:
            shift.count("calls ended by closing")

    async with client, anyio.create_task_group() as calls:
        for job in (read_one, walk_all, map_reads, leave_a_walk):
            calls.start_soon(call, job)
        await anyio.sleep(shift.dice.uniform(0, 0.6))
        await client.aclose()
        shift.expect(client.in_flight == 0, "a closed client has requests in flight")
    shift.count("more clients")


#: Each with its share.
JOBS: Final[dict[Callable[[Shift], Awaitable[None]], int]] = {
    read_one: 30, meet_a_refusal: 3, walk_all: 5, walk_what_moves: 2, leave_a_walk: 8,
    cancel_a_call: 10, cancel_as_asyncio_does: 8, live_a_users_life: 8, live_a_tickets_life: 5,
    move_a_file: 4, cancel_a_download: 3, map_reads: 6, run_out_of_time: 10,
    capture: 4, close_under_calls: 6,
}  # fmt: skip
