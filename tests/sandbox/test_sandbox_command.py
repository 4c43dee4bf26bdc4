"""Does the command start, say where, refuse nonsense and stop cleanly?"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from useresponse_async.sandbox import main

ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def command(*options):
    process = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "useresponse_async.sandbox", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_where_it_is_and_the_keys_serves_and_stops_on_a_signal(number):
    with command("--users", "7", "--api-key", "k") as process, httpx.Client() as client:
        line = process.stdout.readline()
        keys = [process.stdout.readline() for _ in range(3)]
        assert keys == ["admin key: k\n", "agent key: k-agent\n", "user key: k-user\n"]
        found = re.fullmatch(r"UseResponse sandbox on (http://127\.0\.0\.1:\d+)\n", line)
        export = process.stdout.readline()
        assert export == f"export USERESPONSE_URL={found[1]} USERESPONSE_API_KEY=k\n"
        answer = client.get(f"{found[1]}/api/3.0/users/search.json", params={"apiKey": "k"})
        assert answer.json()["totalObjects"] == 7
        # The client's connection is still open here.
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")


def test_a_default_key_is_there_for_demos():
    with command("--users", "1", "--root-path", "/support") as process:
        url = process.stdout.readline().split()[-1]
        assert url.endswith("/support")
        params = {"apiKey": "sandbox-key"}
        assert httpx.get(f"{url}/api/3.0/me.json", params=params).status_code == 200


def test_it_has_the_requested_number_of_records():
    amounts = {"tickets": 7, "topics": 3, "articles": 2, "comments": 30, "chats": 4}
    options = [text for name, amount in amounts.items() for text in (f"--{name}", str(amount))]
    with command(*options) as process:
        api = f"{process.stdout.readline().split()[-1]}/api/7.0"
        with httpx.Client(base_url=api, params={"apiKey": "sandbox-key"}) as client:
            assert client.get("/tickets.json").json()["totalObjects"] == 7
            assert client.get("/search.json").json()["success"]["totalObjects"] == 12
            assert len(client.get("/comments.json").json()["success"]) == 30
            assert client.get("/chats.json").json()["success"]["totalObjects"] == 4


def test_the_export_line_survives_a_shell():
    key = "it's a $KEY"
    with command("--users", "1", "--api-key", key) as process:
        export = next(line for line in process.stdout if line.startswith("export "))
    shell = subprocess.run(  # noqa: S603 - what the command printed
        ["/bin/sh", "-c", export + 'printf %s "$USERESPONSE_API_KEY"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout == key


def test_an_access_log_has_a_line_for_each_request_without_the_key():
    with command("--users", "7", "--access-log") as process:
        url = process.stdout.readline().split()[-1]
        params = {"apiKey": "sandbox-key", "page": 2, "count": 5}
        httpx.get(f"{url}/api/3.0/users/search.json", params=params)
        httpx.post(f"{url}/api/3.0/users.json", headers={"Authorization": "wrong"})
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=10)
    first, second = err.splitlines()
    assert re.fullmatch(
        r"GET /api/3\.0/users/search\.json\?apiKey=\*\*\*&page=2&count=5 200 \d+ ms", first
    )
    assert re.fullmatch(r"POST /api/3\.0/users\.json 401 \d+ ms", second)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--latency", "-1"], "latency"),
        (["--faults", "2"], "faults"),
        (["--users", "-5"], "users"),
        (["--tickets", "-5"], "tickets"),
        (["--users", "many"], "--users"),
        (["--empty", "404"], "--empty"),
    ],
)
def test_options_without_sense_are_refused(options, message, capsys):
    with pytest.raises(SystemExit) as stop:
        main(options)
    assert stop.value.code == 2
    assert message in capsys.readouterr().err


def test_a_port_that_is_taken_is_reported(capsys):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 1
    assert capsys.readouterr().err.startswith(f"error: cannot listen on 127.0.0.1:{port}: ")


def test_a_missing_extra_is_named_in_one_line(monkeypatch, capsys):
    monkeypatch.setattr("useresponse_async._config.find_spec", lambda _name: None)
    assert main([]) == 1
    assert capsys.readouterr().err == (
        "error: the sandbox needs: pip install 'useresponse-async[sandbox]'\n"
    )
