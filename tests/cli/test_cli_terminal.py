"""What a terminal shows: retries and bars, wide and narrow, in colour and without."""

import os
import re
import subprocess
import sys

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has no pseudo-terminals", allow_module_level=True)

import pty


def shown(*arguments: str, columns: int = 80, stdout_too: bool = True) -> tuple[str, int]:
    """Run the command on a terminal; return what it was sent, and the exit code."""
    terminal, its_end = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-W", "error", "-m", "useresponse_async", *arguments],
        stdin=its_end,
        stdout=its_end if stdout_too else subprocess.DEVNULL,
        stderr=its_end,
        start_new_session=True,
        env={**os.environ, "TERM": "xterm", "COLUMNS": f"{columns}", "LINES": "24"},
    )
    os.close(its_end)
    text = b""
    with process, os.fdopen(terminal, "rb", buffering=0):
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:  # Linux says so when the other end is closed
                break
            if not chunk:
                break
            text += chunk
    return text.decode(), process.returncode


def lines(text: str) -> list[str]:
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text))


@pytest.mark.parametrize("columns", [40, 80])
def test_a_bar_fits_the_terminal(serve, work, columns):
    serve(users=1000, latency=0.05)
    options = ("export", "users", "-o", "out.jsonl", "--max-in-flight", "2")
    text, code = shown(*options, columns=columns)
    assert code == 0
    assert "1,000/1,000" in text
    bars = [line for line in lines(text) if "━" in line]
    assert bars
    assert all(len(line) <= columns for line in bars)
    assert "…" not in "".join(bars)


def test_where_rows_go_to_the_terminal_there_is_no_bar(serve, work):
    serve(users=100, latency=0.05)
    text, code = shown("export", "users", "-o", "-")
    assert (code, text.count('"id": ') >= 100, "━" in text) == (0, True, False)
    text, code = shown("export", "users", "-o", "-", stdout_too=False)
    assert (code, "━" in text) == (0, True)


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_sees_a_short_line_for_each_retry(serve, work, columns):
    sandbox = serve(users=100)
    sandbox.fail_next(503, match="search", times=2, message="Service Unavailable")
    options = ("export", "users", "-o", "out.jsonl", "--max-in-flight", "1")
    text, code = shown(*options, columns=columns)
    assert code == 0
    told = [line for line in lines(text) if line.startswith("retry ")]
    assert len(told) == 2
    assert all(len(line) <= columns for line in told)
    if columns == 80:
        assert re.fullmatch(
            r"retry 1 in \d\.\d s: 503 Service Unavailable \(GET users/search\.json\)", told[0]
        )
    sandbox.fail_next(503, match="search", times=2)
    assert shown(*options, "--overwrite", "-q") == ("", 0)


@pytest.mark.parametrize(
    "arguments", [["whoami"], ["call", "GET", "/me.json"], ["export", "users"]]
)
def test_verbose_shows_retries_in_a_pipe_too(serve, command, arguments):
    sandbox = serve(users=1)
    sandbox.fail_next(502, message="down")
    done = command(*arguments, "-v")
    assert done.returncode == 0
    assert re.match(r"retry 1 in \d\.\d s: 502 down \(GET \S+\.json\)\n", done.stderr)
    sandbox.fail_next(502, message="down")
    assert "retry 1" not in command(*arguments).stderr


def test_verbose_names_the_host_and_where_it_came_from(command):
    url = "http://127.0.0.1:9"
    done = command("whoami", "--guest", "-v", "--url", url, "--retries", "1")
    retry, error = done.stderr.splitlines()
    assert "cannot connect to 127.0.0.1:9: connection refused (from --url)" in retry
    assert "cannot connect to 127.0.0.1:9: connection refused (from --url)" in error
    done = command("whoami", "--guest", "--retries", "0", USERESPONSE_URL=url)
    assert "(from USERESPONSE_URL)" in done.stderr


def test_a_demo_shows_its_retries_when_asked_to(command):
    done = command("demo", "--users", "500", "--faults", "0.2", "--latency", "0", "-v")
    assert done.returncode == 0
    retries = int(re.search(r"retries +(\d+)", done.stdout)[1])
    assert done.stderr.count("retry ") == retries > 0
