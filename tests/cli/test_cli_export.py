"""Exports in each format: content, options, outputs, errors and progress."""

import csv
import json
import os
import re
import stat
from datetime import datetime
from operator import attrgetter, itemgetter
from pathlib import Path

import anyio
import pyarrow.parquet
import pytest
from command_line import KEY, ids_in, on_terminal, rows_in, run

from useresponse_async import AsyncClient

ODD_NAME = 'a\u2028b\nc\x85d\r\n"e", f;\t\x1b[31m ünï \ud83d\ude00'
HALF_A_PAIR = "\ud800"


def export(*arguments: str) -> None:
    assert run(["export", *arguments]) == 0


def table_in(path: str) -> list[dict]:
    """Return the rows of a CSV or Parquet file."""
    if path.endswith(".parquet"):
        return pyarrow.parquet.read_table(path).to_pylist()
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def holds(cell, value) -> bool:
    """Return whether a cell holds a value; no column has the fields that may hold an API key."""
    value = json.loads(
        json.dumps(value), object_hook=lambda it: {k: it[k] for k in it if k != "api_key"}
    )
    if isinstance(cell, dict):
        return cell.keys() == value.keys() and all(holds(cell[it], value[it]) for it in cell)
    if isinstance(cell, list):
        return len(cell) == len(value) and all(map(holds, cell, value))
    if isinstance(cell, datetime):
        return cell == datetime.fromisoformat(value)
    if cell is None or cell == "":
        return value in ((None, {}) if cell is None else (None, "", [], {}))
    return cell == value or json.loads(cell) == value


def page_of(*users: dict) -> bytes:
    page = {"currentPage": 1, "totalPages": 1, "totalObjects": len(users), "data": users}
    return json.dumps(page).encode()


# The client's method, and its arguments.
LISTS = {
    "users": ("users.search", {}),
    "users --role agent": ("users.search", {"role": "agent"}),
    "tickets": ("tickets.search", {}),
    "tickets --status completed": ("tickets.search", {"status": "completed"}),
    "tickets --bbcode --sort updated": ("tickets.search", {"bbcode": True, "sort": "updated"}),
    "tickets --property 7=EU": ("tickets.search", {"properties": {7: "EU"}}),
    "topics": ("topics.search", {}),
    "topics --type idea": ("topics.search", {"type": "idea"}),
    "objects --type idea": ("objects.search", {"type": "idea"}),
    "objects --ownership feedback": ("objects.search", {"ownership": "feedback"}),
    "comments": ("comments.list", {}),
    "comments --object-id 3 --sort desc": ("objects.comments", {"object_id": 3, "sort": "desc"}),
    "comments --object-id 3 --public": ("objects.comments", {"object_id": 3, "is_private": False}),
    "chats": ("chats.list", {}),
}


@pytest.mark.parametrize("options", LISTS)
def test_json_lines_contain_what_the_client_returns(serve, work, capfd, options):
    sandbox = serve(users=130, tickets=70, comments=150)
    method, arguments = LISTS[options]

    async def collect() -> list[dict]:
        async with AsyncClient(sandbox.url, api_key=KEY) as client:
            items = await attrgetter(method)(client)(**arguments).collect()
            return [item.to_dict() for item in items]

    expected = anyio.run(collect)
    sandbox.fail_next(503)
    sandbox.reset_next()
    export(*options.split(), "-o", "out.jsonl")
    assert rows_in("out.jsonl") == expected
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(
        rf"{len(expected)} {options.split()[0]} in out\.jsonl: {len(expected)} fetched in [\d.]+ s "
        r"\([\d,]+/s\), 2 retries, 0 duplicates\n",
        err,
    )
    assert [path.name for path in work.iterdir()] == ["out.jsonl"]


def test_additional_parameters_are_sent_unchanged(serve, work):
    sandbox = serve(users=1)
    export("users", "--param", "team=a b&c", "-o", "out.jsonl")
    assert ("team", "a b&c") in sandbox.requests[-1].query


@pytest.mark.parametrize("things", ["users", "tickets", "topics", "objects", "comments", "chats"])
def test_csv_and_parquet_contain_every_field_of_the_json_lines(serve, work, things):
    serve(users=60, tickets=40)
    export(things, "-o", "out.jsonl")
    export(things, "-o", "out.parquet")
    export(things, "-o", "out.csv", "--all-fields")
    tables = rows_in("out.jsonl"), table_in("out.parquet"), table_in("out.csv")
    for line, in_parquet, in_csv in zip(*tables, strict=True):
        assert holds(in_parquet, line)
        assert in_csv["id"] == str(line["id"])
        assert not any("api_key" in name for name in in_csv)
        for name, cell in in_csv.items():
            head, _, inner = name.partition(".")
            value = line[head]
            assert holds(cell, value[inner] if inner and value else value), name


