"""Integration with dlt: a source that loads a site's data into any destination of dlt.

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
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Sequence
from concurrent.futures import Future
from contextlib import ExitStack, aclosing, contextmanager
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, TypeAlias, cast, get_args, get_origin

import anyio
import attrs
from anyio.from_thread import BlockingPortal, start_blocking_portal

from useresponse_async import models
from useresponse_async._client import AsyncClient
from useresponse_async._config import DEFAULT_API_VERSION, require_extra
from useresponse_async._exceptions import NotFoundError
from useresponse_async._pagination import Pages
from useresponse_async._secret import Secret
from useresponse_async.models._wire import Model, exported_types
from useresponse_async.resources._changes import in_batches

require_extra("dlt")

import dlt  # noqa: E402 - installed, as checked above
from dlt.common.data_types import py_type_to_sc_type  # noqa: E402
from dlt.extract import DltResource  # noqa: E402

__all__ = ["useresponse_source"]

_Rows: TypeAlias = Generator[list[dict[str, Any]], None, None]
_Walk: TypeAlias = AsyncGenerator[Sequence[Any], None]
_Find: TypeAlias = Callable[[AsyncClient], Pages[Any] | Awaitable[list[Any]]]

_BATCH: Final = 250
_BITS: Final = 63
_EVERY: Final[dict[str, _Find]] = {
    "tickets": lambda client: client.tickets.search(status="all", sort="updated"),
    "topics": lambda client: client.topics.search(sort="updated"),
}


class _Reader:
    """One client, on an event loop of its own, while at least one resource reads from it.

    dlt would run each step of an asynchronous generator in a task of its own, and after a failure
    it would close running generators and stop their event loop. Here, a resource is a plain
    generator, and closing it waits for the end of its calls.
    """

    def __init__(self, make_client: Callable[[], AsyncClient]) -> None:
        self._make_client = make_client
        self._lock = threading.Lock()  # dlt can run resources in threads
        self._readers = 0

    @contextmanager
    def _opened(self) -> Generator[tuple[BlockingPortal, AsyncClient], None, None]:
        with self._lock:
            if not self._readers:
                with ExitStack() as stack:
                    portal = stack.enter_context(start_blocking_portal())
                    client = portal.wrap_async_context_manager(self._make_client())
                    self._open = portal, stack.enter_context(client)
                    self._listed: dict[tuple[str, datetime], list[models.Object]] = {}
                    self._stack = stack.pop_all()
            self._readers += 1
        try:
            yield self._open
        finally:
            with self._lock:
                self._readers -= 1
                if not self._readers:
                    self._stack.close()

    def read(self, walk: Callable[[AsyncClient], _Walk]) -> _Rows:
        """Yield the rows of ``walk``, whose requests continue while dlt writes them."""
        with self._opened() as (portal, client):
            pages, step_lock = walk(client), anyio.Lock()
            step: Future[Sequence[Any] | None] = Future()

            async def alone(act: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
                async with step_lock:
                    return await act(*arguments)

            try:
                while True:
                    step = portal.start_task_soon(alone, anext, pages, None)
                    if (page := step.result()) is None:
                        yield dlt.mark.materialize_table_schema()  # a table, even without rows
                        return
                    # A row without an id cannot be merged.
                    yield [row for row in map(_plain, page) if "id" in row]
            finally:
                step.cancel()  # Ctrl-C interrupts the wait, not the step
                portal.call(alone, pages.aclose)

    async def changed(self, client: AsyncClient, kind: str, since: datetime | None) -> _Walk:
        """Yield tickets or topics by latest activity, from the newest back to ``since``."""
        if since is None:
            async with aclosing(_found(client, _EVERY[kind])) as pages:
                async for page in pages:
                    yield page
        elif (kind, since) in self._listed:
            yield self._listed[kind, since]
        else:
            changes = getattr(client, kind).changed_since(since)
            is_first = True
            async with aclosing(in_batches(changes, _BATCH)) as batches:
                async for batch in batches:
                    if is_first and len(batch) < _BATCH:  # all of them, for comments too
                        self._listed[kind, since] = batch
                    is_first = False
                    yield batch

    async def comments(
        self,
        client: AsyncClient,
        newest: dict[str, datetime | None],
        since: datetime | None,
        overlap: timedelta,
    ) -> _Walk:
        """Yield the comments on changed tickets and topics; update ``newest``, by kind."""
        for kind in _EVERY:
            last = newest.get(kind)
            start = max(filter(None, [since, last and last - overlap]), default=None)
            async with aclosing(self.changed(client, kind, start)) as parents:
                async for batch in parents:
                    moments = [last, *(parent.latest_activity for parent in batch)]
                    last = max(filter(None, moments), default=None)
                    yield await _comments(client, batch)
            newest[kind] = last


@dlt.source(name="useresponse", section="useresponse")
def useresponse_source(
    base_url: str = dlt.config.value,
    api_key: str = dlt.secrets.value,
    *,
    api_version: str = DEFAULT_API_VERSION,
    max_in_flight: int = 20,
    overlap: float = 3600,
    since: datetime | None = None,
) -> Iterable[DltResource]:
    """Return the source ``useresponse``: a site's data, with a table for each resource.

    The resources are ``users``, ``tickets``, ``topics``, ``articles`` (knowledge base),
    ``comments`` (on tickets and topics), ``chats``, ``categories``, ``statuses``, ``forums``,
    ``custom_fields`` and ``reports``. Rows are merged by their id, so that a run updates what an
    earlier one loaded; what was deleted on the site stays.

    Tickets and topics are incremental by their latest activity: after the first run only what
    changed since is loaded. So are comments: those on every ticket and topic that changed, with
    its id in ``object_id``.

    Lists, such as tags and custom fields, are child tables; nested models are columns such as
    ``author__name``, in which further lists are JSON. What the server sends beyond the known
    fields is JSON in ``extra``. API keys are left out.

    Args:
        base_url: The site's URL, e.g. ``https://mydomain.useresponse.com``.
        api_key: The API key.
        api_version: The API's version in the path.
        max_in_flight: Maximum number of concurrent requests of all resources together.
        overlap: How far a run goes back before the newest activity that the previous run
            saw, in seconds. If it is longer than a run and than the time between two runs,
            rows that moved or were deleted during a run are not missed.
        since: An aware time. Tickets and topics whose latest activity is older are left out,
            with their comments.

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

    def resource(name: str, model: type[Model], find: _Find, **key_columns: type) -> DltResource:
        def read() -> _Rows:
            yield from reader.read(lambda client: _found(client, find))

        return dlt.resource(read, name=name, **_hints(model, **key_columns))

    def changed(name: str) -> DltResource:
        activity = dlt.sources.incremental[datetime](
            "latest_activity", since, lag=overlap, on_cursor_value_missing="include"
        )

        def read(activity: dlt.sources.incremental[datetime] = activity) -> _Rows:
            start = activity.start_value
            yield from reader.read(lambda client: reader.changed(client, name, start))

        return dlt.resource(read, name=name, **_hints(models.Object))

    # Not a transformer, which has one parent resource: comments have two, and their own state, so
    # that they are complete even if tickets and topics are not selected.
    def comments() -> _Rows:
        newest = dlt.current.resource_state("comments")
        back = timedelta(seconds=overlap)
        yield from reader.read(lambda client: reader.comments(client, newest, since, back))

    return [
        changed("tickets"),
        changed("topics"),
        dlt.resource(comments, **_hints(models.Comment)),
        resource("users", models.User, lambda client: client.users.search()),
        resource(
            "articles",
            models.Object,
            lambda client: client.objects.search(ownership="knowledge-base"),
        ),
        resource("chats", models.Chat, lambda client: client.chats.list()),
        resource("categories", models.Category, lambda client: client.categories.list()),
        resource("statuses", models.Status, lambda client: client.statuses.list()),
        resource("forums", models.Forum, lambda client: client.forums.list()),
        resource("custom_fields", models.CustomField, _custom_fields, owner=str),
        resource("reports", models.Report, lambda client: client.reports.list()),
    ]


