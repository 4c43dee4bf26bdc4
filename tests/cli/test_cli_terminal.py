"""What a terminal shows: retries and bars, wide and narrow, in colour and without."""

import re
import sys

import pytest
from command_line import on_terminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")


def lines(text: str) -> list[str]:
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text))


@pytest.mark.parametrize("columns", [40, 80])
def test_a_bar_fits_the_terminal(serve, work, columns):
    serve(users=1000, latency=0.05)
    options = ("export", "users", "-o", "out.jsonl", "--max-in-flight", "2")
    text, code = on_terminal(*options, columns=columns)
    assert code == 0
    assert re.search(
        r"1,000/1,000 users [\d,]+/s \d\d:\d\d" if columns == 80 else "1,000/1,000", text
    )
    bars = [line for line in lines(text) if "━" in line]
    assert bars
    assert all(len(line) <= columns for line in bars)
    assert "…" not in "".join(bars)
    assert on_terminal(*options, "--overwrite", "--quiet", columns=columns) == ("", 0)


def test_where_rows_go_to_the_terminal_there_is_no_bar(serve, work):
    serve(users=100, latency=0.05)
    text, code = on_terminal("export", "users", "-o", "-")
    assert (code, text.count('"id": ') >= 100, "━" in text) == (0, True, False)
    text, code = on_terminal("export", "users", "-o", "-", stdout=False)
    assert (code, "━" in text) == (0, True)


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_sees_a_short_line_for_each_retry(serve, work, columns):
    sandbox = serve(users=100)
    sandbox.fail_next(503, match="search", times=2, message="Service Unavailable")
    options = ("export", "users", "-o", "out.jsonl", "--max-in-flight", "1")
    text, code = on_terminal(*options, columns=columns)
    assert code == 0
    told = [line for line in lines(text) if line.startswith("retry ")]
    assert len(told) == 2
    assert all(len(line) <= columns for line in told)
    if columns == 80:
        assert re.fullmatch(
            r"retry 1 in \d\.\d s: 503 Service Unavailable \(GET users/search\.json\)", told[0]
        )
    sandbox.fail_next(503, match="search", times=2)
    assert on_terminal(*options, "--overwrite", "-q") == ("", 0)


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
    assert "cannot connect to 127.0.0.1:9: connection refused (URL from --url)" in retry
    assert "cannot connect to 127.0.0.1:9: connection refused (URL from --url)" in error
    done = command("whoami", "--guest", "--retries", "0", USERESPONSE_URL=url)
    assert "(URL from USERESPONSE_URL)" in done.stderr


def test_a_demo_shows_its_retries_when_asked_to(command):
    done = command("demo", "--users", "500", "--faults", "0.2", "--latency", "0", "-v")
    assert done.returncode == 0
    retries = int(re.search(r"retries +(\d+)", done.stdout)[1])
    assert done.stderr.count("retry ") == retries > 0
