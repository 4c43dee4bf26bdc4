"""Iteration over pages: every item once, in order, to the end."""

import itertools
import json
import logging
import math
import pickle
import threading
from collections.abc import Iterator, Sequence
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from gate import Gate
from quick import client_of

from useresponse_async import (
    APIStatusError,
    ArgumentError,
    AsyncClient,
    DecodeError,
    User,
    WalkReport,
)
from useresponse_async._session import Request
from useresponse_async.resources._users import Users
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.anyio


def ids(users: list[User]) -> list[int | None]:
    return [user.id for user in users]


def pages_asked(sandbox: Sandbox) -> list[int]:
    return [int(dict(request.query)["page"]) for request in sandbox.requests]


def script(sandbox: Sandbox, pages: dict[int, Any], *, otherwise: int = 204) -> None:
    """Make the sandbox respond with this JSON for each page, and with a status for other pages."""
    for number, body in pages.items():
        answer = json.dumps(body).encode()
        sandbox.answer_next(answer, times=99, match=rf"[?&]page={number}&")
    sandbox.empty_next(otherwise, times=99, match=r"(search|messages)\.json")


def rows(*numbers: int) -> list[dict[str, int]]:
    return [{"id": number} for number in numbers]


# What is sent


@pytest.fixture
def wire() -> Iterator[tuple[str, list[str]]]:
    """Give the address of a server, and the request lines that it has read."""
    lines: list[str] = []

    class Keeper(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            lines.append(self.requestline)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Keeper) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}", lines
        server.shutdown()
        thread.join()


async def test_arguments_are_sent_in_order_and_quoted(wire):
    url, lines = wire
    async with AsyncClient(url, api_key="k-1/2&3", api_version="4.0") as client:
        await client.users.search(role="user")
        await client.users.search(
            role="user", search="a b&c", email="jo@x.de", sort="roles", page=2, count=7,
            params={"active": True, "left_out": None, "x[]": "é"},
        )  # fmt: skip
    key = "apiKey=k-1%2F2%263 HTTP/1.1"
    assert lines == [
        f"GET /api/4.0/users/search.json?role=user&page=1&count=50&{key}",
        (
            "GET /api/4.0/users/search.json?role=user&search=a%20b%26c&email=jo%40x.de&sort=roles"
            f"&page=2&count=7&active=1&x%5B%5D=%C3%A9&{key}"
        ),
    ]


async def test_nothing_is_sent_until_the_pages_are_used(sandbox, client):
    client.users.search()
    client.users.search().by_page()
    await client.users.me()
    assert sandbox.arrivals == 1


# The ways to use pages


async def test_awaiting_returns_the_first_page(client):
    page = await client.users.search()
    assert ids(page.items) == list(range(1, 51))
    assert (page.number, page.size, page.next_number) == (1, 50, 2)
    assert (page.total_items, page.total_pages) == (230, 5)
    assert page.extra == {}


async def test_awaiting_returns_the_requested_page(client):
    page = await client.users.search(page=3, count=20)
    assert ids(page.items) == list(range(41, 61))
    assert (page.number, page.size, page.next_number) == (3, 20, 4)


async def test_iterating_yields_every_user_in_order(sandbox, client):
    everybody = list(range(1, 231))
    pages = client.users.search()
    assert pages.report == WalkReport()
    assert [user.id async for user in pages] == everybody
    assert sorted(pages_asked(sandbox)) == [1, 2, 3, 4, 5]
    assert pages.report == WalkReport(pages=5, items=230, total_at_start=230, total_at_end=230)
    assert ids(await pages.collect()) == everybody
    async with client.users.search() as users:
        assert [user.id async for user in users] == everybody


async def test_leaving_a_block_early_leaves_nothing_in_flight(sandbox, client):
    sandbox.set_latency(0.02)
    async with client.users.search(count=10) as users:
        async for user in users:
            if user.id == 11:
                break
    assert client.in_flight == 0


