"""The cookbook's recipes, each run as its reader would run it."""

import asyncio
import csv
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from datetime import datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx
import pyarrow.parquet as pq
import pytest
import trustme
from anyio.from_thread import BlockingPortal, start_blocking_portal
from useresponse.sso import UseresponseSso

from useresponse_async import AsyncClient
from useresponse_async.sandbox import Sandbox

pytestmark = pytest.mark.long

COOKBOOK = Path(__file__).parents[1] / "cookbook"
RECIPES = sorted(path.stem for path in COOKBOOK.glob("*.py"))
INDEX = (COOKBOOK / "README.md").read_text(encoding="utf-8")
PATIENCE = 90


class Kitchen:
    """Runs recipes in processes of their own, in an environment that holds what they ask for."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.recipes = COOKBOOK
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **environment}
        self._running: list[subprocess.Popen[str]] = []

    def start(self, name: str, *arguments: object, flags: Any = ("-W", "error")) -> Any:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *flags, self.recipes / f"{name}.py", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._running.append(process)
        return process

    def run(self, name: str, *arguments: object, fails=False, quiet=True, **options: Any) -> str:
        """Return what a recipe printed; one that works says nothing on standard error."""
        process = self.start(name, *arguments, **options)
        output, errors = process.communicate(timeout=PATIENCE)
        assert (process.returncode != 0) is fails, errors
        assert fails or not errors or not quiet
        assert self.environment["USERESPONSE_API_KEY"] not in output + errors
        return output + errors

    def stop(self, process: subprocess.Popen[str], with_signal: signal.Signals) -> str:
        process.send_signal(with_signal)
        output, errors = process.communicate(timeout=PATIENCE)
        assert self.environment["USERESPONSE_API_KEY"] not in output + errors
        return output + errors

    def clear(self) -> None:
        for process in self._running:
            process.kill()
            process.communicate()


@pytest.fixture
def sandbox(start_sandbox) -> Sandbox:
    return start_sandbox(users=230, tickets=130, api_key="k3y-of-the-cookbook")


@pytest.fixture
def large_sandbox(start_sandbox) -> Sandbox:
    return start_sandbox(users=1230, api_key="k3y-of-the-cookbook")


@pytest.fixture
def kitchen_of(tmp_path) -> Iterator[Callable[..., Kitchen]]:
    with ExitStack() as stack:

        def make(sandbox: Sandbox, **environment: str) -> Kitchen:
            address = {"USERESPONSE_URL": sandbox.url, "USERESPONSE_API_KEY": sandbox.api_key}
            kitchen = Kitchen(tmp_path, address | environment)
            stack.callback(kitchen.clear)
            return kitchen

        yield make


@pytest.fixture
def kitchen(sandbox, kitchen_of) -> Kitchen:
    return kitchen_of(sandbox)


@pytest.fixture
def large_kitchen(large_sandbox, kitchen_of) -> Kitchen:
    return kitchen_of(large_sandbox)


def wait_for(condition: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if outcome := condition():
            return outcome
        time.sleep(0.01)
    pytest.fail("it did not come to pass")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


def answers(address: str) -> bool:
    with suppress(httpx.TransportError):
        return bool(httpx.get(address).status_code)
    return False


def everybody(sandbox: Sandbox) -> dict[int, tuple[str, str | None]]:
    users = (sandbox.user(number) for number in range(1, sandbox.user_count + 1))
    return {user.id: (user.name, user.email) for user in users if user is not None}


# The folder.


def test_the_index_links_to_every_recipe():
    assert len(RECIPES) >= 12
    assert sorted(re.findall(r"\]\((\w+)\.py\)", INDEX)) == RECIPES


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_is_run_by_a_test_and_says_how_to_run_it(name):
    assert re.search(rf'\b(run|start)\(\s*"{name}"', Path(__file__).read_text(encoding="utf-8"))
    text = (COOKBOOK / f"{name}.py").read_text(encoding="utf-8")
    doc = text.split('"""')[1]
    assert re.search(r"^Install:  pip install '?useresponse-async", doc, re.MULTILINE)
    assert re.search(rf"^Run: .*{name}", doc, re.MULTILINE)
    assert text.endswith('\n\n\nif __name__ == "__main__":\n    main()\n') or "pytest" in doc


# Users in bulk.


