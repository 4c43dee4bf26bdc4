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
    for advice in (
        "The API key cannot be a command-line argument.",
        "\n    read -rs USERESPONSE_API_KEY && export USERESPONSE_API_KEY\n",
    ):
        assert (advice in out) is (names != ["demo"])


@pytest.mark.parametrize(
    ("arguments", "commands"),
    [([], ["demo", "sandbox"]), (["export"], EXPORTS), (["export", "--help"], EXPORTS)],
    ids=" ".join,
)
def test_help_lists_the_commands(capsys, arguments, commands):
    assert run(arguments) == 0
    out = capsys.readouterr().out
    assert all(f"\n  {name} " in out for name in commands)


def test_the_installed_program_shows_its_version():
    program = shutil.which("useresponse-async", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("the package is not installed in this environment")
    shown = subprocess.check_output([program, "--version"], text=True)  # noqa: S603 - our own
    assert shown == f"useresponse-async {__version__}\n"


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", ["call", "whoami", "demo", "sandbox", "export"]),
        ("export ", EXPORTS),
        ("export tickets --status o", ["opened", "on_hold"]),
        ("export users --format ", ["jsonl", "csv", "parquet"]),
        ("export users --api", ["--api-key-file", "--api-version"]),
        ("call P", ["POST", "PUT"]),
    ],
)
def test_completion_suggests_commands_options_and_values(monkeypatch, capfd, typed, expected):
    monkeypatch.setenv("_USERESPONSE_ASYNC_COMPLETE", "complete_bash")
    monkeypatch.setenv("COMP_WORDS", f"useresponse-async {typed}")
    monkeypatch.setenv("COMP_CWORD", str(len(typed.split(" "))))
    with pytest.raises(SystemExit) as ended:
        run([])
    out, err = capfd.readouterr()
    assert (ended.value.code, out.split(), err) == (0, expected, "")


def test_completion_can_be_installed(start, tmp_path):
    environment = {"HOME": f"{tmp_path}", "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    process = start("--install-completion", "bash", **environment)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert "_USERESPONSE_ASYNC_COMPLETE=complete_bash" in script.read_text()
    assert script.read_text().rstrip().endswith("useresponse-async")