async def test_first_and_count_send_one_request_each(sandbox, client):
    assert (await client.users.search().first()).id == 1
    assert sandbox.arrivals == 1
    assert await client.users.search(page=4).count() == 230
    assert sandbox.arrivals == 2


async def test_by_page_yields_pages_in_order(client):
    pages = [page async for page in client.users.search().by_page()]
    assert [page.number for page in pages] == [1, 2, 3, 4, 5]
    assert [len(page.items) for page in pages] == [50, 50, 50, 50, 30]


@pytest.mark.parametrize(
    ("page", "limits", "expected"),
    [
        (None, {"start": 4}, [4, 5]),
        (5, {}, [5]),
        (None, {"start": 2, "stop": 4}, [2, 3]),
        (None, {"start": 3, "stop": 3}, []),
    ],
)
async def test_only_the_pages_of_a_range_are_requested(sandbox, client, page, limits, expected):
    pages = [page async for page in client.users.search(page=page).by_page(**limits)]
    assert [page.number for page in pages] == expected
    assert [page.items[0].id for page in pages] == [page * 50 - 49 for page in expected]
    assert sorted(pages_asked(sandbox)) == expected


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        ({"start": 0}, "start"), ({"start": "1"}, "start"), ({"stop": 0}, "stop"),
        ({"start": 4, "stop": 3}, "stop"), ({"concurrency": 0}, "concurrency"),
        ({"concurrency": True}, "concurrency"),
    ],
)  # fmt: skip
async def test_an_invalid_range_raises_at_once(sandbox, client, arguments, name):
    with pytest.raises(ArgumentError) as caught:
        client.users.search().by_page(**arguments)
    assert caught.value.argument == name
    assert sandbox.arrivals == 0


async def test_unordered_pages_are_yielded_as_they_arrive(sandbox, client):
    sandbox.delay_next(0.3, match="page=2&")
    numbers = [page.number async for page in client.users.search().by_page(ordered=False)]
    assert sorted(numbers) == [1, 2, 3, 4, 5]
    assert numbers[-1] == 2


# Concurrency


@pytest.mark.parametrize(
    ("max_in_flight", "concurrency", "limit"),
    [(1, None, 1), (4, None, 4), (10, None, 10), (10, 3, 3)],
)
async def test_a_walk_reaches_its_concurrency_limit_and_keeps_to_it(
    sandbox, max_in_flight, concurrency, limit
):
    gate = Gate(limit, first=1)
    async with AsyncClient(
        sandbox.url, api_key=sandbox.api_key, max_in_flight=max_in_flight, transport=gate
    ) as client:
        pages = client.users.search(count=20).by_page(concurrency=concurrency)
        assert [user.id async for page in pages for user in page.items] == list(range(1, 231))
    assert gate.peak == limit


async def test_walks_of_one_client_share_its_concurrency_limit(sandbox):
    gate = Gate(10, first=3)
    async with AsyncClient(sandbox.url, api_key=sandbox.api_key, transport=gate) as client:
        async with anyio.create_task_group() as group:
            for _ in range(3):
                group.start_soon(client.users.search(count=20).collect)
    assert gate.peak == 10


async def test_a_slow_consumer_limits_what_is_fetched_ahead(sandbox, client):
    ahead = []
    async with aclosing(client.users.search(count=1).by_page(concurrency=2)) as pages:
        async for page in pages:
            await anyio.sleep(0.003)
            ahead.append(sandbox.arrivals - page.number)
            if page.number == 120:
                break
    # Two in flight and some dozens that wait, however long the walk.
    assert 2 <= max(ahead) <= 68


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_slow_page_limits_what_is_fetched_behind_it(sandbox, client, ordered):
    sandbox.delay_next(0.4, match="page=2&")
    arrivals = 0
    async for page in client.users.search(count=1).by_page(concurrency=2, ordered=ordered):
        if page.number == 2:
            arrivals = sandbox.arrivals
    # Others were fetched meanwhile, but not all of the 230 pages.
    assert 5 < arrivals <= 70
    assert sandbox.arrivals == 230


# Nothing there, and past the end


