"""Integration with dlt: a source that loads an installation into any destination of dlt.

.. code-block:: python

    pipeline = dlt.pipeline("warehouse", destination="duckdb", dataset_name="helpdesk")
    pipeline.run(useresponse_source(), loader_file_format="parquet")

The address and the key come from dlt's configuration: ``sources.useresponse.base_url`` in
``.dlt/config.toml`` and ``sources.useresponse.api_key`` in ``.dlt/secrets.toml``, or
``SOURCES__USERESPONSE__BASE_URL`` and ``SOURCES__USERESPONSE__API_KEY`` in the environment.
"""

# No "from __future__ import annotations": dlt reads the annotations to inject configuration.

import json
import threading
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Generator,
    Iterable,
)
from concurrent.futures import Future
from contextlib import ExitStack, aclosing, contextmanager
from datetime import datetime
from functools import cache
from typing import Any, Final, TypeAlias, cast, get_args, get_origin

import anyio
import attrs
from anyio.from_thread import BlockingPortal, start_blocking_portal

from useresponse_async._client import AsyncClient
from useresponse_async._config import DEFAULT_API_VERSION, require_extra
from useresponse_async._exceptions import NotFoundError
from useresponse_async._pagination import Pages
from useresponse_async._secret import Secret
from useresponse_async.models import (
    Category,
    Chat,
    Comment,
    CustomField,
    Forum,
    Object,
    Report,
    Status,
    User,
)
from useresponse_async.models._wire import Model, exported_types
from useresponse_async.resources._changes import in_batches

require_extra("dlt")

import dlt  # noqa: E402 - there, as was just checked
from dlt.extract import DltResource  # noqa: E402

__all__ = ["useresponse_source"]

Row: TypeAlias = dict[str, Any]
Walk: TypeAlias = Callable[[AsyncClient], AsyncGenerator[list[Row], None]]
_Search: TypeAlias = Callable[[AsyncClient, datetime | None], AsyncGenerator[list[Row], None]]
Columns: TypeAlias = dict[str, Any]

_DATA_TYPES: Final[dict[Any, str]] = {
    int: "bigint",
    str: "text",
    bool: "bool",
    datetime: "timestamp",
    Any: "text",  # an undocumented type: the server's text, or else JSON
}
_BITS: Final = 63
_BATCH: Final = 250


class _Reader:
    """One client, on an event loop of its own, while at least one resource reads from it.

    dlt would run each step of an asynchronous generator as a task of its own, and when a run
    fails it closes generators that still run and stops the loop below them. Here a resource is
    a plain generator, and what it has under way has ended when it is closed.
    """

    def __init__(self, make_client: Callable[[], AsyncClient]) -> None:
        self._make_client = make_client
        self._lock = threading.Lock()  # dlt can run resources in threads
        self._readers = 0
        self._stack = ExitStack()

    @contextmanager
    def _opened(self) -> Generator[tuple[BlockingPortal, AsyncClient], None, None]:
        with self._lock:
            if not self._readers:
                with ExitStack() as stack:
                    self._portal = stack.enter_context(start_blocking_portal())
                    client = self._portal.wrap_async_context_manager(self._make_client())
                    self._client = stack.enter_context(client)
                    self._stack = stack.pop_all()
            self._readers += 1
        try:
            yield self._portal, self._client
        finally:
            with self._lock:
                self._readers -= 1
                if not self._readers:
                    self._stack.close()

    def read(self, walk: Walk) -> Generator[list[Row], None, None]:
        """Yield the pages of ``walk``, whose requests continue while dlt writes them."""
        with self._opened() as (portal, client):
            pages = walk(client)
            step_lock = anyio.Lock()
            step: Future[list[Row] | None] = Future()

            async def next_page() -> list[Row] | None:
                async with step_lock:
                    return await anext(pages, None)

            async def close() -> None:
                async with step_lock:
                    await pages.aclose()

            try:
                yield dlt.mark.materialize_table_schema()  # a table, even without rows
                while True:
                    step = portal.start_task_soon(next_page)
                    page = step.result()
                    if page is None:
                        return
                    yield page
            finally:
                step.cancel()  # Ctrl-C interrupts the wait, not the step
                portal.call(close)


