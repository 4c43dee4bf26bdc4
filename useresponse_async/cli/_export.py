"""``useresponse-async export``: a command for each resource, with its own filters."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timezone
from importlib.util import find_spec
from typing import Annotated, Any, Final, TypeAlias

import anyio
import typer

from useresponse_async._client import AsyncClient
from useresponse_async._pagination import Pages
from useresponse_async.cli._errors import CommandError, MisuseError, Reporter
from useresponse_async.cli._export_file import FileExport
from useresponse_async.cli._export_run import ExportOptions, Source, Summary, export_to_stream
from useresponse_async.cli._key import KEY_HELP
from useresponse_async.cli._options import ServerOptions, known_values, pairs_of, with_groups
from useresponse_async.cli._signals import termination_like_ctrl_c
from useresponse_async.models import Chat, Comment, Object, User
from useresponse_async.models._wire import Model
from useresponse_async.resources._objects import CommentSort, ObjectKind, Ownership
from useresponse_async.resources._tickets import TicketDate, TicketSort, TicketStatus
from useresponse_async.resources._topics import TopicKind
from useresponse_async.resources._users import UserRole, UserSort

_EPILOG: Final = f"""
\b
Unfinished exports:
  Until a file is complete, its content is in FILE.part and the state of the export in
  FILE.resume; only you can read them. To continue, run the same command with --resume.
\b
Exit codes:
  0    the export is complete
  1    failed; one line on standard error says why, and how to resume
  2    wrong usage
  130  interrupted by Ctrl-C (143 by SIGTERM, 129 by SIGHUP); --resume continues
  141  the reader of the pipe has closed it
{KEY_HELP}"""

_Method: TypeAlias = Callable[..., Pages[Any]]

SearchText = Annotated[str | None, typer.Option(help="Search text.")]
CategoryId = Annotated[int | None, typer.Option(min=1, help="Only in this category (id).")]
ForumId = Annotated[int | None, typer.Option(min=1, help="Only in this forum (id).")]
Featured = Annotated[
    bool | None,
    typer.Option("--featured/--not-featured", help="Only featured ones, or only others."),
]
AnyStatus = Annotated[str | None, typer.Option(help="Only with this status.")]
AnySort = Annotated[str | None, typer.Option(help="Sort order.")]
BBCode = Annotated[bool | None, typer.Option("--bbcode/--html", help="Format of the content.")]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="DATE|TIME", help="Only those changed since then, newest first; default zone: UTC."
    ),
]

app: Final[typer.Typer] = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def export(context: typer.Context) -> None:
    """Export users, tickets, topics, objects, comments or chats to JSON Lines, CSV or Parquet.

    \b
    Examples:
      useresponse-async export users -o users.jsonl
      useresponse-async export tickets --status opened -o tickets.csv
      useresponse-async export objects --type idea -o ideas.parquet
      useresponse-async export users -o users.jsonl --resume
      useresponse-async export users -o - | jq .email
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _command(
    things: str, model: type[Model], method: Callable[[AsyncClient], _Method], short_help: str
) -> Callable[[Callable[..., None]], None]:
    """Make a command from a signature, whose options are the filters of ``method``."""

    def register(declared: Callable[..., None]) -> None:
        @functools.wraps(declared)
        def command(
            context: typer.Context, *, options: ExportOptions, server: ServerOptions, **filters: Any
        ) -> None:
            declared(context, options=options, server=server, **filters)
            source = _source(things, model, options, method, **filters)
            _run(source, options, server, context.ensure_object(Reporter))

        app.command(things, short_help=short_help, epilog=_EPILOG)(with_groups(command))

    return register


