"""The command ``whoami``, and the sources of the API key."""

import io
import json
import os
import re
import sys

import pytest
from command_line import KEY, on_terminal, run


def test_whoami_shows_the_owner_of_the_key(serve, capfd):
    sandbox = serve(users=1)
    me = sandbox.user(1)
    owner = {"name": me.name, "email": me.email, "role": "admin", "id": 1, "url": sandbox.url}
    assert run(["whoami"]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert dict(line.split(maxsplit=1) for line in lines) == owner | {"id": "1"}
    assert run(["whoami", "--json"]) == 0
    assert json.loads(capfd.readouterr().out) == owner


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


@pytest.mark.parametrize("no_color", [{}, {"NO_COLOR": "1"}])
def test_a_terminal_prompts_for_the_key_without_echo(serve, monkeypatch, no_color):
    serve(users=1)
    monkeypatch.delenv("USERESPONSE_API_KEY")
    monkeypatch.delenv("NO_COLOR", raising=False)
    shown, code = on_terminal("call", "GET", "/me.json", typed=f"{KEY}\n", **no_color)
    assert (code, KEY in shown) == (0, False)
    assert re.search(r'API key \(not shown\): .*"apiKey"', shown, re.DOTALL)
    assert bool(re.search(r"\x1b\[(?:3|9|1;3)\d", shown)) is not bool(no_color)
    assert shown.count("\n") > 20  # indented