@pytest.mark.parametrize("empty", ["204", "empty-list", "last-page"])
async def test_a_walk_over_an_empty_list_is_empty(start_sandbox, empty):
    sandbox = start_sandbox(users=0, empty=empty)
    async with client_of(sandbox) as client:
        pages = client.users.search()
        assert await pages.collect() == []
        assert await pages.first() is None
        assert await pages.count() == 0
        assert (await pages).items == []


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


# Counts that change or are wrong


async def test_a_page_count_that_shrinks_is_followed(sandbox, client):
    script(
        sandbox,
        {
            1: {"currentPage": 1, "totalPages": 4, "totalObjects": 8, "data": rows(1, 2)},
            2: {"currentPage": 2, "totalPages": 2, "totalObjects": 4, "data": rows(3, 4)},
        },
    )
    pages = client.users.search(count=2)
    walk = pages.by_page(concurrency=1)
    assert [user.id async for page in walk for user in page.items] == [1, 2, 3, 4]
    # Page 3 may have been requested before page 2 arrived.
    assert max(pages_asked(sandbox)) <= 3
    assert not pages.report.consistent


async def test_a_page_count_that_grows_is_followed(sandbox, client):
    script(
        sandbox,
        {
            1: {"currentPage": 1, "totalPages": 2, "totalObjects": 4, "data": rows(1, 2)},
            2: {"currentPage": 2, "totalPages": 3, "totalObjects": 5, "data": rows(3, 4)},
            3: {"currentPage": 3, "totalPages": 3, "totalObjects": 5, "data": rows(5)},
        },
    )
    pages = client.users.search(count=2)
    assert ids(await pages.collect()) == [1, 2, 3, 4, 5]
    assert (pages.report.total_at_start, pages.report.total_at_end) == (4, 5)
    # Both pages are as before, and their totals differ: the boundary cannot be settled.
    assert pages.report.boundaries_unsettled == 1
    assert not pages.report.consistent


async def test_a_page_count_that_is_too_high_ends_at_the_empty_pages(sandbox, client, caplog):
    script(
        sandbox,
        {
            n: {"currentPage": n, "totalPages": 500, "totalObjects": 1000, "data": rows(n)}
            for n in (1, 2, 3)
        },
    )
    with caplog.at_level(logging.WARNING, "useresponse_async.paging"):
        assert ids(await client.users.search(count=2).collect()) == [1, 2, 3]
    assert sandbox.arrivals <= 45
    (record,) = caplog.records
    details = vars(record)
    assert (details["useresponse_items"], details["useresponse_total"]) == (3, 1000)
    assert 3 <= details["useresponse_pages"] <= sandbox.arrivals
    assert record.levelno == logging.WARNING
    assert "after 3 items" in record.getMessage()
    assert "counts 1000 on 500" in record.getMessage()


async def test_a_page_count_that_is_too_high_rereads_few_pages(sandbox, client):
    script(
        sandbox,
        {n: {"totalPages": 500, "totalObjects": 1000, "data": rows(n)} for n in range(1, 21)},
    )
    pages = client.users.search(count=2)
    assert ids(await pages.collect()) == list(range(1, 21))
    assert not pages.report.consistent
    assert 1 <= pages.report.pages_reread <= 8


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_walk_ends_when_pages_bring_nothing_new_although_the_page_count_grows(
    ordered, caplog
):
    asked = itertools.count()

    class Boaster:
        walk_concurrency = 5
        secrets = ()

        async def send(self, operation: Request[Any]) -> Any:
            assert next(asked) < 2000, "the walk does not end"
            await anyio.lowlevel.checkpoint()
            number = int(dict(operation.query)["page"])
            data = rows(number) if number < 4 else rows(3)
            return operation.decode({"currentPage": number, "totalPages": number + 1, "data": data})

    pages = Users(Boaster()).search(count=1)
    seen = [user.id async for page in pages.by_page(ordered=ordered) for user in page.items]
    assert seen == [1, 2, 3]
    assert not pages.report.consistent
    assert len(caplog.records) == 1


