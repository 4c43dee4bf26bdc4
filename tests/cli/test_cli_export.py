"""Exports in each format: content, options, outputs and errors."""

import csv
import json
import os
import re
import stat
from datetime import datetime
from pathlib import Path

import anyio
import pyarrow.parquet
import pytest
from command_line import ids_in, rows_in, run

from useresponse_async import AsyncClient, Chat, Comment, Object, User

ODD_NAME = 'a\u2028b\nc\x85d\r\n"e", f;\t\x1b[31m ünï \ud83d\ude00'
HALF_A_PAIR = "\ud800"


def csv_rows_of(path: str) -> list[dict[str, str]]:
    with Path(path).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def fetched(sandbox, list_pages) -> list[dict]:
    async def collect():
        async with AsyncClient(sandbox.url, api_key=sandbox.api_key) as client:
            return await list_pages(client).collect()

    return [item.to_dict() for item in anyio.run(collect)]


def without_keys(value):
    """Return data without the fields that may hold an API key, which no column has."""
    if isinstance(value, list):
        return [without_keys(item) for item in value]
    if isinstance(value, dict):
        return {name: without_keys(v) for name, v in value.items() if name != "api_key"}
    return value


def holds(cell, value) -> bool:
    """Return whether a cell of CSV or Parquet, or a row of Parquet, holds a value."""
    if isinstance(cell, dict):
        value = without_keys(value)
        return cell.keys() == value.keys() and all(holds(cell[it], value[it]) for it in cell)
    if isinstance(cell, list):
        return len(cell) == len(value) and all(map(holds, cell, value))
    if isinstance(cell, datetime):
        return cell == datetime.fromisoformat(value)
    if cell is None or cell == "":
        return value in ((None, {}) if cell is None else (None, "", [], {}))
    return cell == value or json.loads(cell) == without_keys(value)


def page_of(*users: dict) -> bytes:
    page = {"currentPage": 1, "totalPages": 1, "totalObjects": len(users), "data": users}
    return json.dumps(page).encode()


LISTS = {
    "users": lambda c: c.users.search(),
    "users --role agent": lambda c: c.users.search(role="agent"),
    "users --email nobody@x.example": lambda c: c.users.search(email="nobody@x.example"),
    "tickets": lambda c: c.tickets.search(),
    "tickets --status completed --bbcode --sort updated": lambda c: c.tickets.search(
        status="completed", bbcode=True, sort="updated"
    ),
    "tickets --property 7=EU": lambda c: c.tickets.search(properties={7: "EU"}),
    "objects": lambda c: c.objects.search(),
    "objects --ownership feedback --type idea": lambda c: c.objects.search(
        ownership="feedback", type="idea"
    ),
    "comments": lambda c: c.comments.list(),
    "comments --object-id 3 --sort desc --public": lambda c: c.objects.comments(
        3, sort="desc", is_private=False
    ),
    "chats": lambda c: c.chats.list(),
}


@pytest.mark.parametrize(("options", "list_pages"), LISTS.items(), ids=LISTS)
def test_json_lines_contain_what_the_client_returns(serve, work, capfd, options, list_pages):
    things, *_ = options.split()
    sandbox = serve(users=130, tickets=70, comments=150)
    expected = fetched(sandbox, list_pages)
    assert run(["export", *options.split(), "-o", "out.jsonl"]) == 0
    assert rows_in("out.jsonl") == expected
    model = {"users": User, "comments": Comment, "chats": Chat}.get(things, Object)
    assert [model.from_dict(row).to_dict() for row in rows_in("out.jsonl")] == expected
    out, err = capfd.readouterr()
    assert out == ""
    assert re.fullmatch(
        rf"{len(expected)} {things} in out\.jsonl: {len(expected)} fetched in [\d.]+ s "
        r"\([\d,]+/s\), 0 retries, 0 duplicates\n",
        err,
    )
    assert [path.name for path in work.iterdir()] == ["out.jsonl"]


