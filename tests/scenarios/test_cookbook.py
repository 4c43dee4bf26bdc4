"""The cookbook's recipes, each run as its reader would run it."""

import csv
import json
import os
import re
import signal
import sqlite3
import ssl
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import httpx
import pyarrow.parquet as pq
import pytest
import trustme
from processes import wait_until
from quick import pages_asked
from useresponse.sso import UseresponseSso

from useresponse_async import AsyncClient
from useresponse_async.sandbox import Sandbox

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

COOKBOOK = Path(__file__).parents[1] / "cookbook"
SECRETS = {"USERESPONSE_API_KEY": "k3y-of-the-cookbook", "USERESPONSE_SSO_SECRET": "s3kre7"}
get = partial(httpx.get, timeout=60)  # a busy machine may take long


class Kitchen:
    """Runs recipes in processes of their own, in an environment that holds what they ask for."""

    def __init__(self, folder: Path, sandbox: Sandbox) -> None:
        self.folder = folder
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **SECRETS}
        self.environment["USERESPONSE_URL"] = sandbox.url
        self.running: list[subprocess.Popen[str]] = []
        self.proxy = ""

    def start(self, name: str, *arguments: object, command: Any = ()) -> Any:
        command = [sys.executable, "-W", "error", *(command or [COOKBOOK / f"{name}.py"])]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        command += map(str, arguments)
        process = subprocess.Popen(command, cwd=self.folder, env=self.environment, **pipes)  # noqa: S603 - our own
        self.running.append(process)
        return process

    def serve(self, name: str, application: str) -> tuple[subprocess.Popen[str], str]:
        """Start a web application; return its process and URL."""
        uvicorn = ("-m", "uvicorn", "--app-dir", COOKBOOK, f"{name}:{application}", "--port", 0)
        process = self.start(name, command=map(str, uvicorn))
        line = next(line for line in process.stderr if "running on" in line)
        return process, line.partition("running on ")[2].split()[0]

    def end(self, process: subprocess.Popen[str]) -> tuple[str, str]:
        """Return the standard output and the standard error of a process that ends."""
        output, errors = process.communicate(timeout=300)
        assert not [secret for secret in SECRETS.values() if secret in output + errors]
        return output, errors

    def stop(self, process: subprocess.Popen[str], with_signal: signal.Signals) -> str:
        process.send_signal(with_signal)
        return "".join(self.end(process))

    def run(self, name: str, *arguments: object, fails: bool = False) -> str:
        """Return what a recipe printed; one that works says nothing on standard error."""
        process = self.start(name, *arguments)
        output, errors = self.end(process)
        assert process.returncode == fails, errors
        assert fails or not errors
        return output + errors


@pytest.fixture
def sandbox(start_sandbox) -> Sandbox:
    return start_sandbox(users=1230, tickets=130, api_key=SECRETS["USERESPONSE_API_KEY"])


@pytest.fixture
def kitchen(sandbox, tmp_path) -> Iterator[Kitchen]:
    kitchen = Kitchen(tmp_path, sandbox)
    yield kitchen
    for process in kitchen.running:
        process.kill()
        process.communicate()


def everybody(sandbox: Sandbox) -> dict[int, tuple[str, str | None]]:
    users = (sandbox.user(number) for number in range(1, sandbox.user_count + 10))
    return {user.id: (user.name, user.email) for user in users if user is not None}


def query(path: Path, statement: str) -> list[Any]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(statement).fetchall()


def change(sandbox: Sandbox, method: str, path: str, **body: Any) -> None:
    url = f"{sandbox.url}/api/3.0/{path}?apiKey={sandbox.api_key}"
    httpx.request(method, url, json=body, timeout=60).raise_for_status()


@pytest.mark.parametrize("name", sorted(path.stem for path in COOKBOOK.glob("*.py")))
def test_every_recipe_is_in_the_index_run_by_a_test_and_says_how_to_run_it(name):
    assert f"]({name}.py)" in (COOKBOOK / "README.md").read_text(encoding="utf-8")
    assert re.search(rf'\b(run|start|serve)\("{name}"', Path(__file__).read_text(encoding="utf-8"))
    doc = (COOKBOOK / f"{name}.py").read_text(encoding="utf-8").split('"""')[1]
    assert re.search(r"^Install:  pip install '?useresponse-async", doc, re.MULTILINE)
    assert re.search(rf"^Run: .*{name}", doc, re.MULTILINE)