def test_the_data_frame_holds_every_user(kitchen, sandbox, tmp_path):
    output = kitchen.run("export_dataframe", "users.parquet")
    assert "230 users in users.parquet" in output
    rows = pq.read_table(tmp_path / "users.parquet").to_pylist()
    assert {row["id"]: (row["name"], row["email"]) for row in rows} == everybody(sandbox)
    assert len(rows) == 230
    seven = next(row for row in rows if row["id"] == 7)
    record = sandbox.user(7)
    assert record is not None
    assert (seven["role"], seven["tags"]) == (record.role, record.tags)
    assert f"{seven['registered']:%Y-%m-%d %H:%M:%S}" == record.registered


def users_in(path: Path) -> dict[int, tuple[str, str | None]]:
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT id, name, email FROM users").fetchall()
    return {number: (name, email) for number, name, email in rows}


def test_the_database_is_complete_after_a_failed_and_a_successful_run(kitchen, sandbox, tmp_path):
    sandbox.fail_next(403, match="page=3&")
    assert "PermissionDeniedError" in kitchen.run("users_to_database", "users.db", fails=True)
    assert len(users_in(tmp_path / "users.db")) % 50 in {0, 30}
    assert kitchen.run("users_to_database", "users.db") == "230 users in users.db\n"
    assert users_in(tmp_path / "users.db") == everybody(sandbox)


def test_a_second_run_updates_the_database(kitchen, sandbox, tmp_path):
    kitchen.run("users_to_database", "users.db")
    sandbox.remove_user(50)
    post(sandbox, "users/60.json", {"full_name": "Ada Lovelace"})
    new = sandbox.insert_users(3)
    kitchen.run("users_to_database", "users.db")
    found = users_in(tmp_path / "users.db")
    assert found[60][0] == "Ada Lovelace"
    assert len(found) == 233
    assert found.keys() >= set(new)
    stale = "SELECT id FROM users WHERE synced_at < (SELECT max(synced_at) FROM users)"
    with closing(sqlite3.connect(tmp_path / "users.db")) as db:
        assert db.execute(stale).fetchall() == [(50,)]


def post(sandbox: Sandbox, path: str, body: dict[str, Any], method: str = "POST") -> Any:
    url = f"{sandbox.url}/api/3.0/{path}"
    answer = httpx.request(method, url, params={"apiKey": sandbox.api_key}, json=body)
    return answer.raise_for_status().json()


# Tickets.


def tickets_in(path: Path) -> dict[int, str]:
    with closing(sqlite3.connect(path)) as db:
        rows = db.execute("SELECT id, json FROM tickets").fetchall()
    return {number: json.loads(text)["title"] for number, text in rows}


def tickets_of(sandbox: Sandbox, *more: int) -> dict[int, str]:
    records = (sandbox.object(number) for number in [*sandbox.ticket_ids, *more])
    return {record.id: record.title for record in records if record is not None}


def test_tickets_are_mirrored_by_changes_and_by_full_runs(kitchen, sandbox, tmp_path):
    def mirror(*options: str) -> tuple[str, dict[int, str]]:
        output = kitchen.run("tickets_mirror", "tickets.db", *options)
        return output, tickets_in(tmp_path / "tickets.db")

    assert mirror() == ("130 tickets written, 0 deleted\n", tickets_of(sandbox))
    new = sandbox.insert_tickets(2)
    post(sandbox, "objects/5.json", {"title": "Quite another thing"}, "PUT")
    sandbox.forget_requests()
    output, found = mirror()
    assert output == "4 tickets written, 0 deleted\n"  # one of them was the newest before
    assert len(sandbox.requests) == 1
    assert found == tickets_of(sandbox, *new)
    assert found[5] == "Quite another thing"
    sandbox.remove_object(17)
    assert 17 in mirror()[1]
    assert mirror("--full") == ("131 tickets written, 1 deleted\n", tickets_of(sandbox, *new))


def test_a_failed_run_of_the_mirror_loses_nothing(kitchen, sandbox, tmp_path):
    kitchen.run("tickets_mirror", "tickets.db")
    new = sandbox.insert_tickets(120)
    sandbox.fail_next(403, match="page=2&")
    kitchen.run("tickets_mirror", "tickets.db", fails=True)
    kitchen.run("tickets_mirror", "tickets.db")
    assert tickets_in(tmp_path / "tickets.db") == tickets_of(sandbox, *new)


