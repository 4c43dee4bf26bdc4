"""Mirror tickets into a database; each run fetches only what changed since the last one.

Install:  pip install useresponse-async
Run:      python tickets_mirror.py tickets.db          run this often
          python tickets_mirror.py tickets.db --full   now and then: also finds deleted tickets
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment
"""

import sqlite3
import sys
from contextlib import closing
from datetime import datetime, timedelta, timezone

import anyio

from useresponse_async import AsyncClient

OVERLAP = timedelta(minutes=10)
"""For clocks set back, and for tickets that changed while the last run read the list."""

TABLES = """
CREATE TABLE IF NOT EXISTS tickets (id INTEGER PRIMARY KEY, json TEXT, run INTEGER);
CREATE TABLE IF NOT EXISTS runs (number INTEGER PRIMARY KEY, newest REAL);
"""


async def mirror(db: sqlite3.Connection, *, full: bool) -> None:
    db.executescript(TABLES)
    last, newest = db.execute("SELECT max(number), max(newest) FROM runs").fetchone()
    run, written, deleted = (last or 0) + 1, 0, 0
    full = full or newest is None
    # One transaction: the run after a failed one goes back as far as that one would have.
    with db:
        async with AsyncClient() as client:
            everything = client.tickets.search(status="all", sort="updated")
            since = datetime.fromtimestamp(newest or 0, timezone.utc) - OVERLAP
            async for ticket in everything if full else client.tickets.changed_since(since):
                row = (ticket.id, ticket.to_json(), run)
                db.execute("INSERT OR REPLACE INTO tickets VALUES (?, ?, ?)", row)
                moment = ticket.latest_activity or ticket.created_at
                if moment and not written:
                    # The newest comes first. Later changes are left to the next run.
                    newest = max(newest or 0, moment.timestamp())
                written += 1
        # If rows moved during a full run, one may have been missed, so nothing is deleted.
        report = everything.report
        if full and report.total_at_start == report.total_at_end == report.items:
            deleted = db.execute("DELETE FROM tickets WHERE run < ?", (run,)).rowcount
        db.execute("INSERT INTO runs VALUES (?, ?)", (run, newest))
    print(f"{written} tickets written, {deleted} deleted")


if __name__ == "__main__":
    with closing(sqlite3.connect(sys.argv[1])) as database:
        anyio.run(lambda: mirror(database, full="--full" in sys.argv))
