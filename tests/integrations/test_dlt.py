"""The dlt source, which loads the sandbox into DuckDB."""

import gzip
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import anyio
import dlt
import pytest
from dlt.pipeline.exceptions import PipelineStepFailed

from useresponse_async import AsyncClient
from useresponse_async.integrations.dlt import useresponse_source
from useresponse_async.sandbox import Sandbox

KEY = "k3y-of-the-warehouse"
SMALL = {"users": 120, "tickets": 70, "topics": 9, "articles": 5, "comments": 90, "chats": 4}
RESOURCES = {
    "users",
    "tickets",
    "topics",
    "articles",
    "comments",
    "chats",
    "categories",
    "statuses",
    "forums",
    "custom_fields",
    "reports",
}


@pytest.fixture(autouse=True, scope="module")
def _settings_of_dlt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DLT_DATA_DIR", str(tmp_path_factory.mktemp("dlt")))
        patch.setenv("RUNTIME__DLTHUB_TELEMETRY", "false")
        patch.setenv("RUNTIME__LOG_LEVEL", "CRITICAL")
        yield


@pytest.fixture
def sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return start_sandbox(**SMALL, api_key=KEY)


class Warehouse:
    """A pipeline into a DuckDB file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "warehouse.duckdb"
        self.pipeline = dlt.pipeline(
            "helpdesk",
            destination=dlt.destinations.duckdb(str(self.file)),
            dataset_name="helpdesk",
            pipelines_dir=str(folder / "pipelines"),
        )

    def load(self, sandbox: Sandbox, *resources: str, **options: Any) -> None:
        source = useresponse_source(sandbox.url, sandbox.api_key, **options)
        self.pipeline.run(source.with_resources(*resources) if resources else source)

    def ask(self, query: str) -> list[Any]:
        with self.pipeline.sql_client() as client:
            rows = client.execute_sql(query)
        return [row[0] if len(row) == 1 else tuple(row) for row in rows or ()]

    def columns(self, table: str) -> dict[str, str]:
        described = self.ask("SELECT table_name, column_name, data_type FROM duckdb_columns()")
        return {column: kind for name, column, kind in described if name == table}

    def written(self) -> bytes:
        """Return the bytes of every file: the database, load packages, schemas, state, traces."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        assert files
        contents = (path.read_bytes() for path in files)
        return b"".join(
            gzip.decompress(content) if content.startswith(b"\x1f\x8b") else content
            for content in contents
        )

    def assert_complete(self, sandbox: Sandbox, users: int) -> None:
        """Assert that each item is there as one row."""
        for table, ids in {
            "users": [*range(1, users + 1)],
            "tickets": sorted(sandbox.ticket_ids),
            "topics": sorted(sandbox.topic_ids),
            "articles": sorted(sandbox.article_ids),
        }.items():
            assert self.ask(f"SELECT id FROM {table} ORDER BY id") == ids  # noqa: S608
        assert self.ask("SELECT count(*), count(DISTINCT id) FROM chats") == [(4, 4)]
        owners = {*sandbox.ticket_ids, *sandbox.topic_ids}
        query = "SELECT id, object_id FROM comments ORDER BY id"
        assert self.ask(query) == comments_of(sandbox, owners)
        for child in ("users__tags", "users__custom_fields", "tickets__tags"):
            query = (
                "SELECT count(*) > 0, count(*) = count(DISTINCT (_dlt_parent_id, _dlt_list_idx))"
            )
            assert self.ask(f"{query} FROM {child}") == [(True, True)]


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Warehouse]:
    monkeypatch.chdir(tmp_path)
    warehouse = Warehouse(tmp_path)
    yield warehouse
    if warehouse.pipeline.is_active:  # another pipeline may have taken its place
        warehouse.pipeline.deactivate()


def comments_of(sandbox: Sandbox, owners: Collection[int]) -> list[tuple[int, int]]:
    records = map(sandbox.comment, sandbox.comment_ids)
    return [(record.id, record.object) for record in records if record and record.object in owners]


