"""Where does the key come from, and where does it never show?"""

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from useresponse_async.cli._app import run


@pytest.fixture
def key_file(work, serve, key, monkeypatch) -> Path:
    serve(users=60)
    monkeypatch.setenv("USERESPONSE_API_KEY", "that-of-somebody-else")
    path = work / "key"
    path.write_text(f"{key}\n", encoding="utf-8")
    path.chmod(0o600)
    return path


def test_a_file_comes_before_the_environment(key_file, capfd):
    assert run(["whoami", "--api-key-file", str(key_file), "--json"]) == 0
    out, err = capfd.readouterr()
    assert (json.loads(out)["id"], err) == (1, "")


def test_standard_input_is_a_file_too(key_file, capfd, key, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{key}\r\n".encode())))
    assert run(["whoami", "--api-key-file", "-"]) == 0


@pytest.mark.skipif(os.name != "posix", reason="others are POSIX's")
def test_a_file_that_others_can_read_is_warned_of(key_file, capfd, key):
    key_file.chmod(0o640)
    assert run(["whoami", "--api-key-file", str(key_file)]) == 0
    assert capfd.readouterr().err == (
        f"warning: other users may read the API key in {key_file}; run: chmod 600 {key_file}\n"
    )


@pytest.mark.parametrize("content", ["", "\n", "two words", "first\nsecond", "caf\xe9"])
def test_a_file_that_holds_no_key_is_told_of_without_what_it_holds(key_file, capfd, content):
    key_file.write_text(content, encoding="latin-1")
    assert run(["whoami", "--api-key-file", str(key_file)]) in (1, 2)
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert not content.split() or content.split()[-1] not in err


def test_a_file_that_is_not_there_is_told_of(key_file, capfd):
    assert run(["whoami", "--api-key-file", "nowhere"]) == 1
    assert capfd.readouterr().err == "error: --api-key-file: nowhere: No such file or directory\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["whoami", "--api-key", "s3cr3t"],
        ["whoami", "--api-key=s3cr3t"],
        ["--apikey", "s3cr3t", "whoami"],
        ["export", "users", "--api-key", "s3cr3t"],
        ["call", "GET", "/me.json", "--api-key=s3cr3t"],
        ["call", "GET", "/me.json", "-p", "apiKey=s3cr3t"],
        ["call", "GET", "/me.json?apiKey=s3cr3t"],
        ["export", "users", "--param", "apikey=s3cr3t"],
    ],
    ids=" ".join,
)
def test_as_an_argument_it_is_refused_and_not_repeated(serve, capfd, arguments):
    sandbox = serve(users=1)
    assert run(arguments) == 2
    err = capfd.readouterr().err
    assert "set USERESPONSE_API_KEY or give --api-key-file FILE" in err
    assert err.count("\n") == 1
    assert "s3cr3t" not in err
    assert sandbox.arrivals == 0


def test_without_a_key_or_a_terminal_it_says_what_to_do(serve, capfd, monkeypatch):
    serve(users=1)
    monkeypatch.delenv("USERESPONSE_API_KEY")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert run(["whoami"]) == 2
    assert capfd.readouterr().err == (
        "error: no API key: set USERESPONSE_API_KEY, or give --api-key-file FILE or --guest\n"
    )


@pytest.mark.parametrize("from_file", [False, True])
@pytest.mark.parametrize("place", [["--debug", "whoami"], ["whoami", "--debug"]])
def test_a_traceback_does_not_show_it(*, key_file, capfd, monkeypatch, key, place, from_file):
    monkeypatch.setenv("USERESPONSE_API_KEY", key)
    options = ["--api-key-file", str(key_file)] if from_file else []
    if from_file:
        monkeypatch.delenv("USERESPONSE_API_KEY")

    def fail(*_, **__):
        local = key
        raise RuntimeError(f"with {local} in it")

    monkeypatch.setattr("useresponse_async.cli._whoami._me", fail)
    assert run([*place, *options]) == 1
    err = capfd.readouterr().err
    assert "Traceback" in err
    assert err.endswith("error: unexpected RuntimeError: with *** in it\n")
    assert key not in err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("no_color", [False, True])
def test_on_a_terminal_it_is_asked_for_without_echo(serve, key, monkeypatch, no_color):
    serve(users=1)
    monkeypatch.delenv("USERESPONSE_API_KEY")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    shown, code = on_a_terminal("call", "GET", "/me.json", typed=f"{key}\n")
    assert code == 0
    assert "API key (not shown): " in shown
    assert key not in shown
    assert '"apiKey"' in shown
    assert bool(re.search(r"\x1b\[(?:3|9|1;3)\d", shown)) is not no_color
    assert shown.count("\n") > 20  # indented


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
def test_on_a_terminal_an_export_shows_rate_and_time_left(serve, work, monkeypatch):
    serve(users=1000, latency=0.1)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    options = ("export", "users", "--max-in-flight", "2", "-o")
    shown, code = on_a_terminal(*options, "out.jsonl")
    assert code == 0
    assert "1,000/1,000" in shown
    assert any(text in shown for text in ("00:01", "00:00"))
    assert re.search(r"1,000/1,000 users [\d,]+/s", shown)
    quiet, code = on_a_terminal(*options, "quiet.jsonl", "--quiet")
    assert (code, quiet) == (0, "")


def on_a_terminal(*arguments: str, typed: str = "") -> tuple[str, int]:
    import pty  # noqa: PLC0415 - Windows has none

    terminal, its_end = pty.openpty()
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-W", "error", "-m", "useresponse_async.cli", *arguments],
        stdin=its_end,
        stdout=its_end,
        stderr=its_end,
        start_new_session=True,  # else the prompt would be shown on the real terminal
    )
    os.close(its_end)
    shown = b""
    with process, os.fdopen(terminal, "r+b", buffering=0) as screen:
        while True:
            try:
                chunk = os.read(terminal, 4096)
            except OSError:  # Linux says so when the other end is closed
                chunk = b""
            if not chunk:
                break
            shown += chunk
            if typed and b": " in shown:
                screen.write(typed.encode())
                typed = ""
    return shown.decode(), process.returncode
