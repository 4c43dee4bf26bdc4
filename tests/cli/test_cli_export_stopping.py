"""Nothing is lost, doubled or cut in half when an export is stopped."""

import json
import random
import re
import shlex
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import ids_in, run
from processes import wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")

ADVICE = r"\((?P<items>[\d,]+) users are saved; resume with: useresponse-async (?P<again>.+)\)\n"

# Forks a process that is killed before its first, second, … step that changes what is on the disk,
# and each time another one that goes on. Forking a warm process saves a start of each.
KILLED_BEFORE_EACH_STEP = """
import os, signal, sys
from useresponse_async.cli import main

name, *options = sys.argv[1:]
sys.argv[1:] = ["export", "users", "--output", os.devnull, "--quiet"]
main()  # what it imports need not be imported again
sys.argv[1:] = options
expected = open(f"expected-{name}", "rb").read()

def run_in_fork(killed_before=0):
    if process := os.fork():
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    step = 0
    def count(event, arguments):
        nonlocal step
        if event in ("os.rename", "os.remove", "os.truncate", "os.link", "os.chmod"):
            step += 1
            if step == killed_before:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(count)
    os._exit(main())

outcomes = []
while not outcomes or outcomes[-1] == -signal.SIGKILL:
    outcomes.append(run_in_fork(len(outcomes) + 1))
    assert run_in_fork() == 0
    assert open(name, "rb").read() == expected
    assert sorted(os.listdir()) == sorted([name, f"expected-{name}"])
    os.remove(name)
print(*outcomes)
"""


# 32 exports, each killed twice at random moments, unless it is faster, and then left to end.
KILLED_AT_RANDOM = """
import os, random, signal, sys, time
from useresponse_async.cli import main

name, *options = sys.argv[1:]
sys.argv[1:] = ["export", "users", "--output", os.devnull, "--quiet"]
main()  # what it imports need not be imported again
sys.argv[1:] = options
expected = open(f"expected-{name}", "rb").read()
moments = random.Random(32)
killed = 0

def run_in_fork(seconds=None):
    process = os.fork()
    if not process:
        os._exit(main())
    if seconds is not None:
        time.sleep(seconds)
        os.kill(process, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

for _ in range(32):
    for _ in range(2):
        killed += run_in_fork(moments.uniform(0.0, 0.3)) == -signal.SIGKILL
    assert run_in_fork() == 0
    assert open(name, "rb").read() == expected
    assert sorted(os.listdir()) == sorted([name, f"expected-{name}"])
    os.remove(name)
print(killed)
"""


def has_lines(path: str, count: int) -> bool:
    return Path(path).exists() and Path(path).read_bytes().count(b"\n") >= count


def modes() -> set[int]:
    return {stat.S_IMODE(path.stat().st_mode) for path in Path().iterdir()}


@pytest.mark.long
def test_killed_at_random_moments_it_ends_with_every_user_once(start, serve, work):
    sandbox = serve(users=3000, latency=0.12)
    moments = random.Random(20)  # noqa: S311 - the same moments each time
    starts, kept = set(), []
    for _ in range(8):
        sandbox.forget_requests()
        process = start(
            "export", "users", "--output", "out.jsonl", "--resume", "--max-in-flight", "2"
        )
        wait_until(lambda: sandbox.arrivals > 1)
        time.sleep(moments.uniform(0.0, 0.8))
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not Path("out.jsonl").exists()
        starts |= {dict(request.query).get("page") for request in sandbox.requests[1:2]}
        kept.append(len(Path("out.jsonl.part").read_bytes()))
    assert len(starts) > 2
    assert kept[-1] > kept[0] > 0
    sandbox.set_latency(0)
    assert run(["export", "users", "--output", "out.jsonl", "--resume"]) == 0
    assert ids_in("out.jsonl") == list(range(1, 3001))
    assert [path.name for path in work.iterdir()] == ["out.jsonl"]


@pytest.mark.long
@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_killed_before_any_of_its_steps_it_ends_with_every_user_once(serve, work, name):
    serve(users=60)
    assert run(["export", "users", "--output", f"expected-{name}"]) == 0
    options = ("export", "users", "--output", name, "--resume", "--quiet")
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "error", "-c", KILLED_BEFORE_EACH_STEP, name, *options],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    *killed, last = map(int, done.stdout.split())
    assert last == 0
    assert set(killed) == {-signal.SIGKILL}
    assert len(killed) > 6


@pytest.mark.long
@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_32_exports_killed_at_random_moments_are_complete(serve, work, name):
    serve(users=600, latency=0.01)
    assert run(["export", "users", "--output", f"expected-{name}"]) == 0
    options = ("export", "users", "--output", name, "--resume", "--quiet", "--max-in-flight=2")
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "error", "-c", KILLED_AT_RANDOM, name, *options],
        check=True,
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert int(done.stdout) > 32


