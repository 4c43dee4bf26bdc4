"""Help and completion; error messages of missing extras, wrong usage and failures."""

import io
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import KEY, PROGRAM, run

from useresponse_async import __version__
from useresponse_async.resources import Users

EXPORTS = ["users", "tickets", "topics", "objects", "comments", "chats"]


LISTED = {"": ["demo", "sandbox"], "export": EXPORTS, "sandbox": ["--root-path", "--next-page"]}


@pytest.mark.parametrize(
    "names", [*LISTED, "demo", "call", "whoami", *(f"export {things}" for things in EXPORTS)]
)
@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_has_commands_examples_and_exit_codes(names, option, capsys):
    assert run([*names.split(), option]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert re.search(rf"(?i)\n *examples:\n +{f'useresponse-async {names}'.strip()}", out)
    assert all(len(line) <= 100 for line in out.splitlines())
    for listed in LISTED.get(names, []):
        assert f"\n  {listed} " in out
    if names in ("", "export"):
        assert run(names.split()) == 0
        assert capsys.readouterr().out == out
    assert bool(re.search(r"(?i)\n *exit codes:\n +0 ", out)) is (names != "export")
    assert ("130  interrupted by Ctrl-C" in out) is (names not in ("export", "sandbox"))
    for advice in (
        "The API key cannot be a command-line argument.",
        "\n    read -rs USERESPONSE_API_KEY && export USERESPONSE_API_KEY\n",
    ):
        assert (advice in out) is (names not in ("demo", "export", "sandbox"))


def test_the_installed_program_shows_its_version():
    program = shutil.which("useresponse-async", path=str(Path(sys.executable).parent))
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
    assert run([]) == 0
    out, err = capfd.readouterr()
    assert (out.split(), err) == (expected, "")


def test_completion_can_be_installed(start, tmp_path):
    environment = {"HOME": f"{tmp_path}", "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    process = start("--install-completion", "bash", **environment)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, "")
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert "_USERESPONSE_ASYNC_COMPLETE=complete_bash" in script.read_text()
    assert script.read_text().rstrip().endswith("useresponse-async")


CLI = "the command line needs: pip install 'useresponse-async[cli]'"
SANDBOX = "pip install 'useresponse-async[sandbox]'"
PARQUET = "error: Parquet needs: pip install 'useresponse-async[parquet]'"


@pytest.mark.parametrize(
    ("module", "arguments", "message"),
    [
        ("typer", "--version", CLI),
        ("rich", "--version", CLI),
        ("starlette", "demo", SANDBOX),
        ("uvicorn", "sandbox", SANDBOX),
        ("pyarrow", "export users -o out.parquet --guest", PARQUET),
        ("trio", "demo --backend trio", "error: the trio backend needs: pip install trio"),
    ],
)
def test_a_missing_extra_is_named_in_one_line(capfd, monkeypatch, module, arguments, message):
    monkeypatch.setitem(sys.modules, module, None)
    assert run(arguments.split()) == 1
    out, err = capfd.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert message in err


# What the error says, and arguments.
USAGE = {
    "nonsense": [
        "nonsense", "--nonsense", "demo --nonsense", "export nonsense", "sandbox --nonsense",
    ],
    "surplus": ["demo surplus"],
    "users": [
        "demo --users", "demo --users many", "demo --users 0", "sandbox --users -5",
        "sandbox --users many",
    ],
    "empty": ["sandbox --empty 404"],
    "": [
        "demo --faults 1.5", "demo --backend curio", "call GET", "call PATCH /me.json",
        "call GET /../me.json", "call GET https://elsewhere.example/api/3.0/me.json",
        "call GET /me.json?page=1 -p page=2", "call POST /x.json --json @- --api-key-file -",
        "export users --format parquet", "export users -o out", "export users -o out.xlsx",
        "export users --page-size 0", "export users --excel-safe", "export users --resume",
        "export users --param a=1 --param a=2", "export users --param role=agent --role user",
        "export users --fields id --all-fields", "export users --param novalue",
        "export users --url ftp://x", "export users --guest --api-key-file f",
        "export tickets --property size=XL", "export comments --sort asc",
    ],
    "error: -d: not valid JSON: ": ["call POST /x.json -d {", "call POST /x.json -d{"],
    "error: --data: not valid JSON: ": ["call POST /x.json --data={"],
    "error: --json: not valid JSON: ": ["call POST /x.json --json {"],
    "set USERESPONSE_API_KEY or pass --api-key-file FILE": [
        "call GET /me.json?apiKey=s3cr3t", "call GET /me.json -p apiKey=s3cr3t",
        "call GET /me.json --api-key=s3cr3t", "whoami --api-key s3cr3t",
        "whoami --api-key=s3cr3t", "--apikey s3cr3t whoami", "export users --api-key s3cr3t",
        "export users --param apikey=s3cr3t",
    ],
    "error: --fields: ": ["export users --fields nonsense", "export users --fields id.nonsense"],
    "'agnt' is not one of user, agent, admin; use --param": ["export users --role agnt"],
    "error: --since": [
        "export tickets -o out.jsonl --since yesterday",
        "export tickets -o out.jsonl --since 2026-11-01 --sort new",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "said"), [(line, said) for said, lines in USAGE.items() for line in lines]
)
def test_wrong_usage_is_one_line_before_any_request(serve, work, capfd, arguments, said):
    sandbox = serve(users=1)
    assert run(arguments.split()) == 2
    out, err = capfd.readouterr()
    assert (out, list(work.iterdir()), sandbox.arrivals) == ("", [], 0)
    assert re.fullmatch(r"error: .+\n", err)
    assert said in err
    assert "s3cr3t" not in err


NO_KEY = "no API key: set USERESPONSE_API_KEY, or pass --api-key-file FILE or --guest"
REFUSED = "cannot connect to 127.0.0.1:9: connection refused (URL from "
CLOSED = "http://127.0.0.1:9"
UNKNOWN = "http://no-such-host.invalid"

# Arguments, what is set in the environment, the exit code and what the lines contain.
FAILURES = [
    ("call GET /nothing.json", {}, 1, ["GET /api/3.0/nothing.json: 404 "]),
    ("call POST /x.json --json @no-such-file", {}, 1, ["no-such-file"]),
    (f"call POST /x.json --json @{'x' * 300}", {}, 1, ["File name too long"]),
    ("whoami --api-key-file no", {}, 1, ["--api-key-file: no: No such file or directory"]),
    ("whoami --guest", {}, 1, ["401 Authentication is required"]),
    ("whoami", {"USERESPONSE_API_KEY": ""}, 2, [NO_KEY]),
    ("whoami", {"USERESPONSE_API_KEY": " "}, 2, [NO_KEY]),
    ("whoami --guest", {"USERESPONSE_URL": ""}, 2, ["no URL: pass --url"]),
    ("whoami --guest", {"USERESPONSE_URL": CLOSED}, 1, [f"{REFUSED}USERESPONSE_URL)"]),
    (f"whoami -v --guest --url {CLOSED}", {}, 1, [f"{REFUSED}--url)", f"{REFUSED}--url)"]),
    ("demo --users 500 --faults 1 --latency 0", {}, 1, ["GET /api/3.0/users/search.json: "]),
    ("demo --latency inf", {}, 1, ["the sandbox did not start: latency must be "]),
    (f"whoami --guest --url {UNKNOWN}", {}, 1, [f"warning: --url is {UNKNOWN}: ", "GET /api/3"]),
]


@pytest.mark.parametrize(("arguments", "env", "code", "said"), FAILURES)
def test_a_failure_is_one_line(*, serve, work, capfd, monkeypatch, arguments, env, code, said):
    sandbox = serve(users=1)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    retries = ["--retries", str(arguments.count("-v"))] if "--guest" in arguments else []
    assert run([*arguments.split(), *retries]) == code
    out, err = capfd.readouterr()
    lines = err.splitlines()
    assert out == ""
    assert all(text in line for line, text in zip(lines, said, strict=True)), err
    assert lines[-1].startswith("error: ")
    sent = {"apiKey" in dict(request.query) for request in sandbox.requests}
    assert sent <= {"--guest" not in arguments}


@pytest.mark.parametrize("place", [["--debug", "whoami"], ["whoami", "--debug"]])
def test_a_failure_is_one_line_and_with_debug_also_a_traceback(serve, capfd, place):
    serve(users=1).fail_next(400, times=2, message="first\n  second")
    error = "error: GET /api/3.0/me.json: 400 first second\n"
    assert run(["whoami"]) == 1
    assert capfd.readouterr() == ("", error)
    assert run(place) == 1
    shown = capfd.readouterr().err
    assert shown.startswith("Traceback (most recent call last):\n")
    assert shown.endswith(error)


def test_an_unexpected_failure_advises_debug_and_hides_the_key(key_file, capfd, monkeypatch):
    def fail(*_):
        local = KEY
        raise RuntimeError(f"with {local} in it")

    monkeypatch.setattr(Users, "me", fail)
    command = ["whoami", "--api-key-file", str(key_file)]
    error = "error: unexpected RuntimeError: with *** in it"
    hint = " (useresponse-async --debug … shows the traceback)"
    assert run(command) == 1
    assert capfd.readouterr().err == f"{error}{hint}\n"
    assert run([*command, "--debug"]) == 1
    err = capfd.readouterr().err
    assert err.startswith("Traceback")
    assert err.endswith(f"{error}\n")
    assert KEY not in err


def in_shell(arguments: str) -> tuple[int, str]:
    """Run the command in a shell; return its exit code and standard error."""
    command = f"{shlex.join(PROGRAM)} {arguments}"
    ended = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - our own words
    return ended.returncode, ended.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a full device")
@pytest.mark.parametrize("command", ["--help", "call GET /me.json -i", "export users"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_full_standard_output_is_reported(serve, monkeypatch, command, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    serve(users=1)
    error = "error: standard output: No space left on device\n"
    assert in_shell(f"{command} >/dev/full") == (1, error)


@pytest.mark.parametrize("streams", ["<&-", "<&- >&- 2>&-"])
def test_closed_streams_do_no_harm(serve, work, streams):
    serve(users=120)
    assert in_shell(f"whoami {streams}")[0] == 0
    assert in_shell(f"export users -o out.jsonl {streams}")[0] == 0
    assert len(Path("out.jsonl").read_bytes().splitlines()) == 120
