"""``demo``: figures of a complete walk, and failures. ``sandbox``: options, output and signals."""

import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from command_line import on_terminal, run
from processes import wait_until

# The client prevents what this function counts, so no server can show it.
from useresponse_async.cli._demo import delivery_problems

SUMMARY = r"""500 users in \d+\.\d\d s
  users/s      +[\d,]+
  pages        +10
  retries      +(\d+)
  requests     +(\d+)
  lost         +0
  duplicated   +0
"""


def test_problems_of_a_walk_are_counted():
    assert {*delivery_problems([1, 2, 3, 4], 4).values()} == {0}
    found = delivery_problems([0, 2, 2, 1, 9, None], 4)
    assert found == {"lost": 2, "duplicated": 1, "out of order": 1, "unknown": 3}


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


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ("--faults 1 --latency 0", r"GET /api/3\.0/users/search\.json: .+"),
        ("--latency inf", r"the sandbox did not start: .*latency must be .+"),
    ],
)
def test_a_failure_is_an_error_of_one_line(monkeypatch, capfd, options, error):
    monkeypatch.setenv("no_proxy", "")  # the demo sets it
    assert run(["demo", "--users", "500", *options.split()]) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(rf"error: {error}\n", err)


@pytest.mark.parametrize(
    ("users", "inserted", "problem"), [(180, 0, "20 lost"), (200, 1, "1 duplicated")]
)
def test_missing_or_moving_users_make_the_demo_fail(
    *, start_sandbox, monkeypatch, capfd, users, inserted, problem
):
    sandbox = start_sandbox(users=users)
    sandbox.delay_next(3.0, match="page=3")

    def insert_meanwhile():
        wait_until(lambda: sandbox.arrivals > 1)
        sandbox.insert_users(inserted)

    @contextmanager
    def running_this_one(*_options):
        with ThreadPoolExecutor() as pool:
            pool.submit(insert_meanwhile)
            yield sandbox.url

    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr("useresponse_async.cli._demo.running_sandbox", running_this_one)
    assert run(["demo", "--users", "200", "--concurrency", "1"]) == 1
    assert capfd.readouterr().err == f"error: of 200 users: {problem}\n"


def test_a_terminal_shows_a_moving_bar():
    options = ("--users", "2000", "--faults", "0", "--latency", "0.1")
    seen, code = on_terminal("demo", *options, columns=100, stdout=False)
    assert code == 0
    assert re.search(r"2,000/2,000 users [\d,]+/s (\d\d:)?00:00 0 retries 0 in flight", seen)
    assert max(map(int, re.findall(r"(\d+) in flight", seen))) > 1


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
