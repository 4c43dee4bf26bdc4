"""Bring all users into a database: one transaction a page, and it can be run again.

Install:  pip install useresponse-async
Run:      python users_to_database.py users.db

The environment names the installation: USERESPONSE_URL and USERESPONSE_API_KEY.

For PostgreSQL, use asyncpg: `await connection.executemany(UPSERT, rows)` inside
`async with connection.transaction():` takes the place of save(), `$1` … `$6` the places of the
question marks. The statement stays the same; the type of `synced_at` is better a TIMESTAMPTZ.
"""

import argparse
import sqlite3
from contextlib import aclosing, closing
from datetime import datetime, timezone

import anyio
from anyio import to_thread

from useresponse_async import AsyncClient, User

TABLE = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY, name TEXT, email TEXT, role TEXT, team_id INTEGER, synced_at TEXT
)"""
UPSERT = """
INSERT INTO users (id, name, email, role, team_id, synced_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email,
    role = excluded.role, team_id = excluded.team_id, synced_at = excluded.synced_at"""


def row(user: User, synced_at: str) -> tuple[object, ...]:
    role = user.role.alias if user.role else None
    return user.id, user.name, user.email, role, user.team.id if user.team else None, synced_at


def save(db: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    with db:  # commits all of the page, or rolls all of it back
        db.executemany(UPSERT, rows)


async def synchronize(path: str) -> None:
    # A user whose `synced_at` stays behind was not there any more in the latest run.
    synced_at = datetime.now(timezone.utc).isoformat()
    with closing(sqlite3.connect(path, check_same_thread=False)) as db:
        db.execute(TABLE)
        async with AsyncClient() as client:
            pages = client.users.search()
            # Where each row has its place by its id, pages may come as they arrive.
            async with aclosing(pages.by_page(ordered=False)) as walk:
                async for page in walk:
                    rows = [row(user, synced_at) for user in page.items]
                    # The disk is waited for in a thread, so that pages keep coming.
                    await to_thread.run_sync(save, db, rows)
        print(f"{pages.report.items} users in {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Bring all users into an SQLite database.")
    parser.add_argument("path", help="the database; it is created if there is none")
    anyio.run(synchronize, parser.parse_args().path)


if __name__ == "__main__":
    main()
