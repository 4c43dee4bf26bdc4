"""Log every request as a line of JSON, and count requests and retries as Prometheus does.

Install:  pip install useresponse-async
Run:      python logs_and_metrics.py
Needs:    USERESPONSE_URL and USERESPONSE_API_KEY in the environment

The log goes to standard error, the figures to standard output. The requests that hooks receive do
not contain the key. Queries are still omitted, because they can contain email addresses.
"""

import json
import logging
import re
from collections import Counter
from datetime import datetime, timezone

import anyio
import httpx

from useresponse_async import AsyncClient, RetryEvent

logger = logging.getLogger("helpdesk")


class JSONLines(logging.Formatter):
    """Formats a record as a line of JSON, with the fields in `extra={"fields": …}`."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, timezone.utc).isoformat()
        fields = {"at": at, "level": record.levelname, "message": record.getMessage()}
        return json.dumps({**fields, **getattr(record, "fields", {})})


class Metrics:
    """Counts by method, endpoint and status; without ids, these are few enough for labels."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()

    def on_response(self, response: httpx.Response) -> None:
        method, path = response.request.method, response.request.url.path
        seconds = round(response.elapsed.total_seconds(), 4)
        labels = f'method="{method}",endpoint="{endpoint(path)}",status="{response.status_code}"'
        self.counts[f"useresponse_requests_total{{{labels}}}"] += 1
        fields = {"method": method, "path": path, "status": response.status_code}
        logger.info("answered", extra={"fields": {**fields, "seconds": seconds}})

    def on_retry(self, event: RetryEvent) -> None:
        error = type(event.error).__name__
        labels = f'method="{event.method}",endpoint="{endpoint(event.path)}",error="{error}"'
        self.counts[f"useresponse_retries_total{{{labels}}}"] += 1
        fields = {"method": event.method, "path": event.path, "attempt": event.attempt}
        logger.warning("retrying", extra={"fields": {**fields, "delay": round(event.delay, 3)}})


def endpoint(path: str) -> str:
    return re.sub(r"/\d+(?=[/.])", "/{id}", path.partition("/api/")[2].partition("/")[2])


async def main() -> None:
    metrics = Metrics()
    async with AsyncClient(on_response=metrics.on_response, on_retry=metrics.on_retry) as client:
        await client.users.search().collect()
        await client.users.get(7)
    for name, count in sorted(metrics.counts.items()):  # in the format of Prometheus
        print(name, count)


if __name__ == "__main__":
    handler = logging.StreamHandler()  # to standard error
    handler.setFormatter(JSONLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # The hooks receive the same information, and more.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    logging.getLogger("useresponse_async.retry").setLevel(logging.ERROR)
    anyio.run(main)