@dlt.source(name="useresponse", section="useresponse")
def useresponse_source(
    base_url: str = dlt.config.value,
    api_key: str = dlt.secrets.value,
    *,
    api_version: str = DEFAULT_API_VERSION,
    max_in_flight: int = 20,
    overlap: float = 3600,
) -> Iterable[DltResource]:
    """Return the source ``useresponse``: an installation's data, a table for each resource.

    The resources are ``users``, ``tickets``, ``topics``, ``articles`` (knowledge base),
    ``ticket_comments`` and ``topic_comments`` (both in the table ``comments``), ``chats``,
    ``categories``, ``statuses``, ``forums``, ``custom_fields`` and ``reports``. Rows are merged
    by their id, so that a run updates what an earlier one loaded; what was deleted in the
    installation stays.

    Tickets and topics are incremental by their latest activity: after the first run only what
    changed since is loaded, with its comments. ``incremental.initial_value`` and ``end_value``
    apply as in any source of dlt.

    Lists, such as tags and custom fields, are child tables; nested models are columns such as
    ``author__name``, in which further lists are JSON. What the server sends beyond the known
    fields is JSON in ``extra``. API keys are left out.

    Args:
        base_url: The installation's URL, e.g. ``https://mydomain.useresponse.com``.
        api_key: The API key.
        api_version: The API's version in the path.
        max_in_flight: Maximum number of concurrent requests of all resources together.
        overlap: How far a run goes back before the newest activity that the previous run
            saw, in seconds. If it is longer than a run and than the time between two runs,
            rows that moved or were deleted during a run are not missed.

    Returns:
        The source, for ``pipeline.run``; ``with_resources`` selects some of its resources.

    Raises:
        ConfigFieldMissingException: The address or the key is not configured.
    """
    key = Secret(api_key)
    reader = _Reader(
        lambda: AsyncClient(
            base_url, api_key=key, api_version=api_version, max_in_flight=max_in_flight
        )
    )

    def resource(name: str, model: type[Model], walk: Walk) -> DltResource:
        return dlt.resource(lambda: reader.read(walk), name=name, **_hints(model))

    def changed(name: str, search: _Search) -> DltResource:
        def read(
            activity: dlt.sources.incremental[datetime] = dlt.sources.incremental(  # noqa: B008
                "latest_activity", lag=overlap, on_cursor_value_missing="include"
            ),
        ) -> Generator[list[Row], None, None]:
            return reader.read(lambda client: search(client, activity.start_value))

        return dlt.resource(read, name=name, **_hints(Object))

    def comments_on(objects: DltResource, name: str) -> DltResource:
        def read(rows: list[Row]) -> Generator[list[Row], None, None]:
            return reader.read(lambda client: _comments(client, rows))

        return dlt.transformer(
            read, data_from=objects, name=name, table_name="comments", **_hints(Comment)
        )

    tickets, topics = changed("tickets", _tickets), changed("topics", _topics)
    return [
        tickets,
        topics,
        comments_on(tickets, "ticket_comments"),
        comments_on(topics, "topic_comments"),
        resource("users", User, lambda client: _pages(client.users.search())),
        resource(
            "articles",
            Object,
            lambda client: _pages(client.objects.search(ownership="knowledge-base")),
        ),
        resource("chats", Chat, lambda client: _pages(client.chats.list())),
        resource("categories", Category, lambda client: _list(client.categories.list)),
        resource("statuses", Status, lambda client: _list(client.statuses.list)),
        resource("forums", Forum, lambda client: _list(client.forums.list)),
        resource("custom_fields", CustomField, _custom_fields),
        resource("reports", Report, lambda client: _list(client.reports.list)),
    ]