def test_tickets_have_fewer_columns_in_csv_and_typed_ones_in_parquet(serve, work):
    serve(users=60, tickets=70)
    for name, *options in (["out.csv"], ["all.csv", "--all-fields"], ["out.parquet"]):
        export("tickets", "-o", name, *options)
    lean, complete = table_in("out.csv"), table_in("all.csv")
    assert {"id", "title", "status.title", "author.email", "created_at"} <= set(lean[0])
    assert len(lean[0]) < 30
    assert len(complete[0]) > 70
    assert lean == [{name: row[name] for name in lean[0]} for row in complete]
    table = pyarrow.parquet.read_table("out.parquet")
    assert str(table.schema.field("id").type) == "int64"
    assert str(table.schema.field("created_at").type) == "timestamp[us, tz=UTC]"
    assert str(table.schema.field("status").type).startswith("struct<id: int64, title: string")
    # The type of a category has no documented shape.
    types = {row["category"]["type"] for row in table.to_pylist() if row["category"]}
    assert types == {None, '"ticket"'}


@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
def test_the_mode_of_a_file_follows_the_umask_or_the_replaced_file(serve, work, name, umask, mode):
    serve(users=3)
    before = os.umask(umask)
    try:
        export("users", "-o", name)
        assert stat.S_IMODE(Path(name).stat().st_mode) == mode
        Path(name).chmod(0o600)
        export("users", "-o", name, "--overwrite")
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
    finally:
        os.umask(before)


@pytest.mark.parametrize(
    ("ids", "roles", "as_text"),
    [([2**63 - 1, 2**63], [1, 7], "id"), ([1, -(2**63)], [7, -(2**63) - 1], "role.id")],
)
def test_parquet_stores_large_integers_as_text(*, serve, work, capfd, ids, roles, as_text):
    users = [{"id": it, "role": {"id": role}} for it, role in zip(ids, roles, strict=True)]
    serve(users=1).answer_next(page_of(*users), match="search")
    export("users", "-o", "out.parquet")
    rows = table_in("out.parquet")
    found = {"id": [row["id"] for row in rows], "role.id": [row["role"]["id"] for row in rows]}
    expected = {"id": ids, "role.id": roles}
    assert found == expected | {as_text: [*map(str, expected[as_text])]}
    warning = f"warning: {as_text} is written as text: it contains integers beyond 64 bits\n"
    assert capfd.readouterr().err.count(warning) == 1


def test_an_empty_export_is_a_valid_file(serve, work):
    serve(users=10)
    for suffix in ("jsonl", "csv", "parquet"):
        export("users", "--search", "zzzzzz", "-o", f"out.{suffix}")
    assert Path("out.jsonl").read_bytes() == b""
    assert Path("out.csv").read_text(encoding="utf-8").startswith("id,name,short_name,email,")
    assert table_in("out.csv") == table_in("out.parquet") == []


def test_unusual_text_is_preserved_in_every_format(serve, work, capfdbinary):
    # Sent as JSON with escapes, as PHP does.
    page = page_of({"id": 1, "name": ODD_NAME, "email": HALF_A_PAIR})
    serve(users=1).answer_next(page, times=4, match="search")
    for name in ("out.jsonl", "out.csv", "out.parquet", "-"):
        export("users", "-q", "-o", name)
    name = ODD_NAME.encode("utf-16", "surrogatepass").decode("utf-16")
    text = Path("out.jsonl").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 1
    assert (json.loads(text)["name"], json.loads(text)["email"]) == (name, HALF_A_PAIR)
    for table in ("out.csv", "out.parquet"):
        (row,) = table_in(table)
        assert (row["name"], row["email"]) == (name, "\\ud800")
    assert capfdbinary.readouterr().out.decode() == text


def test_fields_selects_and_orders_the_columns(serve, work, capfd):
    serve(users=3)
    options = ("users", "-q", "--fields", "role.alias, name,id")
    for name in ("out.jsonl", "out.parquet"):
        export(*options, "-o", name)
    export(*options, "-o", "-", "--format", "csv")
    first = rows_in("out.jsonl")[0]
    assert (list(first), first["role"]) == (["role", "name", "id"], {"alias": "admin"})
    assert table_in("out.parquet")[0] == first
    header, line, *_ = capfd.readouterr().out.split("\r\n")
    assert (header, line) == ("role.alias,name,id", f"admin,{first['name']},1")