def test_the_data_frame_holds_every_user(kitchen, sandbox, tmp_path):
    assert kitchen.run("export_dataframe", "users.parquet") == "1230 users in users.parquet\n"
    rows = pq.read_table(tmp_path / "users.parquet").to_pylist()
    assert len(rows) == 1230
    assert {row["id"]: (row["name"], row["email"]) for row in rows} == everybody(sandbox)
    seven = next(row for row in rows if row["id"] == 7)
    record = sandbox.user(7)
    assert (seven["role"], seven["tags"]) == (record.role, record.tags)
    assert f"{seven['registered']:%Y-%m-%d %H:%M:%S}" == record.registered


def test_the_database_is_complete_after_a_failure_and_updated_later(kitchen, sandbox, tmp_path):
    def users() -> dict[int, tuple[str, str | None]]:
        rows = query(tmp_path / "users.db", "SELECT id, name, email FROM users")
        return {number: (name, email) for number, name, email in rows}

    sandbox.fail_next(403, match="page=3&")
    assert "PermissionDeniedError" in kitchen.run("users_to_database", "users.db", fails=True)
    assert len(users()) % 50 in {0, 30}
    assert kitchen.run("users_to_database", "users.db") == "1230 users in users.db\n"
    before = users()
    assert before == everybody(sandbox)
    sandbox.remove_user(50)
    change(sandbox, "POST", "users/60.json", full_name="Ada Lovelace")
    sandbox.insert_users(3)
    kitchen.run("users_to_database", "users.db")
    assert users() == {50: before[50], **everybody(sandbox)}
    assert users()[60][0] == "Ada Lovelace"
    stale = "SELECT id FROM users WHERE synced_at < (SELECT max(synced_at) FROM users)"
    assert query(tmp_path / "users.db", stale) == [(50,)]


def assert_mirrored(folder: Path, sandbox: Sandbox, *new: int) -> None:
    rows = query(folder / "tickets.db", "SELECT id, json FROM tickets")
    records = map(sandbox.object, [*sandbox.ticket_ids, *new])
    titles = {record.id: record.title for record in records if record is not None}
    assert {number: json.loads(text)["title"] for number, text in rows} == titles


def test_tickets_are_mirrored_by_changes_and_by_full_runs(kitchen, sandbox, tmp_path):
    def mirror(*options: str) -> str:
        return kitchen.run("tickets_mirror", "tickets.db", *options)

    assert mirror() == "130 tickets written, 0 deleted\n"
    assert_mirrored(tmp_path, sandbox)
    new = sandbox.insert_tickets(2)
    change(sandbox, "PUT", "objects/5.json", title="Quite another thing")
    sandbox.forget_requests()
    assert mirror() == "4 tickets written, 0 deleted\n"  # one of them was the newest before
    assert len(sandbox.requests) == 1
    assert_mirrored(tmp_path, sandbox, *new)
    sandbox.remove_object(17)
    mirror()
    assert query(tmp_path / "tickets.db", "SELECT id FROM tickets WHERE id = 17")
    assert mirror("--full") == "131 tickets written, 1 deleted\n"
    assert_mirrored(tmp_path, sandbox, *new)


def test_a_failed_run_of_the_mirror_loses_nothing(kitchen, sandbox, tmp_path):
    kitchen.run("tickets_mirror", "tickets.db")
    new = sandbox.insert_tickets(120)
    sandbox.fail_next(403, match="page=2&")
    kitchen.run("tickets_mirror", "tickets.db", fails=True)
    kitchen.run("tickets_mirror", "tickets.db")
    assert_mirrored(tmp_path, sandbox, *new)


def test_every_new_ticket_is_alerted_in_order_despite_outages_and_stops(kitchen, sandbox, tmp_path):
    def all_alerted() -> bool:
        posts = [request for request in sandbox.requests if request.path == "/s3cret-hook"]
        for post, number in zip(posts, expected, strict=False):
            assert f"#{number}: " in post.json()["text"]
            assert post.headers["Idempotency-Key"] == f"ticket-{number}"
        return len(posts) == len(expected) and state.read_text() == str(expected[-1])

    def receive(times: int) -> None:
        sandbox.answer_next(b"", match="POST /s3cret-hook", times=times)

    state = tmp_path / "alert.state"
    kitchen.environment["ALERT_WEBHOOK_URL"] = f"{sandbox.url}/s3cret-hook"
    process = kitchen.start("new_ticket_alert", state, 0.05)
    wait_until(state.exists)
    receive(times=70)
    expected = sandbox.insert_tickets(70)
    wait_until(all_alerted)
    sandbox.fail_next(500, match="POST /s3cret-hook")
    receive(times=1)
    sandbox.fail_next(403, times=2, match="tickets.json")
    expected += sandbox.insert_tickets(1) * 2
    wait_until(all_alerted)
    output = kitchen.stop(process, signal.SIGTERM)
    assert process.returncode == 0
    assert "HTTPStatusError" in output
    assert "PermissionDeniedError" in output
    assert "s3cret-hook" not in output
    receive(times=2)
    expected += sandbox.insert_tickets(2)
    process = kitchen.start("new_ticket_alert", state, 0.05)
    wait_until(all_alerted)
    assert kitchen.stop(process, signal.SIGINT) == ""
    assert process.returncode == 0


