"""Does a demo that is told to stop take its sandbox with it?"""

import os
import signal
import subprocess
import sys
import time

import pytest
from processes import child_running, is_alive

from useresponse_async.cli._sandbox import running_sandbox

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and ps")

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
    out, err = demo.communicate(timeout=15)
    assert (demo.returncode, out, err) == (130, "", "interrupted\n")
    assert not is_alive(sandbox)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_other_ends_stop_it_too(start, number, code):
    demo = start(*ENDLESS)
    sandbox = sandbox_of(demo)
    time.sleep(1.2)
    demo.send_signal(number)
    out, err = demo.communicate(timeout=15)
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
    demo.communicate(timeout=15)
    assert demo.returncode == 143
    assert not is_alive(sandbox)


def test_a_hangup_that_is_ignored_stays_ignored(start):
    # What nohup does.
    demo = start("demo", "--users", "500", prefix=("sh", "-c", 'trap "" HUP; exec "$@"', "sh"))
    sandbox_of(demo)
    demo.send_signal(signal.SIGHUP)
    out, _ = demo.communicate(timeout=15)
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
