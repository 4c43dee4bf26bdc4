"""Does the shell complete commands, options and known values?"""

import shutil

import pytest


def completions(command, typed: str) -> list[str]:
    done = command(
        _USERESPONSE_ASYNC_COMPLETE="complete_bash",
        COMP_WORDS=f"useresponse-async {typed}",
        COMP_CWORD=str(len(typed.split(" "))),
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", ["call", "whoami", "demo", "sandbox", "export"]),
        ("export ", ["users", "tickets", "topics", "objects", "comments", "chats"]),
        ("export tickets --status o", ["opened", "on_hold"]),
        ("export users --format ", ["jsonl", "csv", "parquet"]),
        ("export users --api", ["--api-key-file", "--api-version"]),
        ("call P", ["POST", "PUT"]),
    ],
)
def test_what_can_come_next(command, typed, expected):
    assert completions(command, typed) == expected


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
def test_the_script_for_the_shell_is_shown(start):
    process = start("--show-completion", prefix=("bash", "-c", '"$@"; exit $?', "bash"))
    out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (0, "")
    assert "_USERESPONSE_ASYNC_COMPLETE=complete_bash" in out
    assert out.rstrip().endswith("useresponse-async")


def test_completion_can_be_installed(command, tmp_path):
    done = command(
        "--install-completion",
        "bash",
        HOME=str(tmp_path),
        _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1",
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert list((tmp_path / ".bash_completions").iterdir())
