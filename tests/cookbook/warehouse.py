"""Load the help desk into a warehouse with dlt, and query it in SQL.

Install:  pip install 'useresponse-async[dlt]' 'dlt[duckdb,parquet]'
Run:      python warehouse.py, often
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment

Later runs fetch only the tickets and topics that changed, and the comments on them; a row replaces
its predecessor. For another destination of dlt, such as Postgres or BigQuery, change one line.
"""

import os

import dlt
import duckdb

from useresponse_async.integrations.dlt import useresponse_source

os.environ.setdefault("RUNTIME__DLTHUB_TELEMETRY", "false")

OPEN_TICKETS = """
SELECT
    coalesce(category__name, '(none)'),
    date_trunc('week', created_at AT TIME ZONE 'UTC')::DATE AS week,
    count(*)
FROM helpdesk.tickets
WHERE status__is_closed IS NOT TRUE
GROUP BY ALL
ORDER BY ALL
"""


if __name__ == "__main__":
    destination = dlt.destinations.duckdb("warehouse.duckdb")
    pipeline = dlt.pipeline("helpdesk", destination=destination, dataset_name="helpdesk")
    source = useresponse_source(os.environ["USERESPONSE_URL"], os.environ["USERESPONSE_API_KEY"])
    pipeline.run(source, loader_file_format="parquet")  # much faster than SQL inserts
    for category, week, tickets in duckdb.connect("warehouse.duckdb").sql(OPEN_TICKETS).fetchall():
        print(f"{week}  {tickets:6}  {category}")
