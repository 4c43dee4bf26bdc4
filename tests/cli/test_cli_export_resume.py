"""Resumed exports: completeness although rows moved, and refusals."""

import json
import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from command_line import ids_in, run
from processes import wait_until

USERS = ["export", "users", "-o", "out.jsonl"]


def pages_of(sandbox) -> list[str]:
    """Return the pages that were requested."""
    return [page for it in sandbox.requests for name, page in it.query if name == "page"]


def resumed(*options: str) -> list[int]:
    """Resume an export that succeeds; return the ids in its file."""
    assert run([*USERS, "--resume", *options]) == 0
    return ids_in("out.jsonl")


def fail_on_page_5(sandbox, *options: str) -> None:
    """Run an export that ends with its fifth page."""
    sandbox.fail_next(500, match=r"page=5&")
    assert run([*USERS, *options, "--retries", "0", "--max-in-flight", "1"]) == 1
    sandbox.forget_requests()


@pytest.fixture
def interrupted(serve, work, capfd):
    """A sandbox of 500 users, of whom an export got the first 200 before the server failed."""
    sandbox = serve(users=500)
    fail_on_page_5(sandbox)
    assert "(200 users are saved; resume with: " in capfd.readouterr().err
    assert ids_in("out.jsonl.part") == list(range(1, 201))
    return sandbox


@pytest.mark.parametrize("size", [[], ["--page-size", "200"]], ids=["", "too large"])
def test_resume_continues_with_the_first_missing_page(serve, work, capfd, size):
    sandbox = serve(users=500)  # which has 50 users on a page
    fail_on_page_5(sandbox, *size)
    assert resumed(*size) == list(range(1, 501))
    # The first page shows how large a page is.
    assert {*pages_of(sandbox)} == {"1", *map(str, range(4, 11))}
    assert "500 users in out.jsonl: 300 fetched in " in capfd.readouterr().err


@pytest.mark.parametrize(("gone", "come"), [(1, 0), (60, 0), (120, 0), (199, 0), (0, 1), (0, 120)])
def test_rows_that_moved_between_pages_are_included_once(interrupted, capfd, gone, come):
    for user_id in range(2, gone + 2):
        interrupted.remove_user(user_id)
    interrupted.insert_users(come)
    ids = resumed()
    assert ids[:500] == list(range(1, 501))
    assert len(ids) == len(set(ids)) <= 500 + come
    assert f"warning: the server counts {500 - gone + come} users" in capfd.readouterr().err


@pytest.mark.parametrize("size", [0, 10, 1000, None])
def test_an_incomplete_part_file_is_completed(interrupted, size):
    with Path("out.jsonl.part").open("ab") as file:
        file.write(b'{"id": 201, "na')
        file.truncate(size)
    assert resumed() == list(range(1, 501))


@pytest.mark.parametrize(
    ("options", "difference"),
    [
        ("users --role agent", 'role was not set, now it is "agent"'),
        ("users --param team=7", 'param was {}, now it is {"team": "7"}'),
        ("users --page-size 20", "page_size was 50, now it is 20"),
        ("users --api-version 7.0", 'api_version was "3.0", now it is "7.0"'),
        ("users --format csv", 'format was "jsonl", now it is "csv"'),
        ("users --fields id", 'fields was not set, now it is "id"'),
        ("users --url http://localhost:1", 'now it is "http://localhost:1"'),
        ("chats", 'export was "users", now it is "chats"'),
        ("users --guest", 'user was 1, now it is "guest"'),
        ("users --api-key-file agent", "user was 1, now it is 2"),
    ],
)
def test_another_user_or_other_options_cannot_resume(interrupted, capfd, options, difference):
    Path("agent").write_text(interrupted.keys["agent"])
    Path("agent").chmod(0o600)
    before = Path("out.jsonl.part").read_bytes()
    assert run(["export", *options.split(), "-o", "out.jsonl", "--resume"]) == 2
    error = capfd.readouterr().err
    assert difference in error
    assert error.count("\n") == 1
    assert Path("out.jsonl.part").read_bytes() == before
    asked = [request.path for request in interrupted.requests]
    assert asked == ["/api/3.0/me.json"] * options.endswith("file agent")
    assert resumed() == list(range(1, 501))


UNREADABLE = [
    "", "[]", "\x00",
    '{"version": 1, "nonsense": 2}',
    '{"version": 3, "request": {}}',
    '{"version": 3, "request": [], "replaces": false}',
    '{"version": 3, "request": {}, "replaces": 1}',
    '{"version": 4, "request": {}, "replaces": false}',
]  # fmt: skip
OLD = {"version": 2, "request": {}, "asker": f"{'0' * 32}:{'f' * 64}", "next_page": 5, "items": 200}
BEFORE = "was written by useresponse-async 0.1, and this version cannot resume it"