@pytest.mark.parametrize("umask", ["000", "777"])
def test_ctrl_c_leaves_whole_lines_and_says_how_to_go_on(start, serve, work, key, umask):
    sandbox = serve(users=1000, latency=0.05)
    process = start(
        *("export", "users", "-o", "out.csv", "--max-in-flight", "1"),
        prefix=("sh", "-c", f'umask {umask}; exec "$@"', "sh"),
    )
    wait_until(lambda: has_lines("out.csv.part", 100))
    command_line = Path(f"/proc/{process.pid}/cmdline")
    assert not command_line.exists() or key.encode() not in command_line.read_bytes()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, "")
    advice = re.fullmatch("interrupted " + ADVICE, err)
    assert not Path("out.csv").exists()
    assert modes() == {0o600}
    part = Path("out.csv.part").read_bytes()
    assert part.endswith(b"\n")
    kept = int(advice["items"].replace(",", ""))
    assert ids_in("out.csv.part") == list(range(1, kept + 1))
    assert not any(key.encode() in path.read_bytes() for path in work.iterdir())
    sandbox.set_latency(0)
    again = shlex.split(advice["again"])
    assert again[-1] == "--resume"
    assert run(again) == 0
    assert Path("out.csv").read_bytes().count(b"\r\n") == 1001


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_ends_say_how_to_go_on_too(start, serve, work, number, code):
    serve(users=1000, latency=0.05)
    process = start("export", "users", "-o", "out.jsonl", "--max-in-flight", "1")
    wait_until(lambda: has_lines("out.jsonl.part", 50))
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == code
    assert re.fullmatch("stopped " + ADVICE, err)


def test_ctrl_c_again_and_again_still_says_how_to_go_on(start, serve, work):
    serve(users=1000, latency=0.05)
    process = start("export", "users", "-o", "out.jsonl", "--max-in-flight", "1")
    wait_until(lambda: has_lines("out.jsonl.part", 50))
    while process.poll() is None:
        process.send_signal(signal.SIGINT)
        time.sleep(0.005)
    # Hit at a bad moment, Python itself may have more to say and another code.
    assert re.search("interrupted " + ADVICE, process.stderr.read())
    assert Path("out.jsonl.part").read_bytes().endswith(b"\n")


def test_a_full_disk_is_one_line_and_costs_nothing_that_is_there(start, serve, work):
    serve(users=1000)
    limited = ("sh", "-c", 'ulimit -f 500; exec "$@"', "sh")
    process = start("export", "users", "-o", "out.jsonl", prefix=limited)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    found = re.fullmatch(r"error: \S*out\.jsonl: File too large " + ADVICE, err)
    assert ids_in("out.jsonl.part") == list(range(1, len(ids_in("out.jsonl.part")) + 1))
    assert int(found["items"]) == len(ids_in("out.jsonl.part")) > 50
    assert run(["export", "users", "-o", "out.jsonl", "--resume"]) == 0
    assert ids_in("out.jsonl") == list(range(1, 1001))


def test_two_exports_do_not_write_the_same_file(start, serve, work, capfd):
    serve(users=1000, latency=0.05)
    process = start("export", "users", "-o", "out.jsonl", "--max-in-flight", "1")
    wait_until(lambda: has_lines("out.jsonl.part", 50))
    for option in ("--resume", "--overwrite"):
        assert run(["export", "users", "-o", "out.jsonl", option]) == 1
        assert re.fullmatch(
            r"error: another export is writing \S*out\.jsonl\.part\n", capfd.readouterr().err
        )
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    kept = ids_in("out.jsonl.part")
    assert kept == list(range(1, len(kept) + 1))


def test_when_the_reader_goes_it_ends_quietly(start, serve, work):
    serve(users=1000)
    process = start("export", "users", "-o", "-")
    assert json.loads(process.stdout.readline())["id"] == 1
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == ""


def test_a_slow_reader_costs_no_timeouts(start, serve, work):
    serve(users=1000)
    process = start("export", "users", "-o", "-", "--timeout", "0.7", "--retries", "0")
    process.stdout.readline()
    time.sleep(1.5)
    assert process.stdout.read().count("\n") == 999
    assert process.wait(60) == 0
    assert ", 0 retries, " in process.stderr.read()


def test_a_pipe_that_nobody_reads_does_not_hold_ctrl_c_up(start, serve, work):
    serve(users=1000)
    process = start("export", "users", "-o", "-")
    process.stdout.readline()
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert process.stderr.read() == "interrupted\n"
