"""The command ``sandbox``."""

import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest
from command_line import run

AMOUNTS = "--users=7 --tickets=5 --topics=3 --articles=2 --comments=30 --chats=4"
QUOTED = "it's a $KEY"


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals and a shell")
@pytest.mark.parametrize(
    ("module", "number", "log"),
    [
        ("useresponse_async.sandbox", signal.SIGINT, []),
        ("useresponse_async sandbox", signal.SIGTERM, ["--access-log"]),
    ],
)
def test_the_sandbox_prints_url_and_keys_and_serves_until_a_signal(start, module, number, log):
    options = ("--port=0", f"--api-key={QUOTED}", "--root-path=/support", *AMOUNTS.split(), *log)
    process = start("-m", *module.split(), *options, program=[sys.executable])
    line, *keys, export = (process.stdout.readline() for _ in range(5))
    found = re.fullmatch(r"UseResponse sandbox on (http://127\.0\.0\.1:\d+/support)\n", line)
    suffixes = {"admin": "", "agent": "-agent", "user": "-user"}
    assert keys == [f"{role} key: {QUOTED}{suffix}\n" for role, suffix in suffixes.items()]
    words = 'printf "%s %s" "$USERESPONSE_URL" "$USERESPONSE_API_KEY"'
    shown = subprocess.check_output(["/bin/sh", "-c", export + words], text=True)  # noqa: S603 - what was printed
    assert shown == f"{found[1]} {QUOTED}"
    with httpx.Client(base_url=f"{found[1]}/api/7.0", params={"apiKey": QUOTED}) as client:
        assert client.get("/users/search.json").json()["totalObjects"] == 7
        assert client.get("/tickets.json").json()["totalObjects"] == 5
        assert client.get("/search.json").json()["success"]["totalObjects"] == 10
        assert len(client.get("/comments.json").json()["success"]) == 30
        assert client.get("/chats.json").json()["success"]["totalObjects"] == 4
        # The client's connection is still open here.
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, "")
    line = r"GET /support/api/7\.0/[a-z/]+\.json\?apiKey=\*{3} 200 \d+ ms\n"
    assert re.fullmatch(line * 5 if log else "", err)


def test_a_port_in_use_is_reported(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert run(["sandbox", "--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"error: cannot listen on 127.0.0.1:{port}: ")
