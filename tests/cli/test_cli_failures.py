"""What is read when a command fails, or what it needs is missing."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import PROGRAM, run

from useresponse_async.resources import Users


def python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def main_without(module: str, *arguments: str) -> subprocess.CompletedProcess:
    return python(
        f"import sys; sys.modules[{module!r}] = None; sys.argv = {['program', *arguments]!r}; "
        "from useresponse_async.cli import main; sys.exit(main())"
    )


@pytest.mark.parametrize("module", ["typer", "rich"])
def test_without_the_cli_extra_one_line_names_it(module):
    done = main_without(module, "--version")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "the command line needs: pip install 'useresponse-async[cli]'\n"


@pytest.mark.parametrize("module", ["starlette", "uvicorn"])
@pytest.mark.parametrize("name", ["demo", "sandbox"])
def test_without_the_sandbox_extra_one_line_names_it(module, name):
    done = main_without(module, name)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.count("\n") == 1
    assert "pip install 'useresponse-async[sandbox]'" in done.stderr


def test_without_the_parquet_extra_one_line_names_it():
    done = main_without("pyarrow", "export", "users", "-o", "out.parquet", "--guest")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: Parquet needs: pip install 'useresponse-async[parquet]'\n"


def test_without_trio_its_backend_is_refused_in_one_line():
    done = main_without("trio", "demo", "--backend", "trio")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: the trio backend needs: pip install trio\n"


def test_importing_the_package_needs_nothing_of_the_command_line():
    # httpx itself imports rich where it finds it, so that one is only kept away.
    done = python(
        "import sys; sys.modules['rich'] = None; import useresponse_async; "
        "print({'typer', 'useresponse_async.cli'} & set(sys.modules))"
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")


@pytest.mark.parametrize(
    "arguments",
    [
        ["nonsense"],
        ["--nonsense"],
        ["demo", "--nonsense"],
        ["demo", "surplus"],
        ["demo", "--users"],
        ["demo", "--users", "many"],
        ["demo", "--users", "0"],
        ["demo", "--faults", "1.5"],
        ["demo", "--latency", "-1"],
        ["demo", "--concurrency", "0"],
        ["demo", "--backend", "curio"],
    ],
)
def test_wrong_usage_is_one_line(arguments, capsys):
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"error: .+\n", err)


@pytest.mark.parametrize("place", [["--debug", "whoami"], ["whoami", "--debug"]])
def test_a_failure_is_one_line_and_with_debug_its_traceback_too(serve, capfd, place):
    sandbox = serve(users=1)
    sandbox.fail_next(400, times=2, message="first\n  second")
    assert run(["whoami"]) == 1
    assert capfd.readouterr().err == "error: GET /api/3.0/me.json: 400 first second\n"
    assert run(place) == 1
    shown = capfd.readouterr().err
    assert shown.startswith("Traceback (most recent call last):\n")
    assert shown.endswith("error: GET /api/3.0/me.json: 400 first second\n")


@pytest.mark.parametrize("debug", [[], ["--debug"]])
@pytest.mark.parametrize("from_file", [False, True])
def test_an_unexpected_failure_says_how_to_learn_more_without_the_key(
    *, serve, work, capfd, monkeypatch, key, debug, from_file
):
    serve(users=1)
    if from_file:
        monkeypatch.delenv("USERESPONSE_API_KEY")
        Path("key").write_text(key)
        Path("key").chmod(0o600)

    def fail(*_):
        local = key
        raise RuntimeError(f"with {local} in it")

    monkeypatch.setattr(Users, "me", fail)
    assert run(["whoami", *debug, *(["--api-key-file", "key"] * from_file)]) == 1
    err = capfd.readouterr().err
    hint = "" if debug else " (useresponse-async --debug … shows the traceback)"
    assert err.endswith(f"error: unexpected RuntimeError: with *** in it{hint}\n")
    assert ("Traceback" in err) is bool(debug)
    assert key not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "arguments",
    [
        *("--version", "--help", "export", "whoami", "whoami --json"),
        *("call GET /me.json", "call GET /me.json -i", "demo --users 50", "export users"),
    ],
)
def test_an_output_that_takes_nothing_is_reported(serve, monkeypatch, arguments, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    serve(users=1)
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(  # noqa: S603 - our own module
            [*PROGRAM, *arguments.split()], stdout=full, stderr=subprocess.PIPE, text=True,
            check=False, timeout=60,
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr == "error: standard output: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="a shell closes the streams")
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", ["export users -o out.jsonl", "whoami", "call GET /me.json"])
def test_streams_that_are_closed_change_nothing(serve, work, arguments, closed):
    serve(users=120)
    command = f"{shlex.join(PROGRAM)} {arguments} {closed}"
    ended = subprocess.run(  # noqa: S602 - our own words
        command, shell=True, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    if arguments.startswith("export"):
        assert len(Path("out.jsonl").read_bytes().splitlines()) == 120
