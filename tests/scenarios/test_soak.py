"""A short soak, and the mistakes that make one fail."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from processes import child_running, is_alive

ROOT = Path(__file__).parents[2]
SOAK = [sys.executable, "-W", "error", "-m", "tests.soak", "--users", "200", "--workers", "8"]

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(
        not Path("/proc/self/statm").exists(), reason="the soak reads /proc, which only Linux has"
    ),
]


def soak(*options: str) -> subprocess.CompletedProcess:
    return subprocess.run(  # noqa: S603 - our own module
        [*SOAK, *options], capture_output=True, text=True, check=False, timeout=100, cwd=ROOT
    )


def test_a_soak_of_a_few_seconds_passes():
    ended = soak("--minutes", "0.1")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.endswith("PASSED\n")
    assert "0 lost, 0 duplicated, 0 out of order" in ended.stdout
    assert "\ntrio: " in ended.stdout


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("memory", "memory grew"), ("descriptors", "more descriptors: /dev/null"),
        ("tasks", "more tasks: sleep_forever"), ("threads", "more threads: kept"),
        ("twice", "created twice"), ("lost", "lost"), ("duplicated", "duplicated"),
    ],
)  # fmt: skip
def test_each_mistake_is_reported(kind, told):
    ended = soak("--minutes", "0.02", "--backend", "asyncio", "--sabotage", kind)
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert re.search(f"WRONG: .*{told}", ended.stdout)
    assert ended.stdout.endswith("FAILED\n")


@pytest.mark.parametrize(
    ("backend", "at_once"),
    [("asyncio", True), ("asyncio", False), ("uvloop", False), ("trio", False)],
)
def test_ctrl_c_ends_a_soak_and_its_server(backend, at_once):
    command = [*SOAK, "--minutes", "5", "--backend", backend]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=ROOT, **pipes) as process:  # noqa: S603 - our own module
        try:
            server = child_running("spawn_main", parent=process)
            if not at_once:
                process.stdout.readline()
            process.send_signal(signal.SIGINT)
            said, complained = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode == 130, complained
    assert "interrupted\n" in said
    assert "requests sent" in said
    assert "KeyboardInterrupt" not in complained
    assert not is_alive(server), "the server was left behind"
