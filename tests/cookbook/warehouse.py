"""Load the help desk into a warehouse with dlt, and query it in SQL.

Install:  pip install 'useresponse-async[dlt]' 'dlt[duckdb,parquet]'
Run:      python warehouse.py                   into warehouse.duckdb; run this often
          python warehouse.py --parquet lake/   into Parquet files instead

The environment configures the client: USERESPONSE_URL and USERESPONSE_API_KEY.

Later runs fetch only the tickets and topics that changed, and the comments on them. In DuckDB a row
replaces its predecessor. Parquet files are only added, so the query selects the newest row of each
ticket. For another destination of dlt, such as Postgres or BigQuery, change one line.
"""

import argparse
import os
from pathlib import Path

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
    pipeline = dlt.pipeline(
        "helpdesk",
        destination=dlt.destinations.duckdb(str(path.absolute())),
        dataset_name="helpdesk",
    )
    pipeline.run(useresponse(), loader_file_format="parquet")  # much faster than SQL inserts
    return duckdb.connect(path).sql(OPEN_TICKETS.format(tickets="helpdesk.tickets"))


def load_parquet(lake: Path) -> duckdb.DuckDBPyRelation:
    pipeline = dlt.pipeline(
        "helpdesk_lake",
        destination=dlt.destinations.filesystem(lake.absolute().as_uri()),
        dataset_name="helpdesk",
    )
    pipeline.run(useresponse(), write_disposition="append", loader_file_format="parquet")
    files = f"read_parquet('{lake}/helpdesk/tickets/*.parquet', union_by_name=true)"
    return duckdb.sql(OPEN_TICKETS.format(tickets=files))


def useresponse() -> dlt.sources.DltSource:
    return useresponse_source(os.environ["USERESPONSE_URL"], os.environ["USERESPONSE_API_KEY"])


def main() -> None:
    parser = argparse.ArgumentParser(description="Load the help desk into a warehouse.")
    parser.add_argument("--parquet", type=Path, help="a folder for Parquet files")
    lake = parser.parse_args().parquet
    rows = load_parquet(lake) if lake else load_duckdb(Path("warehouse.duckdb"))
    for category, week, tickets in rows.fetchall():
        print(f"{week}  {tickets:6}  {category}")


if __name__ == "__main__":
    main()