def counted(*pages: list[dict[str, int]], **counts: Any) -> dict[int, Any]:
    """Return pages with their number and the same counts."""
    return {n: {"currentPage": n, **counts, "data": data} for n, data in enumerate(pages, 1)}


PAIRS = [rows(1, 2), rows(3, 4), rows(5)]
ENDINGS: dict[str, tuple[dict[int, Any], int]] = {
    "an empty page in the middle": (counted(rows(1), [], rows(2), totalPages=3), 1),
    "a page count that is too low for the next page": ({1: {"currentPage": 1, "totalPages": 1,
        "nextPage": 2, "data": rows(1, 2)}, 2: {"currentPage": 2, "totalPages": 1, "nextPage": 3,
        "data": rows(3, 4)}, 3: {"currentPage": 3, "totalPages": 1, "nextPage": None,
        "data": rows(5)}}, 2),
    "no totals": ({n: {"data": data} for n, data in enumerate(PAIRS, 1)}, 2),
    "no totals and a full last page": ({1: {"data": rows(1, 2)}, 2: {"data": rows(3, 4)}}, 2),
    "no totals, short pages and the next page": ({1: {"nextPage": 2, "data": rows(1)},
        2: {"nextPage": 3, "data": rows(2)}, 3: {"nextPage": None, "data": rows(3)}}, 50),
    "the last page's number": (counted(rows(1), rows(2), rows(3), lastPage=3), 1),
    "the total of items": (counted(*PAIRS, totalObjects="5"), 2),
    "a total alone, and pages smaller than asked for": (counted(*PAIRS, totalObjects=5), 4),
    "counts of 0 in place of null": (counted(*PAIRS, totalObjects=0, totalPages="0"), 2),
    "pages smaller than asked for": (counted(*PAIRS, objectsPerPage=2, totalObjects=5), 100),
    "smaller pages and no totals": (counted(*PAIRS, objectsPerPage=2), 100),
    "a next page that repeats itself": (counted(rows(1, 2), rows(3), nextPage=2), 2),
    "a last page that repeats itself": ({1: {"data": rows(1, 2)}, **{n: {"data": rows(3,
        4)} for n in (2, 3, 4)}}, 2),
    "bare lists that the server caps": ({n: rows(*range(n * 50 - 49, n * 50 + 1)) for n in (1, 2,
        3)}, 100),
}  # fmt: skip


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_walk_ends_where_the_pages_say(sandbox, client, caplog, ending):
    pages, count = ENDINGS[ending]
    script(sandbox, pages)
    bodies = [page if isinstance(page, list) else page["data"] for page in pages.values()]
    everybody = sorted({row["id"] for body in bodies for row in body})
    with caplog.at_level(logging.WARNING, "useresponse_async.paging"), anyio.fail_after(5):
        assert ids(await client.users.search(count=count).collect()) == everybody
        assert await client.users.search(count=count).count() == len(everybody)
    assert caplog.records == []
    assert max(pages_asked(sandbox)) <= len(pages) + 1


@pytest.mark.parametrize(
    ("part", "is_whole"),
    [({}, True), ({"start": 1}, True), ({"start": 2}, False), ({"stop": 3}, False)],
)
async def test_a_walk_over_all_pages_warns_that_the_server_counts_more(
    sandbox, client, caplog, part, is_whole
):
    script(sandbox, counted(rows(1, 2, 3), rows(4), totalPages=2, totalObjects=5))
    pages = client.users.search(count=3)
    with caplog.at_level(logging.WARNING, "useresponse_async.paging"):
        assert [page.number async for page in pages.by_page(**part)][-1] == 2
    assert len(caplog.records) == is_whole
    assert pages.report.consistent is not is_whole