BLANKS = "\t \u200b;" * 250_000  # which must not take quadratic time
csv.field_size_limit(len(BLANKS) + 9)
INVISIBLE = [*"\xad\u034f\u061c\u180e\u202a\u202e\u2066\u2069\U000e0001\x7f", "\xad \u2068"]
EXCEL_SAFE = {
    "=1+1": "'=1+1",
    "+1 2": "'+1 2",
    "\n=1+1": "'\n'=1+1",
    " @x": "' @x",
    "\uff1d1+1": "'\uff1d1+1",
    "\u200b-1": "'\u200b-1",
    "\t1": "'\t1",
    "a;=1+1": "a;'=1+1",
    "a\t +1;b; -1": "a\t' +1;b;' -1",
    **{f"{mark}=1": f"'{mark}=1" for mark in INVISIBLE},
    "a=1, b-2; c": "a=1, b-2; c",
    f"{BLANKS}=1": f"'{BLANKS}'=1",
}


def test_excel_safe_csv_contains_no_formulas(serve, work):
    users = [{"id": number, "name": name} for number, name in enumerate(EXCEL_SAFE, 1)]
    serve(users=1).answer_next(page_of(*users), times=2, match="search")
    export("users", "-o", "safe.csv", "--excel-safe")
    export("users", "-o", "plain.csv")
    assert Path("safe.csv").read_bytes().startswith(b"\xef\xbb\xbfid,")
    assert [row["name"] for row in table_in("safe.csv")] == [*EXCEL_SAFE.values()]
    assert [row["name"] for row in table_in("plain.csv")] == [*EXCEL_SAFE]


@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "-"])
def test_an_echoed_key_is_redacted(serve, work, capfd, output):
    page = page_of({"id": 1, "name": KEY, "apiKey": KEY, "mine": f"<{KEY}>"})
    serve(users=1).answer_next(page, match="search")
    export("users", "-o", output)
    out, err = capfd.readouterr()
    written = out if output == "-" else Path(output).read_text(encoding="utf-8")
    assert "***" in written
    assert KEY not in written + err


def test_rows_that_keep_moving_cause_a_warning(serve, work, capfd):
    sandbox = serve(users=1)
    for number in (1, 2):  # whenever it is read, the second page counts a row more than the first
        ids = [{"id": 2 * number - 1}, {"id": 2 * number}]
        page = {"currentPage": number, "totalPages": 2, "totalObjects": 2 + number, "data": ids}
        sandbox.answer_next(json.dumps(page).encode(), times=20, match=f"page={number}&")
    export("users", "-o", "out.jsonl", "--page-size", "2")
    assert ids_in("out.jsonl") == [1, 2, 3, 4]
    assert capfd.readouterr().err.endswith(
        "\nwarning: rows kept moving during the export: users may be missing in 1 places\n"
    )


def test_an_existing_file_is_replaced_only_with_overwrite(serve, work, capfd):
    serve(users=3)
    users = ["export", "users", "-o", "out.jsonl"]
    Path("out.jsonl").write_text("precious", encoding="utf-8")
    assert run(users) == 1
    error = "error: out.jsonl already exists; pass --overwrite to replace it\n"
    assert capfd.readouterr().err == error
    assert Path("out.jsonl").read_text(encoding="utf-8") == "precious"
    assert run([*users, "--overwrite"]) == 0
    assert ids_in("out.jsonl") == [1, 2, 3]
    assert [path.name for path in work.iterdir()] == ["out.jsonl"]


def test_a_symbolic_link_and_an_unrelated_file_are_left_alone(serve, work):
    serve(users=3)
    Path("there").mkdir()
    Path("out.csv").symlink_to("there/real.csv")
    Path("there/real.csv.new").write_text("precious")
    export("users", "-o", "out.csv")
    assert Path("out.csv").is_symlink()
    assert [row["id"] for row in table_in("there/real.csv")] == ["1", "2", "3"]
    assert Path("there/real.csv.new").read_text() == "precious"
    assert len([*work.rglob("*")]) == 4


@pytest.mark.parametrize(
    ("output", "problem"),
    [
        ("no/where.jsonl", "no/where.jsonl.part: No such file or directory"),
        (".", ". is a directory; pass a file name"),
        ("/dev/full", "/dev/full: No space left on device"),
        ("loop.jsonl", "loop.jsonl: Too many levels of symbolic links"),
        ("x" * 300 + ".jsonl", ".jsonl: File name too long"),
        ("x" * 245 + ".jsonl", ": File name too long"),
    ],
)
def test_an_output_that_cannot_be_written_is_an_error(serve, work, capfd, output, problem):
    serve(users=3)
    Path("loop.jsonl").symlink_to("loop.jsonl")
    assert run(["export", "users", "--format", "jsonl", "-o", output]) == 1
    assert re.fullmatch(rf"error: .*{re.escape(problem)}\n", capfd.readouterr().err)


