"""The sandbox command: options, output and signals."""

import re
import signal
import sys

import httpx
import pytest
from command_line import run


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_sandbox_serves_until_a_signal(start, number):
    options = ("--port=0", "--users=7", "--api-key=k", "--root-path=/support", "--access-log")
    process = start("sandbox", *options)
    line = process.stdout.readline()
    found = re.fullmatch(r"UseResponse sandbox on (http://127\.0\.0\.1:\d+/support)\n", line)
    export = next(line for line in process.stdout if line.startswith("export "))
    assert export == f"export USERESPONSE_URL={found[1]} USERESPONSE_API_KEY=k\n"
    response = httpx.get(
        f"{found[1]}/api/3.0/users/search.json", params={"apiKey": "k"}, trust_env=False
    )
    assert response.json()["totalObjects"] == 7
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0
    assert re.fullmatch(r"GET /support/api/3\.0/users/search\.json\?apiKey=\*{3} 200 \d+ ms\n", err)


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_the_options_of_the_sandbox(capsys, option):
    with pytest.raises(SystemExit) as ended:
        run(["sandbox", option])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert out.startswith("usage: useresponse-async sandbox ")
    assert "--root-path" in out
    assert "--next-page" in out
    assert "\nexamples:\n  useresponse-async sandbox\n" in out
    assert "\nexit codes:\n  0  stopped by Ctrl-C or SIGTERM\n" in out


@pytest.mark.parametrize(
    "options",
    ["--users -5", "--users many", "--tickets -5", "--latency -1", "--faults 2", "--empty 404",
     "--nonsense", "--port"],
)  # fmt: skip
def test_wrong_usage_returns_2(capsys, options):
    option, *values = options.split()
    with pytest.raises(SystemExit) as ended:
        run(["sandbox", option, *values])
    out, err = capsys.readouterr()
    assert (ended.value.code, out) == (2, "")
    assert re.fullmatch(rf"error: .*{option.strip('-')}.*\n", err)