async def _pages(pages: Pages[Any]) -> AsyncGenerator[list[Row], None]:
    async with aclosing(pages.by_page()) as walk:
        async for page in walk:
            yield _rows(page.items)


def _tickets(client: AsyncClient, since: datetime | None) -> AsyncGenerator[list[Row], None]:
    if since is None:
        return _pages(client.tickets.search(status="all", sort="updated"))
    return _batches(client.tickets.changed_since(since))


def _topics(client: AsyncClient, since: datetime | None) -> AsyncGenerator[list[Row], None]:
    if since is None:
        return _pages(client.topics.search(sort="updated"))
    return _batches(client.topics.changed_since(since))


async def _batches(changes: AsyncGenerator[Object, None]) -> AsyncGenerator[list[Row], None]:
    async with aclosing(in_batches(changes, _BATCH)) as batches:
        async for batch in batches:
            yield _rows(batch)


async def _comments(client: AsyncClient, parents: list[Row]) -> AsyncGenerator[list[Row], None]:
    async def comments_on(parent: int) -> list[Row]:
        try:
            comments = await client.objects.comments(parent).collect()
        except NotFoundError:  # deleted since it was listed
            return []
        return [{**row, "object_id": parent} for row in _rows(comments)]

    commented = [row["id"] for row in parents if row.get("comments_num") != 0]
    async with aclosing(client.map(comments_on, commented)) as lists:
        yield [row async for rows in lists for row in rows]


async def _list(read: Callable[[], Awaitable[list[Any]]]) -> AsyncGenerator[list[Row], None]:
    yield _rows(await read())


async def _custom_fields(client: AsyncClient) -> AsyncGenerator[list[Row], None]:
    for owner, fields in {
        "user": await client.users.custom_fields(),
        "object": await client.objects.custom_fields(),
    }.items():
        yield [{"owner": owner, **row} for row in _rows(fields)]


def _rows(items: Iterable[Model]) -> list[Row]:
    """Return the items as rows, without those that have no id: nothing could merge them."""
    return [row for row in map(_row, items) if "id" in row]


def _row(item: Model) -> Row:
    """Return the fields of ``item`` that hold something, without API keys."""
    types = _types(type(item))
    fields = {name: _plain(getattr(item, name), held) for name, held in types.items()}
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def _plain(value: Any, held: Any = None) -> Any:
    if isinstance(value, Model):
        return _row(value)
    if held is Any and value is not None and not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return [_plain(item) for item in cast("Iterable[Any]", value)]
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in cast("dict[str, Any]", value).items()}
    # dlt writes neither half of a surrogate pair nor more than 64 bits.
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode()
    return str(value) if isinstance(value, int) and value.bit_length() > _BITS else value


def _loaded_types(model: Any) -> dict[str, Any]:
    return {**exported_types(model), "extra": dict}


_types: Final[Callable[[Any], dict[str, Any]]] = cache(_loaded_types)


def _hints(model: type[Model]) -> dict[str, Any]:
    """Return what ``dlt.resource`` is told of the table of ``model`` and of its child tables."""
    columns = _columns(model)
    children: dict[str, Any] = {}
    for name, held in _types(model).items():
        if get_origin(held) is list and (item := get_args(held)[0]) is not Any:
            del columns[name]
            children[name] = {
                "columns": _columns(item) if attrs.has(item) else _column("value", item)
            }
    owned = model is CustomField  # users and objects number theirs separately
    return {
        "primary_key": ["owner", "id"] if owned else "id",
        "write_disposition": "merge",
        "columns": columns | _column("owner", str) if owned else columns,
        "nested_hints": children,
    }


def _columns(model: type[Any], prefix: str = "") -> Columns:
    columns: Columns = {}
    for name, held in _types(model).items():
        nested = attrs.has(held)
        columns |= _columns(held, f"{prefix}{name}__") if nested else _column(prefix + name, held)
    return columns


def _column(name: str, held: Any) -> Columns:
    return {name: {"name": name, "data_type": _DATA_TYPES.get(held, "json")}}
