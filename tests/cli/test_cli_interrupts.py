"""Ctrl-C at any moment, and a demo that takes its sandbox with it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from processes import child_running, is_alive, wait_until

from useresponse_async.cli._sandbox import running_sandbox

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


def start_python(*options: str, **others) -> subprocess.Popen:
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **others,
    )


COMPLETING = {
    "_USERESPONSE_ASYNC_COMPLETE": "complete_bash",
    "COMP_WORDS": "useresponse-async export ",
    "COMP_CWORD": "2",
}


@pytest.mark.parametrize(
    ("program", "module", "variables"),
    [
        ("useresponse_async", "attr", {}),
        ("useresponse_async", "httpx", {}),
        ("useresponse_async", "useresponse_async.models", {}),
        ("useresponse_async", "typer", {}),
        ("useresponse_async", "rich", {}),
        ("useresponse_async", "typer", COMPLETING),
        ("useresponse_async", "useresponse_async.cli._app", COMPLETING),
        ("useresponse_async.cli", "typer", {}),
    ],
)
def test_ctrl_c_while_it_starts_is_no_traceback(program, module, variables):
    environment = {**os.environ, **variables}
    process = start_python("-X", "importtime", "-m", program, "--version", env=environment)
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


def test_ctrl_c_that_is_ignored_stays_ignored():
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.argv[0] = "
    code += "'/usr/bin/useresponse-async'; import useresponse_async; "
    code += "print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    assert start_python("-c", code).communicate(timeout=60) == ("True\n", "")


def test_a_program_that_uses_the_package_keeps_its_own_ctrl_c():
    code = "import signal, useresponse_async; "
    code += "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert start_python("-c", code).communicate(timeout=60) == ("True\n", "")


def test_ctrl_c_again_and_again_is_never_a_traceback(serve):
    serve(users=1, latency=5)
    process = start_python("-m", "useresponse_async", "whoami")
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
    # Before its first line runs, a traceback is Python's own.
    assert "useresponse_async" not in process.stderr.read()
    process.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_named_pipe_without_a_reader_holds_no_signal_up(serve, work, number, code):
    serve(users=3)
    os.mkfifo("pipe")
    process = start_python("-m", "useresponse_async", "export", "users", "-o", "pipe")
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        caught = 1 << signal.SIGTERM - 1
        wait_until(lambda: int(_field(status, "SigCgt"), 16) & caught)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (code, "")
    assert err == ("interrupted\n" if number == signal.SIGINT else "")


def test_a_named_pipe_gets_everything_when_its_reader_comes(serve, work):
    serve(users=300)
    os.mkfifo("pipe")
    process = start_python("-m", "useresponse_async", "export", "users", "-o", "pipe", "-q")
    with Path("pipe").open("rb") as reader:
        assert reader.read().count(b"\n") == 300
    assert process.communicate(timeout=60) == ("", "")


def _field(path: Path, name: str) -> str:
    lines = dict(line.split(":", 1) for line in path.read_text().splitlines())
    return lines[name].strip()


# Long enough that no demo ends by itself while a test looks at it.
ENDLESS = ("demo", "--users", "100000", "--latency", "0.5")


def sandbox_of(demo: subprocess.Popen | None = None) -> int:
    return child_running("cli._sandbox", parent=demo)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@pytest.mark.parametrize("delay", [0.0, 1.2], ids=["while it starts", "while it walks"])
def test_ctrl_c_stops_the_sandbox(start, delay, backend):
    demo = start(*ENDLESS, "--backend", backend)
    sandbox = sandbox_of(demo)
    time.sleep(delay)
    demo.send_signal(signal.SIGINT)
    out, err = demo.communicate(timeout=60)
    assert (demo.returncode, out, err) == (130, "", "interrupted\n")
    assert not is_alive(sandbox)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_ends_stop_it_too(start, number, code):
    demo = start(*ENDLESS)
    sandbox = sandbox_of(demo)
    time.sleep(1.2)
    demo.send_signal(number)
    out, err = demo.communicate(timeout=60)
    assert (demo.returncode, out, err) == (code, "", "")
    assert not is_alive(sandbox)


def test_where_ctrl_c_is_ignored_sigterm_still_works(start):
    # What a shell without job control does to commands in the background.
    demo = start(*ENDLESS, prefix=("sh", "-c", 'trap "" INT; exec "$@"', "sh"))
    sandbox = sandbox_of(demo)
    time.sleep(1.2)
    demo.send_signal(signal.SIGINT)
    time.sleep(0.3)
    assert demo.poll() is None
    demo.send_signal(signal.SIGTERM)
    demo.communicate(timeout=60)
    assert demo.returncode == 143
    assert not is_alive(sandbox)


def test_a_hangup_that_is_ignored_stays_ignored(start):
    # What nohup does.
    demo = start("demo", "--users", "500", prefix=("sh", "-c", 'trap "" HUP; exec "$@"', "sh"))
    sandbox_of(demo)
    demo.send_signal(signal.SIGHUP)
    out, _ = demo.communicate(timeout=60)
    assert demo.returncode == 0
    assert out.startswith("500 users in ")


def test_ctrl_c_again_and_again_leaves_nothing_behind(start):
    demo = start(*ENDLESS)
    sandbox = sandbox_of(demo)
    time.sleep(1.0)
    while demo.poll() is None:
        demo.send_signal(signal.SIGINT)
        time.sleep(0.01)
    assert not is_alive(sandbox)


def test_a_sandbox_that_does_not_react_is_killed():
    with running_sandbox("--users", "1"):
        sandbox = sandbox_of()
        os.kill(sandbox, signal.SIGSTOP)
    assert not is_alive(sandbox)


def test_a_demo_that_is_killed_takes_its_sandbox_along(start, key, monkeypatch):
    monkeypatch.setenv("USERESPONSE_API_KEY", key)
    demo = start("demo", "--users", "100000", "--latency", "0.5")
    sandbox = child_running("cli._sandbox", parent=demo)
    environment = Path(f"/proc/{sandbox}/environ")
    wait_until(lambda: not environment.exists() or b"PATH=" in environment.read_bytes())
    assert not environment.exists() or key.encode() not in environment.read_bytes()
    demo.kill()
    demo.wait()
    wait_until(lambda: not is_alive(sandbox))
