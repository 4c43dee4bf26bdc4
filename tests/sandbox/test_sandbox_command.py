"""The command: output, options, errors and signals."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys

import httpx
import pytest

from useresponse_async.sandbox import main


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals and a shell")
def test_the_command_prints_url_and_keys_and_serves_until_a_signal():
    amounts = {"users": 7, "tickets": 5, "topics": 3, "articles": 2, "comments": 30, "chats": 4}
    key = "it's a $KEY"
    options = [f"--api-key={key}", *(f"--{name}={amount}" for name, amount in amounts.items())]
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(httpx.Client())
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "useresponse_async.sandbox", "--port=0", *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        stack.enter_context(process)
        stack.callback(process.kill)
        line = process.stdout.readline()
        found = re.fullmatch(r"UseResponse sandbox on (http://127\.0\.0\.1:\d+)\n", line)
        keys = [process.stdout.readline() for _ in range(3)]
        assert keys == [
            f"admin key: {key}\n",
            f"agent key: {key}-agent\n",
            f"user key: {key}-user\n",
        ]
        export = process.stdout.readline()
        shell = subprocess.run(  # noqa: S603 - what the command printed
            ["/bin/sh", "-c", export + 'printf "%s %s" "$USERESPONSE_URL" "$USERESPONSE_API_KEY"'],
            capture_output=True,
            text=True,
            check=True,
        )
        assert shell.stdout == f"{found[1]} {key}"
        client.base_url, client.params = f"{found[1]}/api/7.0", {"apiKey": key}
        assert client.get("/users/search.json").json()["totalObjects"] == 7
        assert client.get("/tickets.json").json()["totalObjects"] == 5
        assert client.get("/search.json").json()["success"]["totalObjects"] == 10
        assert len(client.get("/comments.json").json()["success"]) == 30
        assert client.get("/chats.json").json()["success"]["totalObjects"] == 4
        # The client's connection is still open here.
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")


def test_a_port_in_use_is_reported(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"error: cannot listen on 127.0.0.1:{port}: ")