def test_the_django_view_responds_and_closes_its_client(kitchen, sandbox):
    process, url = kitchen.serve("django_view", "application")
    assert get(f"{url}/people/7").json() == {"id": 7, "name": sandbox.user(7).name}
    assert get(f"{url}/people/70000").status_code == 404
    sandbox.fail_next(400)
    assert get(f"{url}/people/7").status_code == 502
    assert sandbox.connections_opened == 1
    output = kitchen.stop(process, signal.SIGINT)
    assert "Application shutdown complete" in output
    assert "Warning" not in output


def test_a_visitor_is_signed_on_and_redirected(kitchen, sandbox):
    kitchen.environment["USERESPONSE_SSO_SOURCE"] = "example.com"
    process, url = kitchen.serve("sign_on", "app")
    who = {"User": "42", "Preferred-Username": "Ada Lovelace", "Email": "ada@example.com"}
    headers = {f"X-Forwarded-{name}": value for name, value in who.items()}
    ours = {"domain": sandbox.url, "secret": "s3kre7", "source": "example.com"}
    theirs = {"full_name": "Ada Lovelace", "email": "ada@example.com", "user_id": "42"}
    old_client = UseresponseSso(**ours, **theirs)
    for params, path in (({"to": "/topic/1"}, "/topic/1"), ({}, "/")):
        response = get(f"{url}/support", headers=headers, params=params)
        assert response.status_code == 303
        assert response.headers["Location"] == old_client.get_login_url(f"{sandbox.url}{path}")
        assert response.headers["Cache-Control"] == "no-store"
    assert get(f"{url}/support").status_code == 401
    for to in ("//evil.example", "https://evil.example", "/\\evil.example", ".evil.example"):
        assert get(f"{url}/support?to={to}", headers=headers).status_code == 400
    assert "/sso/" not in kitchen.stop(process, signal.SIGINT)


@pytest.fixture
def tunnels(kitchen, sandbox, tmp_path) -> Iterator[list[str]]:
    """Where a proxy was asked to connect to; it decrypts, as those of corporations do."""

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_CONNECT(self) -> None:
            tunnels.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.close_connection = True  # if the client does not trust the certificate
            with suppress(ssl.SSLError, ConnectionError):
                self.request = context.wrap_socket(self.request, server_side=True)
                self.setup()
                self.close_connection = False

        def do_GET(self) -> None:
            response = get(f"{sandbox.url}{self.path}", headers=dict(self.headers))
            self.send_response(response.status_code)
            self.send_header("Content-Length", f"{len(response.content)}")
            self.end_headers()
            self.wfile.write(response.content)

        def finish(self) -> None:
            super().finish()
            self.request.close()

    tunnels: list[str] = []
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "corporate-ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("help.example").configure_cert(context)
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        kitchen.proxy = f"http://127.0.0.1:{server.server_port}"
        kitchen.environment["USERESPONSE_URL"] = "https://help.example"
        yield tunnels
        server.shutdown()


def test_a_proxy_is_used_and_only_the_named_authority_trusted(kitchen, sandbox, tunnels, tmp_path):
    trustme.CA().cert_pem.write_to_path(tmp_path / "another-ca.pem")
    output = kitchen.run("corporate_network", kitchen.proxy, "another-ca.pem", fails=True)
    assert "certificate is not trusted" in output
    assert (len(tunnels), sandbox.requests) == (1, [])
    for token in ({}, {"GATEWAY_TOKEN": "g4teway"}):
        kitchen.environment |= token
        output = kitchen.run("corporate_network", kitchen.proxy, "corporate-ca.pem")
        assert output.endswith("one of 1230 users\n")
    assert set(tunnels) == {"help.example:443"}
    tokens = [request.headers.get("X-Gateway-Token") for request in sandbox.requests]
    assert tokens == [None, None, "g4teway", "g4teway"]


