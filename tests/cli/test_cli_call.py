"""A call shows what the server said, and whoami who the key belongs to."""

import io
import json
import re
import sys
from pathlib import Path

import pytest
from command_line import run


@pytest.mark.parametrize("path", ["/me.json", "me.json"])
def test_a_call_prints_the_json_as_it_was_sent_but_for_the_key(serve, capfd, key, path):
    sandbox = serve(users=1)
    body = b'{"success": {"id": 12345678901234567890, "rate": 1.10, "apiKey": "%s"}}' % key.encode()
    sandbox.answer_next(body)
    assert run(["call", "GET", path]) == 0
    out, err = capfd.readouterr()
    assert (out, err) == (body.decode().replace(key, "***") + "\n", "")


@pytest.mark.parametrize(
    "path",
    [
        "/api/3.0/users/search.json?page=2",
        "api/3.0/users/search.json?page=2",
        "{url}/api/3.0/users/search.json?page=2",
    ],
)
@pytest.mark.parametrize("root_path", ["", "/support"])
def test_a_path_can_be_pasted_complete(serve, capfd, path, root_path):
    sandbox = serve(users=90, root_path=root_path)
    assert run(["call", "GET", path.format(url=sandbox.url)]) == 0
    assert json.loads(capfd.readouterr().out)["data"][0]["id"] == 51
    assert sandbox.requests[0].path.endswith("/api/3.0/users/search.json")


def test_a_pasted_path_has_its_own_version(serve, capfd):
    sandbox = serve(users=1)
    run(["call", "GET", "/api/7.0/me.json"])
    assert sandbox.requests[0].path == "/api/7.0/me.json"


@pytest.mark.parametrize(
    ("written", "blamed"),
    [(["-d", "{"], "-d"), (["-d{"], "-d"), (["--data={"], "--data"), (["--json", "{"], "--json")],
)
def test_json_that_is_not_valid_blames_the_option_that_was_typed(serve, capfd, written, blamed):
    serve(users=1)
    assert run(["call", "POST", "/x.json", *written]) == 2
    assert capfd.readouterr().err.startswith(f"error: {blamed}: not valid JSON: ")


def test_parameters_come_from_options_and_from_the_path(serve, capfd):
    sandbox = serve(users=90)
    assert run(["call", "get", "/users/search.json?page=2", "-p", "count=30"]) == 0
    assert [user["id"] for user in json.loads(capfd.readouterr().out)["data"]] == [*range(31, 61)]
    assert ("page", "2") in sandbox.requests[0].query


@pytest.mark.parametrize("how", ["text", "file", "stdin"])
def test_a_body_comes_from_the_command_line_a_file_or_a_pipe(serve, work, capfd, monkeypatch, how):
    sandbox = serve(users=3)
    text = '{"object_id": 1, "content": "Wärm"}'
    if how == "file":
        Path("body.json").write_text(text, encoding="utf-8")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    given = {"text": text, "file": "@body.json", "stdin": "@-"}[how]
    assert run(["call", "POST", "/comments.json", "--json", given]) == 0
    assert "Wärm" in capfd.readouterr().out
    assert json.loads(sandbox.requests[0].body) == json.loads(text)


def test_status_and_headers_are_shown_when_asked_for(serve, capfd):
    serve(users=1)
    assert run(["call", "GET", "/me.json", "-i"]) == 0
    head, _, body = capfd.readouterr().out.partition("\n\n")
    assert head.startswith("HTTP/1.1 200 OK\n")
    assert "\ncontent-type: application/json" in head
    assert json.loads(body)["id"] == 1
    assert run(["call", "GET", "/nothing.json", "-i"]) == 1
    out, err = capfd.readouterr()
    assert out.startswith("HTTP/1.1 404 Not Found\n")
    assert err.startswith("error: GET /api/3.0/nothing.json: 404 ")