class Receiver(ThreadingHTTPServer):
    """Takes a webhook's calls; responds with the given statuses first, and then with 200."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Take)
        self.calls: list[tuple[str, str]] = []
        self.statuses: list[int] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}/s3cret-hook"


class _Take(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        text = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["text"]
        self.server.calls.append((self.headers["Idempotency-Key"], text))
        self.send_response(self.server.statuses.pop(0) if self.server.statuses else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as receiver:
        thread = threading.Thread(target=receiver.serve_forever, args=(0.01,))
        thread.start()
        yield receiver
        receiver.shutdown()
        thread.join()


def keys_of(tickets: list[int]) -> list[str]:
    return [f"ticket-{number}" for number in tickets]


def test_every_new_ticket_is_alerted_in_order_despite_outages(kitchen, sandbox, receiver, tmp_path):
    kitchen.environment["ALERT_WEBHOOK_URL"] = receiver.url
    process = kitchen.start("new_ticket_alert", "alert.state", "--interval", 0.05)
    wait_for((tmp_path / "alert.state").exists)
    first = sandbox.insert_tickets(70)
    wait_for(lambda: len(receiver.calls) == 70)
    receiver.statuses = [500]
    sandbox.fail_next(403, times=2)
    second = sandbox.insert_tickets(1)
    wait_for(lambda: len(receiver.calls) == 72)
    keys = [key for key, _ in receiver.calls]
    assert keys == keys_of(first + second * 2)
    assert f"#{first[0]}: " in receiver.calls[0][1]
    saved = tmp_path / "alert.state"
    wait_for(lambda: saved.read_text() == str(second[0]))
    output = kitchen.stop(process, signal.SIGTERM)
    assert process.returncode == 0
    assert "HTTPStatusError" in output
    assert "PermissionDeniedError" in output
    assert "s3cret-hook" not in output


def test_a_stopped_alert_resumes(kitchen, sandbox, receiver, tmp_path):
    (tmp_path / "alert.state").write_text("128")
    kitchen.environment["ALERT_WEBHOOK_URL"] = receiver.url
    process = kitchen.start("new_ticket_alert", "alert.state", "--interval", 0.05)
    wait_for(lambda: (tmp_path / "alert.state").read_text() == "130")
    assert kitchen.stop(process, signal.SIGINT) == ""
    assert process.returncode == 0
    assert [key for key, _ in receiver.calls] == keys_of([129, 130])


# Web applications.


def test_the_django_view_responds_and_closes_its_client(kitchen, sandbox):
    port = free_port()
    address = f"http://127.0.0.1:{port}/people"
    process = kitchen.start("django_view", "--port", port)
    wait_for(lambda: answers(address))
    seven = sandbox.user(7)
    assert seven is not None
    assert httpx.get(f"{address}/7").json() == {"id": 7, "name": seven.name}
    assert httpx.get(f"{address}/70000").status_code == 404
    sandbox.fail_next(400)
    assert httpx.get(f"{address}/7").status_code == 502
    assert sandbox.connections_opened == 1
    output = kitchen.stop(process, signal.SIGINT)
    assert "Application shutdown complete" in output
    assert "Warning" not in output


def sso(url: str, redirect: str) -> str:
    old = UseresponseSso(
        domain=url,
        secret="s3kre7",
        source="example.com",
        full_name="Ada Lovelace",
        email="ada@example.com",
        user_id="42",
    )
    return old.get_login_url(redirect)


def test_a_visitor_is_signed_on_and_redirected(kitchen, sandbox):
    port = free_port()
    address = f"http://127.0.0.1:{port}/support"
    kitchen.environment |= {
        "USERESPONSE_SSO_SECRET": "s3kre7",
        "USERESPONSE_SSO_SOURCE": "example.com",
    }
    process = kitchen.start("sign_on", "--port", port)
    wait_for(lambda: answers(address))
    who = {
        "X-Forwarded-User": "42",
        "X-Forwarded-Preferred-Username": "Ada Lovelace",
        "X-Forwarded-Email": "ada@example.com",
    }
    answer = httpx.get(address, headers=who, params={"to": "/topic/1"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == sso(sandbox.url, f"{sandbox.url}/topic/1")
    assert answer.headers["Cache-Control"] == "no-store"
    assert httpx.get(address, headers=who).headers["Location"] == sso(
        sandbox.url, f"{sandbox.url}/"
    )
    assert httpx.get(address).status_code == 401
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", ".evil.example"):
        assert httpx.get(address, headers=who, params={"to": elsewhere}).status_code == 400
    output = kitchen.stop(process, signal.SIGINT)
    assert "/sso/" not in output
    assert "s3kre7" not in output


# Other people's networks.


class Network:
    """A TLS front of the sandbox and a forward proxy, which notes whom it is to connect to."""

    def __init__(self, portal: BlockingPortal, sandbox: Sandbox) -> None:
        self._portal = portal
        self._sandbox_port = httpx.URL(sandbox.url).port or 0
        self._servers: list[asyncio.Server] = []
        self.tunnels: list[str] = []

    def serve(self, handler: Callable[..., Any], context: ssl.SSLContext | None = None) -> int:
        start = partial(asyncio.start_server, handler, "127.0.0.1", 0, ssl=context)
        self._servers.append(self._portal.call(start))
        port: int = self._servers[-1].sockets[0].getsockname()[1]
        return port

    def close(self) -> None:
        for server in self._servers:
            self._portal.call(server.close)

    async def front(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await tunnel(reader, writer, "127.0.0.1", self._sandbox_port)

    async def proxy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = re.match(rb"CONNECT (\S+):(\d+) HTTP/1.1\r\n", await reader.readuntil(b"\r\n\r\n"))
        assert asked is not None
        self.tunnels.append(f"{asked[1].decode()}:{asked[2].decode()}")
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await tunnel(reader, writer, asked[1].decode(), int(asked[2]))


async def tunnel(near: Any, near_writer: Any, host: str, port: int) -> None:
    far, far_writer = await asyncio.open_connection(host, port)

    async def pump(source: Any, sink: Any) -> None:
        with closing(sink), suppress(OSError):
            while chunk := await source.read(65536):
                sink.write(chunk)

    await asyncio.gather(pump(near, far_writer), pump(far, near_writer))


@pytest.fixture
def network(sandbox) -> Iterator[Network]:
    with start_blocking_portal() as portal:
        with closing(Network(portal, sandbox)) as network:
            yield network


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA(organization_name="Corporate")


@pytest.fixture
def tls_url(network, authority) -> str:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return f"https://127.0.0.1:{network.serve(network.front, context)}"


@pytest.fixture
def ca_file(authority, tmp_path) -> Path:
    path = tmp_path / "corporate-ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


def test_the_corporate_authority_is_trusted(kitchen, tls_url, ca_file):
    kitchen.environment["USERESPONSE_URL"] = tls_url
    output = kitchen.run("corporate_network", "--ca-file", ca_file)
    assert output.endswith("one of 230 users\n")


def test_the_corporate_authority_is_not_trusted_unless_named(kitchen, sandbox, tls_url):
    kitchen.environment["USERESPONSE_URL"] = tls_url
    process = kitchen.start("corporate_network")
    assert process.stderr is not None
    assert any("certificate is not trusted" in line for line in process.stderr)
    assert sandbox.requests == []


@pytest.mark.parametrize("token", [None, "g4teway"])
def test_requests_go_through_the_proxy(kitchen, sandbox, network, tls_url, ca_file, token):  # noqa: PLR0917 - fixtures
    kitchen.environment |= {"USERESPONSE_URL": tls_url}
    if token is not None:
        kitchen.environment["GATEWAY_TOKEN"] = token
    proxy = f"http://127.0.0.1:{network.serve(network.proxy)}"
    output = kitchen.run("corporate_network", "--ca-file", ca_file, "--proxy", proxy)
    assert output.endswith("one of 230 users\n")
    assert set(network.tunnels) == {tls_url.removeprefix("https://")}
    tokens = [request.headers.get("X-Gateway-Token") for request in sandbox.requests]
    assert tokens == [token, token]


# Testing, and moving from the older client.


def test_every_request_and_every_retry_is_logged_and_counted(kitchen, sandbox):
    sandbox.fail_next(503, match="page=2&")
    process = kitchen.start("logs_and_metrics")
    output, log = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, log
    assert sandbox.api_key not in output + log
    figures = dict(line.rsplit(" ", 1) for line in output.splitlines())
    assert float(figures.pop("useresponse_seconds_total")) > 0
    search, get = (
        'method="GET",endpoint="users/search.json"',
        'method="GET",endpoint="users/{id}.json"',
    )
    assert figures == {
        f'useresponse_requests_total{{{search},status="200"}}': "5",
        f'useresponse_requests_total{{{search},status="503"}}': "1",
        f'useresponse_requests_total{{{get},status="200"}}': "5",
        f'useresponse_retries_total{{{search},error="ServiceUnavailableError"}}': "1",
    }
    lines = [json.loads(line) for line in log.splitlines()]
    answered = [line for line in lines if line["message"] == "answered"]
    retried = [line for line in lines if line["message"] == "retrying"]
    assert Counter(line["status"] for line in answered) == {200: 10, 503: 1}
    assert [line["path"] for line in retried] == ["/api/3.0/users/search.json"]
    assert "count=50" not in log


def test_the_tests_of_an_application_pass(kitchen, tmp_path):
    # Beside this project's own tests it would find their settings and fixtures.
    shutil.copy(COOKBOOK / "testing_your_code.py", tmp_path)
    kitchen.recipes = tmp_path
    # pytest-asyncio, which this project has for its own sake, warns of not being configured.
    flags = ("-W", "error", "-m", "pytest", "-p", "no:asyncio")
    output = kitchen.run("testing_your_code", flags=flags)
    assert "= 4 passed in " in output


def test_both_clients_return_the_same(kitchen, sandbox):
    output = kitchen.run("from_useresponse")
    assert Counter(line.rpartition(": ")[2] for line in output.splitlines()) == {"the same": 5}
    agents = {request.headers["User-Agent"].partition("/")[0] for request in sandbox.requests}
    assert len(agents) == 2


def test_a_difference_between_the_clients_is_reported(kitchen, sandbox):
    old_data = b'{"success": {"totalPages": 1, "data": []}}'
    sandbox.answer_next(old_data, match="tickets.json")
    assert "titles: NOT the same" in kitchen.run("from_useresponse", fails=True)


# Walks that are interrupted, divided, and spread.


def ids_in(*paths: Path) -> list[int]:
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(json.loads(line)["id"] for line in lines)


@pytest.mark.parametrize("moved", ["nothing", "inserted", "removed"])
def test_a_killed_walk_resumes_and_has_each_user_once(
    large_kitchen, large_sandbox, tmp_path, moved
):
    large_sandbox.delay_next(600, match="page=5&")
    process = large_kitchen.start("resume_walk", "users.jsonl")
    state = tmp_path / "users.jsonl.state"
    wait_for(lambda: state.exists() and json.loads(state.read_text())["next_page"] == 5)
    process.kill()
    process.communicate()
    assert not (tmp_path / "users.jsonl").exists()
    with (tmp_path / "users.jsonl.part").open("a") as part:
        part.write('{"id": 201, "na')  # as if it had died while it wrote
    if moved == "inserted":
        large_sandbox.insert_users(30)
    if moved == "removed":
        for number in range(10, 40):
            large_sandbox.remove_user(number)
    large_sandbox.forget_requests()
    output = large_kitchen.run("resume_walk", "users.jsonl")
    assert "continuing with page 5, after 200 users" in output
    assert min(int(dict(request.query)["page"]) for request in large_sandbox.requests) == 4
    assert ids_in(tmp_path / "users.jsonl") == list(range(1, 1231))
    left = {path.name for path in tmp_path.iterdir() if path.name.startswith("users")}
    assert left == {"users.jsonl"}


def test_several_processes_export_each_user_once(large_kitchen, tmp_path):
    large_kitchen.run("several_processes", "users", "--processes", 2)
    files = list((tmp_path / "users").iterdir())
    assert sorted(path.name for path in files) == ["users-000001.jsonl", "users-000021.jsonl"]
    assert ids_in(*files) == list(range(1, 1231))


def test_a_second_run_of_several_processes_exports_the_rest(large_kitchen, large_sandbox, tmp_path):
    large_sandbox.fail_next(403, match="page=24&")
    large_kitchen.run("several_processes", "users", "--processes", 2, fails=True)
    files = (tmp_path / "users").glob("*.jsonl")
    assert [path.name for path in files] == ["users-000001.jsonl"]
    large_sandbox.forget_requests()
    large_kitchen.run("several_processes", "users", "--processes", 2)
    pages = [int(dict(request.query)["page"]) for request in large_sandbox.requests]
    assert sorted(pages) == [1, *range(21, 26)]
    assert ids_in(*(tmp_path / "users").glob("*.jsonl")) == list(range(1, 1231))


# dask calls pandas in a way that pandas has begun to warn of.
DASK_FLAGS = ("-W", "error", "-W", "ignore:The inplace keyword")


def test_two_dask_workers_export_each_user_once(large_kitchen, large_sandbox, tmp_path):
    large_sandbox.fail_next(403, match="page=23&")  # the task is retried
    with socket.socket() as dashboard_of_another_cluster:
        with suppress(OSError):  # there is one
            dashboard_of_another_cluster.bind(("", 8787))
            dashboard_of_another_cluster.listen()
        # Dask itself reports the failed task on standard error.
        output = large_kitchen.run("dask_cluster", "users", flags=DASK_FLAGS, quiet=False)
    assert f"1230 users in {tmp_path / 'users'}" in output
    files = list((tmp_path / "users").iterdir())
    assert sorted(path.name for path in files) == ["users-000001.parquet", "users-000021.parquet"]
    rows = [row for path in files for row in pq.read_table(path).to_pylist()]
    assert len(rows) == 1230
    assert {row["id"]: (row["name"], row["email"]) for row in rows} == everybody(large_sandbox)


@pytest.mark.parametrize("arguments", [(), ("--parquet", "lake")])
def test_the_warehouse_counts_open_tickets_by_category_and_week(
    kitchen_of, sandbox, tmp_path, arguments
):
    kitchen = kitchen_of(sandbox, DLT_DATA_DIR=str(tmp_path / "dlt"))
    address = {"base_url": sandbox.url, "api_key": sandbox.api_key}

    async def open_tickets() -> Counter[tuple[str, str]]:
        async with AsyncClient(**address) as client:
            found = [ticket async for ticket in client.tickets.search(status="all")]
        open_ones = [ticket for ticket in found if not (ticket.status and ticket.status.is_closed)]
        return Counter(
            (ticket.category.name if ticket.category else "(none)", monday(ticket.created_at))
            for ticket in open_ones
        )

    def monday(moment: datetime) -> str:
        return f"{moment.date() - timedelta(days=moment.weekday())}"

    for _ in range(2):
        output = kitchen.run("warehouse", *arguments)
        rows = [line.split(maxsplit=2) for line in output.splitlines()]
        told = Counter({(category, week): int(count) for week, count, category in rows})
        assert told == anyio.run(open_tickets)
        sandbox.insert_tickets(2)


CLOSES_ITS_CLIENT = """
from dask_cluster import UseResponse
from distributed import Client, LocalCluster

