"""The commands ``call``, ``whoami``, ``demo`` and ``sandbox``; the sources of the API key."""

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from command_line import KEY, on_terminal, run
from processes import wait_until

# The client prevents most of what this function counts, so no server can show it.
from useresponse_async.cli._demo import delivery_problems


def test_call_prints_the_json_unchanged_except_for_the_key(serve, capfd):
    sandbox = serve(users=1)
    body = b'{"success": {"id": 12345678901234567890, "rate": 1.10, "apiKey": "%s"}}' % KEY.encode()
    sandbox.answer_next(body)
    sandbox.answer_next(b"", 204)
    for shown in (body.decode().replace(KEY, "***") + "\n", ""):
        assert run(["call", "GET", "me.json"]) == 0
        assert capfd.readouterr() == (shown, "")


def test_a_short_key_is_redacted_only_as_the_value_of_the_key_field(serve, capfd):
    serve(users=1, api_key="KEY").answer_next(b'{"id": 1, "name": "KEY", "apiKey" : "KEY"}')
    assert run(["call", "GET", "/me.json"]) == 0
    assert capfd.readouterr().out == '{"id": 1, "name": "KEY", "apiKey" : "***"}\n'


@pytest.mark.parametrize("root_path", ["", "/support"])
@pytest.mark.parametrize("start", ["/", "/api/3.0/", "api/7.0/", "{url}/api/3.0/"])
def test_call_accepts_a_path_a_full_path_and_a_full_url(serve, capfd, start, root_path):
    sandbox = serve(users=90, root_path=root_path)
    path = f"{start.format(url=sandbox.url)}users/search.json?page=2"
    assert run(["call", "get", path, "-p", "count=30"]) == 0
    assert [user["id"] for user in json.loads(capfd.readouterr().out)["data"]] == [*range(31, 61)]
    (received,) = sandbox.requests
    version = "7.0" if "7.0" in start else "3.0"
    assert received.path == f"{root_path}/api/{version}/users/search.json"


@pytest.mark.parametrize("body", ['{"object_id": 1, "content": "Wärm"}', "@body.json", "@-"])
def test_the_body_is_an_argument_a_file_or_stdin(serve, work, capfd, monkeypatch, body):
    sandbox = serve(users=3)
    text = '{"object_id": 1, "content": "Wärm"}'
    Path("body.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    assert run(["call", "POST", "/comments.json", "--json", body]) == 0
    assert "Wärm" in capfd.readouterr().out
    assert sandbox.requests[0].json() == json.loads(text)


def test_include_shows_status_and_headers_also_of_an_error(serve, capfd):
    serve(users=1)
    assert run(["call", "GET", "/me.json", "-i"]) == 0
    head, _, body = capfd.readouterr().out.partition("\n\n")
    assert head.startswith("HTTP/1.1 200 OK\n")
    assert "\ncontent-type: application/json" in head
    assert json.loads(body)["id"] == 1
    assert run(["call", "GET", "/nothing.json", "-i"]) == 1
    assert capfd.readouterr().out.startswith("HTTP/1.1 404 Not Found\n")


def test_whoami_shows_the_owner_of_the_key(serve, capfd):
    sandbox = serve(users=1)
    me = sandbox.user(1)
    owner = {"name": me.name, "email": me.email, "role": "admin", "id": 1, "url": sandbox.url}
    assert run(["whoami"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert dict(line.split(maxsplit=1) for line in lines) == owner | {"id": "1"}
    assert run(["whoami", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == owner


def test_control_characters_from_the_server_are_escaped(serve, capfd, monkeypatch):
    sandbox = serve(users=1)
    sandbox.fail_next(404, message="\x1b[2Jgone\u202e")
    assert run(["call", "GET", "/me.json"]) == 1
    assert "\\x1b[2Jgone\\u202e" in capfd.readouterr().err
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    body = '{"success": {"name": "\u009b31m\u202e"}}'
    sandbox.answer_next(body, headers={"X-Evil": "a\x9b31mb"})
    assert run(["call", "GET", "/me.json", "-i"]) == 0
    out = capfd.readouterr().out
    assert not {"\x9b", "\u202e"} & set(out)
    assert "\\u009b31m\\u202e" in out


@pytest.mark.parametrize("source", ["a file", "a file for others, too", "standard input"])
def test_the_key_file_precedes_the_environment(key_file, capfd, monkeypatch, source):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{KEY}\r\n".encode())))
    warning = ""
    if source == "a file for others, too" and os.name == "posix":
        key_file.chmod(0o640)
        warning = f"warning: other users can read the API key in {key_file}; "
        warning += f"run: chmod 600 {key_file}\n"
    path = "-" if source == "standard input" else str(key_file)
    assert run(["whoami", "--api-key-file", path, "--json"]) == 0
    out, err = capfd.readouterr()
    assert (json.loads(out)["id"], err) == (1, warning)


@pytest.mark.parametrize("content", ["", "\n", "two words", "first\nsecond", "caf\xe9"])
def test_an_invalid_key_file_is_reported_without_its_content(key_file, capfd, content):
    key_file.write_text(content, encoding="latin-1")
    assert run(["whoami", "--api-key-file", str(key_file)]) in (1, 2)
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert not content.split() or content.split()[-1] not in err


@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_prompts_for_the_key_without_echo(serve, monkeypatch, no_color):
    serve(users=1)
    monkeypatch.delenv("USERESPONSE_API_KEY")
    shown, code = on_terminal("call", "GET", "/me.json", typed=f"{KEY}\n", NO_COLOR=no_color)
    assert (code, KEY in shown) == (0, False)
    assert re.search(r'API key \(not shown\): .*"apiKey"', shown, re.DOTALL)
    assert bool(re.search(r"\x1b\[(?:3|9|1;3)\d", shown)) is not bool(no_color)
    assert shown.count("\n") > 20  # indented


SUMMARY = r"""500 users in \d+\.\d\d s
  users/s      +[\d,]+
  pages        +10
  retries      +(\d+)
  requests     +(\d+)
  lost         +0
  duplicated   +0
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_every_user_arrives_although_requests_fail(start, backend):
    options = ("--users", "500", "--faults", "0.2", "--latency", "0", "--seed", "3", "-v")
    proxy = {"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": ""}  # not used for the sandbox
    process = start("demo", *options, "--backend", backend, **proxy)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0
    retries, requests = map(int, re.fullmatch(SUMMARY, out).groups())
    assert err.count("retry ") == err.count("\n") == retries > 0
    assert requests == 10 + retries


def test_problems_of_a_walk_are_counted():
    found = delivery_problems([0, 2, 2, 1, 9, None], 4)
    assert found == {"lost": 2, "duplicated": 1, "out of order": 1, "unknown": 3}


def test_missing_and_moving_users_make_the_demo_fail(start_sandbox, monkeypatch, capfd):
    sandbox = start_sandbox(users=180)
    sandbox.delay_next(3.0, match="page=3")

    def insert_meanwhile():
        wait_until(lambda: sandbox.arrivals > 1)
        sandbox.insert_users(1)

    @contextmanager
    def running_this_one(*_options):
        with ThreadPoolExecutor() as pool:
            pool.submit(insert_meanwhile)
            yield sandbox.url

    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setattr("useresponse_async.cli._demo.running_sandbox", running_this_one)
    assert run(["demo", "--users", "200", "--concurrency", "1"]) == 1
    assert capfd.readouterr().err == "error: of 200 users: 20 lost, 1 duplicated\n"


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