def test_every_request_and_every_retry_is_logged_and_counted(kitchen, sandbox):
    sandbox.fail_next(503, match="page=2&")
    output, log = kitchen.end(kitchen.start("logs_and_metrics"))
    figures = dict(line.rsplit(" ", 1) for line in output.splitlines())
    search = 'method="GET",endpoint="users/search.json"'
    assert figures == {
        f'useresponse_requests_total{{{search},status="200"}}': "25",
        f'useresponse_requests_total{{{search},status="503"}}': "1",
        'useresponse_requests_total{method="GET",endpoint="users/{id}.json",status="200"}': "1",
        f'useresponse_retries_total{{{search},error="ServiceUnavailableError"}}': "1",
    }
    lines = [json.loads(line) for line in log.splitlines()]
    logged = Counter((line["message"], line.get("status")) for line in lines if "path" in line)
    assert logged == {("answered", 200): 26, ("answered", 503): 1, ("retrying", None): 1}
    assert "count=50" not in log


def test_both_clients_return_the_same_or_a_difference_is_reported(kitchen, sandbox):
    output = kitchen.run("from_useresponse")
    assert Counter(line.rpartition(": ")[2] for line in output.splitlines()) == {"the same": 4}
    agents = {request.headers["User-Agent"].partition("/")[0] for request in sandbox.requests}
    assert len(agents) == 2
    old_data = b'{"success": {"totalPages": 1, "data": []}}'
    sandbox.answer_next(old_data, match="tickets.json")
    assert "titles: NOT the same" in kitchen.run("from_useresponse", fails=True)


def ids_in(*paths: Path) -> list[int]:
    lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
    return sorted(json.loads(line)["id"] for line in lines)


@pytest.mark.parametrize("moved", ["inserted", "removed"])
def test_a_killed_walk_resumes_and_has_each_user_once(kitchen, sandbox, tmp_path, moved):
    sandbox.delay_next(600, match="page=5&")
    process = kitchen.start("resume_walk", "users.jsonl")
    state = tmp_path / "users.jsonl.state"
    wait_until(lambda: state.exists() and json.loads(state.read_text())[0] == 5)
    process.kill()
    process.communicate()
    assert not (tmp_path / "users.jsonl").exists()
    with (tmp_path / "users.jsonl.part").open("a") as part:
        part.write('{"id": 201, "na')  # as if it had died while it wrote
    if moved == "inserted":
        sandbox.insert_users(30)
    else:
        for number in range(10, 40):
            sandbox.remove_user(number)
    sandbox.forget_requests()
    resumed = "continuing with page 5, after 200 users"
    assert resumed in kitchen.run("resume_walk", "users.jsonl")
    assert min(pages_asked(sandbox)) == 4
    assert ids_in(tmp_path / "users.jsonl") == list(range(1, 1231))
    assert [path.name for path in tmp_path.glob("users*")] == ["users.jsonl"]


def test_several_processes_export_each_user_once_also_after_a_failure(kitchen, sandbox, tmp_path):
    sandbox.fail_next(403, match="page=24&")
    kitchen.run("several_processes", "users", 2, fails=True)
    first, rest = (tmp_path / "users" / f"users-{page:06}.jsonl" for page in (1, 21))
    assert list((tmp_path / "users").glob("*.jsonl")) == [first]
    sandbox.forget_requests()
    kitchen.run("several_processes", "users", 2)
    assert sorted(pages_asked(sandbox)) == [1, *range(21, 26)]
    assert sorted((tmp_path / "users").iterdir()) == [first, rest]
    assert ids_in(first, rest) == list(range(1, 1231))


def test_two_dask_workers_export_each_user_once(kitchen, sandbox, tmp_path):
    sandbox.fail_next(403, match="page=23&")  # the task is retried
    # Dask calls pandas in a way that pandas has begun to warn of.
    recipe = ("-W", "ignore:The inplace keyword", COOKBOOK / "dask_cluster.py")
    output, errors = kitchen.end(kitchen.start("dask_cluster", "users", command=map(str, recipe)))
    assert f"1230 users in {tmp_path / 'users'}" in output, errors
    first, rest = (tmp_path / "users" / f"users-{page:06}.parquet" for page in (1, 21))
    assert sorted((tmp_path / "users").iterdir()) == [first, rest]
    rows = [row for path in (first, rest) for row in pq.read_table(path).to_pylist()]
    assert len(rows) == 1230
    assert {row["id"]: (row["name"], row["email"]) for row in rows} == everybody(sandbox)