def test_additional_parameters_are_sent_unchanged(serve, work):
    sandbox = serve(users=1)
    assert run(["export", "users", "--param", "team=a b&c", "-o", "out.jsonl"]) == 0
    assert ("team", "a b&c") in sandbox.requests[-1].query


@pytest.mark.parametrize("things", ["users", "tickets", "objects", "comments", "chats"])
def test_csv_contains_every_field_of_the_json_lines(serve, work, things):
    serve(users=60, tickets=40)
    assert run(["export", things, "-o", "out.csv", "--all-fields"]) == 0
    assert run(["export", things, "-o", "out.jsonl"]) == 0
    for row, line in zip(csv_rows_of("out.csv"), rows_in("out.jsonl"), strict=True):
        assert row["id"] == str(line["id"])
        assert not any("api_key" in name for name in row)
        for name, cell in row.items():
            head, _, inner = name.partition(".")
            value = line[head]
            assert holds(cell, value[inner] if inner and value else value), name


def test_csv_of_tickets_has_fewer_columns_by_default(serve, work):
    serve(users=60, tickets=40)
    assert run(["export", "tickets", "-o", "out.csv"]) == 0
    assert run(["export", "tickets", "-o", "all.csv", "--all-fields"]) == 0
    lean, complete = csv_rows_of("out.csv"), csv_rows_of("all.csv")
    assert {"id", "title", "status.title", "author.email", "created_at"} <= set(lean[0])
    assert len(lean[0]) < 30
    assert len(complete[0]) > 70
    assert lean == [{name: row[name] for name in lean[0]} for row in complete]


