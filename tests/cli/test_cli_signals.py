"""Commands that are stopped: signals at any moment, kills, full disks and closed pipes."""

import json
import os
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

import pytest
from command_line import KEY, ids_in, run
from processes import child_running, is_alive, wait_until

from useresponse_async.cli._sandbox import running_sandbox

fcntl, termios = map(pytest.importorskip, ("fcntl", "termios"))  # as POSIX has them, and signals

PYTHON = (sys.executable,)
ADVICE = r"\((?P<items>[\d,]+) users are saved; resume with: useresponse-async (?P<again>.+)\)\n"


def interrupt_repeatedly(process: subprocess.Popen) -> None:
    """Send Ctrl-C until a process has ended."""
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.005)


COMPLETING = {
    "_USERESPONSE_ASYNC_COMPLETE": "complete_bash",
    "COMP_WORDS": "useresponse-async export ",
    "COMP_CWORD": "2",
}


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
    for line in process.stderr:
        if line.rpartition("|")[2].strip() == module:
            process.send_signal(signal.SIGINT)
            break
    _, rest = process.communicate(timeout=60)
    assert process.returncode == 130, rest
    assert rest.endswith("interrupted\n")
    assert "Traceback" not in rest


IGNORED = "signal.signal(signal.SIGINT, signal.SIG_IGN); sys.argv[0] = '/bin/useresponse-async'"


@pytest.mark.parametrize(("before", "kept"), [(IGNORED, "SIG_IGN"), ("", "default_int_handler")])
def test_an_import_keeps_the_handler_of_ctrl_c(start, before, kept):
    code = (
        f"import signal, sys; {before}\nimport useresponse_async\n"
        f"print(signal.getsignal(signal.SIGINT) is signal.{kept})"
    )
    assert start("-c", code, program=PYTHON).communicate(timeout=60) == ("True\n", "")


@pytest.mark.long
def test_repeated_ctrl_c_shows_no_traceback(start, serve):
    serve(users=1, latency=60)
    process = start("whoami")
    interrupt_repeatedly(process)
    # Before its first line runs, a traceback is Python's own.
    assert "useresponse_async" not in process.stderr.read()


@pytest.fixture
def exporting(start, serve, work) -> subprocess.Popen:
    """An export that has written some of its lines, with a umask that permits nothing."""
    serve(users=1000, latency=0.05)
    export = ("export", "users", "-o", "out.csv", "--max-in-flight", "1")
    process = start(*export, prefix=("sh", "-c", 'umask 777; exec "$@"', "sh"))
    part = Path("out.csv.part")
    wait_until(lambda: part.exists() and part.read_bytes().count(b"\n") >= 100)
    return process


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGTERM, 143, "stopped"),
        (signal.SIGHUP, 129, "stopped"),
    ],
)
def test_a_signal_leaves_complete_lines_and_advises_to_resume(exporting, work, number, code, word):
    command_line = Path(f"/proc/{exporting.pid}/cmdline")
    assert not command_line.exists() or KEY.encode() not in command_line.read_bytes()
    exporting.send_signal(number)
    out, err = exporting.communicate(timeout=60)
    assert (exporting.returncode, out) == (code, "")
    advice = re.fullmatch(f"{word} {ADVICE}", err)
    kept = int(advice["items"].replace(",", ""))
    assert ids_in("out.csv.part") == list(range(1, kept + 1))
    assert Path("out.csv.part").read_bytes().endswith(b"\n")
    assert {path.name for path in work.iterdir()} == {"out.csv.part", "out.csv.resume"}
    for path in work.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert KEY.encode() not in path.read_bytes()
    again = shlex.split(advice["again"])
    assert again[-1] == "--resume"
    assert run(again) == 0
    assert Path("out.csv").read_bytes().count(b"\r\n") == 1001


@pytest.mark.long
def test_repeated_ctrl_c_advises_to_resume(exporting):
    interrupt_repeatedly(exporting)
    # Hit at a bad moment, Python itself may have more to say and another code.
    assert re.search("interrupted " + ADVICE, exporting.stderr.read())
    assert Path("out.csv.part").read_bytes().endswith(b"\n")


def test_a_second_export_to_the_same_file_is_rejected(exporting, capfd):
    for option in ("--resume", "--overwrite"):
        assert run(["export", "users", "-o", "out.csv", option]) == 1
        error = r"error: another export is writing \S*out\.csv\.part\n"
        assert re.fullmatch(error, capfd.readouterr().err)
    exporting.send_signal(signal.SIGINT)
    exporting.communicate(timeout=60)
    kept = ids_in("out.csv.part")
    assert kept == list(range(1, len(kept) + 1))


# The command, killed before a step that changes the disk. What a kill during a write leaves is the
# subject of test_an_incomplete_part_file_is_completed.
KILLED = """
import os, signal, sys
from useresponse_async.cli import main

steps = int(sys.argv.pop(1))

def count(event, arguments):
    global steps
    if event in ("os.rename", "os.remove", "os.truncate", "os.link", "os.chmod"):
        steps -= 1
        if not steps:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(count)
sys.exit(main())
"""


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_exports_killed_at_any_step_are_complete_after_a_resume(start, serve, work, name):
    serve(users=60)
    export = ["export", "users", "-q", "--max-in-flight", "2", "-o"]
    assert run([*export, f"expected-{name}"]) == 0
    expected = Path(f"expected-{name}").read_bytes()
    for step in count(1):
        process = start("-c", KILLED, f"{step}", *export, name, "--resume", program=PYTHON)
        process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        assert run([*export, name, "--resume"]) == 0
        assert Path(name).read_bytes() == expected
        assert {path.name for path in work.iterdir()} == {name, f"expected-{name}"}
        Path(name).unlink()
    assert step > 6