def _source(
    things: str,
    model: type[Model],
    options: ExportOptions,
    method: Callable[[AsyncClient], _Method],
    *,
    since: str | None = None,
    properties: list[str] | None = None,
    **filters: Any,
) -> Source:
    """Return the source: the list that a method of the client returns for ``filters``."""
    params = pairs_of(options.param)
    named = {name: value for name, value in filters.items() if value is not None}
    asked = dict(named)
    if properties:
        asked["properties"] = _properties_of(properties)
        named["properties"] = {int(name): value for name, value in asked["properties"].items()}

    if things == "comments" and named and "object_id" not in named:
        raise MisuseError(
            "--private, --public, --sort, --bbcode and --html need --object-id: the API does not "
            "filter the list of all comments"
        )

    def pages(client: AsyncClient, page: int) -> Pages[Any]:
        return method(client)(page=page, count=options.page_size, params=params, **named)

    if since is None:
        return Source(things=things, model=model, filters={**asked, "param": params}, pages=pages)
    if named:
        raise MisuseError("--since can be combined only with the filter --param")
    moment = _moment_of(since)

    def changes(client: AsyncClient) -> AsyncGenerator[Object, None]:
        resource = client.tickets if things == "tickets" else client.topics
        return resource.changed_since(moment, count=options.page_size, params=params)

    asked = {"since": moment.isoformat(), "param": params}
    return Source(things=things, model=model, filters=asked, pages=pages, changes=changes)