def do(sandbox: Sandbox, act: Callable[[AsyncClient], Awaitable[Any]]) -> Any:
    async def run() -> Any:
        async with AsyncClient(sandbox.url, api_key=sandbox.api_key) as client:
            return await act(client)

    return anyio.run(run)


# What is loaded.


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Warehouse, Sandbox]]:
    """Give a warehouse into which all has been loaded, configured by dlt's variables."""
    warehouse = Warehouse(tmp_path_factory.mktemp("loaded"))
    with Sandbox(**SMALL, api_key=KEY) as sandbox, pytest.MonkeyPatch.context() as patch:
        patch.chdir(warehouse.folder)
        patch.setenv("SOURCES__USERESPONSE__BASE_URL", sandbox.url)
        patch.setenv("SOURCES__USERESPONSE__API_KEY", KEY)
        patch.setenv("SOURCES__USERESPONSE__API_VERSION", "7.0")
        warehouse.pipeline.run(useresponse_source())
        # An active pipeline would give its state to sources that other tests iterate over.
        warehouse.pipeline.deactivate()
        yield warehouse, sandbox


def test_every_resource_is_a_table_with_a_row_for_each_item(loaded: tuple[Warehouse, Sandbox]):
    warehouse, sandbox = loaded
    warehouse.assert_complete(sandbox, users=120)
    for number in (1, 60, 120):
        user = sandbox.user(number)
        assert user is not None
        query = f"SELECT name, email, role__alias FROM users WHERE id = {number}"  # noqa: S608
        assert warehouse.ask(query) == [(user.name, user.email, user.role)]
    for table in ("categories", "statuses", "forums", "reports"):
        assert warehouse.ask(f"SELECT count(*) = count(DISTINCT id) FROM {table}") == [True]  # noqa: S608
        assert warehouse.ask(f"SELECT count(*) > 0 FROM {table}") == [True]  # noqa: S608
    assert {request.path.split("/")[2] for request in sandbox.requests} == {"7.0"}


def test_lists_are_child_tables_and_moments_are_timestamps(loaded: tuple[Warehouse, Sandbox]):
    warehouse, sandbox = loaded
    query = "SELECT t.value FROM users u JOIN users__tags t ON t._dlt_parent_id = u._dlt_id"
    seven = sandbox.user(7)
    assert seven is not None
    assert warehouse.ask(f"{query} WHERE u.id = 7 ORDER BY _dlt_list_idx") == [
        tag for tag in seven.tags.split(",") if tag
    ]
    query = "SELECT count(*) > 0 FROM users__custom_fields WHERE label = 'Region'"
    assert warehouse.ask(query) == [True]
    owners = warehouse.ask(
        "SELECT owner, count(*) = count(DISTINCT id) FROM custom_fields GROUP BY 1"
    )
    assert sorted(owners) == [("object", True), ("user", True)]
    assert warehouse.ask("SELECT count(*) > 0 FROM custom_fields__options") == [True]
    for number in sandbox.article_ids:
        record = sandbox.object(number)
        assert record is not None
        query = f"SELECT epoch(created_at)::BIGINT FROM articles WHERE id = {number}"  # noqa: S608
        assert warehouse.ask(query) == [record.created]


def test_odd_values_are_json_and_no_key_is_stored(warehouse: Warehouse, sandbox: Sandbox):
    odd = (
        '[{"id": 1, "name": "half \\ud83d of a pair", "type": {"slug": "idea"}, '
        '"huge": 123456789012345678901234567890, "list": [1, {"a": null}]},'
        ' {"id": 2, "type": "idea"}]'
    )
    sandbox.answer_next(odd, match="categories")
    sandbox.answer_next('[{"id": "a", "name": "A"}, {"name": "B"}]', match="forums")
    leaky = '{"totalObjects": 1, "data": [{"id": 1, "name": "Ann Leak", "apiKey": "l34ky-k3y"}]}'
    sandbox.answer_next(leaky, match="users/search")
    warehouse.load(sandbox, "categories", "forums", "users")
    assert warehouse.ask("SELECT id, name, type FROM categories ORDER BY id") == [
        (1, "half \\ud83d of a pair", '{"slug": "idea"}'),
        (2, None, "idea"),
    ]
    assert warehouse.ask("SELECT extra->>'list' FROM categories WHERE id = 1") == ['[1,{"a":null}]']
    assert warehouse.ask("SELECT id, name FROM forums") == [
        ("a", "A")
    ]  # what has no id is left out
    written = warehouse.written()
    assert b"Ann Leak" in written
    assert KEY.encode() not in written
    assert b"l34ky-k3y" not in written
    schema = warehouse.pipeline.default_schema.to_pretty_json()
    assert not re.search("api_key|apiKey", schema)


