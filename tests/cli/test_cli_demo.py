"""``demo``: figures of a walk. ``sandbox``: options, output and signals."""

import json
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from command_line import run
from processes import wait_until

SUMMARY = r"""500 users in \d+\.\d\d s
  users/s      +[\d,]+
  pages        +10
  retries      +(\d+)
  requests     +(\d+)
  lost         +0
  duplicated   +0
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_every_user_arrives_although_requests_fail(start, backend):
    options = ("--users", "500", "--faults", "0.2", "--latency", "0", "--seed", "3", "-v")
    proxy = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}  # not used for the sandbox
    process = start("demo", *options, "--backend", backend, **proxy)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    retries, requests = map(int, re.fullmatch(SUMMARY, out).groups())
    assert err.count("retry ") == err.count("\n") == retries > 0
    assert requests == 10 + retries


def test_users_that_do_not_arrive_once_and_in_order_make_the_demo_fail(
    start_sandbox, monkeypatch, capfd
):
    sandbox = start_sandbox(users=200)
    users = [{"id": number} for number in (2, 1, 999, *range(4, 51))]
    page = {"currentPage": 1, "totalPages": 4, "totalObjects": 200, "data": users}
    sandbox.answer_next(json.dumps(page))
    sandbox.delay_next(3.0, match="page=3")

    def insert_meanwhile():
        wait_until(lambda: sandbox.arrivals > 1)
        sandbox.insert_users(1)

    @contextmanager
    def running_this_one(*_options):
        with ThreadPoolExecutor() as pool:
            pool.submit(insert_meanwhile)
            yield sandbox.url

    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr("useresponse_async.cli._demo.running_sandbox", running_this_one)
    assert run(["demo", "--users", "200", "--concurrency", "1"]) == 1
    problems = "1 lost, 1 duplicated, 1 out of order, 1 unknown"
    assert capfd.readouterr().err == f"error: of 200 users: {problems}\n"


AMOUNTS = {"users": 7, "tickets": 5, "topics": 3, "articles": 2, "comments": 30, "chats": 4}
QUOTED = "it's a $KEY"


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and a shell")
@pytest.mark.parametrize(
    ("module", "number", "log"),
    [
        ("useresponse_async.sandbox", signal.SIGINT, []),
        ("useresponse_async sandbox", signal.SIGTERM, ["--access-log"]),
    ],
)
def test_the_sandbox_prints_url_and_keys_and_serves_until_a_signal(start, module, number, log):
    amounts = [f"--{name}={amount}" for name, amount in AMOUNTS.items()]
    options = ("--port=0", f"--api-key={QUOTED}", "--root-path=/support", *amounts, *log)
    process = start("-m", *module.split(), *options, program=[sys.executable])
    line, *keys, export = (process.stdout.readline() for _ in range(5))
    found = re.fullmatch(r"UseResponse sandbox on (http://127\.0\.0\.1:\d+/support)\n", line)
    suffixes = {"admin": "", "agent": "-agent", "user": "-user"}
    assert keys == [f"{role} key: {QUOTED}{suffix}\n" for role, suffix in suffixes.items()]
    words = 'printf "%s %s" "$USERESPONSE_URL" "$USERESPONSE_API_KEY"'
    shown = subprocess.check_output(["/bin/sh", "-c", export + words], text=True)  # noqa: S603 - what was printed
    assert shown == f"{found[1]} {QUOTED}"
    with httpx.Client(base_url=f"{found[1]}/api/7.0", params={"apiKey": QUOTED}) as client:
        assert client.get("/users/search.json").json()["totalObjects"] == 7
        assert client.get("/tickets.json").json()["totalObjects"] == 5
        assert client.get("/search.json").json()["success"]["totalObjects"] == 10
        assert len(client.get("/comments.json").json()["success"]) == 30
        assert client.get("/chats.json").json()["success"]["totalObjects"] == 4
        # The client's connection is still open here.
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    line = r"GET /support/api/7\.0/[a-z/]+\.json\?apiKey=\*{3} 200 \d+ ms\n"
    assert re.fullmatch(line * 5 if log else "", err)


def test_a_port_in_use_is_reported(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["sandbox", "--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"error: cannot listen on 127.0.0.1:{port}: ")