@pytest.mark.parametrize(
    ("suffix", "content", "problem"),
    [
        *(("resume", it, "is not a resume file of this version") for it in UNREADABLE),
        ("resume", json.dumps(OLD), BEFORE),
        *(("part", line, "was modified") for line in ("x\n", "[1]\n", '{"id": 1}\n')),
    ],
)
def test_an_invalid_file_is_reported(interrupted, capfd, suffix, content, problem):
    Path(f"out.jsonl.{suffix}").write_text(content, encoding="utf-8")
    part = Path("out.jsonl.part").read_bytes()
    assert run([*USERS, "--resume"]) == 1
    assert re.fullmatch(
        rf"error: \S*out\.jsonl\.{suffix} {problem}; --overwrite without --resume starts again\n",
        capfd.readouterr().err,
    )
    assert Path("out.jsonl.part").read_bytes() == part


def test_an_unfinished_export_is_discarded_only_with_overwrite(interrupted, capfd):
    assert run(USERS) == 1
    error = capfd.readouterr().err
    assert "pass --resume to continue it, or --overwrite to start again" in error
    assert ids_in("out.jsonl.part") == list(range(1, 201))
    assert run([*USERS, "--overwrite"]) == 0
    assert ids_in("out.jsonl") == list(range(1, 501))
    assert not Path("out.jsonl.resume").exists()


@pytest.mark.parametrize("option", [[], ["--resume"]])
def test_an_unknown_part_file_is_replaced_only_with_overwrite(serve, work, capfd, option):
    sandbox = serve(users=3)
    Path("out.jsonl.part").write_text("precious")
    assert run([*USERS, *option]) == 1
    assert "out.jsonl.part exists, but is not from an export" in capfd.readouterr().err
    assert (Path("out.jsonl.part").read_text(), sandbox.arrivals) == ("precious", 0)
    assert run([*USERS, "--overwrite"]) == 0
    assert [path.name for path in work.iterdir()] == ["out.jsonl"]


@pytest.mark.parametrize("moment", ["before", "meanwhile"])
@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
def test_a_file_of_another_program_is_never_replaced(serve, work, capfd, name, moment):
    sandbox = serve(users=500)
    export = ["export", "users", "-o", name, "--max-in-flight", "1", "--resume"]
    sandbox.fail_next(500, match=r"page=5&")
    assert run([*export, "--retries", "0"]) == 1

    def write():
        wait_until(lambda: moment == "before" or "9" in pages_of(sandbox))
        Path(name).write_text("precious")

    sandbox.delay_next(3.0, match=r"page=9&")
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(write)
        if moment == "before":
            writing.result()
        assert run(export) == 1
    error = capfd.readouterr().err
    assert f"{name} was created by another program during the export and is not replaced" in error
    assert Path(name).read_text() == "precious"
    assert {stat.S_IMODE(path.stat().st_mode) for path in work.glob("*.part")} == {0o600}
    assert run([*export, "--overwrite"]) == 0
    assert len(Path(name).read_bytes().splitlines()) == 500 + (name == "out.csv")
    assert [path.name for path in work.iterdir()] == [name]


def test_a_failed_overwrite_keeps_the_file_that_a_killed_run_has_just_named(interrupted):
    os.link("out.jsonl.part", "out.jsonl")
    interrupted.fail_next(500, match=r"page=1&")
    assert run([*USERS, "--overwrite", "--retries", "0"]) == 1
    assert ids_in("out.jsonl") == list(range(1, 201))


def test_a_resumed_export_replaces_if_it_began_with_overwrite(serve, work):
    Path("out.jsonl").write_text("old")
    fail_on_page_5(serve(users=500), "--overwrite")
    assert Path("out.jsonl").read_text() == "old"
    assert resumed() == list(range(1, 501))


def test_resume_begins_an_export_and_leaves_a_complete_one_alone(serve, work, capfd):
    sandbox = serve(users=3)
    assert resumed() == [1, 2, 3]
    capfd.readouterr()
    sandbox.forget_requests()
    assert resumed() == [1, 2, 3]
    assert capfd.readouterr().err == (
        "out.jsonl exists, and no unfinished export beside it: nothing is left to resume\n"
    )
    assert sandbox.arrivals == 0


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ([], "GET /api/3.0/me.json: 403 "),  # whose export it is, must be known
        (["--guest", "--url", "http://127.0.0.1:9", "--retries", "0"], "GET /api/3.0/users"),
    ],
)
def test_a_failed_export_without_items_leaves_no_files(serve, work, capfd, options, error):
    serve(users=3).fail_next(403, match="me.json")
    assert run([*USERS, *options]) == 1
    shown = capfd.readouterr().err
    assert shown.startswith(f"error: {error}")
    assert "resume" not in shown
    assert list(work.iterdir()) == []
