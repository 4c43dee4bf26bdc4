"""Copy all users to a database, one transaction per page; you can run it again.

Install:  pip install useresponse-async
Run:      python users_to_database.py users.db

The environment configures the client: USERESPONSE_URL and USERESPONSE_API_KEY.

For PostgreSQL, use asyncpg: `await connection.executemany(UPSERT, rows)` inside
`async with connection.transaction():` replaces save(), and `$1` … `$6` replace the question
marks. The statement stays the same; TIMESTAMPTZ is a better type for `synced_at`.
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
    with db:  # commits the complete page, or rolls it back
        db.executemany(UPSERT, rows)


async def synchronize(path: str) -> None:
    # A user with an older `synced_at` did not exist in the latest run.
    synced_at = datetime.now(timezone.utc).isoformat()
    with closing(sqlite3.connect(path, check_same_thread=False)) as db:
        db.execute(TABLE)
        async with AsyncClient() as client:
            pages = client.users.search()
            # The order of pages does not matter, because rows are identified by id.
            async with aclosing(pages.by_page(ordered=False)) as walk:
                async for page in walk:
                    rows = [row(user, synced_at) for user in page.items]
                    # The disk is written in a thread, so that pages are fetched meanwhile.
                    await to_thread.run_sync(save, db, rows)
        print(f"{pages.report.items} users in {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Bring all users into an SQLite database.")
    parser.add_argument("path", help="the database; it is created if there is none")
    anyio.run(synchronize, parser.parse_args().path)


if __name__ == "__main__":
    main()
