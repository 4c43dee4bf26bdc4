"""Iteration over pages: every item once, in order, to the end."""

import json
import logging
import math
import pickle
from collections.abc import Sequence
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import pytest
from gate import Gate
from memory import Memory
from quick import client_of, pages_asked

from useresponse_async import APIStatusError, ArgumentError, AsyncClient, WalkReport
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio

EVERYBODY = list(range(1, 231))  # the ids of the sandbox's users
both_orders = pytest.mark.parametrize("ordered", [True, False])


def ids(users: list[Any]) -> list[int]:
    return [user.id for user in users]


def rows(*numbers: int) -> list[dict[str, int]]:
    return [{"id": number} for number in numbers]


def script(sandbox: Sandbox, *pages: Any, **counts: Any) -> None:
    """Make the sandbox respond with these pages of rows, and with a 204 after them.

    Each page has its number and these counts: a list has one count for each page.
    """
    for number, data in enumerate(pages, 1):
        body = {"currentPage": number, "data": data}
        for name, count in counts.items():
            body[name] = count[number - 1] if isinstance(count, list) else count
        sandbox.answer_next(json.dumps(body).encode(), times=99, match=rf"[?&]page={number}&")
    sandbox.empty_next(204, times=99, match=r"(search|messages)\.json")


async def test_nothing_is_sent_until_the_pages_are_used(sandbox, client):
    client.users.search()
    client.users.search().by_page()
    await client.users.me()
    assert sandbox.arrivals == 1
    assert (await client.users.search().first()).id == 1
    assert sandbox.arrivals == 2
    assert await client.users.search(page=99).count() == 230
    assert sandbox.arrivals == 3


# The ways to use pages


async def test_awaiting_returns_the_requested_page_which_is_a_sequence_of_its_items(client):
    first, page = await client.users.search(), await client.users.search(page=3, count=20)
    assert (first.number, first.size, first.next_number, first.total_pages) == (1, 50, 2, 5)
    assert (page.number, page.size, page.next_number, page.total_pages) == (3, 20, 4, 12)
    assert (ids(page.items), page.total_items, page.extra) == ([*range(41, 61)], 230, {})
    assert isinstance(page, Sequence)
    assert (len(page), list(page)) == (20, page.items)
    assert (page[0], page[-1], page[1:3]) == (page.items[0], page.items[-1], page.items[1:3])
    assert not await client.users.search(search="nobody is called so")


async def test_iterating_yields_every_user_in_order(sandbox, client):
    pages = client.users.search()
    assert pages.report == WalkReport()
    assert [user.id async for user in pages] == EVERYBODY
    assert sorted(pages_asked(sandbox)) == [1, 2, 3, 4, 5]
    assert pages.report == WalkReport(pages=5, items=230, total_at_start=230, total_at_end=230)
    assert ids(await pages.collect()) == EVERYBODY


async def test_only_the_pages_of_a_range_are_requested(sandbox, client):
    for page, limits, expected in (
        (None, {}, [1, 2, 3, 4, 5]), (None, {"start": 4}, [4, 5]), (5, {}, [5]),
        (None, {"start": 2, "stop": 4}, [2, 3]), (None, {"start": 3, "stop": 3}, []),
    ):  # fmt: skip
        sandbox.forget_requests()
        pages = [it async for it in client.users.search(page=page).by_page(**limits)]
        assert [it.number for it in pages] == sorted(pages_asked(sandbox)) == expected
        for it in pages:
            assert ids(it.items) == EVERYBODY[50 * it.number - 50 : 50 * it.number]


async def test_an_invalid_range_raises_at_once(client):
    for name, value in [("start", 0), ("start", "1"), ("start", 4), ("concurrency", 0),
        ("concurrency", True), ("stop", 0)]:  # fmt: skip
        with pytest.raises(ArgumentError) as caught:
            client.users.search().by_page(**{"stop": 3, name: value})
        assert caught.value.argument == ("stop" if value == 4 else name)


# Concurrency


