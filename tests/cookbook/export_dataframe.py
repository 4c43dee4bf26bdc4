"""Export all users into a pandas DataFrame, and keep it as a Parquet file.

Install:  pip install useresponse-async pandas pyarrow
Run:      python export_dataframe.py users.parquet

The environment configures the client: USERESPONSE_URL and USERESPONSE_API_KEY.
"""

import argparse
from pathlib import Path

import anyio
import pandas as pd

from useresponse_async import AsyncClient, User

COLUMNS = ["id", "name", "email", "role", "team", "tags", "registered"]


def row(user: User) -> tuple[object, ...]:
    return (
        user.id,
        user.name,
        user.email,
        user.role.alias if user.role else None,
        user.team.name if user.team else None,
        ",".join(user.tags),
        user.registration_date_text,
    )


async def all_users(client: AsyncClient) -> pd.DataFrame:
    # Only a small tuple of each user is kept, not the models and pages.
    async with client.users.search() as users:
        rows = [row(user) async for user in users]
    frame = pd.DataFrame(rows, columns=COLUMNS).convert_dtypes()
    # The site's local time; the API does not contain its time zone.
    frame["registered"] = pd.to_datetime(frame["registered"])
    return frame.set_index("id")


def save(frame: pd.DataFrame, path: Path) -> None:
    part = path.with_name(f"{path.name}.part")
    frame.to_parquet(part)
    part.replace(path)  # no reader finds an incomplete file


async def export(path: Path) -> None:
    async with AsyncClient() as client:
        frame = await all_users(client)
    save(frame, path)
    print(f"{len(frame)} users in {path}")
    print(frame["role"].value_counts().to_string())


def main() -> None:
    parser = argparse.ArgumentParser(description="Export all users into a Parquet file.")
    parser.add_argument("path", type=Path, help="where the Parquet file goes")
    anyio.run(export, parser.parse_args().path)


if __name__ == "__main__":
    main()
