"""Mirror tickets into a database; each run fetches only what changed since the last one.

Install:  pip install useresponse-async
Run:      python tickets_mirror.py tickets.db          run this often
          python tickets_mirror.py tickets.db --full   now and then: also finds deleted tickets

The environment configures the client: USERESPONSE_URL and USERESPONSE_API_KEY.

The API has no filter "changed since", but it sorts by the latest change. So a run reads from the
newest change back to the newest one that the last run saw, and a little further.
"""

import argparse
import sqlite3
from contextlib import aclosing, closing
from functools import partial

import anyio
from anyio import to_thread

from useresponse_async import AsyncClient, Object

OVERLAP = 600
"""Seconds to go back further: for clocks set back, and for changes in the very same second."""

TABLES = """
CREATE TABLE IF NOT EXISTS tickets (
    id INTEGER PRIMARY KEY, changed INTEGER, json TEXT, run INTEGER
);
CREATE TABLE IF NOT EXISTS runs (number INTEGER PRIMARY KEY, changed INTEGER);
"""
UPSERT = """
INSERT INTO tickets (id, changed, json, run) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET changed = excluded.changed, json = excluded.json, run = excluded.run
"""


def changed(ticket: Object) -> int:
    moment = ticket.latest_activity or ticket.created_at
    return int(moment.timestamp()) if moment else 0


def save(db: sqlite3.Connection, tickets: list[Object], run: int) -> None:
    rows = [(ticket.id, changed(ticket), ticket.to_json(), run) for ticket in tickets]
    with db:
        db.executemany(UPSERT, rows)


def finish(db: sqlite3.Connection, run: int, newest: int, *, complete: bool) -> int:
    with db:
        # Only a complete run is recorded: the run after an incomplete one
        # goes back as far as that one would have.
        db.execute("INSERT INTO runs VALUES (?, ?)", (run, newest))
        if not complete:
            return 0
        return db.execute("DELETE FROM tickets WHERE run < ?", (run,)).rowcount


async def mirror(path: str, *, full: bool) -> None:
    with closing(sqlite3.connect(path, check_same_thread=False)) as db:
        db.executescript(TABLES)
        last, mark = db.execute("SELECT max(number), max(changed) FROM runs").fetchone()
        run, newest, written = (last or 0) + 1, mark or 0, 0
        since = 0 if full else newest - OVERLAP
        async with AsyncClient() as client:
            pages = client.tickets.search(status="all", sort="updated")
            async with aclosing(pages.by_page(concurrency=4)) as walk:
                async for page in walk:
                    fresh = [ticket for ticket in page.items if changed(ticket) >= since]
                    await to_thread.run_sync(save, db, fresh, run)
                    written += len(fresh)
                    if page.number == 1:
                        # Later changes are left to the next run.
                        newest = max([newest, *map(changed, fresh)])
                    if len(fresh) < len(page.items):
                        break
        # If rows moved during a full run, one may have been missed, so nothing is deleted.
        report = pages.report
        unmoved = report.total_at_start == report.total_at_end == report.items
        deleted = finish(db, run, newest, complete=full and unmoved)
        print(f"{written} tickets written, {deleted} deleted")


def main() -> None:
    parser = argparse.ArgumentParser(description="Mirror tickets into an SQLite database.")
    parser.add_argument("path", help="the database; it is created if there is none")
    parser.add_argument("--full", action="store_true", help="look at every ticket")
    arguments = parser.parse_args()
    anyio.run(partial(mirror, arguments.path, full=arguments.full))


if __name__ == "__main__":
    main()
