"""What changed since a moment: complete, newest first, in few requests."""

import json
from contextlib import aclosing
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from quick import client_of, pages_asked

from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

EPOCH = datetime.fromtimestamp(0, timezone.utc)

each_kind = pytest.mark.parametrize("kind", ["tickets", "topics"])


@pytest.fixture
def sandbox(start_sandbox) -> Sandbox:
    return start_sandbox(users=20, tickets=640, topics=640, comments=400)


def activity_of(sandbox: Sandbox, kind: str) -> dict[int, datetime]:
    """Return the latest activity of every ticket or topic in the sandbox, newest first."""
    ids = sandbox.ticket_ids if kind == "tickets" else sandbox.topic_ids
    times: dict[int, Any] = {number: sandbox.object(number).activity for number in ids}
    newest_first = sorted(times.items(), key=lambda item: item[1], reverse=True)
    return {it: datetime.fromtimestamp(time, timezone.utc) for it, time in newest_first}


@each_kind
@pytest.mark.parametrize("share", [0.02, 0.3, 1.0])
async def test_changes_are_yielded_once_and_newest_first(sandbox, client, kind, share):
    truth = activity_of(sandbox, kind)
    moment = [*truth.values()][int(share * len(truth)) - 1]
    found = [it async for it in getattr(client, kind).changed_since(moment)]
    activity = [time for time in truth.values() if time >= moment]
    assert [it.latest_activity for it in found] == activity
    assert sorted(it.id for it in found) == sorted([*truth][: len(activity)])


@each_kind
async def test_a_new_comment_is_a_change_that_one_request_finds(sandbox, client, kind):
    number = [*activity_of(sandbox, kind)][300]
    sandbox.advance(60 * 60 * 24 * 365)
    moment = datetime.now(timezone.utc) + timedelta(days=364)
    await client.comments.create(number, "Any news?")
    sandbox.forget_requests()
    found = [it.id async for it in getattr(client, kind).changed_since(moment)]
    assert (found, sandbox.arrivals) == ([number], 1)


async def test_rounds_of_pages_double_up_to_the_moment(sandbox, client):
    moment = [*activity_of(sandbox, "tickets").values()][90]
    # The moment is on page 5 of 32, in the round of pages 4 to 7.
    peaks: list[int] = []
    async with aclosing(client.tickets.changed_since(moment, count=20)) as tickets:
        async for _ in tickets:
            peaks.append(sandbox.peak_in_flight)
    assert len(peaks) >= 91
    assert peaks[0] == 1
    assert max(peaks[:41:20]) <= 2  # at the first item of each page
    assert max(peaks) <= 4
    pages = sorted(pages_asked(sandbox))
    assert pages == [1, 2, 3, 4, 5, 6, 7][: max(5, len(pages))]
    query = dict(sandbox.requests[0].query)
    assert (query["sort"], query["status"]) == ("updated", "all")


@each_kind
async def test_activity_in_the_second_of_the_moment_counts_in_any_zone(sandbox, client, kind):
    newest = next(iter(activity_of(sandbox, kind).values()))
    moment = (newest + timedelta(milliseconds=999)).astimezone(timezone(timedelta(hours=-7)))
    for later, expected in ((0, [newest]), (1, [])):
        changes = getattr(client, kind).changed_since(moment + timedelta(seconds=later))
        assert [it.latest_activity async for it in changes] == expected
    assert pages_asked(sandbox) == [1, 1]


TOPICS = {
    "in another order are all read and sorted": ([8, 3],
        [[(9, 50), (8, 900)], [(7, 40), (6, 30)], [(5, 20), (4, 10)], [(3, 700), (2, 5)]]),
    "whose order breaks between two pages are all read": ([5, 3, 9, 2],
        [[(3, 800), (9, 790)], [(5, 900), (4, 100)], [(2, 650), (1, 50)]]),
    # Newest first, without activity since on the first page: its order proves nothing.
    "that may be sorted by creation are all read": ([5],
        [[(9, 50), (8, 40)], [(7, 30), (6, 20)], [(5, 700), (4, 10)]]),
    # Page 3 is in flight beside page 2.
    "in order are read no further than the moment": ([8, 9, 3],
        [[(8, 900), (9, 800)], [(3, 700), (6, 50)], *[[(n, 0)] * 2 for n in (5, 4, 2, 1)]]),
    "whose activity is not told come last and hide nothing": ([8, 6, 9],
        [[(8, 900), (9, None)], [(3, 50), (6, 700)]]),
}  # fmt: skip


@pytest.mark.parametrize("which", TOPICS)
async def test_changes_of_topics(start_sandbox, which):
    expected, pages = TOPICS[which]
    sandbox = start_sandbox(users=1)
    for number, rows in enumerate(pages, 1):
        page = {"currentPage": number, "totalPages": len(pages), "totalObjects": 2 * len(pages)}
        data = [{"id": it, "latestActivityPosix": time} for it, time in rows]
        body = {"success": {**page, "objectsPerPage": 2, "data": data}}
        sandbox.answer_next(json.dumps(body), match=f"page={number}&")
    async with client_of(sandbox) as client:
        moment = EPOCH + timedelta(seconds=600)
        found = [it.id async for it in client.topics.changed_since(moment, count=2)]
    assert found == expected
    assert sandbox.arrivals <= (len(pages) if "all read" in which else 3)


async def test_a_ticket_that_changes_meanwhile_is_found_by_the_next_call(start_sandbox):
    sandbox = start_sandbox(users=5, tickets=60)
    begun = datetime.now(timezone.utc)
    last = [*activity_of(sandbox, "tickets")][-1]
    async with client_of(sandbox) as client:
        async with aclosing(client.tickets.changed_since(EPOCH, count=10)) as tickets:
            seen = {(await anext(tickets)).id}
            await client.comments.create(last, "Still broken")
            seen |= {ticket.id async for ticket in tickets}
        assert seen | {last} == {*sandbox.ticket_ids}
        assert last in [it.id async for it in client.tickets.changed_since(begun)]
