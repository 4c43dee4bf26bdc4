"""Ctrl-C at any moment, and a demo that stops its sandbox however it ends."""

import os
import re
import signal
import sys
from pathlib import Path

import pytest
from command_line import interrupt_repeatedly
from processes import child_running, is_alive, wait_until

from useresponse_async.cli._sandbox import running_sandbox

PYTHON = (sys.executable,)
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


COMPLETING = {
    "_USERESPONSE_ASYNC_COMPLETE": "complete_bash",
    "COMP_WORDS": "useresponse-async export ",
    "COMP_CWORD": "2",
}
IGNORED = "signal.signal(signal.SIGINT, signal.SIG_IGN); sys.argv[0] = '/bin/useresponse-async'"


@pytest.mark.parametrize(
    ("program", "module", "variables"),
    [
        ("useresponse_async", "attr", {}),
        ("useresponse_async", "typer", {}),
        ("useresponse_async", "useresponse_async.cli._app", COMPLETING),
        ("useresponse_async.cli", "rich", {}),
    ],
)
def test_ctrl_c_during_an_import_shows_no_traceback(start, program, module, variables):
    process = start("-X", "importtime", "-m", program, "--version", program=PYTHON, **variables)
    seen = ""
    for line in process.stderr:
        seen += line
        if line.rpartition("|")[2].strip() == module:
            process.send_signal(signal.SIGINT)
            break
    rest = process.stderr.read()
    process.communicate(timeout=60)
    assert process.returncode == 130, seen + rest
    assert rest.endswith("interrupted\n")
    assert "Traceback" not in rest


@pytest.mark.parametrize(
    ("before", "expected"), [(IGNORED, "SIG_IGN"), ("", "default_int_handler")]
)
def test_an_import_keeps_the_handler_of_ctrl_c(start, before, expected):
    code = (
        f"import signal, sys; {before}\nimport useresponse_async\n"
        f"print(signal.getsignal(signal.SIGINT) is signal.{expected})"
    )
    assert start("-c", code, program=PYTHON).communicate(timeout=60) == ("True\n", "")


@pytest.mark.long
def test_repeated_ctrl_c_shows_no_traceback(start, serve):
    serve(users=1, latency=60)
    process = start("whoami")
    interrupt_repeatedly(process)
    # Before its first line runs, a traceback is Python's own.
    assert "useresponse_async" not in process.stderr.read()
    process.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_an_export_to_a_fifo_without_a_reader(start, serve, work, number, code):
    serve(users=3)
    os.mkfifo("pipe")
    process = start("export", "users", "-o", "pipe")
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        # It handles SIGTERM, and sleeps: it imports no more.
        waits = re.compile(r"(?ms)State:\s+S.*SigCgt:\s+[0-9a-f]+[4-7c-f][0-9a-f]{3}$")
        wait_until(lambda: waits.search(status.read_text()))
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert err == ("interrupted\n" if number == signal.SIGINT else "")


def test_an_export_to_a_fifo_waits_for_its_reader(start, serve, work):
    serve(users=300)
    os.mkfifo("pipe")
    process = start("export", "users", "-o", "pipe", "-q")
    assert Path("pipe").read_bytes().count(b"\n") == 300
    assert process.communicate(timeout=60) == ("", "")


# Long enough that no demo ends by itself during a test; a line on standard error shows that the
# walk has begun.
ENDLESS = ("demo", "--users", "100000", "--latency", "0.5", "--faults", "0.2", "-v")


def started_demo(start, *options: str, walking: bool = True, **others) -> tuple:
    """Start a demo; return its process and the id of its sandbox's process."""
    demo = start(*ENDLESS, *options, **others)
    if walking:
        assert demo.stderr.readline().startswith("retry 1 in ")
    return demo, child_running("cli._sandbox", parent=demo)


@pytest.mark.parametrize(
    ("backend", "walking", "number", "code"),
    [
        ("asyncio", False, signal.SIGINT, 130),
        ("trio", True, signal.SIGINT, 130),
        ("asyncio", True, signal.SIGHUP, 129),
    ],
)
def test_a_signal_stops_the_demo_and_its_sandbox(*, start, backend, walking, number, code):
    demo, sandbox = started_demo(start, "--backend", backend, walking=walking)
    demo.send_signal(number)
    out, err = demo.communicate(timeout=60)
    assert (demo.returncode, out) == (code, "")
    last = [line for line in err.splitlines() if not line.startswith("retry ")]
    assert last == (["interrupted"] if number == signal.SIGINT else [])
    assert not is_alive(sandbox)


def test_ignored_signals_stay_ignored_and_sigterm_stops_the_demo(start):
    # As nohup, and a shell without job control, do to commands in the background.
    demo, sandbox = started_demo(start, prefix=("sh", "-c", 'trap "" INT HUP; exec "$@"', "sh"))
    for number in (signal.SIGINT, signal.SIGHUP):
        demo.send_signal(number)
        assert demo.stderr.readline().startswith("retry ")
    demo.send_signal(signal.SIGTERM)
    demo.communicate(timeout=60)
    assert demo.returncode == 143
    assert not is_alive(sandbox)


@pytest.mark.long
def test_repeated_ctrl_c_leaves_no_sandbox_behind(start):
    demo, sandbox = started_demo(start)
    interrupt_repeatedly(demo)
    wait_until(lambda: not is_alive(sandbox))  # it notices the end of the demo


@pytest.mark.long
def test_a_sandbox_that_does_not_react_is_killed():
    with running_sandbox("--users", "1"):
        sandbox = child_running("cli._sandbox")
        os.kill(sandbox, signal.SIGSTOP)
    assert not is_alive(sandbox)


def test_the_sandbox_of_a_killed_demo_ends_and_never_had_the_key(start, key, monkeypatch):
    monkeypatch.setenv("USERESPONSE_API_KEY", key)
    demo, sandbox = started_demo(start)
    environment = Path(f"/proc/{sandbox}/environ")
    assert not environment.exists() or key.encode() not in environment.read_bytes()
    demo.kill()
    demo.wait()
    wait_until(lambda: not is_alive(sandbox))
