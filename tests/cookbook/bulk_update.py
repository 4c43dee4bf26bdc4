"""Give users the tags that a CSV file names: first as a dry run, then with ``--apply``.

Install:  pip install useresponse-async
Run:      python bulk_update.py tags.csv            shows what it would do
          python bulk_update.py tags.csv --apply    does it
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment

The file's first line is `id,tags`; semicolons separate tags: `7,vip;follow up`. You can run it
again after any failure: users who already have the tags are not changed.
"""

import csv
import sys
from collections import Counter
from pathlib import Path

import anyio

from useresponse_async import AsyncClient, UseResponseError


def read_change(line: dict[str, str]) -> tuple[int, list[str]]:
    tags = [tag.strip() for tag in line["tags"].split(";")]
    return int(line["id"]), [tag for tag in tags if tag]


async def update(path: Path, *, apply: bool) -> int:
    """Make or only show all changes; return how many of them failed."""
    counts: Counter[str] = Counter()
    with path.open(newline="", encoding="utf-8") as file:
        # Errors in the file are reported before any user is changed.
        changes = [read_change(line) for line in csv.DictReader(file)]
    async with AsyncClient() as client:

        async def change(wanted: tuple[int, list[str]]) -> tuple[str, str]:
            user_id, tags = wanted
            try:
                user = await client.users.get(user_id)
                if set(user.tags) == set(tags):
                    return "unchanged", ""
                if apply:
                    await client.users.update(user_id, tags=tags)
            except UseResponseError as error:
                return "failed", f"user {user_id}: {error}"
            done = "changed" if apply else "to change"
            return done, f"user {user_id}: {','.join(user.tags)} -> {','.join(tags)}"

        async for outcome, message in client.map(change, changes):
            counts[outcome] += 1
            if message:
                print(message, file=sys.stderr if outcome == "failed" else sys.stdout)
    print(", ".join(f"{count} {outcome}" for outcome, count in counts.items()) or "nothing to do")
    return counts["failed"]


if __name__ == "__main__":
    failures = anyio.run(lambda: update(Path(sys.argv[1]), apply="--apply" in sys.argv))
    sys.exit(failures > 0)
