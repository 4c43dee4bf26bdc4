"""The sandbox command hands everything on, and stops when told."""

import re
import signal
import sys

import httpx
import pytest


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_what_was_asked_for_and_stops_on_a_signal(start, number):
    options = ("--port=0", "--users=7", "--api-key=k", "--root-path=/support", "--access-log")
    process = start("sandbox", *options)
    line = process.stdout.readline()
    found = re.fullmatch(r"UseResponse sandbox on (http://127\.0\.0\.1:\d+/support)\n", line)
    export = next(line for line in process.stdout if line.startswith("export "))
    assert export == f"export USERESPONSE_URL={found[1]} USERESPONSE_API_KEY=k\n"
    answer = httpx.get(
        f"{found[1]}/api/3.0/users/search.json", params={"apiKey": "k"}, trust_env=False
    )
    assert answer.json()["totalObjects"] == 7
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert re.fullmatch(r"GET /support/api/3\.0/users/search\.json\?apiKey=\*{3} 200 \d+ ms\n", err)


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_its_help_lists_the_sandbox_s_own_options(command, option):
    done = command("sandbox", option)
    assert done.returncode == 0
    assert done.stdout.startswith("usage: useresponse-async sandbox ")
    assert "--root-path" in done.stdout
    assert "--next-page" in done.stdout
    assert "\nexamples:\n  useresponse-async sandbox\n" in done.stdout
    assert "\nexit codes:\n  0  stopped by Ctrl-C or SIGTERM\n" in done.stdout


@pytest.mark.parametrize("options", [("--users", "-5"), ("--nonsense",), ("--port",)])
def test_wrong_usage_has_the_exit_code_for_it(command, options):
    done = command("sandbox", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(rf"error: .*{options[0].strip('-')}.*\n", done.stderr)