def test_the_resources_are_named_as_their_tables():
    source = useresponse_source("https://example.test", KEY)
    assert {*source.resources} == {*source.selected_resources} == RESOURCES
    assert {resource.table_name for resource in source.resources.values()} == RESOURCES


@pytest.mark.long
def test_a_column_without_values_has_its_type_even_in_an_empty_table(
    warehouse: Warehouse, start_sandbox: Callable[..., Sandbox]
):
    sandbox = start_sandbox(users=1, chats=0)
    warehouse.load(sandbox, "users", "chats")
    assert warehouse.ask("SELECT count(*) FROM chats") == [0]
    chats = warehouse.columns("chats")
    assert chats["id"] == "BIGINT"
    assert chats["completed_at"] == "TIMESTAMP WITH TIME ZONE"
    assert chats["completed_at_text"] == "VARCHAR"
    assert chats["seen_by_client"] == "BOOLEAN"
    assert chats["last_message__author__avatar__big"] == "VARCHAR"
    users = warehouse.columns("users")
    assert users["gravatar_email"] == "VARCHAR"
    assert users["extra"] == "JSON"


# What changed.


@pytest.fixture
def large_sandbox(start_sandbox: Callable[..., Sandbox]) -> Sandbox:
    return start_sandbox(users=20, tickets=230, topics=130, comments=40, api_key=KEY)


def asked(sandbox: Sandbox, path: str) -> int:
    return sum(path in request.path for request in sandbox.requests)


def test_a_run_loads_what_changed_and_requests_little_else(
    warehouse: Warehouse, large_sandbox: Sandbox
):
    resources = ("tickets", "topics", "comments")
    warehouse.load(large_sandbox, *resources)
    assert warehouse.ask("SELECT count(*), count(DISTINCT id) FROM tickets") == [(230, 230)]
    old = large_sandbox.ticket_ids[3]
    do(large_sandbox, lambda client: client.objects.update(old, title="Somebody else's"))
    do(large_sandbox, lambda client: client.comments.create(old, "Any news?"))
    large_sandbox.insert_tickets(1)
    for most_requests in (4, 1):  # the last run finds nothing new
        large_sandbox.forget_requests()
        warehouse.load(large_sandbox, *resources)
        assert asked(large_sandbox, "tickets.json") <= most_requests
        # Topics may as well be listed by creation, so that each of the three pages is read.
        assert asked(large_sandbox, "search.json") == 3
    assert warehouse.ask("SELECT count(*), count(DISTINCT id) FROM tickets") == [(231, 231)]
    query = f"SELECT title FROM tickets WHERE id = {old}"  # noqa: S608
    assert warehouse.ask(query) == ["Somebody else's"]


