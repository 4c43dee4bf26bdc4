"""The command ``demo``."""

import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from command_line import run
from processes import wait_until

# The client prevents most of what this function counts, so no server can show it.
from useresponse_async.cli._demo import delivery_problems

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


def test_problems_of_a_walk_are_counted():
    found = delivery_problems([0, 2, 2, 1, 9, None], 4)
    assert found == {"lost": 2, "duplicated": 1, "out of order": 1, "unknown": 3}


def test_missing_and_moving_users_make_the_demo_fail(start_sandbox, monkeypatch, capfd):
    sandbox = start_sandbox(users=180)
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
    assert capfd.readouterr().err == "error: of 200 users: 20 lost, 1 duplicated\n"