@pytest.mark.parametrize("ordered", [True, False])
async def test_a_walk_continues_to_a_total_that_only_the_first_page_has(sandbox, client, ordered):
    body = {n: {"currentPage": n, "data": rows(n)} for n in range(2, 13)}
    script(sandbox, {1: {"currentPage": 1, "totalPages": 12, "data": rows(1)}, **body})
    for number in (2, 3, 4):
        sandbox.delay_next(0.05, match=f"page={number}&")
    walk = client.users.search(count=1).by_page(ordered=ordered)
    seen = [user.id async for page in walk for user in page.items]
    assert sorted(seen) == list(range(1, 13))


@pytest.mark.parametrize(
    "body",
    [
        {"currentPage": 1, "data": rows(1, 2)},
        {"currentPage": 1, "data": [{"content": "A"}, {"content": "B"}]},
        rows(1, 2),
    ],
    ids=["pages", "no ids", "bare lists"],
)
async def test_a_server_that_ignores_the_page_ends_the_walk(sandbox, client, body):
    sandbox.answer_next(json.dumps(body).encode(), times=99)
    with_ids = "content" not in str(body)
    pages = client.users.search(count=2) if with_ids else client.chats.messages(1, count=2)
    assert len(await pages.collect()) == 2
    assert sandbox.arrivals <= 2


async def test_another_page_than_the_requested_one_is_a_decode_error(sandbox, client):
    body = {"totalPages": 3, "totalObjects": 3}
    script(
        sandbox,
        {
            1: {**body, "currentPage": 1, "data": rows(1)},
            2: {**body, "currentPage": 1, "data": rows(1)},
            3: {**body, "currentPage": 3, "data": rows(3)},
        },
    )
    with pytest.raises(DecodeError, match="not 2, the requested page") as caught:
        await client.users.search(count=1).collect()
    assert caught.value.field == "currentPage"


# Rows that move


@pytest.mark.parametrize(
    "how", [{"concurrency": n, "ordered": ordered} for n in (1, 10) for ordered in (True, False)]
)
@pytest.mark.parametrize(("new", "again"), [(3, 3), (30, 30), (120, 50)])
async def test_rows_inserted_during_a_walk_neither_hide_nor_duplicate_others(
    sandbox, client, new, again, how
):
    seen: list[int] = []
    pages = client.users.search()
    async for page in pages.by_page(**how):
        seen += [user.id for user in page.items]
        if page.number == 1:
            sandbox.insert_users(new)
    found = [user_id for user_id in seen if user_id <= 230]
    assert (found if how["ordered"] else sorted(found)) == list(range(1, 231))
    assert len(seen) == len(set(seen))
    assert pages.report.duplicates == again
    assert (pages.report.total_at_start, pages.report.total_at_end) == (230, 230 + new)


async def test_rows_removed_during_a_walk_hide_no_others_and_are_reported(sandbox, client):
    seen: list[int] = []
    pages = client.users.search()
    async for page in pages.by_page(concurrency=1):
        seen += [user.id for user in page.items]
        if page.number == 1:
            for user_id in range(1, 41):
                sandbox.remove_user(user_id)
    assert seen == list(range(1, 231))
    assert pages.report == WalkReport(
        pages=4, items=230, total_at_start=230, total_at_end=190, consistent=False, pages_reread=1
    )


async def test_removing_more_rows_than_a_page_holds_rereads_more_pages(sandbox, client):
    seen: list[int] = []
    pages = client.users.search(count=20)
    async for page in pages.by_page(concurrency=1):
        seen += [user.id for user in page.items]
        if page.number == 6:
            for user_id in range(1, 51):
                sandbox.remove_user(user_id)
    assert seen == list(range(1, 231))
    # Fifty rows slid over the boundary: they are on three pages now.
    assert pages.report.pages_reread == 3
    assert pages.report.boundaries_unsettled == 0


async def test_rows_removed_during_a_walk_over_a_range_hide_no_others(sandbox, client):
    seen: list[int] = []
    async for page in client.users.search(count=20).by_page(start=4, stop=7, concurrency=1):
        seen += [user.id for user in page.items]
        if page.number == 4:
            sandbox.remove_user(1)
    assert seen == list(range(61, 122))


