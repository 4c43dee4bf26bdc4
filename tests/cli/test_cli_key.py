"""Sources of the API key, and its redaction."""

import io
import json
import os
import re
import sys

import pytest
from command_line import on_terminal, run


@pytest.mark.parametrize("source", ["file", "standard input"])
def test_the_key_file_precedes_the_environment(key_file, capfd, key, monkeypatch, source):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(f"{key}\r\n".encode())))
    path = str(key_file) if source == "file" else "-"
    assert run(["whoami", "--api-key-file", path, "--json"]) == 0
    out, err = capfd.readouterr()
    assert (json.loads(out)["id"], err) == (1, "")


@pytest.mark.skipif(os.name != "posix", reason="others are POSIX's")
def test_a_key_file_readable_by_others_causes_a_warning(key_file, capfd, key):
    key_file.chmod(0o640)
    assert run(["whoami", "--api-key-file", str(key_file)]) == 0
    assert capfd.readouterr().err == (
        f"warning: other users can read the API key in {key_file}; run: chmod 600 {key_file}\n"
    )


@pytest.mark.parametrize("content", ["", "\n", "two words", "first\nsecond", "caf\xe9"])
def test_an_invalid_key_file_is_reported_without_its_content(key_file, capfd, content):
    key_file.write_text(content, encoding="latin-1")
    assert run(["whoami", "--api-key-file", str(key_file)]) in (1, 2)
    err = capfd.readouterr().err
    assert err.count("\n") == 1
    assert not content.split() or content.split()[-1] not in err


def test_a_missing_key_is_an_error_that_lists_the_sources(serve, capfd, monkeypatch):
    serve(users=1)
    monkeypatch.delenv("USERESPONSE_API_KEY")
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    assert run(["whoami"]) == 2
    assert capfd.readouterr().err == (
        "error: no API key: set USERESPONSE_API_KEY, or pass --api-key-file FILE or --guest\n"
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")
@pytest.mark.parametrize("no_color", ["", "1"])
def test_a_terminal_prompts_for_the_key_without_echo(serve, key, monkeypatch, no_color):
    serve(users=1)
    monkeypatch.delenv("USERESPONSE_API_KEY")
    shown, code = on_terminal("call", "GET", "/me.json", typed=f"{key}\n", NO_COLOR=no_color)
    assert code == 0
    assert "API key (not shown): " in shown
    assert key not in shown
    assert '"apiKey"' in shown
    assert bool(re.search(r"\x1b\[(?:3|9|1;3)\d", shown)) is not bool(no_color)
    assert shown.count("\n") > 20  # indented
