"""Help, version and completion."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import run

from useresponse_async import __version__

EXPORTS = ["users", "tickets", "topics", "objects", "comments", "chats"]


@pytest.mark.parametrize(
    "names",
    [[], ["demo"], ["call"], ["whoami"], *(["export", things] for things in EXPORTS)],
    ids=" ".join,
)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_has_examples_and_exit_codes(names, option, capsys):
    assert run([*names, option]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert f"  Examples:\n    {' '.join(['useresponse-async', *names])}" in out
    assert "Exit codes:\n    0 " in out
    assert "130  interrupted by Ctrl-C" in out
    assert all(len(line) <= 100 for line in out.splitlines())


@pytest.mark.parametrize("names", [["call"], ["whoami"], ["export", "users"]], ids=" ".join)
def test_help_says_where_the_key_comes_from(names, capsys):
    assert run([*names, "--help"]) == 0
    out = capsys.readouterr().out
    assert "The API key cannot be a command-line argument." in out
    assert "\n    read -rs USERESPONSE_API_KEY && export USERESPONSE_API_KEY\n" in out


@pytest.mark.parametrize("option", [[], ["-h"], ["--help"]])
def test_export_alone_says_what_can_be_exported(capsys, option):
    assert run(["export", *option]) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {things} " in out for things in EXPORTS)


def test_without_a_command_it_shows_its_help(capsys):
    assert run([]) == 0
    out = capsys.readouterr().out
    assert "demo " in out
    assert "sandbox " in out


def test_version(command):
    done = command("--version")
    assert (done.returncode, done.stdout, done.stderr) == (
        0,
        f"useresponse-async {__version__}\n",
        "",
    )


def test_the_installed_program_is_this_one():
    program = shutil.which("useresponse-async", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("the package is not installed in this environment")
    done = subprocess.check_output([program, "--version"], text=True)  # noqa: S603 - our own
    assert done == f"useresponse-async {__version__}\n"


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
    out, err = process.communicate(timeout=60)
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