@pytest.mark.parametrize("ordered", [True, False])
async def test_items_without_ids_are_yielded_once_when_rows_move(sandbox, client, ordered):
    script(
        sandbox,
        {
            1: {"totalPages": 3, "totalObjects": 5, "data": [{"content": "A"}, {"content": "B"}]},
            2: {"totalPages": 3, "totalObjects": 6, "data": [{"content": "C"}, {"content": "D"}]},
        },
    )
    pages = client.chats.messages(1, count=2)
    seen = [
        message.content async for page in pages.by_page(ordered=ordered) for message in page.items
    ]
    assert seen == ["A", "B", "C", "D"]
    # What has no id cannot be compared, so it is not read again.
    assert (pages.report.consistent, pages.report.boundaries_unsettled) == (False, 2)
    assert max(pages_asked(sandbox)) == sandbox.arrivals


async def test_a_duplicate_item_is_reported_although_the_total_is_constant(sandbox, client):
    script(
        sandbox,
        {1: {"totalObjects": 3, "data": rows(1, 2)}, 2: {"totalObjects": 3, "data": rows(2, 3)}},
    )
    pages = client.users.search(count=2)
    assert ids(await pages.collect()) == [1, 2, 3]
    assert (pages.report.duplicates, pages.report.consistent) == (1, False)


async def test_a_page_that_fails_when_it_is_reread_raises(sandbox, client):
    with pytest.raises(APIStatusError):
        async for page in client.users.search().by_page(concurrency=1):
            if page.number == 1:
                sandbox.remove_user(1)
                sandbox.fail_next(400, match="page=1&")
    assert client.in_flight == 0


@pytest.mark.parametrize("empty", ["204", "empty-list", "last-page"])
@pytest.mark.parametrize("ordered", [True, False])
async def test_a_walk_ends_when_its_rows_are_removed(start_sandbox, empty, ordered):
    sandbox = start_sandbox(users=100, empty=empty)
    async with client_of(sandbox) as client:
        seen: list[int] = []
        async for page in client.users.search(count=10).by_page(ordered=ordered, concurrency=3):
            seen += [user.id for user in page.items]
            for user_id in range(11, 101):
                if sandbox.user(user_id):
                    sandbox.remove_user(user_id)
    assert seen == list(range(1, 11))


async def test_the_report_of_a_walk_that_is_left_counts_what_it_yielded(client):
    pages = client.users.search()
    async with aclosing(pages.by_page()) as walk:
        async for page in walk:
            if page.number == 2:
                break
    assert (pages.report.pages, pages.report.items) == (2, 100)


# Shapes of lists


LISTS = [
    {"data": {"0": {"id": 4}, "1": {"id": 9}}}, {"data": {"3": {"id": 4}, "17": {"id": 9}}},
    {"success": {"data": [{"id": 4}, {"id": 9}]}},
    {"success": True, "data": [{"id": 4}, {"id": 9}]}, {"success": [{"id": 4}, {"id": 9}]},
    {"success": {"0": {"id": 4}, "2": {"id": 9}}}, {"success": {"users": [{"id": 4}, {"id": 9}]}},
    {"knowledgeBase": [{"id": 4}, {"id": 9}]}, {"5": {"id": 4}, "6": {"id": 9}},
    [{"id": 4}, {"id": 9}],
]  # fmt: skip
EMPTY_LISTS = [
    [], {}, None, {"success": []}, {"success": {}}, {"data": []}, {"data": {}}, {"data": None},
    {"totalObjects": 0}, {"totalObjects": "0", "data": ""},
]  # fmt: skip


async def test_a_list_is_read_in_each_of_its_shapes(sandbox, client):
    for body in LISTS:
        sandbox.clear_faults()
        sandbox.answer_next(json.dumps(body).encode(), match="page=1&")
        sandbox.empty_next(204, match="page=2&")
        assert ids(await client.users.search().collect()) == [4, 9]
    for body in EMPTY_LISTS:
        sandbox.answer_next(json.dumps(body).encode())
        assert await client.users.search().collect() == []


