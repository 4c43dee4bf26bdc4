"""The dlt source, which loads the sandbox into DuckDB."""
# ruff: noqa: S608 - the tests write their queries themselves

import gzip
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import anyio
import dlt
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed
from processes import wait_until

from useresponse_async import AsyncClient
from useresponse_async.integrations.dlt import useresponse_source
from useresponse_async.sandbox import Sandbox

PATIENCE = 300  # seconds: a run of dlt takes long on a busy machine
pytestmark = pytest.mark.timeout(PATIENCE)

KEY = "k3y-of-the-warehouse"
SMALL = {"users": 120, "tickets": 70, "topics": 9, "articles": 5, "comments": 90, "chats": 4}


@pytest.fixture(autouse=True, scope="module")
def _settings(tmp_path_factory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLT_DATA_DIR", str(tmp_path_factory.mktemp("dlt")))
        patch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        patch.setenv("RUNTIME__LOG_LEVEL", "CRITICAL")
        patch.setenv("SOURCES__USERESPONSE__API_KEY", KEY)
        yield


@pytest.fixture(autouse=True)
def _no_thread_is_left_and_no_error_logged(_settings, caplog) -> Iterator[None]:
    before = {*threading.enumerate()}  # of which some of other tests may be about to end
    yield
    wait_until(lambda: {*threading.enumerate()} <= before, within=PATIENCE)
    assert [r for r in caplog.get_records("call") if r.levelno >= logging.ERROR] == []


@pytest.fixture
def sandbox(start_sandbox) -> Sandbox:
    return start_sandbox(**SMALL, api_key=KEY)


@pytest.fixture
def large_sandbox(start_sandbox) -> Sandbox:
    return start_sandbox(users=20, tickets=230, topics=130, comments=40, api_key=KEY)


class Warehouse:
    """A pipeline into a DuckDB file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.pipeline = dlt.pipeline(
            "helpdesk",
            destination=dlt.destinations.duckdb(str(folder / "warehouse.duckdb")),
            dataset_name="helpdesk",
            pipelines_dir=str(folder / "pipelines"),
        )

    def load(self, sandbox: Sandbox, *resources: str, **options: Any) -> None:
        source = useresponse_source(sandbox.url, **options)
        self.pipeline.run(source.with_resources(*resources) if resources else source)

    def ask(self, query: str) -> list[Any]:
        with self.pipeline.sql_client() as client:
            rows = client.execute_sql(query)
        return [row[0] if len(row) == 1 else tuple(row) for row in rows or ()]

    def ids(self, table: str) -> list[Any]:
        return self.ask(f"SELECT id FROM {table} ORDER BY id")

    def comments(self) -> list[tuple[int, int]]:
        return self.ask("SELECT id, object_id FROM comments ORDER BY id")

    def written(self) -> bytes:
        """Return the bytes of every file: the database, load packages, schemas, state, traces."""
        files = [path.read_bytes() for path in self.folder.rglob("*") if path.is_file()]
        return b"".join(gzip.decompress(it) if it.startswith(b"\x1f\x8b") else it for it in files)

    def assert_complete(self, sandbox: Sandbox) -> None:
        """Assert that each item is there as one row."""
        assert self.ids("users") == [*range(1, sandbox.user_count + 1)]
        for kind in ("ticket", "topic", "article", "chat"):
            assert self.ids(f"{kind}s") == [*getattr(sandbox, f"{kind}_ids")]
        assert self.comments() == comments_of(sandbox)
        once = "count(*) > 0, count(*) = count(DISTINCT (_dlt_parent_id, _dlt_list_idx))"
        for child in ("users__tags", "users__custom_fields", "tickets__tags"):
            assert self.ask(f"SELECT {once} FROM {child}") == [(True, True)]


@pytest.fixture
def warehouse(tmp_path, monkeypatch) -> Iterator[Warehouse]:
    monkeypatch.chdir(tmp_path)
    warehouse = Warehouse(tmp_path)
    yield warehouse
    if warehouse.pipeline.is_active:  # it would give its state to sources without a pipeline
        warehouse.pipeline.deactivate()


def comments_of(sandbox: Sandbox) -> list[tuple[int, int]]:
    owners = {*sandbox.ticket_ids, *sandbox.topic_ids}
    records = map(sandbox.comment, sandbox.comment_ids)
    return [(record.id, record.object) for record in records if record and record.object in owners]


def do(sandbox: Sandbox, act: Callable[[AsyncClient], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with AsyncClient(sandbox.url, api_key=KEY) as client:
            return await act(client)

    return anyio.run(run)


def asked(sandbox: Sandbox, path: str) -> int:
    return sum(path in request.path for request in sandbox.requests)


def test_every_item_is_a_row_and_no_other_host_is_contacted(warehouse, sandbox, monkeypatch):
    connect, resolve = Mock(wraps=socket.socket.connect), Mock(wraps=socket.getaddrinfo)
    monkeypatch.setattr(socket.socket, "connect", lambda *a: connect(*a))  # noqa: PLW0108 - it binds
    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    monkeypatch.setenv("SOURCES__USERESPONSE__BASE_URL", sandbox.url)
    monkeypatch.setenv("SOURCES__USERESPONSE__API_VERSION", "7.0")
    sandbox.fail_next(503, times=3, headers={"Retry-After": "0"})
    warehouse.pipeline.run(useresponse_source())
    hosts = {address[0] for (_, address), _ in connect.call_args_list}
    assert hosts | {host for (host, *_), _ in resolve.call_args_list} == {"127.0.0.1"}
    assert {request.path.split("/")[2] for request in sandbox.requests} == {"7.0"}
    warehouse.assert_complete(sandbox)
    user = sandbox.user(60)
    query = "SELECT name, email, role__alias FROM users WHERE id = 60"
    assert warehouse.ask(query) == [(user.name, user.email, user.role)]
    small = {"categories", "statuses", "forums", "reports"}
    for table in small:
        query = f"SELECT count(*) > 0, count(*) = count(DISTINCT id) FROM {table}"
        assert warehouse.ask(query) == [(True, True)]
    tables = {*warehouse.ask("SELECT table_name FROM duckdb_tables()")}
    own = {table for table in tables if "_dlt" not in table and "__" not in table}
    assert own == {*SMALL, *small, "custom_fields"}
    # Lists are child tables, and moments are timestamps.
    query = "SELECT t.value FROM users u JOIN users__tags t ON t._dlt_parent_id = u._dlt_id"
    tags = [tag for tag in sandbox.user(7).tags.split(",") if tag]
    assert warehouse.ask(f"{query} WHERE u.id = 7 ORDER BY _dlt_list_idx") == tags
    for table in ("users__custom_fields WHERE label = 'Region'", "custom_fields__options"):
        assert warehouse.ask(f"SELECT count(*) > 0 FROM {table}") == [True]
    query = "SELECT owner, count(*) = count(DISTINCT id) FROM custom_fields GROUP BY 1 ORDER BY 1"
    assert warehouse.ask(query) == [("object", True), ("user", True)]
    articles = warehouse.ask("SELECT id, epoch(created_at)::BIGINT FROM articles ORDER BY id")
    assert articles == [(number, sandbox.object(number).created) for number in sandbox.article_ids]


def test_odd_and_missing_values_have_their_columns_and_no_key_is_stored(warehouse, sandbox):
    odd = (
        '[{"id": 1, "name": "half \\ud83d of a pair", "type": {"slug": "idea"}, '
        '"huge": 123456789012345678901234567890, "list": [1, {"a": null}]},'
        ' {"id": 2, "type": "idea"}]'
    )
    sandbox.answer_next(odd, match="categories")
    sandbox.answer_next('[{"id": "a", "name": "A"}, {"name": "B"}]', match="forums")
    leaky = '{"totalObjects": 1, "data": [{"id": 1, "name": "Ann Leak", "apiKey": "l34ky-k3y"}]}'
    sandbox.answer_next(leaky, match="users/search")
    sandbox.answer_next('{"success": {"totalObjects": 0, "data": []}}', match="chats")
    warehouse.load(sandbox, "categories", "forums", "users", "chats")
    assert warehouse.ask("SELECT id, name, type, extra->>'list' FROM categories ORDER BY id") == [
        (1, "half \\ud83d of a pair", '{"slug": "idea"}', '[1,{"a":null}]'),
        (2, None, "idea", None),
    ]
    assert warehouse.ids("forums") == ["a"]  # what has no id is left out
    assert warehouse.ids("chats") == []  # a table all the same
    described = "SELECT table_name || '.' || column_name, data_type FROM duckdb_columns()"
    columns = dict(warehouse.ask(described))
    assert columns == columns | {
        "chats.id": "BIGINT",
        "chats.completed_at": "TIMESTAMP WITH TIME ZONE",
        "chats.completed_at_text": "VARCHAR",
        "chats.seen_by_client": "BOOLEAN",
        "chats.last_message__author__avatar__big": "VARCHAR",
        "users.gravatar_email": "VARCHAR",
        "users.extra": "JSON",
    }
    written = warehouse.written()
    assert b"Ann Leak" in written
    assert KEY.encode() not in written
    assert b"l34ky-k3y" not in written
    assert not re.search("api_key|apiKey", warehouse.pipeline.default_schema.to_pretty_json())


def test_a_later_run_loads_what_changed_and_requests_little_else(warehouse, large_sandbox):
    source = useresponse_source(large_sandbox.url)
    source = source.with_resources("tickets", "topics", "comments")
    warehouse.pipeline.run(source)
    assert warehouse.ids("tickets") == [*large_sandbox.ticket_ids]
    old = large_sandbox.ticket_ids[3]
    do(large_sandbox, lambda client: client.objects.update(old, title="Somebody else's"))
    do(large_sandbox, lambda client: client.comments.create(old, "Any news?"))
    inserted = large_sandbox.insert_tickets(1)
    for most_requests in (4, 1):  # the last run finds nothing new
        large_sandbox.forget_requests()
        warehouse.pipeline.run(source)
        assert asked(large_sandbox, "tickets.json") <= most_requests
        # Topics may as well be listed by creation, so that each of the three pages is read.
        assert asked(large_sandbox, "search.json") == 3
    assert warehouse.ids("tickets") == [*large_sandbox.ticket_ids, *inserted]
    assert warehouse.ask(f"SELECT title FROM tickets WHERE id = {old}") == ["Somebody else's"]


@pytest.mark.long
def test_comments_are_complete_whichever_resources_are_selected(warehouse, large_sandbox):
    for resource in ("tickets", "comments", "topics"):
        warehouse.load(large_sandbox, resource)
    comments = comments_of(large_sandbox)
    assert warehouse.comments() == comments
    commented = {"tickets": large_sandbox.ticket_ids[3], "topics": large_sandbox.topic_ids[3]}
    for others in ((), ("tickets", "topics")):
        for old in commented.values():
            new = do(large_sandbox, lambda client, old=old: client.comments.create(old, "Fire!"))
            comments.append((new.id, old))
        large_sandbox.forget_requests()
        warehouse.load(large_sandbox, "comments", *others)
        assert warehouse.comments() == comments
        for old in commented.values():
            assert asked(large_sandbox, f"objects/{old}/comments.json") == 1
        assert asked(large_sandbox, "/comments.json") <= 5
    for kind, old in commented.items():
        count = warehouse.ask(f"SELECT comments_num FROM {kind} WHERE id = {old}")
        assert count == [[owner for _, owner in comments].count(old)]


@pytest.mark.long
def test_items_older_than_since_are_left_out(warehouse, large_sandbox, monkeypatch):
    large_sandbox.advance(10_000)
    new = do(large_sandbox, lambda client: client.tickets.create("On fire", "Help!"))
    do(large_sandbox, lambda client: client.comments.create(new.id, "Still on fire"))
    monkeypatch.setenv("SOURCES__USERESPONSE__SINCE", new.created_at.isoformat())
    for _ in range(2):
        warehouse.load(large_sandbox, "tickets", "topics", "comments")
        assert (warehouse.ids("tickets"), warehouse.ids("topics")) == ([new.id], [])
        assert [owner for _, owner in warehouse.comments()] == [new.id]


@pytest.mark.long
def test_a_run_goes_back_by_the_overlap(warehouse, large_sandbox):
    warehouse.load(large_sandbox, "tickets")
    large_sandbox.insert_tickets(1)
    large_sandbox.advance(1000)
    large_sandbox.insert_tickets(1)
    warehouse.load(large_sandbox, "tickets")
    for overlap, rows in ((900, 1), (1100, 2)):
        warehouse.load(large_sandbox, "tickets", overlap=overlap)
        counts = warehouse.pipeline.last_trace.last_normalize_info.row_counts
        assert counts["tickets"] == rows


def test_the_run_after_a_failed_one_loads_what_had_changed(warehouse, large_sandbox):
    resources = ("tickets", "comments")
    warehouse.load(large_sandbox, *resources)
    old = large_sandbox.ticket_ids[3]
    new = do(large_sandbox, lambda client: client.comments.create(old, "Still on fire"))
    large_sandbox.advance(10_000)
    inserted = large_sandbox.insert_tickets(1)
    large_sandbox.fail_next(400, match=f"objects/{old}/comments")
    with pytest.raises(PipelineStepFailed, match="400"):
        warehouse.load(large_sandbox, *resources)
    warehouse.load(large_sandbox, *resources)
    assert warehouse.ids("tickets") == [*large_sandbox.ticket_ids, *inserted]
    assert (new.id, old) in warehouse.comments()


@pytest.mark.long
def test_parallelized_resources_load_the_same(warehouse, sandbox):
    warehouse.pipeline.run(useresponse_source(sandbox.url, max_in_flight=3).parallelize())
    warehouse.assert_complete(sandbox)
    assert sandbox.peak_in_flight <= 3
    assert sandbox.connections_opened <= 3
    assert sandbox.connections == 0


def test_a_source_can_be_iterated_without_a_pipeline_and_left_early(sandbox):
    source = useresponse_source(sandbox.url)
    assert {row["id"] for row in source.users} == {*range(1, 121)}
    assert {row["id"] for row in source.tickets} == {*sandbox.ticket_ids}
    assert {row["id"] for row in source.comments} == {number for number, _ in comments_of(sandbox)}
    # An object that was deleted since it was listed has no comments.
    sandbox.fail_next(404, match="objects/[0-9]+/comments")
    owners = {owner for _, owner in comments_of(sandbox)}
    assert len(owners - {row["object_id"] for row in source.comments}) == 1
    left = source.with_resources("users").add_limit(1)
    assert [row["id"] for row in left] == [*range(1, 51)]
    assert sandbox.connections == 0


def test_a_wrong_key_raises_before_anything_is_written(warehouse, sandbox):
    sandbox.set_guests(allowed=False)
    source = useresponse_source(sandbox.url, "n0t-the-key")
    with pytest.raises(PipelineStepFailed, match=r"GET .*tickets\.json.*401.*API key") as caught:
        warehouse.pipeline.run(source)
    assert caught.value.step == "extract"
    assert warehouse.ask("SELECT count(*) FROM duckdb_tables()") == [0]
    assert not [*(warehouse.folder / "pipelines").rglob("*.jsonl*")]  # nor into a load package
    assert "n0t-the-key" not in str(caught.value)
    assert b"n0t-the-key" not in warehouse.written()


@pytest.mark.long
def test_a_failure_ends_all_resources(warehouse, start_sandbox):
    sandbox = start_sandbox(users=2000, articles=500, latency=0.01, api_key=KEY)
    sandbox.answer_next(b'{"error": {"code": 400, "message": "No."}}', 400, match="page=7&")
    with pytest.raises(PipelineStepFailed, match=r"400.*No\."):
        warehouse.load(sandbox)
    assert sandbox.connections == 0


SCRIPT = "from test_dlt import *; Warehouse(Path()).pipeline.run(useresponse_source(sys.argv[1]))"


@pytest.fixture
def start_script(warehouse, monkeypatch) -> Iterator[Callable[[Sandbox], subprocess.Popen[str]]]:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, Path(__file__).parents[:2])))
    with ExitStack() as stack:

        def start(sandbox: Sandbox) -> subprocess.Popen[str]:
            command = [sys.executable, "-c", SCRIPT, sandbox.url]
            process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)  # noqa: S603 - ours
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield start


@pytest.mark.long
def test_ctrl_c_ends_a_run_that_waits(start_sandbox, start_script):
    sandbox = start_sandbox(users=500, latency=110, api_key=KEY)
    process = start_script(sandbox)
    wait_until(lambda: sandbox.in_flight > 0, within=PATIENCE)
    # dlt takes the first one as a request to end after what is under way.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        process.send_signal(number)
    _, errors = process.communicate(timeout=90)
    assert process.returncode != 0
    assert not re.search(f"already running|never retrieved|{KEY}", errors)


@pytest.mark.long
@pytest.mark.parametrize("moment", ["extract", "normalize", "load"])
def test_the_run_after_a_killed_one_is_complete(moment, warehouse, start_sandbox, start_script):
    sandbox = start_sandbox(**SMALL | {"users": 1000}, latency=0.02, api_key=KEY)
    work = warehouse.folder / "pipelines" / "helpdesk"
    signs = {
        "extract": lambda: sandbox.arrivals > 30,
        "normalize": lambda: any(work.glob("load/new/*/new_jobs/*")),
        "load": lambda: any(work.glob("load/normalized/*/started_jobs/*")),
    }
    process = start_script(sandbox)
    wait_until(lambda: signs[moment]() or process.poll() is not None, within=PATIENCE)
    process.kill()
    process.communicate()
    process = start_script(sandbox)
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert KEY not in errors
    warehouse.assert_complete(sandbox)