@pytest.mark.skipif(os.name != "posix", reason="only POSIX has a umask")
@pytest.mark.parametrize("name", ["out.jsonl", "out.csv"])
@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640)])
def test_the_mode_of_a_file_follows_the_umask_or_the_replaced_file(serve, work, name, umask, mode):
    serve(users=3)
    before = os.umask(umask)
    try:
        assert run(["export", "users", "-o", name]) == 0
        assert stat.S_IMODE(Path(name).stat().st_mode) == mode
        Path(name).chmod(0o600)
        assert run(["export", "users", "-o", name, "--overwrite"]) == 0
        assert stat.S_IMODE(Path(name).stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_parquet_stores_a_column_with_large_integers_as_text(serve, work, capfd):
    sandbox = serve(users=1)
    people = [{"id": 2**63 - 1, "name": "a", "role": {"id": 1}}, {"id": 2**63, "role": {"id": 7}}]
    sandbox.answer_next(page_of(*people), match="search")
    assert run(["export", "users", "-o", "out.parquet"]) == 0
    table = pyarrow.parquet.read_table("out.parquet")
    assert table.column("id").to_pylist() == [f"{2**63 - 1}", f"{2**63}"]
    assert [role["id"] for role in table.column("role").to_pylist()] == [1, 7]
    assert (
        "warning: id is written as text: it contains integers beyond 64 bits\n"
        in capfd.readouterr().err
    )
    people[1] = {"id": -(2**63), "role": {"id": -(2**63) - 1}}
    sandbox.answer_next(page_of(*people), match="search")
    assert run(["export", "users", "-o", "out.parquet", "--overwrite"]) == 0
    table = pyarrow.parquet.read_table("out.parquet")
    assert table.column("id").to_pylist() == [2**63 - 1, -(2**63)]
    assert [role["id"] for role in table.column("role").to_pylist()] == ["1", f"{-(2**63) - 1}"]


def test_parquet_contains_every_field_with_its_type(serve, work):
    serve(users=130, tickets=70)
    assert run(["export", "tickets", "-o", "out.parquet"]) == 0
    assert run(["export", "tickets", "-o", "out.jsonl"]) == 0
    table = pyarrow.parquet.read_table("out.parquet")
    assert str(table.schema.field("id").type) == "int64"
    assert str(table.schema.field("created_at").type) == "timestamp[us, tz=UTC]"
    assert str(table.schema.field("status").type).startswith("struct<id: int64, title: string")
    for row, line in zip(table.to_pylist(), rows_in("out.jsonl"), strict=True):
        assert holds(row, line)
    # The type of a category has no documented shape.
    types = {row["category"]["type"] for row in table.to_pylist() if row["category"]}
    assert types == {None, '"ticket"'}


def test_an_empty_export_is_a_valid_file(serve, work):
    serve(users=10)
    for suffix in ("jsonl", "csv", "parquet"):
        assert run(["export", "users", "--search", "zzzzzz", "-o", f"out.{suffix}"]) == 0
    assert Path("out.jsonl").read_bytes() == b""
    assert Path("out.csv").read_text(encoding="utf-8").startswith("id,name,short_name,email,")
    assert csv_rows_of("out.csv") == []
    assert pyarrow.parquet.read_table("out.parquet").num_rows == 0


def test_unusual_text_is_preserved_in_every_format(serve, work, capfdbinary):
    sandbox = serve(users=1)
    # Sent as JSON with escapes, as PHP does.
    sandbox.answer_next(
        page_of({"id": 1, "name": ODD_NAME, "email": HALF_A_PAIR}), times=4, match="search"
    )
    for name in ("out.jsonl", "out.csv", "out.parquet", "-"):
        assert run(["export", "users", "-q", "-o", name]) == 0
    name, half = ODD_NAME.encode("utf-16", "surrogatepass").decode("utf-16"), HALF_A_PAIR
    text = Path("out.jsonl").read_text(encoding="utf-8")
    assert len(text.splitlines()) == 1
    assert (json.loads(text)["name"], json.loads(text)["email"]) == (name, half)
    (row,) = csv_rows_of("out.csv")
    assert (row["name"], row["email"]) == (name, "\\ud800")
    (row,) = pyarrow.parquet.read_table("out.parquet").to_pylist()
    assert (row["name"], row["email"]) == (name, "\\ud800")
    assert capfdbinary.readouterr().out.decode() == text


def test_fields_selects_and_orders_the_columns(serve, work, capfd):
    serve(users=3)
    options = ["export", "users", "-q", "--fields", "role.alias, name,id"]
    assert run([*options, "-o", "out.jsonl"]) == 0
    first = rows_in("out.jsonl")[0]
    assert list(first) == ["role", "name", "id"]
    assert first["role"] == {"alias": "admin"}
    assert run([*options, "-o", "-", "--format", "csv"]) == 0
    assert capfd.readouterr().out.split("\r\n")[:2] == [
        "role.alias,name,id",
        f"admin,{first['name']},1",
    ]
    assert run([*options, "-o", "out.parquet"]) == 0
    assert pyarrow.parquet.read_table("out.parquet").to_pylist()[0] == first


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
}


def test_excel_safe_csv_contains_no_formulas(serve, work):
    sandbox = serve(users=1)
    users = [{"id": number, "name": name} for number, name in enumerate(EXCEL_SAFE, 1)]
    sandbox.answer_next(page_of(*users), times=2, match="search")
    assert run(["export", "users", "-o", "safe.csv", "--excel-safe"]) == 0
    assert run(["export", "users", "-o", "plain.csv"]) == 0
    assert Path("safe.csv").read_bytes().startswith(b"\xef\xbb\xbfid,")
    assert [row["name"] for row in csv_rows_of("safe.csv")] == [*EXCEL_SAFE.values()]
    assert [row["name"] for row in csv_rows_of("plain.csv")] == [*EXCEL_SAFE]


def test_excel_safe_takes_linear_time_for_blanks(serve, work):
    sandbox = serve(users=1)
    blanks = "\t \u200b;" * 250_000
    sandbox.answer_next(page_of({"id": 1, "name": f"{blanks}=1"}), match="search")
    assert run(["export", "users", "-o", "safe.csv", "--excel-safe"]) == 0
    assert Path("safe.csv").read_text(encoding="utf-8-sig").count(f"{blanks}'=1") == 1