@pytest.mark.parametrize(
    ("max_in_flight", "concurrency", "walks", "limit"),
    [(1, None, 1, 1), (4, None, 1, 4), (10, None, 1, 10), (10, 3, 1, 3), (10, None, 3, 10)],
)
async def test_walks_reach_their_concurrency_limit_and_keep_to_it(
    sandbox, max_in_flight, concurrency, walks, limit
):
    gate = Gate(limit, first=walks)
    client = client_of(sandbox, max_in_flight=max_in_flight, transport=gate)

    async def walk() -> None:
        pages = client.users.search(count=20).by_page(concurrency=concurrency)
        assert [user.id async for page in pages for user in page.items] == EVERYBODY

    async with client, anyio.create_task_group() as group:
        for _ in range(walks):
            group.start_soon(walk)
    assert gate.peak == limit


@pytest.mark.parametrize(("ordered", "slow"), [(True, "page"), (False, "page"), (True, "consumer")])
async def test_what_is_fetched_behind_a_slow_page_or_consumer_is_limited(ordered, slow):
    class Server(Memory):
        pages, rows, asked = 230, 1, 0

        async def reach(self, step: str, target: str) -> None:
            self.asked += step == "head"
            await rounds(5000 if slow == "page" and step == "head" and "page=2&" in target else 1)

    async def rounds(number: int) -> None:
        for _ in range(number):
            await anyio.lowlevel.checkpoint()

    server, numbers, ahead = Server(), [], []
    async with AsyncClient("http://localhost", transport=server) as client:
        async for page in client.users.search(count=1).by_page(concurrency=2, ordered=ordered):
            await rounds(100 if slow == "consumer" else 1)
            numbers.append(page.number)
            ahead.append(server.asked - page.number)
    # Two in flight and 64 that wait, however long the walk.
    assert max(ahead) == 67
    assert (numbers == EVERYBODY) is ordered
    assert sorted(numbers) == EVERYBODY


# Nothing there, and past the end


@pytest.mark.parametrize("next_page", ["null", "absent", "repeats"])
@pytest.mark.parametrize("empty", ["204", "empty-list", "last-page"])
async def test_a_walk_ends_at_the_last_page(start_sandbox, empty, next_page):
    sandbox = start_sandbox(users=100, empty=empty, next_page=next_page)
    async with client_of(sandbox) as client:
        for size in (10, 33, 49, 50):
            sandbox.forget_requests()
            found = await client.users.search(count=size).collect()
            assert ids(found) == list(range(1, 101))
            assert sandbox.arrivals == math.ceil(100 / size)
        for start in (3, 4, 100):
            sandbox.forget_requests()
            assert await client.users.search(page=start).collect() == []
            assert sandbox.arrivals == 1
    async with client_of(start_sandbox(users=0, empty=empty, next_page=next_page)) as client:
        pages = client.users.search()
        assert (await pages.collect(), await pages.first(), await pages.count()) == ([], None, 0)
        assert (await pages).items == []


# Counts that change or are wrong


