"""What changed since a moment: complete, newest first, in few requests."""

import json
from contextlib import aclosing
from datetime import datetime, timedelta, timezone
from typing import Any

import anyio
import pytest
from quick import client_of

from useresponse_async import ArgumentError, AsyncClient, Object
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

EPOCH = datetime.fromtimestamp(0, timezone.utc)
KINDS = ["tickets", "topics"]


@pytest.fixture
def sandbox(start_sandbox) -> Sandbox:
    return start_sandbox(users=20, tickets=640, topics=640, comments=400)


def activity_of(sandbox: Sandbox, kind: str) -> dict[int, datetime]:
    """Return the latest activity of every ticket or topic, as the sandbox keeps it."""
    ids = sandbox.ticket_ids if kind == "tickets" else sandbox.topic_ids
    records = [sandbox.object(number) for number in ids]
    return {
        record.id: datetime.fromtimestamp(record.activity, timezone.utc)
        for record in records
        if record is not None
    }


def changed(client: AsyncClient, kind: str, moment: Any, **arguments: Any) -> Any:
    return getattr(client, kind).changed_since(moment, **arguments)


def pages_asked(sandbox: Sandbox) -> list[int]:
    return [int(dict(request.query)["page"]) for request in sandbox.requests]


def topics_script(sandbox: Sandbox, *pages: list[tuple[int, int | None]]) -> None:
    """Make the sandbox respond with topics of these ids and times."""
    total = sum(len(rows) for rows in pages)
    for number, rows in enumerate(pages, 1):
        page = {
            "currentPage": number,
            "totalPages": len(pages),
            "totalObjects": total,
            "objectsPerPage": len(pages[0]),
            "data": [{"id": it, "latestActivityPosix": time} for it, time in rows],
        }
        sandbox.answer_next(json.dumps({"success": page}).encode(), match=f"page={number}&")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
async def test_changes_are_yielded_once_and_newest_first(sandbox, client, kind, share):
    truth = activity_of(sandbox, kind)
    times = sorted(truth.values(), reverse=True)
    moment = times[int(share * len(times)) - 1]
    found: list[Object] = [it async for it in changed(client, kind, moment)]
    assert {it.id for it in found} == {it for it, time in truth.items() if time >= moment}
    assert len(found) == len({it.id for it in found})
    activity = [it.latest_activity for it in found]
    assert activity == sorted(activity, reverse=True)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_list_without_changes_takes_one_request(sandbox, client, kind):
    moment = max(activity_of(sandbox, kind).values()) + timedelta(seconds=1)
    assert [it async for it in changed(client, kind, moment)] == []
    assert sandbox.arrivals == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_new_comment_is_a_change_that_one_request_finds(sandbox, client, kind):
    number = (sandbox.ticket_ids if kind == "tickets" else sandbox.topic_ids)[3]
    sandbox.advance(60 * 60 * 24 * 365)
    moment = datetime.now(timezone.utc) + timedelta(days=364)
    await client.comments.create(number, "Any news?")
    sandbox.forget_requests()
    assert [it.id async for it in changed(client, kind, moment)] == [number]
    assert len(sandbox.requests) == 1


async def test_pages_are_requested_in_rounds_that_double(sandbox, client):
    times = sorted(activity_of(sandbox, "tickets").values(), reverse=True)
    # The moment is on page 5 of 32, in the round of pages 4 to 7.
    found = [it async for it in client.tickets.changed_since(times[90], count=20)]
    assert len(found) >= 91
    assert sorted(pages_asked(sandbox)) == [1, 2, 3, 4, 5, 6, 7][: len(pages_asked(sandbox))]
    assert len(pages_asked(sandbox)) >= 5
    query = dict(sandbox.requests[0].query)
    assert (query["sort"], query["status"]) == ("updated", "all")


