"""The command ``call``."""

import io
import json
import sys
from pathlib import Path

import pytest
from command_line import KEY, on_terminal, run


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


@pytest.mark.parametrize(("encoding", "shown"), [("ascii", "W\\u00e4rm"), ("utf-8", "Wärm")])
def test_a_terminal_that_cannot_show_a_character_shows_its_escape(serve, encoding, shown):
    serve(users=1).answer_next('{"name": "Wärm"}')
    text, code = on_terminal("call", "GET", "/me.json", PYTHONIOENCODING=encoding, TERM="dumb")
    assert (json.loads(text), code) == ({"name": "Wärm"}, 0)
    assert shown in text


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
