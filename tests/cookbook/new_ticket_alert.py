"""Send an alert about every new ticket to a chat, or to any other webhook.

Install:  pip install useresponse-async httpx
Run:      python new_ticket_alert.py alert.state 30     looks every 30 seconds
Needs:    USERESPONSE_URL, USERESPONSE_API_KEY and ALERT_WEBHOOK_URL in the environment

SIGTERM and Ctrl-C stop it; on Windows, which has no such signals, call watch() instead of run().

An alert is sent until the receiver responds with success, so at least once; the Idempotency-Key
allows the receiver to drop duplicates. The first run sends nothing and only saves which ticket is
the newest.
"""

import logging
import os
import signal
import sys
from pathlib import Path

import anyio
import httpx

from useresponse_async import AsyncClient, Object, UseResponseError

logger = logging.getLogger("alert")


def save(state: Path, ticket_id: int) -> None:
    part = state.with_name(f"{state.name}.part")
    part.write_text(str(ticket_id), encoding="utf-8")
    part.replace(state)


async def newer_than(client: AsyncClient, last_id: int) -> list[Object]:
    """Return the tickets created after one, oldest first."""
    new: list[Object] = []
    async with client.tickets.search(sort="new") as tickets:
        async for ticket in tickets:
            if ticket.id <= last_id:
                break
            new.append(ticket)
    return new[::-1]


async def poll(client: AsyncClient, webhook: httpx.AsyncClient, url: str, state: Path) -> None:
    if not state.exists():
        newest = await client.tickets.search(sort="new").first()
        save(state, newest.id if newest else 0)
    for ticket in await newer_than(client, int(state.read_text(encoding="utf-8"))):
        text = f"New ticket #{ticket.id}: {ticket.title} {ticket.url}"
        key = {"Idempotency-Key": f"ticket-{ticket.id}"}
        (await webhook.post(url, json={"text": text}, headers=key)).raise_for_status()
        save(state, ticket.id)


async def watch(state: Path, interval: float) -> None:
    url = os.environ["ALERT_WEBHOOK_URL"]
    async with AsyncClient() as client, httpx.AsyncClient(timeout=10) as webhook:
        while True:
            try:
                await poll(client, webhook, url, state)
            except (UseResponseError, httpx.HTTPError) as error:
                # Only the class: httpx's message contains the webhook's URL, often a secret.
                logger.warning("failed, next attempt after the interval: %s", type(error).__name__)
            await anyio.sleep(interval)


async def run(state: Path, interval: float) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(watch, state, interval)
        with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
            async for _ in signals:
                tasks.cancel_scope.cancel()
                break


if __name__ == "__main__":
    logging.basicConfig(level=logging.WARNING)  # httpx's INFO lines contain the webhook's URL
    anyio.run(run, Path(sys.argv[1]), float(sys.argv[2]))
