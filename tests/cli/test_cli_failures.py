"""Error messages: missing extras, wrong usage, unexpected failures, and outputs that fail."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import PROGRAM, run

from useresponse_async.resources import Users


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("typer", "--version", "the command line needs: pip install 'useresponse-async[cli]'"),
        ("rich", "--version", "the command line needs: pip install 'useresponse-async[cli]'"),
        ("starlette", "demo", "pip install 'useresponse-async[sandbox]'"),
        ("uvicorn", "sandbox", "pip install 'useresponse-async[sandbox]'"),
        (
            "pyarrow",
            "export users -o out.parquet --guest",
            "error: Parquet needs: pip install 'useresponse-async[parquet]'",
        ),
        ("trio", "demo --backend trio", "error: the trio backend needs: pip install trio"),
    ],
)
def test_a_missing_extra_is_named_in_one_line(capfd, monkeypatch, module, arguments, message):
    monkeypatch.setitem(sys.modules, module, None)
    assert run(arguments.split()) == 1
    out, err = capfd.readouterr()
    assert out == ""
    assert message in err
    assert err.count("\n") == 1


def test_importing_the_package_does_not_import_the_command_line():
    # httpx itself imports rich if it is installed, so rich is only hidden.
    code = (
        "import sys; sys.modules['rich'] = None; import useresponse_async; "
        "print({'typer', 'useresponse_async.cli'} & set(sys.modules))"
    )
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=True
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
        ["demo", "--backend", "curio"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_one_line(arguments, capsys):
    assert run(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"error: .+\n", err)


@pytest.mark.parametrize("place", [["--debug", "whoami"], ["whoami", "--debug"]])
def test_a_failure_is_one_line_and_with_debug_also_a_traceback(serve, capfd, place):
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
def test_an_unexpected_failure_advises_debug_and_hides_the_key(
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
@pytest.mark.parametrize(
    ("arguments", "unbuffered"),
    [
        ("--help", ""),
        ("--help", "1"),
        ("export", ""),
        ("whoami", ""),
        ("call GET /me.json -i", ""),
        ("export users", ""),
    ],
)
def test_a_full_standard_output_is_reported(serve, monkeypatch, arguments, unbuffered):
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
@pytest.mark.parametrize(
    ("arguments", "closed"),
    [
        ("export users -o out.jsonl", "<&-"),
        ("export users -o out.jsonl", "<&- >&- 2>&-"),
        ("whoami", ">&-"),
    ],
)
def test_closed_streams_do_no_harm(serve, work, arguments, closed):
    serve(users=120)
    command = f"{shlex.join(PROGRAM)} {arguments} {closed}"
    ended = subprocess.run(  # noqa: S602 - our own words
        command, shell=True, capture_output=True, text=True, check=False, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    if arguments.startswith("export"):
        assert len(Path("out.jsonl").read_bytes().splitlines()) == 120
