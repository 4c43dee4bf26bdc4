"""Export users with several processes, each with a range of pages and its own client.

Install:  pip install useresponse-async
Run:      python several_processes.py users/ 4
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment, which the processes inherit;
          so the key is in no argument and no message between them

A user can be in two files, if rows moved between two ranges during the export. If you run it again
after a crash, it exports what is missing; a new export needs a new folder.

This helps if decoding uses a complete processor; a single client is enough for most servers. The
processes together have up to `processes * MAX_IN_FLIGHT` requests in flight.
"""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import aclosing
from pathlib import Path

import anyio

from useresponse_async import AsyncClient

PAGES_PER_RANGE = 20
MAX_IN_FLIGHT = 5


async def walk_range(start: int, stop: int | None, target: Path) -> None:
    """Write the users of some pages as JSON Lines; the file appears when it is complete."""
    part = target.with_name(f"{target.name}.part")
    async with AsyncClient(max_in_flight=MAX_IN_FLIGHT) as client:
        async with aclosing(client.users.search().by_page(start=start, stop=stop)) as pages:
            with part.open("w", encoding="utf-8") as file:
                async for page in pages:
                    file.writelines(f"{user.to_json()}\n" for user in page)
    part.replace(target)


async def count_pages() -> int:
    async with AsyncClient() as client:
        return (await client.users.search()).total_pages or 1


def export(folder: Path, processes: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    starts = range(1, anyio.run(count_pages) + 1, PAGES_PER_RANGE)
    stops = [*starts[1:], None]  # the last range ends where the list ends at that time
    # Spawned, not forked: a fork would share the sockets of this process.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        jobs = {}
        for start, stop in zip(starts, stops, strict=True):
            target = folder / f"users-{start:06}.jsonl"
            if not target.exists():  # exported by an earlier run that did not complete
                jobs[pool.submit(anyio.run, walk_range, start, stop, target)] = target
        for job in as_completed(jobs):
            job.result()
            print(f"{jobs[job]} is complete")


if __name__ == "__main__":
    export(Path(sys.argv[1]), int(sys.argv[2]))
