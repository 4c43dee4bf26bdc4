"""The demo: figures of a complete walk, and failures."""

import re
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

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


@pytest.mark.parametrize("rows", ["missing", "moving"])
def test_missing_or_moving_users_make_the_demo_fail(start_sandbox, monkeypatch, capfd, rows):
    sandbox = start_sandbox(users=180 if rows == "missing" else 200)
    sandbox.delay_next(3.0, match="page=3")

    def insert_meanwhile():
        wait_until(lambda: sandbox.arrivals > 1)
        sandbox.insert_users(1)

    @contextmanager
    def running_this_one(*_options):
        with ThreadPoolExecutor() as pool:
            if rows == "moving":
                pool.submit(insert_meanwhile)
            yield sandbox.url

    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr("useresponse_async.cli._demo.running_sandbox", running_this_one)
    assert run(["demo", "--users", "200", "--concurrency", "1"]) == 1
    out, err = capfd.readouterr()
    if rows == "missing":
        assert re.search(r"^  lost +20$", out, re.MULTILINE)
        assert err == "error: of 200 users: 20 lost\n"
    else:
        assert re.search(r"^error: of 200 users: .*\d+ duplicated", err)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_a_terminal_shows_a_moving_bar():
    options = ("--users", "2000", "--faults", "0", "--latency", "0.1")
    seen, code = on_terminal("demo", *options, columns=100, stdout=False)
    assert code == 0
    assert re.search(r"2,000/2,000 users [\d,]+/s (\d\d:)?00:00 0 retries 0 in flight", seen)
    assert max(map(int, re.findall(r"(\d+) in flight", seen))) > 1
