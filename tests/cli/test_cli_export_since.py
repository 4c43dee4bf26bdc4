"""Exports of topics, and of what changed since a moment."""

from pathlib import Path

import pytest
from command_line import rows_in, run


def changed(things: str, since: str) -> list[dict]:
    rows = [row for row in rows_in(f"{things}.jsonl") if row["latest_activity"] >= since]
    return sorted(rows, key=lambda row: row["latest_activity"], reverse=True)


def test_topics_are_exported_with_filters(serve, work):
    serve(users=5, topics=130)
    assert run(["export", "topics", "-q", "-o", "topics.jsonl"]) == 0
    topics = rows_in("topics.jsonl")
    assert len(topics) == 130
    assert {topic["ownership"] for topic in topics} == {"feedback"}
    assert run(["export", "topics", "-q", "--type", "idea", "-o", "ideas.jsonl"]) == 0
    assert rows_in("ideas.jsonl") == [it for it in topics if it["type"]["slug"] == "idea"]


@pytest.mark.parametrize("things", ["tickets", "topics"])
def test_since_exports_what_changed_newest_first(serve, work, things, capfd):
    sandbox = serve(users=5, tickets=200, topics=200)
    assert run(["export", things, "-q", "-o", f"{things}.jsonl"]) == 0
    times = sorted(row["latest_activity"] for row in rows_in(f"{things}.jsonl"))
    moment = times[-30]
    assert run(["export", things, "--since", moment, "-o", "since.jsonl"]) == 0
    rows = rows_in("since.jsonl")
    assert sorted(row["id"] for row in rows) == sorted(it["id"] for it in changed(things, moment))
    assert [row["latest_activity"] for row in rows] == times[-len(rows) :][::-1]
    assert f"{len(rows)} {things} in since.jsonl: " in capfd.readouterr().err
    day = moment[:10]
    sandbox.forget_requests()
    assert run(["export", things, "-q", "--since", day, "-o", "day.csv"]) == 0
    expected = changed(things, f"{day}T00:00:00+00:00")
    assert Path("day.csv").read_bytes().count(b"\r\n") > len(expected) >= len(rows)


def test_a_resumed_export_of_changes_has_no_duplicates(serve, work, capfd):
    sandbox = serve(users=5, tickets=300)
    since = ["export", "tickets", "--since", "2000-01-01", "-o", "out.jsonl"]
    sandbox.fail_next(500, match=r"page=4&")
    assert run([*since, "--retries", "0", "--max-in-flight", "1"]) == 1
    assert "tickets are saved; resume with: " in capfd.readouterr().err
    assert len(rows_in("out.jsonl.part")) >= 50
    assert run([*since, "--resume"]) == 0
    ids = [row["id"] for row in rows_in("out.jsonl")]
    assert len(ids) == len(set(ids)) == 300