async def test_the_number_of_pages_in_flight_doubles(sandbox, client):
    peaks = []
    async with aclosing(client.tickets.changed_since(EPOCH, count=20)) as tickets:
        for number in range(1, 8):
            async for _ in tickets:
                if len(peaks) < number * 20:
                    peaks.append(sandbox.peak_in_flight)
                if len(peaks) == number * 20:
                    break
    by_page = peaks[::20]
    assert by_page[0] == 1
    assert max(by_page[:3]) <= 2
    assert max(by_page) <= 4


async def test_leaving_early_leaves_nothing_in_flight(sandbox, client):
    async with aclosing(client.tickets.changed_since(EPOCH)) as tickets:
        async for _ in tickets:
            break
    assert client.in_flight == 0
    assert sandbox.arrivals == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_activity_in_the_second_of_the_moment_counts_in_any_zone(sandbox, client, kind):
    newest = max(activity_of(sandbox, kind).values())
    moment = (newest + timedelta(milliseconds=999)).astimezone(timezone(timedelta(hours=-7)))
    assert [it.latest_activity async for it in changed(client, kind, moment)] == [newest]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "moment",
    [datetime(2030, 1, 31), datetime(2030, 1, 31).date(), "2030-01-31", 1_700_000_000, None],  # noqa: DTZ001 - as it should not be
)
async def test_a_moment_without_a_time_zone_raises_at_once(sandbox, client, kind, moment):
    with pytest.raises(ArgumentError, match=r"^moment: "):
        changed(client, kind, moment)
    assert sandbox.arrivals == 0


TOPICS = {
    "in another order are all read and sorted": (
        [[(9, 50), (8, 900)], [(7, 40), (6, 30)], [(5, 20), (4, 10)], [(3, 700), (2, 5)]],
        [8, 3],
        4,
    ),
    "whose order breaks between two pages are all read": (
        [[(3, 800), (9, 790)], [(5, 900), (4, 100)], [(2, 650), (1, 50)]],
        [5, 3, 9, 2],
        3,
    ),
    # Newest first, without activity since on the first page: its order proves nothing.
    "that may be sorted by creation are all read": (
        [[(9, 50), (8, 40)], [(7, 30), (6, 20)], [(5, 700), (4, 10)]],
        [5],
        3,
    ),
    # Page 3 is in flight beside page 2.
    "in order are read no further than the moment": (
        [[(8, 900), (9, 800)], [(3, 700), (6, 50)], *[[(n, 0)] * 2 for n in (5, 4, 2, 1)]],
        [8, 9, 3],
        3,
    ),
    "whose activity is not told come last and hide nothing": (
        [[(8, 900), (9, None)], [(3, 50), (6, 700)]],
        [8, 6, 9],
        2,
    ),
}


@pytest.mark.parametrize("which", TOPICS)
async def test_changes_of_topics(sandbox, client, which):
    pages, expected, requests = TOPICS[which]
    topics_script(sandbox, *pages)
    found = [
        it async for it in client.topics.changed_since(EPOCH + timedelta(seconds=600), count=2)
    ]
    assert [it.id for it in found] == expected
    assert sandbox.arrivals <= requests
    if "all read" in which:
        assert sandbox.arrivals == requests


async def test_a_ticket_that_changes_meanwhile_is_found_by_the_next_call(start_sandbox):
    sandbox = start_sandbox(users=5, tickets=60)
    async with client_of(sandbox) as client:
        begun = datetime.now(timezone.utc)
        last = min(activity_of(sandbox, "tickets").items(), key=lambda it: it[1])[0]
        seen: list[int] = []
        async with aclosing(client.tickets.changed_since(EPOCH, count=10)) as tickets:
            async for ticket in tickets:
                seen.append(ticket.id)
                if len(seen) == 1:
                    await client.comments.create(last, "Still broken")
        assert set(seen) | {last} == set(sandbox.ticket_ids)
        with anyio.fail_after(10):
            again = [it.id async for it in client.tickets.changed_since(begun)]
        assert last in again