def _moment_of(text: str) -> datetime:
    """Return a date or an ISO 8601 time as a ``datetime``, in UTC unless it has a time zone."""
    try:
        moment = datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text))
    except ValueError:
        raise MisuseError(
            f"--since: {text!r} is neither a date (2026-11-01) nor an ISO 8601 time "
            "(2026-11-01T12:30:00+01:00)"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _properties_of(texts: list[str]) -> dict[str, str]:
    """Return ``id=value`` texts as values of custom fields by the field's id."""
    pairs = pairs_of(texts, option="--property")
    for name in pairs:
        if not name.isdecimal():
            raise MisuseError(f"--property: {name!r} is not the id of a custom field")
    return {f"{int(name)}": value for name, value in pairs.items()}


def _run(source: Source, options: ExportOptions, server: ServerOptions, reporter: Reporter) -> None:
    """Export ``source``, and write a summary."""
    options.check(source.model)
    connection = server.connect(reporter, quiet=options.quiet)
    summary = Summary(things=source.things)
    os.umask(umask := os.umask(0o077))  # setting it is the only way to read it

    async def export_all() -> bool:
        if options.is_stream:
            await export_to_stream(source, options, connection, summary)
            return True
        return await FileExport(
            source=source,
            options=options,
            connection=connection,
            reporter=reporter,
            summary=summary,
            umask=umask,
        ).run()

    with termination_like_ctrl_c():
        try:
            faster = find_spec("uvloop") is not None
            has_run = anyio.run(export_all, backend_options={"use_uvloop": True} if faster else {})
        except OSError as error:
            where = error.filename or options.output_name
            raise CommandError(f"{where}: {error.strerror or error}") from error
    if has_run and not options.quiet:
        summary.tell(reporter, options.output_name)


@_command(
    "users", User, lambda client: client.users.search, "Customers, agents and administrators."
)
def users(
    context: typer.Context,
    *,
    role: Annotated[str | None, known_values(UserRole, "Only users with this role")] = None,
    search: SearchText = None,
    email: Annotated[
        str | None, typer.Option(help="Only the user with this e-mail address.")
    ] = None,
    sort: Annotated[str | None, known_values(UserSort, "Sort order")] = None,
    options: ExportOptions,
    server: ServerOptions,
) -> None:
    """Export users.

    \b
    Examples:
      useresponse-async export users -o users.jsonl
      useresponse-async export users --role agent --fields id,name,email -o agents.csv
      useresponse-async export users -o users.jsonl --resume
      useresponse-async export users -o - | jq -r .email
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is


@_command("tickets", Object, lambda client: client.tickets.search, "Tickets of the help desk.")
def tickets(
    context: typer.Context,
    *,
    text: SearchText = None,
    status: Annotated[str | None, known_values(TicketStatus, "Only with this status")] = None,
    date: Annotated[str | None, known_values(TicketDate, "Only from these days")] = None,
    author_id: Annotated[int | None, typer.Option(min=1, help="Only by this user (id).")] = None,
    sort: Annotated[str | None, known_values(TicketSort, "Sort order")] = None,
    properties: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            metavar="ID=VALUE",
            help="Only with this value of a custom field; repeatable.",
        ),
    ] = None,
    bbcode: BBCode = None,
    since: Since = None,
    options: ExportOptions,
    server: ServerOptions,
) -> None:
    """Export tickets.

    \b
    Examples:
      useresponse-async export tickets -o tickets.jsonl
      useresponse-async export tickets --since 2026-11-01 -o changed.jsonl
      useresponse-async export tickets --status opened --date this_week -o open.csv
      useresponse-async export tickets --author-id 7 --property 12=EU -o tickets.parquet
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is


@_command(
    "topics", Object, lambda client: client.topics.search, "Ideas, problems, questions and thanks."
)
def topics(
    context: typer.Context,
    *,
    text: SearchText = None,
    type: Annotated[  # noqa: A002 - the API's own name
        str | None, known_values(TopicKind, "Only of this type", "--type")
    ] = None,
    category_id: CategoryId = None,
    forum_id: ForumId = None,
    featured: Featured = None,
    status: AnyStatus = None,
    sort: AnySort = None,
    since: Since = None,
    options: ExportOptions,
    server: ServerOptions,
) -> None:
    """Export topics of the feedback community.

    \b
    Examples:
      useresponse-async export topics -o topics.jsonl
      useresponse-async export topics --type idea --status planned -o ideas.csv
      useresponse-async export topics --since 2026-11-01T08:00:00+01:00 -o changed.jsonl
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is


@_command(
    "objects",
    Object,
    lambda client: client.objects.search,
    "Tickets, topics, articles and announcements.",
)
def objects(
    context: typer.Context,
    *,
    text: SearchText = None,
    ownership: Annotated[str | None, known_values(Ownership, "Only in this module")] = None,
    type: Annotated[  # noqa: A002 - the API's own name
        str | None, known_values(ObjectKind, "Only of this type", "--type")
    ] = None,
    category_id: CategoryId = None,
    forum_id: ForumId = None,
    featured: Featured = None,
    status: AnyStatus = None,
    sort: AnySort = None,
    options: ExportOptions,
    server: ServerOptions,
) -> None:
    """Export objects of all types, as the search returns them.

    \b
    Examples:
      useresponse-async export objects -o objects.jsonl
      useresponse-async export objects --ownership feedback --type idea -o ideas.csv
      useresponse-async export objects --text printer --fields id,title,url -o -
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is


def _comments(client: AsyncClient) -> _Method:
    def comments_of(*, object_id: int | None = None, **filters: Any) -> Pages[Comment]:
        if object_id is None:
            return client.comments.list(**filters)
        return client.objects.comments(object_id, **filters)

    return comments_of


@_command("comments", Comment, _comments, "Comments on all objects, or on one.")
def comments(
    context: typer.Context,
    *,
    object_id: Annotated[
        int | None, typer.Option(min=1, help="Only on this object; other filters need it.")
    ] = None,
    is_private: Annotated[
        bool | None,
        typer.Option("--private/--public", help="Only private ones, or only public ones."),
    ] = None,
    sort: Annotated[str | None, known_values(CommentSort, "Sort order, by age")] = None,
    bbcode: BBCode = None,
    options: ExportOptions,
    server: ServerOptions,
) -> None:
    """Export the comments on all objects, or on one.

    \b
    Examples:
      useresponse-async export comments -o comments.jsonl
      useresponse-async export comments --object-id 42 --sort asc -o comments.csv
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is


@_command("chats", Chat, lambda client: client.chats.list, "Chats with customers.")
def chats(
    context: typer.Context,
    *,
    author_id: Annotated[int | None, typer.Option(min=1, help="Only by this user (id).")] = None,
    options: ExportOptions,
    server: ServerOptions,
) -> None:
    """Export chats, each with its last message.

    \b
    Examples:
      useresponse-async export chats -o chats.jsonl
      useresponse-async export chats --author-id 7 -o chats.csv
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
