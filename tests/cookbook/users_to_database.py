"""Copy all users to a database, one transaction per page; you can run it again.

Install:  pip install useresponse-async
Run:      python users_to_database.py users.db
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment

For PostgreSQL, use asyncpg: `await connection.executemany(UPSERT, rows)` inside
`async with connection.transaction():` replaces save(), and `$1` … `$5` replace the question
marks. The statement stays the same; TIMESTAMPTZ is a better type for `synced_at`.
"""

import sqlite3
import sys
from contextlib import aclosing, closing
from datetime import datetime, timezone

import anyio
from anyio import to_thread

from useresponse_async import AsyncClient

TABLE = """
CREATE TABLE IF NOT EXISTS users (
    id INTEGER PRIMARY KEY, name TEXT, email TEXT, role TEXT, synced_at TEXT
)"""
UPSERT = """
INSERT INTO users (id, name, email, role, synced_at) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, email = excluded.email,
    role = excluded.role, synced_at = excluded.synced_at"""


def save(db: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    with db:  # commits the complete page, or rolls it back
        db.executemany(UPSERT, rows)


async def synchronize(path: str) -> None:
    # A user with an older `synced_at` did not exist in the latest run.
    now = datetime.now(timezone.utc).isoformat()
    with closing(sqlite3.connect(path, check_same_thread=False)) as db:
        db.execute(TABLE)
        async with AsyncClient() as client:
            pages = client.users.search()
            # The order of pages does not matter, because rows are identified by id.
            async with aclosing(pages.by_page(ordered=False)) as walk:
                async for page in walk:
                    rows = [(u.id, u.name, u.email, u.role and u.role.alias, now) for u in page]
                    # The disk is written in a thread, so that pages are fetched meanwhile.
                    await to_thread.run_sync(save, db, rows)
    print(f"{pages.report.items} users in {path}")


if __name__ == "__main__":
    anyio.run(synchronize, sys.argv[1])