@pytest.mark.parametrize("things", ["tickets", "topics"])
def test_since_exports_what_changed_newest_first(serve, work, things, capfd):
    serve(users=5, tickets=200, topics=200)
    export(things, "-q", "-o", "all.jsonl")
    activity = itemgetter("latest_activity")
    every = sorted(rows_in("all.jsonl"), key=activity, reverse=True)
    moment = activity(every[29])
    for since in (moment, moment[:10]):
        export(things, "--since", since, "-o", "since.jsonl", "--overwrite")
        rows = rows_in("since.jsonl")
        expected = [row for row in every if activity(row) >= since]
        assert len(expected) >= 30
        assert {row["id"]: row for row in rows} == {row["id"]: row for row in expected}
        assert [*map(activity, rows)] == [*map(activity, expected)]
        assert f"{len(expected)} {things} in since.jsonl: " in capfd.readouterr().err


def test_a_resumed_export_of_changes_has_no_duplicates(serve, work, capfd):
    sandbox = serve(users=5, tickets=300)
    since = ["export", "tickets", "--since", "2000-01-01", "-o", "out.jsonl"]
    sandbox.fail_next(500, match=r"page=4&")
    assert run([*since, "--retries", "0", "--max-in-flight", "1"]) == 1
    assert "tickets are saved; resume with: " in capfd.readouterr().err
    assert len(rows_in("out.jsonl.part")) >= 50
    assert run([*since, "--resume"]) == 0
    assert len(ids_in("out.jsonl")) == len(set(ids_in("out.jsonl"))) == 300


@pytest.mark.parametrize(("columns", "no_color"), [(40, {"NO_COLOR": "1"}), (100, {})])
def test_a_bar_and_the_lines_for_retries_fit_the_terminal(
    serve, work, monkeypatch, columns, no_color
):
    monkeypatch.delenv("NO_COLOR", raising=False)
    sandbox = serve(users=1000, latency=0.05)
    sandbox.fail_next(503, match="search", times=2, message="Service Unavailable")
    options = ("export", "users", "-o", "out.jsonl", "--max-in-flight", "1")
    text, code = on_terminal(*options, columns=columns, **no_color)
    assert (code, bool(re.search(r"\x1b\[(?:3|9)\d", text))) == (0, not no_color)
    shown = re.split(r"[\r\n]+", re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text))
    bars = [line for line in shown if "━" in line]
    retries = [line for line in shown if line.startswith("retry ")]
    assert len(retries) == 2
    assert all(len(line) <= columns for line in bars + retries)
    assert "…" not in "".join(bars)
    assert ("users" in bars[-1]) is (columns == 100)
    figures, line = r"1,000/1,000", r"retry 1 in \d\.\d s: .*…"
    if columns == 100:
        assert "1 in flight" in text
        figures += r" users [\d,]+/s (\d\d:)?\d\d:\d\d 2 retries 0 in flight"
        line = r"retry 1 in \d\.\d s: 503 Service Unavailable \(GET users/search\.json\)"
    assert re.search(figures, text)
    assert re.fullmatch(line, retries[0])


def test_a_bar_is_shown_unless_the_rows_go_to_the_terminal_or_quiet_is_set(serve, work):
    sandbox = serve(users=100, latency=0.05)
    text, code = on_terminal("export", "users", "-o", "-")
    assert (code, text.count('"id": ') >= 100, "━" in text) == (0, True, False)
    text, code = on_terminal("export", "users", "-o", "-", stdout=False)
    assert (code, "━" in text) == (0, True)
    sandbox.fail_next(503, match="search")
    assert on_terminal("export", "users", "-o", "out.jsonl", "-q") == ("", 0)


@pytest.mark.parametrize("command", ["whoami", "call GET /me.json", "export users"])
def test_verbose_shows_retries_in_a_pipe(serve, capfd, command):
    sandbox = serve(users=1)
    for option, retries in (([], 0), (["-v"], 1)):
        sandbox.fail_next(502, message="down")
        assert run([*command.split(), *option]) == 0
        line = r"retry 1 in \d\.\d s: 502 down \(GET \S+\.json\)\n"
        assert len(re.findall(line, capfd.readouterr().err)) == retries