async def _found(client: AsyncClient, find: _Find) -> _Walk:
    found = find(client)
    if not isinstance(found, Pages):
        yield await found
        return
    async with aclosing(found.by_page()) as pages:
        async for page in pages:
            yield page.items


async def _comments(client: AsyncClient, parents: Sequence[models.Object]) -> list[models.Comment]:
    async def comments_on(parent: models.Object) -> list[models.Comment]:
        try:
            found = await client.objects.comments(parent.id).collect()
        except NotFoundError:  # the parent was deleted after it was listed
            return []
        for comment in found:
            comment.object_id = parent.id
        return found

    commented = [parent for parent in parents if parent.comments_num != 0]
    async with aclosing(client.map(comments_on, commented)) as lists:
        return [comment async for found in lists for comment in found]


async def _custom_fields(client: AsyncClient) -> list[dict[str, Any]]:
    # The ids of users' and objects' fields are independent of each other.
    owned = {
        "user": await client.users.custom_fields(),
        "object": await client.objects.custom_fields(),
    }
    return [{"owner": owner, **_plain(field)} for owner in owned for field in owned[owner]]


def _loaded_types(model: Any) -> dict[str, Any]:
    return {**exported_types(model), "extra": dict}


_types: Final[Callable[[Any], dict[str, Any]]] = cache(_loaded_types)


def _plain(value: Any) -> Any:
    """Return a value as dlt can write it: a model as its fields, without empty ones and keys."""
    if isinstance(value, Model):
        row: dict[str, Any] = {}
        for name, held in _types(type(value)).items():
            field = _plain(getattr(value, name))
            if held is Any and isinstance(field, dict | list):
                field = json.dumps(field, ensure_ascii=False)
            if field not in (None, [], {}):
                row[name] = field
        return row
    if isinstance(value, list):
        return [_plain(item) for item in cast("Iterable[Any]", value)]
    if isinstance(value, dict):
        return {_plain(k): _plain(v) for k, v in cast("dict[str, Any]", value).items()}
    # Neither lone surrogates nor integers of more than 64 bits can be written.
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "backslashreplace").decode()
    return str(value) if isinstance(value, int) and value.bit_length() > _BITS else value


def _hints(model: type[Model], **key_columns: type) -> dict[str, Any]:
    """Return the hints for ``dlt.resource`` about the table of ``model`` and its child tables."""
    types = _types(model)
    lists = {name: get_args(held)[0] for name, held in types.items() if get_origin(held) is list}
    return {
        "primary_key": [*key_columns, "id"],
        "write_disposition": "merge",
        "columns": _columns(key_columns | {n: held for n, held in types.items() if n not in lists}),
        "nested_hints": {
            name: {"columns": _columns(_types(item) if attrs.has(item) else {"value": item})}
            for name, item in lists.items()
        },
    }


def _columns(types: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    columns: dict[str, Any] = {}
    for name, held in types.items():
        if attrs.has(held):
            columns |= _columns(_types(held), f"{prefix}{name}__")
        else:  # an undocumented type is the server's text, or else JSON
            kind = "text" if held is Any else py_type_to_sc_type(get_origin(held) or held)
            columns[prefix + name] = {"name": prefix + name, "data_type": kind}
    return columns
