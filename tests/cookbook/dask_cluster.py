"""Export users with the machines of a Dask cluster, as a Parquet data set.

Install:  pip install useresponse-async 'dask[dataframe,distributed]' pyarrow, on every machine
Run:      python dask_cluster.py users/                               two workers, here
          python dask_cluster.py /shared/users/ tcp://scheduler:8786

Every worker's environment configures the client: USERESPONSE_URL and USERESPONSE_API_KEY. No
task contains the key. On a cluster, all machines need access to the folder.

If you run it again after a failure, it writes every file again; a new export needs a new folder.

Each task exports a range of pages. Tasks are coroutines: they run on the event loop of their
worker, with a client that a plugin opens there, and closes when the worker ends.
"""

import sys
from contextlib import aclosing
from pathlib import Path

import anyio
import dask.dataframe as dd
import pyarrow as pa
import pyarrow.parquet as pq
from anyio import to_thread
from distributed import Client, Worker, WorkerPlugin, as_completed, get_worker

from useresponse_async import AsyncClient, User

PAGES_PER_TASK = 20
SCHEMA = pa.schema({"id": pa.int64(), "name": pa.string(), "email": pa.string()})


class UseResponse(WorkerPlugin):
    """One client per worker process."""

    name = "useresponse"
    idempotent = True  # a second export on this cluster uses the same client
    client: AsyncClient

    async def setup(self, worker: Worker) -> None:
        self.client = AsyncClient(max_in_flight=5)

    async def teardown(self, worker: Worker) -> None:
        await self.client.aclose()


def write(users: list[User], target: Path) -> None:
    rows = [{"id": user.id, "name": user.name, "email": user.email} for user in users]
    part = target.with_name(f".{target.name}.part")
    pq.write_table(pa.Table.from_pylist(rows, SCHEMA), part)
    part.replace(target)  # a task that runs twice writes the same file


async def export_range(start: int, stop: int | None, folder: Path) -> int:
    client: AsyncClient = get_worker().plugins["useresponse"].client
    async with aclosing(client.users.search().by_page(start=start, stop=stop)) as walk:
        users = [user async for page in walk for user in page.items]
    await to_thread.run_sync(write, users, folder / f"users-{start:06}.parquet")
    return len(users)


async def count_pages() -> int:
    async with AsyncClient() as client:
        return (await client.users.search()).total_pages or 1


def export(folder: Path, cluster: Client) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    cluster.register_plugin(UseResponse())
    starts = range(1, anyio.run(count_pages) + 1, PAGES_PER_TASK)
    stops = [*starts[1:], None]  # the last range ends where the list ends at that time
    # Dask would reuse the result of an earlier export if tasks were "pure".
    tasks = cluster.map(export_range, starts, stops, [folder] * len(starts), pure=False, retries=2)
    for task in as_completed(tasks):
        print(f"{task.result()} users from {task.key}")
    # A user can be in two files, if rows moved between two ranges during the export.
    users = dd.read_parquet(folder).drop_duplicates("id")
    print(f"{len(users)} users in {folder}")


if __name__ == "__main__":
    folder, *scheduler = sys.argv[1:]
    # Without a scheduler, this starts workers here; the dashboard takes any port that is free.
    here = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": "localhost:0"}
    with Client(*scheduler, **({} if scheduler else here)) as cluster:
        export(Path(folder).absolute(), cluster)