def main():
    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            client.register_plugin(UseResponse())
            plugin = cluster.workers[0].plugins["useresponse"]
            first = plugin.client
            client.register_plugin(UseResponse())
            assert cluster.workers[0].plugins["useresponse"].client is first
    import anyio
    from useresponse_async import ClientClosedError
    try:
        anyio.run(plugin.client.users.me)
    except ClientClosedError:
        print("closed")

if __name__ == "__main__":
    main()
"""


def test_a_dask_worker_has_one_client_and_closes_it(kitchen, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(CLOSES_ITS_CLIENT)
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, script],
        env={**kitchen.environment, "PYTHONPATH": str(COOKBOOK)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.stdout == "closed\n", done.stderr


# Files, and changes in bulk.


def test_files_of_a_ticket_are_downloaded_unchanged(kitchen, tmp_path):
    contents = {"photo.jpg": os.urandom(3_000_001), "naïve ünï.txt": b"smoke", "empty": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    output = kitchen.run("attachments", "upload", "Printer on fire", *contents)
    number = output.removeprefix("ticket ").strip()
    kitchen.run("attachments", "download", number, "files")
    found = {
        path.name.partition("-")[2]: path.read_bytes() for path in Path(tmp_path, "files").iterdir()
    }
    assert found == contents


HOSTILE_NAMES = {
    "..\\..\\../evil.txt": "evil.txt", "nul\0.txt": "nul_.txt", "lone\ud800.txt": "lone_.txt",
    "\x1b]0;title\x07\x1b[2J.txt": "_]0;title__[2J.txt", "gpj\u202etxt.exe": "gpj_txt.exe",
    "new\nline": "new_line", "a<b>|?*.txt": "a_b____.txt", "ü" * 400 + ".txt": "ü" * 73 + ".txt",
    "x" * 400: "x" * 150, "..": "", "trailing. .": "trailing", "": "", "plain.txt": "plain.txt",
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_odd_file_names_are_made_safe(kitchen_of, sandbox, tmp_path, encoding):
    kitchen = kitchen_of(sandbox, PYTHONIOENCODING=encoding)
    records = [
        {"id": number, "name": {"full": name}, "url": f"{sandbox.url}/files/{number}/x"}
        for number, name in enumerate(HOSTILE_NAMES, 1)
    ]
    sandbox.answer_next(json.dumps({"id": 1, "attachments": records}).encode(), match="objects/1")
    for number in range(1, len(records) + 1):
        sandbox.answer_next(b"%d" % number, media_type="text/plain", match=rf"files/{number}/")
    output = kitchen.run("attachments", "download", 1, "files")
    assert output.replace("\n", "").isprintable()
    assert len(output.splitlines()) == len(records)
    expected = {
        f"{number}-{name}".removesuffix("-"): f"{number}"
        for number, name in enumerate(HOSTILE_NAMES.values(), 1)
    }
    found = {path.name: path.read_text() for path in Path(tmp_path, "files").iterdir()}
    assert found == expected
    assert not list(tmp_path.parent.rglob("evil.txt"))


def test_a_missing_file_is_reported_and_the_others_are_downloaded(kitchen, sandbox, tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).write_text(name)
    number = kitchen.run("attachments", "upload", "Two", "one", "two").split()[1]
    sandbox.fail_next(404, message="no\x1b[2J such file", match="/one")
    output = kitchen.run("attachments", "download", number, "files", fails=True)
    assert "not fetched: GET " in output
    assert "no_[2J such file" in output  # the words of the server do not steer the terminal
    assert [path.read_text() for path in (tmp_path / "files").iterdir()] == ["two"]


def write_tags(path: Path, tags: dict[object, str]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("id", "tags"), *tags.items()])


def tags_of(sandbox: Sandbox, *users: int) -> list[set[str]]:
    records = [sandbox.user(number) for number in users]
    return [set(filter(None, record.tags.split(","))) for record in records if record is not None]


def changes(sandbox: Sandbox) -> int:
    return sum(request.method == "POST" for request in sandbox.requests)


def test_a_dry_run_changes_nothing(kitchen, sandbox, tmp_path):
    write_tags(tmp_path / "tags.csv", dict.fromkeys(range(1, 61), "gold;follow up"))
    assert "60 to change" in kitchen.run("bulk_update", "tags.csv")
    assert changes(sandbox) == 0
    assert "60 changed" in kitchen.run("bulk_update", "tags.csv", "--apply")
    assert tags_of(sandbox, *range(1, 61)) == [{"gold", "follow up"}] * 60
    assert changes(sandbox) == 60
    assert kitchen.run("bulk_update", "tags.csv", "--apply") == "60 unchanged\n"
    assert changes(sandbox) == 60


def test_tags_can_be_removed_and_failures_are_reported(kitchen, sandbox, tmp_path):
    write_tags(tmp_path / "tags.csv", {1: "gold", 70000: "gold", 2: "gold"})
    output = kitchen.run("bulk_update", "tags.csv", "--apply", fails=True)
    assert "user 70000: " in output
    assert "1 failed" in output
    assert tags_of(sandbox, 1, 2) == [{"gold"}, {"gold"}]
    write_tags(tmp_path / "tags.csv", {1: ""})
    kitchen.run("bulk_update", "tags.csv", "--apply")
    assert tags_of(sandbox, 1, 2) == [set(), {"gold"}]


def test_an_invalid_line_is_reported_before_any_change(kitchen, sandbox, tmp_path):
    write_tags(tmp_path / "tags.csv", {1: "gold", "seven": "gold"})
    assert "seven" in kitchen.run("bulk_update", "tags.csv", "--apply", fails=True)
    assert sandbox.requests == []