CHANGES = {
    "a page count that shrinks": ([rows(1, 2), rows(3, 4)], [4, 2], [8, 4],
        {"pages": 3, "pages_reread": 7, "boundaries_unsettled": 1}),
    # The pages are as before, and their totals differ: the boundary cannot be settled.
    "a page count that grows": ([rows(1, 2), rows(3, 4), rows(5)], [2, 3, 3], [4, 5, 5],
        {"pages": 3, "pages_reread": 7, "boundaries_unsettled": 1}),
    "a row that moves while the total is constant": ([rows(1, 2), rows(2, 3)], None, [3, 3],
        {"pages": 2, "duplicates": 1}),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
async def test_a_change_is_followed_and_reported(sandbox, client, change):
    bodies, page_counts, totals, told = CHANGES[change]
    script(sandbox, *bodies, totalPages=page_counts, totalObjects=totals)
    pages = client.users.search(count=2)
    everybody = sorted({row["id"] for body in bodies for row in body})
    assert [it.id async for page in pages.by_page(concurrency=1) for it in page] == everybody
    assert max(pages_asked(sandbox)) <= 3
    told |= {"total_at_start": totals[0], "total_at_end": totals[-1]}
    assert pages.report == WalkReport(items=len(everybody), consistent=False, **told)


async def test_a_page_count_that_is_too_high_ends_at_the_empty_pages(sandbox, client, caplog):
    script(sandbox, *[rows(n) for n in range(1, 21)], totalPages=500, totalObjects=1000)
    pages = client.users.search(count=2)
    with caplog.at_level(logging.WARNING, "useresponse_async.paging"):
        assert ids(await pages.collect()) == list(range(1, 21))
    assert not pages.report.consistent
    assert 1 <= pages.report.pages_reread <= 8
    assert sandbox.arrivals <= 62
    (record,) = caplog.records
    assert (record.useresponse_items, record.useresponse_total) == (20, 1000)
    assert record.useresponse_pages == pages.report.pages >= 20
    assert record.levelno == logging.WARNING
    for told in ("after 20 items", "counts 1000 on 500"):
        assert told in record.getMessage()


@both_orders
async def test_a_walk_ends_after_a_thousand_pages_without_anything_new(ordered, caplog):
    def boast(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["page"])
        page = {"currentPage": number, "totalPages": number + 1, "data": rows(min(number, 3))}
        return httpx.Response(200, json=page)

    async with AsyncClient("http://localhost", transport=httpx.MockTransport(boast)) as client:
        pages = client.users.search(count=1)
        assert [it.id async for page in pages.by_page(ordered=ordered) for it in page] == [1, 2, 3]
    assert 1003 <= pages.report.pages <= 1100
    assert not pages.report.consistent
    assert len(caplog.records) == 1


PAIRS = [rows(1, 2), rows(3, 4), rows(5)]
SINGLES = [rows(1), rows(2), rows(3)]
ENDINGS: dict[str, tuple[list[Any], dict[str, Any], int]] = {
    "an empty page in the middle": ([rows(1), [], rows(2)], {"totalPages": 3}, 1),
    "a page count that is too low for the next page": (PAIRS, {"totalPages": [1, 1, 1],
        "nextPage": [2, 3, None]}, 2),
    "no counts": (PAIRS, {"currentPage": None}, 2),
    "no counts and a full last page": (PAIRS[:2], {}, 2),
    "no counts, short pages and the next page": (SINGLES, {"nextPage": [2, 3, None]}, 50),
    "the last page's number": (SINGLES, {"lastPage": 3}, 1),
    "the total of items": (PAIRS, {"totalObjects": "5"}, 2),
    "a total alone, and pages smaller than asked for": ([rows(n, n + 1) for n in range(1, 12, 2)],
        {"totalObjects": 12}, 4),
    "counts of 0 in place of null": (PAIRS, {"totalObjects": 0, "totalPages": "0"}, 2),
    "pages smaller than asked for": (PAIRS, {"objectsPerPage": 2, "totalObjects": 5}, 100),
    "smaller pages and no totals": (PAIRS, {"objectsPerPage": 2}, 100),
    "a next page that repeats itself": ([rows(1, 2), rows(3)], {"nextPage": 2}, 2),
    "a last page that repeats itself": ([rows(1, 2), *3 * [rows(3, 4)]], {}, 2),
    "a first page that repeats itself": (3 * [rows(1, 2)], {"currentPage": 1}, 2),
}  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_walk_ends_where_the_pages_say(sandbox, client, caplog, ending):
    pages, counts, count = ENDINGS[ending]
    script(sandbox, *pages, **counts)
    everybody = sorted({row["id"] for page in pages for row in page})
    with caplog.at_level(logging.WARNING, "useresponse_async.paging"), anyio.fail_after(30):
        found = client.users.search(count=count)
        assert ids(await found.collect()) == everybody
        assert [it.id async for page in found.by_page(concurrency=1) for it in page] == everybody
        assert await found.count() == len(everybody)
    assert caplog.records == []
    assert max(pages_asked(sandbox)) <= len({str(page) for page in pages}) + 1


async def test_after_a_bare_list_that_fills_a_page_the_next_is_requested(start_sandbox):
    sandbox = start_sandbox(users=5, articles=60, comments=130)
    async with client_of(sandbox) as client:
        for count in (50, 100):  # the server sends 50 at most
            comments = client.comments.list(count=count)
            assert len({comment.id async for comment in comments}) == 130
            assert await comments.count() == 130
        assert len(await client.chats.messages(1).collect()) == 120


async def test_a_walk_over_all_pages_warns_that_the_server_counts_more(sandbox, client, caplog):
    script(sandbox, rows(1, 2, 3), rows(4), totalPages=2, totalObjects=5)
    pages = client.users.search(count=3)
    for part, is_whole in [({}, 1), ({"start": 1}, 1), ({"start": 2}, 0), ({"stop": 3}, 0)]:
        caplog.clear()
        assert [page.number async for page in pages.by_page(**part)][-1] == 2
        assert [it.name for it in caplog.records] == ["useresponse_async.paging"] * is_whole
        assert pages.report.consistent is not bool(is_whole)


async def test_a_server_that_ignores_the_page_ends_the_walk(sandbox, client):
    for body in ({"currentPage": 1, "data": [{"content": "A"}, {"content": "B"}]}, rows(1, 2)):
        sandbox.forget_requests()
        sandbox.clear_faults()
        sandbox.answer_next(json.dumps(body).encode(), times=99)
        assert len(await client.chats.messages(1, count=2).collect()) == 2
        assert sandbox.arrivals <= 2


# Rows that move


MOVES = {
    "inserted": (50, {}, 1, 30, 230, {"pages": 6, "duplicates": 30}),
    "inserted while pages are in flight": (50, {"concurrency": 10, "ordered": False}, 1, 120, 230,
        {"pages": 7, "duplicates": 50, "pages_reread": 1}),
    "removed": (50, {}, 1, -40, 230, {"pages": 4, "pages_reread": 1}),
    # Fifty rows slid over the boundary: they are on three pages now.
    "removed, more than a page holds": (20, {}, 6, -50, 230, {"pages": 9, "pages_reread": 3}),
    "removed, in a range": (20, {"start": 4, "stop": 7}, 4, -1, 121,
        {"pages": 3, "pages_reread": 1}),
}  # fmt: skip


@pytest.mark.parametrize("how", MOVES)
async def test_rows_that_move_during_a_walk_hide_no_others_and_are_reported(sandbox, client, how):
    count, part, at, change, last, told = MOVES[how]
    seen: list[int] = []
    pages = client.users.search(count=count)
    async for page in pages.by_page(**{"concurrency": 1, **part}):
        seen += ids(page.items)
        if page.number == at:
            sandbox.insert_users(max(0, change))
            for user_id in range(1, 1 - change):
                sandbox.remove_user(user_id)
    found = [user_id for user_id in seen if user_id <= 230]
    expected = EVERYBODY[count * (part.get("start", 1) - 1) : last]
    assert (found if part.get("ordered", True) else sorted(found)) == expected
    assert len(seen) == len(set(seen))
    assert pages.report == WalkReport(
        items=len(seen), total_at_start=230, total_at_end=230 + change, consistent=False, **told
    )


@both_orders
async def test_items_without_ids_are_yielded_once_when_rows_move(sandbox, client, ordered):
    texts = [{"content": letter} for letter in "ABCD"]
    script(sandbox, texts[:2], texts[2:], totalPages=3, totalObjects=[5, 6])
    pages = client.chats.messages(1, count=2)
    walk = pages.by_page(ordered=ordered)
    assert [message.content async for page in walk for message in page.items] == list("ABCD")
    # What has no id cannot be compared, so it is not read again.
    assert (pages.report.consistent, pages.report.boundaries_unsettled) == (False, 2)
    assert max(pages_asked(sandbox)) == sandbox.arrivals


async def test_a_page_that_fails_when_it_is_reread_raises(sandbox, client):
    with pytest.raises(APIStatusError):
        async for page in client.users.search().by_page(concurrency=1):
            if page.number == 1:
                sandbox.remove_user(1)
                sandbox.fail_next(400, match="page=1&")
    assert client.in_flight == 0


# Shapes of lists


A, B = rows(4, 9)
LISTS = [
    *[(body, [4, 9]) for body in [
        {"data": {"0": A, "1": B}}, {"data": {"3": A, "17": B}}, {"success": {"data": [A, B]}},
        {"success": True, "data": [A, B]}, {"success": [A, B]}, {"success": {"0": A, "2": B}},
        {"success": {"users": [A, B]}}, {"knowledgeBase": [A], "feedback": [B]},
        {"5": A, "6": B}, [A, B]]],
    *[(body, [4]) for body in [
        {"success": A}, {"knowledgeBase": [A]}, {"knowledgeBase": None, "feedback": [A]},
        {"knowledgeBase": [A], "feedback": None, "helpdesk": []},
        {"success": {"aModuleOfTheFuture": [A], "feedback": False}}]],
    *[(body, []) for body in [
        {"data": {}}, {"totalObjects": 0}, {"totalObjects": "0", "data": ""},
        {"knowledgeBase": None}, {"success": {"knowledgeBase": None, "feedback": None}}]],
    ({"feedback": [B], "knowledgeBase": [A]}, [9, 4]),
]  # fmt: skip


async def test_a_list_is_read_in_each_of_its_shapes(sandbox, client):
    for body, expected in LISTS:
        sandbox.clear_faults()
        sandbox.answer_next(json.dumps(body).encode(), times=2, match="page=1&")
        sandbox.empty_next(204, match="page=2&")
        assert ids(await client.users.search().collect()) == expected
        counts_none = "data" in str(body) and "total" not in str(body)
        page = await client.users.search()
        assert page.total_items == (None if counts_none else len(expected))


async def test_a_page_may_be_under_success_with_numbers_as_text(sandbox, client):
    numbers = {"currentPage": "2", "firstPage": "1", "lastPage": "7", "nextPage": "3",
        "objectsPerPage": "2", "totalObjects": "13", "totalPages": "7"}  # fmt: skip
    body = {**numbers, "data": [{"id": "4"}], "groups": [1]}
    sandbox.answer_next(json.dumps({"success": body}).encode())
    page = await client.users.search(page=2)
    assert (page.number, page.size, page.next_number) == (2, 2, 3)
    assert (page.total_items, page.total_pages, ids(page.items)) == (13, 7, [4])
    assert page.extra == {"groups": [1]}


async def test_a_page_with_success_false_is_empty_and_reported(sandbox, client):
    sandbox.answer_next(b'{"success": false}', match="page=2&", times=99)
    pages = client.users.search()
    assert ids(await pages.collect())[:51] == [*range(1, 51), 101]
    assert not pages.report.consistent


async def test_the_repr_of_pages_shows_path_and_filters_and_no_secret(sandbox, client):
    pages = client.users.search(role="user", search="a\nb é", count=10, page=2)
    assert repr(pages) == "<Pages of users/search.json?role=user&search=a%0Ab+%C3%A9>"
    assert repr(client.tickets.search()) == "<Pages of tickets.json>"
    shown = "<Page 3: 10 of 230 items, users/search.json>"
    (page,) = [page async for page in client.users.search(count=10).by_page(start=3, stop=4)]
    assert repr(page) == repr(pickle.loads(pickle.dumps(page))) == shown  # noqa: S301 - our own
    assert len(repr(client.users.search(search="x" * 10_000))) < 120
    pages = client.users.search(search=f"Is it {sandbox.api_key}?")
    for shown in (repr(pages), repr(await pages)):
        assert sandbox.api_key not in shown
        assert "***" in shown
