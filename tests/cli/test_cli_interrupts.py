"""Ctrl-C at the moments at which nothing else handles it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


def start(*options: str, **others) -> subprocess.Popen:
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **others,
    )


@pytest.mark.parametrize("program", ["useresponse_async", "useresponse_async.cli"])
@pytest.mark.parametrize("module", ["attr", "httpx", "useresponse_async.models", "typer", "rich"])
def test_ctrl_c_while_it_starts_is_no_traceback(program, module):
    process = start("-X", "importtime", "-m", program, "--version")
    seen = ""
    for line in process.stderr:
        seen += line
        if line.rpartition("|")[2].strip() == module:
            process.send_signal(signal.SIGINT)
            break
    rest = process.stderr.read()
    process.communicate(timeout=30)
    assert process.returncode == 130, seen + rest
    assert rest.endswith("interrupted\n")
    assert "Traceback" not in rest


def test_ctrl_c_that_is_ignored_stays_ignored():
    code = "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.argv[0] = "
    code += "'/usr/bin/useresponse-async'; import useresponse_async; "
    code += "print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    assert start("-c", code).communicate(timeout=30) == ("True\n", "")


def test_a_program_that_uses_the_package_keeps_its_own_ctrl_c():
    code = "import signal, useresponse_async; "
    code += "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    assert start("-c", code).communicate(timeout=30) == ("True\n", "")


def test_ctrl_c_again_and_again_is_never_a_traceback(serve):
    serve(users=1, latency=5)
    process = start("-m", "useresponse_async", "whoami")
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
    # Before its first line runs, a traceback is Python's own.
    assert "useresponse_async" not in process.stderr.read()
    process.communicate()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_named_pipe_without_a_reader_holds_no_signal_up(serve, work, number, code):
    serve(users=3)
    os.mkfifo("pipe")
    process = start("-m", "useresponse_async", "export", "users", "-o", "pipe")
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        caught = 1 << signal.SIGTERM - 1
        wait_until(lambda: int(_field(status, "SigCgt"), 16) & caught)
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (code, "")
    assert err == ("interrupted\n" if number == signal.SIGINT else "")


def test_a_named_pipe_gets_everything_when_its_reader_comes(serve, work):
    serve(users=300)
    os.mkfifo("pipe")
    process = start("-m", "useresponse_async", "export", "users", "-o", "pipe", "-q")
    with Path("pipe").open("rb") as reader:
        assert reader.read().count(b"\n") == 300
    assert process.communicate(timeout=20) == ("", "")


def _field(path: Path, name: str) -> str:
    lines = dict(line.split(":", 1) for line in path.read_text().splitlines())
    return lines[name].strip()
