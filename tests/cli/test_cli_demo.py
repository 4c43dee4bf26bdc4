"""Does the demo walk all users, say what it saw, and fail when something is wrong?"""

import contextlib
import os
import re
import subprocess
import sys

import anyio
import pytest

from useresponse_async.cli._app import run
from useresponse_async.cli._demo import walk_users
from useresponse_async.cli._errors import Reporter
from useresponse_async.cli._progress import Retries
from useresponse_async.sandbox import Sandbox

SUMMARY = r"""500 users in \d+\.\d\d s
  users/s      +[\d,]+
  pages        +10
  retries      +(\d+)
  requests     +(\d+)
  lost         +0
  duplicated   +0
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_every_user_arrives_although_requests_fail(command, backend):
    done = command(
        "demo", "--users", "500", "--faults", "0.05", "--seed", "3", "--backend", backend
    )
    assert (done.returncode, done.stderr) == (0, "")
    retries, requests = map(int, re.fullmatch(SUMMARY, done.stdout).groups())
    assert retries >= 1
    assert requests == 10 + retries


def test_it_works_in_this_process_too(monkeypatch, capfd):
    monkeypatch.setenv("no_proxy", "")
    assert run(["demo", "--users", "120", "--faults", "0", "--latency", "0"]) == 0
    out, err = capfd.readouterr()
    assert out.startswith("120 users in ")
    assert err == ""


def test_a_proxy_in_the_environment_does_not_come_between(command):
    done = command("demo", "--users", "1", HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_request_that_fails_for_good_makes_it_fail_in_one_line(command):
    done = command("demo", "--users", "500", "--faults", "1", "--latency", "0")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: GET /api/3\.0/users/search\.json: .+\n", done.stderr)


def test_a_sandbox_that_does_not_start_is_told_of_in_one_line(command):
    done = command("demo", "--latency", "inf")
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(r"error: the sandbox did not start: .*latency must be .+\n", done.stderr)


def test_lost_users_make_it_fail(monkeypatch, capfd):
    async def walk_too_few(address, *, users, **options):
        return await walk_users(address, users=users + 20, **options)

    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr("useresponse_async.cli._demo.walk_users", walk_too_few)
    assert run(["demo", "--users", "100", "--faults", "0"]) == 1
    out, err = capfd.readouterr()
    assert re.search(r"^  lost +20$", out, re.MULTILINE)
    assert err == "error: of 100 users: 20 lost\n"


def test_what_the_client_drops_as_a_duplicate_counts_as_one():
    with Sandbox(users=200, latency=0.02) as sandbox:

        async def walk_while_rows_move():
            sandbox.delay_next(0.2, match="page=1")

            async def walk():
                nonlocal result
                retries = Retries(Reporter(), shown=False, complete=False)
                result = await walk_users(sandbox.url, users=200, concurrency=1, retries=retries)

            result = None
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(walk)
                while sandbox.arrivals < 2:
                    await anyio.sleep(0.005)
                sandbox.insert_users(1)
            return result

        result = anyio.run(walk_while_rows_move)
    assert result.check.duplicated >= 1
    assert "duplicated" in result.check.problem()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("no_color", [False, True])
def test_a_terminal_sees_a_bar_that_moves(no_color, monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    seen, exit_code = _run_on_a_terminal({"TERM": "xterm", "COLUMNS": "100"})
    assert exit_code == 0
    assert re.search(r"2,000/2,000 users [\d,]+/s (\d\d:)?00:00 0 retries 0 in flight", seen)
    assert max(map(int, re.findall(r"(\d+) in flight", seen))) > 1
    colours = re.findall(r"\x1b\[(?:3|9)\d", seen)
    assert bool(colours) is not no_color


def _run_on_a_terminal(environment):
    import pty  # noqa: PLC0415 - Windows has none

    options = ("--users", "2000", "--faults", "0", "--latency", "0.1")
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "useresponse_async.cli", "demo", *options],
        stdout=subprocess.DEVNULL,
        stderr=its_end,
        env=os.environ | environment,
    )
    os.close(its_end)
    seen = b""
    with process, contextlib.closing(os.fdopen(terminal, "rb", buffering=0)):
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:  # Linux says so when the other end is closed
                chunk = b""
            if not chunk:
                break
            seen += chunk
    return seen.decode(), process.returncode