async def test_a_page_may_be_under_success_with_numbers_as_text(sandbox, client):
    body = {
        "currentPage": "2", "firstPage": "1", "lastPage": "7", "nextPage": "3",
        "objectsPerPage": "2", "totalObjects": "13", "totalPages": "7", "data": [{"id": "4"}],
        "groups": [1],
    }  # fmt: skip
    sandbox.answer_next(json.dumps({"success": body}).encode())
    page = await client.users.search(page=2)
    assert (page.number, page.size, page.next_number) == (2, 2, 3)
    assert (page.total_items, page.total_pages, ids(page.items)) == (13, 7, [4])
    assert page.extra == {"groups": [1]}


@pytest.mark.parametrize("empty", ["204", "empty-list"])
async def test_a_search_by_email_in_version_4_yields_one_user_or_none(start_sandbox, empty):
    sandbox = start_sandbox(users=9, empty=empty)
    async with client_of(sandbox, api_version="4.0") as client:
        email = sandbox.user(2).email
        found = client.users.search(email=email)
        assert ids(await found.collect()) == [2]
        assert (await found.first()).email == email
        assert await found.count() == 1
        nobody = client.users.search(email="nobody@nowhere.example")
        assert (await nobody.collect(), await nobody.first(), await nobody.count()) == ([], None, 0)
    assert {request.path for request in sandbox.requests} == {"/api/4.0/users/search.json"}


# Failures


async def test_pages_that_fail_temporarily_are_retried(start_sandbox):
    sandbox = start_sandbox(users=230, faults=0.2, seed=4)
    async with client_of(sandbox) as client:
        assert ids(await client.users.search(count=5).collect()) == list(range(1, 231))
    assert sum(sandbox.faults.values()) > 5


async def test_a_page_with_success_false_is_empty_and_reported(sandbox, client):
    sandbox.answer_next(b'{"success": false}', match="page=2&", times=99)
    pages = client.users.search()
    found = ids(await pages.collect())
    assert found[:50] == list(range(1, 51))
    assert not {*range(51, 101)} & {*found}
    assert not pages.report.consistent


# A page, and the repr of pages


async def test_a_page_is_a_sequence_of_its_items(client):
    page = await client.users.search()
    assert isinstance(page, Sequence)
    assert len(page) == len(page.items) == 50
    assert list(page) == page.items
    assert (page[0], page[-1], page[1:3]) == (page.items[0], page.items[-1], page.items[1:3])
    assert page.items[7] in page
    assert page.index(page.items[7]) == 7
    assert list(reversed(page)) == page.items[::-1]
    assert not await client.users.search(search="nobody is called so")


async def test_the_repr_of_pages_shows_path_and_filters(client):
    pages = client.users.search(role="user", search="a\nb é", count=10, page=2)
    assert repr(pages) == "<Pages of users/search.json?role=user&search=a%0Ab+%C3%A9>"
    assert repr(client.tickets.search()) == "<Pages of tickets.json>"
    shown = "<Page 3: 10 of 230 items, users/search.json>"
    (page,) = [page async for page in client.users.search(count=10).by_page(start=3, stop=4)]
    assert repr(page) == repr(pickle.loads(pickle.dumps(page))) == shown  # noqa: S301 - our own


async def test_the_repr_of_pages_shows_no_secret_and_no_long_filter(sandbox, client):
    assert len(repr(client.users.search(search="x" * 10_000))) < 120
    pages = client.users.search(search=f"Is it {sandbox.api_key}?")
    for shown in (repr(pages), repr(await pages)):
        assert sandbox.api_key not in shown
        assert "***" in shown


async def test_after_a_bare_list_that_fills_a_page_the_next_is_requested(start_sandbox):
    sandbox = start_sandbox(users=5, articles=60, comments=130)
    async with AsyncClient(sandbox.url, api_key=sandbox.api_key) as client:
        comments = client.comments.list()
        assert len({comment.id async for comment in comments}) == 130
        assert await comments.count() == 130
        assert len(await client.chats.messages(1).collect()) == 120