@pytest.mark.parametrize("options", [(), ("lake",)])
def test_the_warehouse_counts_open_tickets_of_each_week(kitchen, sandbox, tmp_path, options):
    async def open_tickets() -> Counter[tuple[str, str]]:
        async with AsyncClient(sandbox.url, api_key=sandbox.api_key) as client:
            tickets = await client.tickets.search(status="all").collect()
        counts: Counter[tuple[str, str]] = Counter()
        for ticket in tickets:
            if not (ticket.status and ticket.status.is_closed):
                day = ticket.created_at.date()
                monday = day - timedelta(days=day.weekday())
                counts[ticket.category.name if ticket.category else "(none)", f"{monday}"] += 1
        return counts

    kitchen.environment["DLT_DATA_DIR"] = str(tmp_path / "dlt")
    for _ in range(2):
        rows = [line.split(maxsplit=2) for line in kitchen.run("warehouse", *options).splitlines()]
        told = Counter({(category, week): int(count) for week, count, category in rows})
        assert told == anyio.run(open_tickets)
        sandbox.insert_tickets(2)


def test_files_of_a_ticket_are_downloaded_unchanged_or_reported(kitchen, sandbox, tmp_path):
    def files_in(folder: str) -> dict[str, bytes]:
        paths = (tmp_path / folder).iterdir()
        return {path.name.partition("-")[2]: path.read_bytes() for path in paths}

    contents = {"photo.jpg": os.urandom(3_000_001), "naïve ünï.txt": b"smoke", "empty": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    output = kitchen.run("attachments", "upload", "Printer on fire", *contents)
    number = output.removeprefix("ticket ").strip()
    kitchen.run("attachments", "download", number, "files")
    assert files_in("files") == contents
    sandbox.fail_next(404, message="no\x1b[2J such file", match="/empty")
    output = kitchen.run("attachments", "download", number, "others", fails=True)
    assert "not fetched: GET " in output
    assert "no_[2J such file" in output  # the words of the server do not steer the terminal
    del contents["empty"]
    assert files_in("others") == contents


HOSTILE_NAMES = {
    "..\\..\\../evil.txt": "evil.txt", "nul\0.txt": "nul_.txt", "lone\ud800.txt": "lone_.txt",
    "\x1b]0;title\x07\x1b[2J.txt": "_]0;title__[2J.txt", "gpj\u202etxt.exe": "gpj_txt.exe",
    "new\nline": "new_line", "a<b>|?*.txt": "a_b____.txt", "ü" * 400 + ".txt": "ü" * 73 + ".txt",
    "x" * 400: "x" * 150, "..": "", "trailing. .": "trailing", "": "", "plain.txt": "plain.txt",
}  # fmt: skip


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_odd_file_names_are_made_safe(kitchen, sandbox, tmp_path, encoding):
    kitchen.environment["PYTHONIOENCODING"] = encoding
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
    assert {path.name: path.read_text() for path in (tmp_path / "files").iterdir()} == expected
    assert not list(tmp_path.parent.rglob("evil.txt"))


def test_a_bulk_update_is_shown_first_repeatable_and_reports_failures(kitchen, sandbox, tmp_path):
    def update(tags: dict[object, str], *options: str, fails: bool = False) -> str:
        with (tmp_path / "tags.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("id", "tags"), *tags.items()])
        return kitchen.run("bulk_update", "tags.csv", *options, fails=fails)

    def tags_of(*users: int) -> list[set[str]]:
        return [set(filter(None, sandbox.user(number).tags.split(","))) for number in users]

    def changes() -> int:
        return sum(request.method == "POST" for request in sandbox.requests)

    gold = dict.fromkeys(range(1, 61), "gold;follow up")
    assert "seven" in update({**gold, "seven": "gold"}, "--apply", fails=True)
    assert sandbox.requests == []
    assert "60 to change" in update(gold)
    assert changes() == 0
    assert "60 changed" in update(gold, "--apply")
    assert tags_of(*gold) == [{"gold", "follow up"}] * 60
    assert update(gold, "--apply") == "60 unchanged\n"
    assert changes() == 60
    output = update({1: "gold", 70000: "gold", 2: ""}, "--apply", fails=True)
    assert "user 70000: " in output
    assert "1 failed" in output
    assert tags_of(1, 2) == [{"gold"}, set()]