def test_no_content_prints_nothing(serve, capfd):
    sandbox = serve(users=1)
    sandbox.answer_next(b"", 204)
    assert run(["call", "GET", "/me.json"]) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["GET", "/nothing.json"], 1),
        (["PATCH", "/me.json"], 2),
        (["GET", "/../me.json"], 2),
        (["GET"], 2),
        (["POST", "/x.json", "--json", "{"], 2),
        (["POST", "/x.json", "--json", "@" + "x" * 300], 1),
        (["GET", "https://elsewhere.example/api/3.0/me.json"], 2),
        (["POST", "/x.json", "--json", "@no-such-file"], 1),
        (["POST", "/x.json", "--json", "@-", "--api-key-file", "-"], 2),
        (["GET", "/me.json?page=1", "-p", "page=2"], 2),
    ],
    ids=str,
)
def test_what_goes_wrong_is_one_line(serve, work, capfd, arguments, code):
    serve(users=1)
    assert run(["call", *arguments]) == code
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(r"error: .+\n", err)


def test_what_a_server_says_does_not_steer_the_terminal(serve, capfd):
    sandbox = serve(users=1)
    sandbox.fail_next(404, message="\x1b[2Jgone\u202e")
    assert run(["call", "GET", "/me.json"]) == 1
    assert "\\x1b[2Jgone\\u202e" in capfd.readouterr().err


def test_whoami_says_who_the_key_belongs_to(serve, capfd):
    sandbox = serve(users=1)
    me = sandbox.user(1)
    assert run(["whoami"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert [line.split(maxsplit=1) for line in lines] == [
        ["name", me.name],
        ["email", me.email],
        ["role", "admin"],
        ["id", "1"],
        ["url", sandbox.url],
    ]
    assert run(["whoami", "--json"]) == 0
    shown = json.loads(capfd.readouterr().out)
    assert shown == {
        "name": me.name,
        "email": me.email,
        "role": "admin",
        "id": 1,
        "url": sandbox.url,
    }


def test_a_guest_is_nobody_although_the_environment_has_a_key(serve, capfd):
    sandbox = serve(users=1)
    assert run(["whoami", "--guest"]) == 1
    assert "401 Authentication is required" in capfd.readouterr().err
    assert not any("apiKey" in dict(request.query) for request in sandbox.requests)


def test_without_an_address_it_says_how_to_give_one(monkeypatch, capfd):
    monkeypatch.delenv("USERESPONSE_URL", raising=False)
    assert run(["whoami", "--guest"]) == 2
    assert re.fullmatch(r"error: no URL: pass --url.+\n", capfd.readouterr().err)


def test_an_address_without_encryption_is_warned_of_in_one_line(monkeypatch, capfd):
    assert run(["whoami", "--guest", "--url", "http://no-such-host.invalid", "--retries", "0"]) == 1
    warning, error = capfd.readouterr().err.splitlines()
    assert warning.startswith("warning: --url is http://no-such-host.invalid: ")
    assert error.startswith("error: GET /api/3.0/me.json: ")


def test_when_the_reader_goes_a_call_ends_quietly(serve, start):
    serve(users=1000)
    process = start("call", "GET", "/users/search.json")
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == ""


def test_a_short_key_is_taken_out_where_it_stands_as_the_key(start_sandbox, capfd, monkeypatch):
    sandbox = start_sandbox(users=1, api_key="KEY")
    monkeypatch.setenv("USERESPONSE_URL", sandbox.url)
    monkeypatch.setenv("USERESPONSE_API_KEY", "KEY")
    sandbox.answer_next(b'{"success": {"id": 1, "name": "KEY", "apiKey" : "KEY"}}')
    assert run(["call", "GET", "/me.json"]) == 0
    assert capfd.readouterr().out == '{"success": {"id": 1, "name": "KEY", "apiKey" : "***"}}\n'


def test_what_the_server_says_does_not_steer_the_terminal(serve, capfd, monkeypatch):
    sandbox = serve(users=1)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    body = '{"success": {"name": "\u009b31m\u202e"}}'
    sandbox.answer_next(body, headers={"X-Evil": "a\x9b31mb"})
    assert run(["call", "GET", "/me.json", "-i"]) == 0
    out = capfd.readouterr().out
    assert "\x9b" not in out
    assert "\u202e" not in out
    assert "\\u009b31m\\u202e" in out
