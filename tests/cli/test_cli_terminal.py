"""Progress bars and retries on terminals of 40 and 80 columns, and retries in a pipe."""

import re
import sys

import pytest
from command_line import on_terminal, run

needs_terminal = pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has no pseudo-terminals"
)


@needs_terminal
@pytest.mark.parametrize(("columns", "no_color"), [(40, "1"), (80, "")])
def test_a_bar_and_the_lines_for_retries_fit_the_terminal(serve, work, columns, no_color):
    sandbox = serve(users=1000, latency=0.05)
    sandbox.fail_next(503, match="search", times=2, message="Service Unavailable")
    options = ("export", "users", "-o", "out.jsonl", "--max-in-flight", "1")
    text, code = on_terminal(*options, columns=columns, NO_COLOR=no_color)
    assert code == 0
    assert bool(re.search(r"\x1b\[(?:3|9)\d", text)) is not bool(no_color)
    shown = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text))
    bars = [line for line in shown if "━" in line]
    retries = [line for line in shown if line.startswith("retry ")]
    assert bars
    assert len(retries) == 2
    assert all(len(line) <= columns for line in bars + retries)
    assert "…" not in "".join(bars)
    assert ("users" in bars[-1]) is (columns == 80)
    figures, line = r"1,000/1,000", r"retry 1 in \d\.\d s: .*…"
    if columns == 80:
        figures += r" users [\d,]+/s \d\d:\d\d"
        line = r"retry 1 in \d\.\d s: 503 Service Unavailable \(GET users/search\.json\)"
    assert re.search(figures, text)
    assert re.fullmatch(line, retries[0])


@needs_terminal
def test_a_bar_is_shown_unless_the_rows_go_to_the_terminal_or_quiet_is_set(serve, work):
    sandbox = serve(users=100, latency=0.05)
    text, code = on_terminal("export", "users", "-o", "-")
    assert (code, text.count('"id": ') >= 100, "━" in text) == (0, True, False)
    text, code = on_terminal("export", "users", "-o", "-", stdout=False)
    assert (code, "━" in text) == (0, True)
    sandbox.fail_next(503, match="search")
    assert on_terminal("export", "users", "-o", "out.jsonl", "-q") == ("", 0)


@pytest.mark.parametrize(
    "arguments", [["whoami"], ["call", "GET", "/me.json"], ["export", "users"]], ids=" ".join
)
def test_verbose_shows_retries_in_a_pipe(serve, capfd, arguments):
    sandbox = serve(users=1)
    sandbox.fail_next(502, message="down")
    assert run([*arguments, "-v"]) == 0
    assert re.match(r"retry 1 in \d\.\d s: 502 down \(GET \S+\.json\)\n", capfd.readouterr().err)
    sandbox.fail_next(502, message="down")
    assert run(arguments) == 0
    assert "retry 1" not in capfd.readouterr().err