def test_a_full_disk_is_an_error_of_one_line_and_keeps_the_items(start, serve, work):
    serve(users=1000)
    limited = ("sh", "-c", 'ulimit -f 500; exec "$@"', "sh")
    process = start("export", "users", "-o", "out.jsonl", prefix=limited)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    found = re.fullmatch(r"error: \S*out\.jsonl: File too large " + ADVICE, err)
    assert Path("out.jsonl.part").read_bytes().count(b"\n") >= int(found["items"]) > 50
    assert run(["export", "users", "-o", "out.jsonl", "--resume"]) == 0
    assert ids_in("out.jsonl") == list(range(1, 1001))


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


def test_a_broken_pipe_ends_an_export_silently(start, serve):
    serve(users=1000)
    process = start("export", "users", "-o", "-")
    assert json.loads(process.stdout.readline())["id"] == 1
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["", "--help", "export users --help", "sandbox --port 0"])
def test_a_broken_pipe_ends_other_output_silently(start, command, unbuffered):
    process = start(*command.split(), PYTHONUNBUFFERED=unbuffered)
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == ""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("command", "code"),
    [("export users -o out.jsonl", 0), ("bogus", 2), ("sandbox --users x", 2)],
)
def test_an_error_stream_without_a_reader_changes_no_exit_code(  # noqa: PLR0917 - fixtures
    start, serve, work, command, code, unbuffered
):
    serve(users=3)
    process = start(*command.split(), PYTHONUNBUFFERED=unbuffered)
    process.stderr.close()
    assert process.wait(60) == code
    assert [path.name for path in work.iterdir()] == ["out.jsonl"][code:]


@pytest.fixture
def blocked(start, serve) -> subprocess.Popen:
    """An export whose standard output is a full pipe."""
    serve(users=1000)
    process = start("export", "users", "-o", "-", "--timeout", "5", "--retries", "0")

    def unread() -> int:
        count = fcntl.ioctl(process.stdout, termios.FIONREAD, bytes(4))
        return int.from_bytes(count, sys.byteorder)

    wait_until(lambda: unread() > 60_000)
    return process


def test_a_slow_reader_causes_no_timeouts(blocked):
    time.sleep(5.2)  # longer than the timeout
    out, err = blocked.communicate(timeout=60)
    assert (blocked.returncode, out.count("\n")) == (0, 1000)
    assert ", 0 retries, " in err


def test_ctrl_c_ends_an_export_to_a_full_pipe(blocked):
    blocked.send_signal(signal.SIGINT)
    assert blocked.wait(60) == 130
    assert blocked.stderr.read() == "interrupted\n"


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


# As nohup, and a shell without job control, do to commands in the background.
IGNORING = ("sh", "-c", 'trap "" INT HUP; exec "$@"', "sh")


def test_ignored_signals_stay_ignored_and_sigterm_stops_the_demo(start):
    demo, sandbox = started_demo(start, prefix=IGNORING)
    for number in (signal.SIGINT, signal.SIGHUP):
        demo.send_signal(number)
        assert demo.stderr.readline().startswith("retry ")
    demo.send_signal(signal.SIGTERM)
    demo.communicate(timeout=60)
    assert demo.returncode == 143
    assert not is_alive(sandbox)


def test_ctrl_c_that_is_ignored_changes_no_exit_code(start):
    process = start("--version", prefix=IGNORING)
    assert process.stdout.readline().startswith("useresponse-async ")
    interrupt_repeatedly(process)  # while the interpreter exits
    assert process.returncode == 0


# Event loops lose an exception that is raised in such callbacks, or break.
TERMINATED_IN_A_CALLBACK = """
import asyncio, os, signal, socket, sys
import anyio, trio
from typer import Exit
from useresponse_async.cli._signals import run_async

def interrupt_and_terminate(*_):
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(os.getpid(), number)

class Receiver(asyncio.Protocol):
    data_received = interrupt_and_terminate

async def main():
    try:
        if sys.argv[1] == "trio":
            trio.lowlevel.current_trio_token().run_sync_soon(interrupt_and_terminate)
        else:
            ours, theirs = socket.socketpair()
            theirs.send(b"data")
            await asyncio.get_running_loop().create_connection(Receiver, sock=ours)
        await anyio.sleep_forever()
    finally:
        print("cleaned up")

try:
    run_async(main, backend=sys.argv[1])
except Exit as stopped:
    print(stopped.exit_code, signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
    os.kill(os.getpid(), signal.SIGINT)
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_sigterm_ends_a_loop_at_any_moment_if_ctrl_c_is_ignored(start, backend):
    code = ("-c", TERMINATED_IN_A_CALLBACK, backend)
    process = start(*code, program=PYTHON, prefix=IGNORING)
    assert process.communicate(timeout=60) == ("cleaned up\n143 True\n", "")


@pytest.mark.long
def test_repeated_ctrl_c_leaves_no_sandbox_behind(start):
    demo, sandbox = started_demo(start)
    interrupt_repeatedly(demo)
    wait_until(lambda: not is_alive(sandbox))  # it notices the end of the demo


def test_the_sandbox_of_a_killed_demo_ends_and_never_had_the_key(start):
    demo, sandbox = started_demo(start, USERESPONSE_API_KEY=KEY)
    environment = Path(f"/proc/{sandbox}/environ")
    assert not environment.exists() or KEY.encode() not in environment.read_bytes()
    demo.kill()
    demo.wait()
    wait_until(lambda: not is_alive(sandbox))


@pytest.mark.long
def test_a_sandbox_that_does_not_react_is_killed():
    with running_sandbox("--users", "1"):
        sandbox = child_running("cli._sandbox")
        os.kill(sandbox, signal.SIGSTOP)
    assert not is_alive(sandbox)
