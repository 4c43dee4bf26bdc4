"""Stopped exports: signals, kills, full disks and closed pipes."""

import json
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import ids_in, interrupt_repeatedly, run
from processes import wait_until

if sys.platform != "win32":
    import fcntl
    import termios

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

ADVICE = r"\((?P<items>[\d,]+) users are saved; resume with: useresponse-async (?P<again>.+)\)\n"

# Exports in forks of this process, since forking a warm process saves a start of each. They are
# killed before the first, second, … step that changes the disk, and then completed. What a kill
# during a write leaves is the subject of test_an_incomplete_part_file_is_completed.
KILLING = """
import os, signal, sys
from useresponse_async.cli import main

name, *options = sys.argv[1:]
sys.argv[1:] = ["export", "users", "--output", os.devnull, "--quiet"]
main()  # what it imports need not be imported again
sys.argv[1:] = options
expected = open(f"expected-{name}", "rb").read()

def is_killed(before=0):
    process = os.fork()
    if not process:
        step = 0
        def count(event, arguments):
            nonlocal step
            if event in ("os.rename", "os.remove", "os.truncate", "os.link", "os.chmod"):
                step += 1
                if step == before:
                    os.kill(os.getpid(), signal.SIGKILL)
        sys.addaudithook(count)
        os._exit(main())
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    assert code in (0, -signal.SIGKILL)
    return code != 0

killed = 0
while is_killed(before=killed + 1):
    killed += 1
    assert not is_killed()
    assert open(name, "rb").read() == expected
    assert sorted(os.listdir()) == sorted([name, f"expected-{name}"])
    os.remove(name)
print(killed)
"""


def has_lines(path: str, count: int) -> bool:
    return Path(path).exists() and Path(path).read_bytes().count(b"\n") >= count


@pytest.fixture
def exporting(start, serve, work) -> subprocess.Popen:
    """An export that has written some of its lines."""
    serve(users=1000, latency=0.05)
    process = start("export", "users", "-o", "out.jsonl", "--max-in-flight", "1")
    wait_until(lambda: has_lines("out.jsonl.part", 50))
    return process


def blocked(start, *options: str) -> subprocess.Popen:
    """Start an export of which the standard output is a full pipe."""
    process = start("export", "users", "-o", "-", *options)

    def unread() -> int:
        count = fcntl.ioctl(process.stdout, termios.FIONREAD, bytes(4))
        return int.from_bytes(count, sys.byteorder)

    wait_until(lambda: unread() > 60_000)
    return process


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_exports_killed_at_any_step_are_complete_after_a_resume(serve, work, name):
    serve(users=60)
    assert run(["export", "users", "--output", f"expected-{name}"]) == 0
    options = ("export", "users", "--output", name, "--resume", "--quiet", "--max-in-flight=2")
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "error", "-c", KILLING, name, *options],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert int(done.stdout) > 5


def test_ctrl_c_leaves_complete_lines_and_advises_to_resume(start, serve, work, key):
    sandbox = serve(users=1000, latency=0.05)
    process = start(
        *("export", "users", "-o", "out.csv", "--max-in-flight", "1"),
        prefix=("sh", "-c", 'umask 777; exec "$@"', "sh"),
    )
    wait_until(lambda: has_lines("out.csv.part", 100))
    command_line = Path(f"/proc/{process.pid}/cmdline")
    assert not command_line.exists() or key.encode() not in command_line.read_bytes()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    advice = re.fullmatch("interrupted " + ADVICE, err)
    kept = int(advice["items"].replace(",", ""))
    assert ids_in("out.csv.part") == list(range(1, kept + 1))
    assert Path("out.csv.part").read_bytes().endswith(b"\n")
    assert {path.name for path in work.iterdir()} == {"out.csv.part", "out.csv.resume"}
    for path in work.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert key.encode() not in path.read_bytes()
    sandbox.set_latency(0)
    again = shlex.split(advice["again"])
    assert again[-1] == "--resume"
    assert run(again) == 0
    assert Path("out.csv").read_bytes().count(b"\r\n") == 1001


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_signals_advise_to_resume_too(exporting, number, code):
    exporting.send_signal(number)
    _, err = exporting.communicate(timeout=60)
    assert exporting.returncode == code
    assert re.fullmatch("stopped " + ADVICE, err)


@pytest.mark.long
def test_repeated_ctrl_c_advises_to_resume(exporting):
    interrupt_repeatedly(exporting)
    # Hit at a bad moment, Python itself may have more to say and another code.
    assert re.search("interrupted " + ADVICE, exporting.stderr.read())
    assert Path("out.jsonl.part").read_bytes().endswith(b"\n")


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


def test_a_second_export_to_the_same_file_is_rejected(exporting, capfd):
    for option in ("--resume", "--overwrite"):
        assert run(["export", "users", "-o", "out.jsonl", option]) == 1
        error = r"error: another export is writing \S*out\.jsonl\.part\n"
        assert re.fullmatch(error, capfd.readouterr().err)
    exporting.send_signal(signal.SIGINT)
    exporting.communicate(timeout=60)
    kept = ids_in("out.jsonl.part")
    assert kept == list(range(1, len(kept) + 1))


def test_a_broken_pipe_ends_an_export_silently(start, serve, work):
    serve(users=1000)
    process = start("export", "users", "-o", "-")
    assert json.loads(process.stdout.readline())["id"] == 1
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == ""


def test_a_slow_reader_causes_no_timeouts(start, serve):
    serve(users=1000)
    process = blocked(start, "--timeout", "3", "--retries", "0")
    time.sleep(3.2)  # longer than the timeout
    assert process.stdout.read().count("\n") == 1000
    assert process.wait(60) == 0
    assert ", 0 retries, " in process.stderr.read()


def test_ctrl_c_ends_an_export_to_a_full_pipe(start, serve):
    serve(users=1000)
    process = blocked(start)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert process.stderr.read() == "interrupted\n"
