"""Export users as JSON Lines; after a crash, run it again to continue.

Install:  pip install useresponse-async
Run:      python resume_walk.py users.jsonl
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment

Rows are written to users.jsonl.part. After each page, users.jsonl.state contains the number of the
next page and the valid length of the file; anything behind it, left by a crash, is truncated. The
file gets its name when it is complete.
"""

import io
import json
import os
import sys
from contextlib import aclosing
from pathlib import Path

import anyio

from useresponse_async import AsyncClient

PAGES_BACK = 1
"""Pages to read again: users who were deleted since the crash have moved the others forward."""


def write_state(path: Path, next_page: int, size: int) -> None:
    part = path.with_name(f"{path.name}.part")
    part.write_text(json.dumps([next_page, size]), encoding="utf-8")
    part.replace(path)


async def export(target: Path) -> None:
    part = target.with_name(f"{target.name}.part")
    state = target.with_name(f"{target.name}.state")
    next_page, size = json.loads(state.read_text(encoding="utf-8")) if state.exists() else (1, 0)
    with part.open("r+b" if size else "w+b") as file:
        file.truncate(size)
        written = {json.loads(line)["id"] for line in file}
        file.seek(0, io.SEEK_END)
        if written:
            print(f"continuing with page {next_page}, after {len(written)} users")
        start = max(1, next_page - PAGES_BACK)
        async with (
            AsyncClient() as client,
            aclosing(client.users.search().by_page(start=start)) as walk,
        ):
            async for page in walk:
                new = [user for user in page if user.id not in written]
                file.writelines(f"{user.to_json()}\n".encode() for user in new)
                file.flush()
                os.fsync(file.fileno())  # the rows are on disk before the state includes them
                write_state(state, page.number + 1, file.tell())
                written.update(user.id for user in new)
    # In this order, a crash between the two causes a second export, but loses no row.
    state.unlink(missing_ok=True)
    part.replace(target)
    print(f"{len(written)} users in {target}")


if __name__ == "__main__":
    anyio.run(export, Path(sys.argv[1]))
