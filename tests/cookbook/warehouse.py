"""Load the help desk into a warehouse with dlt, and query it in SQL.

Install:  pip install 'useresponse-async[dlt]' 'dlt[duckdb,parquet]'
Run:      python warehouse.py                   into warehouse.duckdb; run this often
          python warehouse.py lake/             into Parquet files in a folder instead

The environment configures the client: USERESPONSE_URL and USERESPONSE_API_KEY.

Later runs fetch only the tickets and topics that changed, and the comments on them. In DuckDB a row
replaces its predecessor. Parquet files are only added, so the query selects the newest row of each
ticket. For another destination of dlt, such as Postgres or BigQuery, change one line.
"""

import os
import sys
from pathlib import Path
from typing import Any

import dlt
import duckdb

from useresponse_async.integrations.dlt import useresponse_source

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

OPEN_TICKETS = """
SELECT
    coalesce(category__name, '(none)'),
    date_trunc('week', created_at AT TIME ZONE 'UTC')::DATE AS week,
    count(*)
FROM (
    SELECT * FROM {tickets}
    QUALIFY row_number() OVER (PARTITION BY id ORDER BY _dlt_load_id DESC) = 1
)
WHERE status__is_closed IS NOT TRUE
GROUP BY ALL
ORDER BY ALL
"""


def load_duckdb(path: Path) -> duckdb.DuckDBPyRelation:
    load("helpdesk", dlt.destinations.duckdb(str(path)))
    return duckdb.connect(path).sql(OPEN_TICKETS.format(tickets="helpdesk.tickets"))


def load_parquet(lake: Path) -> duckdb.DuckDBPyRelation:
    destination = dlt.destinations.filesystem(lake.as_uri())
    load("helpdesk_lake", destination, write_disposition="append")
    files = f"read_parquet('{lake}/helpdesk/tickets/*.parquet', union_by_name=true)"
    return duckdb.sql(OPEN_TICKETS.format(tickets=files))


def load(name: str, destination: Any, **options: Any) -> None:
    source = useresponse_source(os.environ["USERESPONSE_URL"], os.environ["USERESPONSE_API_KEY"])
    pipeline = dlt.pipeline(name, destination=destination, dataset_name="helpdesk")
    pipeline.run(source, loader_file_format="parquet", **options)  # much faster than SQL inserts


if __name__ == "__main__":
    if len(sys.argv) > 1:
        found = load_parquet(Path(sys.argv[1]).absolute())
    else:
        found = load_duckdb(Path("warehouse.duckdb").absolute())
    for category, week, tickets in found.fetchall():
        print(f"{week}  {tickets:6}  {category}")