@pytest.mark.parametrize("output", ["out.jsonl", "out.csv", "-"])
def test_an_echoed_key_is_redacted(serve, work, capfd, key, output):
    sandbox = serve(users=1)
    page = page_of({"id": 1, "name": key, "apiKey": key, "mine": f"<{key}>"})
    sandbox.answer_next(page, match="search")
    assert run(["export", "users", "-o", output]) == 0
    out, err = capfd.readouterr()
    written = out if output == "-" else Path(output).read_text(encoding="utf-8")
    assert "***" in written
    assert key not in written + err


def test_failed_requests_are_retried_and_counted(serve, work, capfd):
    sandbox = serve(users=400)
    sandbox.fail_next(503, match="page=2")
    sandbox.reset_next(match="page=4")
    sandbox.cut_next(match="page=5")
    assert run(["export", "users", "-o", "out.jsonl"]) == 0
    assert ids_in("out.jsonl") == list(range(1, 401))
    assert ", 3 retries, " in capfd.readouterr().err


def test_a_count_other_than_the_server_s_causes_a_warning(serve, work, capfd):
    page = page_of({"id": 1}).replace(b'"totalObjects": 1', b'"totalObjects": 2')
    serve(users=1).answer_next(page, match="search")
    assert run(["export", "users", "-o", "out.jsonl"]) == 0
    assert "\nwarning: the server counts 2 users: " in capfd.readouterr().err


def test_rows_that_keep_moving_cause_a_warning(serve, work, capfd):
    sandbox = serve(users=1)
    for number in (1, 2):  # whenever it is read, the second page counts a row more than the first
        ids = [{"id": 2 * number - 1}, {"id": 2 * number}]
        page = {"currentPage": number, "totalPages": 2, "totalObjects": 2 + number, "data": ids}
        sandbox.answer_next(json.dumps(page).encode(), times=20, match=f"page={number}&")
    assert run(["export", "users", "-o", "out.jsonl", "--page-size", "2"]) == 0
    assert ids_in("out.jsonl") == [1, 2, 3, 4]
    assert capfd.readouterr().err.endswith(
        "\nwarning: rows kept moving during the export: users may be missing in 1 places\n"
    )


def test_an_existing_file_is_replaced_only_with_overwrite_and_on_success(serve, work, capfd):
    sandbox = serve(users=3)
    export = ["export", "users", "-o", "out.jsonl"]
    Path("out.jsonl").write_text("precious", encoding="utf-8")
    assert run(export) == 1
    error = "error: out.jsonl already exists; pass --overwrite to replace it\n"
    assert capfd.readouterr().err == error
    sandbox.fail_next(500, match="page=1")
    assert run([*export, "--overwrite", "--retries", "0"]) == 1
    assert Path("out.jsonl").read_text(encoding="utf-8") == "precious"
    assert [path.name for path in work.iterdir()] == ["out.jsonl"]
    assert run([*export, "--overwrite"]) == 0
    assert ids_in("out.jsonl") == [1, 2, 3]


def test_a_symbolic_link_is_preserved(serve, work):
    serve(users=3)
    Path("there").mkdir()
    Path("out.jsonl").symlink_to("there/real.jsonl")
    assert run(["export", "users", "-o", "out.jsonl"]) == 0
    assert Path("out.jsonl").is_symlink()
    assert ids_in("there/real.jsonl") == [1, 2, 3]


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["-o", "no/where.jsonl"], "no/where.jsonl.part: No such file or directory"),
        (["-o", "."], ". is a directory; pass a file name"),
        (["-o", "/dev/full"], "/dev/full: No space left on device"),
        (["-o", "loop.jsonl"], "loop.jsonl: Too many levels of symbolic links"),
        (["-o", "x" * 300 + ".jsonl"], ".jsonl: File name too long"),
        (["-o", "x" * 245 + ".jsonl"], ": File name too long"),
    ],
)
def test_an_output_that_cannot_be_written_is_an_error_of_one_line(
    serve, work, capfd, options, problem
):
    serve(users=3)
    Path("loop.jsonl").symlink_to("loop.jsonl")
    assert run(["export", "users", "--format", "jsonl", *options]) == 1
    assert re.fullmatch(rf"error: .*{re.escape(problem)}\n", capfd.readouterr().err)
