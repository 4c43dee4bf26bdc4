"""Does the command say what it is, what it can do and how it ends?"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from useresponse_async import __version__
from useresponse_async.cli.app import run


@pytest.mark.parametrize("name", ["demo", None])
def test_help_has_examples_and_exit_codes(name, capsys):
    assert run([*([name] if name else []), "--help"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "\n    useresponse-async demo --users 5000 --faults 0.1\n" in out
    assert "Exit codes:\n    0 " in out
    assert "130  interrupted by Ctrl-C" in out


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