@pytest.mark.long
@pytest.mark.parametrize("kind", ["ticket", "topic"])
@pytest.mark.parametrize("others", [(), ("tickets", "topics")])
def test_the_comments_of_what_changed_are_loaded(
    kind: str, others: tuple[str, ...], warehouse: Warehouse, large_sandbox: Sandbox
):
    resources = ("comments", *others)
    warehouse.load(large_sandbox, *resources)
    owners = {*large_sandbox.ticket_ids, *large_sandbox.topic_ids}
    everything = comments_of(large_sandbox, owners)
    assert warehouse.ask("SELECT id, object_id FROM comments ORDER BY id") == everything
    old = (large_sandbox.ticket_ids if kind == "ticket" else large_sandbox.topic_ids)[3]
    new = do(large_sandbox, lambda client: client.comments.create(old, "It is on fire again"))
    large_sandbox.forget_requests()
    warehouse.load(large_sandbox, *resources)
    assert asked(large_sandbox, f"objects/{old}/comments.json") == 1
    assert asked(large_sandbox, "/comments.json") <= 4
    query = f"SELECT object_id, content FROM comments WHERE id = {new.id}"  # noqa: S608
    assert warehouse.ask(query) == [(old, "It is on fire again")]
    if others:
        query = f"SELECT comments_num FROM {kind}s WHERE id = {old}"  # noqa: S608
        count = do(large_sandbox, lambda client: client.objects.comments(old).count())
        assert warehouse.ask(query) == [count]


@pytest.mark.long
def test_a_resource_that_is_selected_later_is_complete(
    warehouse: Warehouse, large_sandbox: Sandbox
):
    owners = {*large_sandbox.ticket_ids, *large_sandbox.topic_ids}
    warehouse.load(large_sandbox, "tickets")
    warehouse.load(large_sandbox, "comments")
    warehouse.load(large_sandbox, "topics")
    assert warehouse.ask("SELECT id, object_id FROM comments ORDER BY id") == comments_of(
        large_sandbox, owners
    )
    assert warehouse.ask("SELECT count(*) FROM tickets") == [230]
    assert warehouse.ask("SELECT count(*) FROM topics") == [130]


