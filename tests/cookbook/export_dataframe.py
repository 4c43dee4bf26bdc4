"""Export all users into a pandas DataFrame, and keep it as a Parquet file.

Install:  pip install useresponse-async pandas pyarrow
Run:      python export_dataframe.py users.parquet
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment
"""

import sys
from pathlib import Path

import anyio
import pandas as pd

from useresponse_async import AsyncClient, User

COLUMNS = ["id", "name", "email", "role", "tags", "registered"]


def row(user: User) -> tuple[object, ...]:
    role = user.role.alias if user.role else None
    tags = ",".join(user.tags)
    return user.id, user.name, user.email, role, tags, user.registration_date_text


async def export(path: Path) -> None:
    # Only a small tuple of each user is kept, not the models and pages.
    async with AsyncClient() as client:
        rows = [row(user) async for user in client.users.search()]
    frame = pd.DataFrame(rows, columns=COLUMNS).convert_dtypes()
    # The site's local time; the API does not contain its time zone.
    frame["registered"] = pd.to_datetime(frame["registered"])
    part = path.with_name(f"{path.name}.part")
    frame.set_index("id").to_parquet(part)
    part.replace(path)  # no reader finds an incomplete file
    print(f"{len(frame)} users in {path}")


if __name__ == "__main__":
    anyio.run(export, Path(sys.argv[1]))