@pytest.mark.long
def test_items_older_than_since_are_left_out(
    warehouse: Warehouse, large_sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    large_sandbox.advance(10_000)
    new = do(large_sandbox, lambda client: client.tickets.create("On fire", "Help!"))
    do(large_sandbox, lambda client: client.comments.create(new.id, "Still on fire"))
    monkeypatch.setenv("SOURCES__USERESPONSE__SINCE", new.created_at.isoformat())
    for _ in range(2):
        warehouse.load(large_sandbox, "tickets", "topics", "comments")
        assert warehouse.ask("SELECT id FROM tickets") == [new.id]
        assert warehouse.ask("SELECT object_id FROM comments") == [new.id]
        assert warehouse.ask("SELECT count(*) FROM topics") == [0]


@pytest.mark.long
def test_a_run_goes_back_by_the_overlap(warehouse: Warehouse, large_sandbox: Sandbox):
    warehouse.load(large_sandbox, "tickets")
    large_sandbox.insert_tickets(1)
    large_sandbox.advance(1000)
    large_sandbox.insert_tickets(1)
    warehouse.load(large_sandbox, "tickets")
    for overlap, rows in ((900, 1), (1100, 2)):
        warehouse.load(large_sandbox, "tickets", overlap=overlap)
        counts = warehouse.pipeline.last_trace.last_normalize_info.row_counts
        assert counts["tickets"] == rows


@pytest.mark.long
def test_an_object_deleted_since_it_was_listed_has_no_comments(
    warehouse: Warehouse, large_sandbox: Sandbox
):
    large_sandbox.fail_next(404, match="objects/[0-9]+/comments")
    warehouse.load(large_sandbox, "tickets", "comments")
    assert warehouse.ask("SELECT count(*) FROM tickets") == [230]


def test_the_run_after_a_failed_one_loads_what_had_changed(
    warehouse: Warehouse, large_sandbox: Sandbox
):
    resources = ("tickets", "comments")
    warehouse.load(large_sandbox, *resources)
    old = large_sandbox.ticket_ids[3]
    new = do(large_sandbox, lambda client: client.comments.create(old, "Still on fire"))
    large_sandbox.advance(10_000)
    large_sandbox.insert_tickets(1)
    large_sandbox.fail_next(400, match=f"objects/{old}/comments")
    with pytest.raises(PipelineStepFailed, match="400"):
        warehouse.load(large_sandbox, *resources)
    warehouse.load(large_sandbox, *resources)
    assert warehouse.ask(f"SELECT content FROM comments WHERE id = {new.id}") == ["Still on fire"]  # noqa: S608
    assert warehouse.ask("SELECT count(*) FROM tickets") == [231]


# How it runs.


@pytest.mark.long
def test_parallelized_resources_load_the_same(warehouse: Warehouse, sandbox: Sandbox):
    threads = threading.active_count()
    warehouse.pipeline.run(useresponse_source(sandbox.url, KEY, max_in_flight=3).parallelize())
    assert warehouse.ask("SELECT count(*), count(DISTINCT id) FROM users") == [(120, 120)]
    assert warehouse.ask("SELECT count(*), count(DISTINCT id) FROM tickets") == [(70, 70)]
    assert warehouse.ask("SELECT id, object_id FROM comments ORDER BY id") == comments_of(
        sandbox, {*sandbox.ticket_ids, *sandbox.topic_ids}
    )
    assert sandbox.peak_in_flight <= 3
    assert sandbox.connections_opened <= 3
    assert sandbox.connections == 0
    assert threading.active_count() == threads


def test_a_source_can_be_iterated_without_a_pipeline(sandbox: Sandbox):
    source = useresponse_source(sandbox.url, KEY)
    assert {row["id"] for row in source.users} == {*range(1, 121)}
    assert {row["id"] for row in source.tickets} == {*sandbox.ticket_ids}
    owners = {*sandbox.ticket_ids, *sandbox.topic_ids}
    assert {row["id"] for row in source.comments} == {i for i, _ in comments_of(sandbox, owners)}


@pytest.mark.long
def test_a_source_can_be_run_again(warehouse: Warehouse, sandbox: Sandbox):
    source = useresponse_source(sandbox.url, KEY).with_resources("tickets", "comments")
    for tickets in (70, 71, 72):
        warehouse.pipeline.run(source)
        assert warehouse.ask("SELECT count(*), count(DISTINCT id) FROM tickets") == [
            (tickets, tickets)
        ]
        sandbox.insert_tickets(1)


def test_a_resource_that_is_left_early_ends_its_requests(sandbox: Sandbox):
    threads = threading.active_count()
    source = useresponse_source(sandbox.url, KEY).with_resources("users")
    assert [row["id"] for row in source.add_limit(1)] == [*range(1, 51)]
    assert threading.active_count() == threads
    assert sandbox.connections == 0


# What goes wrong.


def test_a_wrong_key_raises_before_anything_is_written(
    warehouse: Warehouse, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
):
    sandbox.set_guests(allowed=False)
    threads = threading.active_count()
    source = useresponse_source(sandbox.url, "n0t-the-key")
    with pytest.raises(PipelineStepFailed, match=r"GET .*tickets\.json.*401.*API key") as caught:
        warehouse.pipeline.run(source)
    assert caught.value.step == "extract"
    assert warehouse.ask("SELECT count(*) FROM duckdb_tables()") == [0]
    assert not [*(warehouse.folder / "pipelines").rglob("*.jsonl*")]  # nor into a load package
    assert "n0t-the-key" not in str(caught.value)
    assert b"n0t-the-key" not in warehouse.written()
    assert threading.active_count() == threads
    assert not [record for record in caplog.records if record.name == "asyncio"]


@pytest.mark.long
def test_a_run_with_failing_requests_is_complete(
    warehouse: Warehouse, start_sandbox: Callable[..., Sandbox]
):
    sandbox = start_sandbox(**SMALL | {"users": 2000}, faults=0.05, seed=3)
    warehouse.load(sandbox)
    assert sandbox.faults
    warehouse.assert_complete(sandbox, users=2000)


@pytest.mark.long
def test_a_failure_ends_all_resources(
    warehouse: Warehouse, start_sandbox: Callable[..., Sandbox], caplog: pytest.LogCaptureFixture
):
    sandbox = start_sandbox(users=2000, articles=500, latency=0.01)
    sandbox.answer_next(b'{"error": {"code": 400, "message": "No."}}', 400, match="page=7&")
    threads = threading.active_count()
    with pytest.raises(PipelineStepFailed, match=r"400.*No\."):
        warehouse.load(sandbox)
    assert threading.active_count() == threads
    assert sandbox.connections == 0
    assert caplog.records == [r for r in caplog.records if r.levelno < logging.ERROR]


SCRIPT = """
import sys
from pathlib import Path

hosts = set()


def note(event, arguments):
    if event in ("socket.connect", "socket.sendto"):
        hosts.add(str(arguments[1]))
    if event == "socket.getaddrinfo":
        hosts.add(str(arguments[0]))


sys.addaudithook(note)

import dlt
from useresponse_async.integrations.dlt import useresponse_source

pipeline = dlt.pipeline(
    "helpdesk",
    destination=dlt.destinations.duckdb("warehouse.duckdb"),
    dataset_name="helpdesk",
    pipelines_dir="pipelines",
)
source = useresponse_source()
pipeline.run(source.with_resources(*sys.argv[1:]) if sys.argv[1:] else source)
print("hosts", sorted(hosts))
"""


@pytest.fixture
def start_script(tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    running: list[subprocess.Popen[str]] = []

    def start(sandbox: Sandbox, *resources: str) -> subprocess.Popen[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "DLT_DATA_DIR": str(tmp_path / "data"),
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            "SOURCES__USERESPONSE__BASE_URL": sandbox.url,
            "SOURCES__USERESPONSE__API_KEY": sandbox.api_key,
        }
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", SCRIPT, *resources],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        return process

    yield start
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.long
def test_a_run_connects_to_the_installation_only(
    sandbox: Sandbox, start_script: Callable[..., subprocess.Popen[str]]
):
    resources = ("users", "tickets", "comments", "custom_fields")
    output, errors = start_script(sandbox, *resources).communicate(timeout=100)
    hosts = re.search(r"^hosts (.*)$", output, re.MULTILINE)
    assert hosts, errors
    port = sandbox.url.rpartition(":")[2]
    assert set(eval(hosts[1])) <= {f"('127.0.0.1', {port})", "127.0.0.1"}  # noqa: S307 - our own
    assert KEY not in output + errors


@pytest.mark.long
def test_ctrl_c_ends_a_run_that_waits(
    start_sandbox: Callable[..., Sandbox],
    start_script: Callable[..., subprocess.Popen[str]],
    until: Callable[[Callable[[], bool]], None],
):
    sandbox = start_sandbox(users=500, latency=20, api_key=KEY)
    process = start_script(sandbox)
    until(lambda: sandbox.in_flight > 0)
    # dlt takes the first one as a request to end after what is under way.
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=15)
    assert process.returncode != 0
    assert "already running" not in errors
    assert "never retrieved" not in errors
    assert KEY not in errors


@pytest.mark.long
@pytest.mark.parametrize("moment", ["extract", "normalize", "load"])
def test_the_run_after_a_killed_one_is_complete(
    moment: str,
    warehouse: Warehouse,
    start_sandbox: Callable[..., Sandbox],
    start_script: Callable[..., subprocess.Popen[str]],
    until: Callable[[Callable[[], bool]], None],
):
    sandbox = start_sandbox(**SMALL | {"users": 3000}, latency=0.02)
    work = warehouse.folder / "pipelines" / "helpdesk"
    signs = {
        "extract": lambda: sandbox.arrivals > 30,
        "normalize": lambda: any(work.glob("load/new/*/new_jobs/*")),
        "load": lambda: any(work.glob("load/normalized/*/started_jobs/*")),
    }
    process = start_script(sandbox)
    until(lambda: signs[moment]() or process.poll() is not None)
    process.kill()
    process.communicate()
    output, errors = start_script(sandbox).communicate(timeout=100)
    assert "hosts" in output, errors
    warehouse.assert_complete(sandbox, users=3000)
