"""What does ``useresponse-async export`` take? A command for each thing, with its own filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, get_args

import typer

from useresponse_async._client import AsyncClient
from useresponse_async._pagination import Pages
from useresponse_async.cli.export.options import ExportOptions
from useresponse_async.cli.export.run import run_export
from useresponse_async.cli.export.source import Source
from useresponse_async.cli.failures import MisuseError
from useresponse_async.cli.help_texts import KEY_HELP
from useresponse_async.cli.option_groups import with_groups
from useresponse_async.cli.params import pairs_of, properties_of
from useresponse_async.cli.server import ServerOptions
from useresponse_async.models import Chat, Comment, Object, User
from useresponse_async.models._wire import Model
from useresponse_async.resources._objects import CommentSort, ObjectKind, Ownership
from useresponse_async.resources._tickets import TicketDate, TicketSort, TicketStatus
from useresponse_async.resources._users import UserRole, UserSort

__all__ = ["app"]

_EPILOG: Final = f"""
\b
Into a file:
  FILE.part and FILE.resume stand beside the file, readable by you alone, until it is whole.
  Whenever an export is stopped, the same command with --resume goes on with it.
\b
Exit codes:
  0    all were exported
  1    failed; one line on standard error says why, and how to go on
  2    wrong usage
  130  interrupted by Ctrl-C (143 by SIGTERM, 129 by SIGHUP); --resume goes on
  141  the reader of the pipe has gone
{KEY_HELP}"""

app: Final[typer.Typer] = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def export(context: typer.Context) -> None:
    """Write users, tickets, objects, comments or chats to JSON Lines, CSV or Parquet.

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


def _command(name: str, short_help: str) -> Callable[[Callable[..., None]], None]:
    def register(function: Callable[..., None]) -> None:
        add = app.command(name, short_help=short_help, epilog=_EPILOG)
        add(with_groups(function))

    return register


def _known(values: Any, what: str, *names: str) -> Any:
    """Return an option whose known values complete in a shell; any other is sent as given."""
    literal, _ = get_args(values)
    known = list(get_args(literal))
    return typer.Option(*names, help=f"{what}: {', '.join(known)}, …", autocompletion=lambda: known)


def _source(
    things: str,
    model: type[Model],
    options: ExportOptions,
    method: Callable[[AsyncClient], Callable[..., Pages[Any]]],
    **filters: Any,
) -> Source:
    """Return what to export: a list that ``method`` makes, of those that ``filters`` leave."""
    params = pairs_of(options.param)

    def pages(client: AsyncClient, page: int) -> Pages[Any]:
        return method(client)(page=page, count=options.page_size, params=params, **filters)

    named = {name: value for name, value in filters.items() if value is not None}
    if named.get("properties"):
        named["properties"] = {str(k): value for k, value in named["properties"].items()}
    return Source(things=things, model=model, filters={**named, "param": params}, pages=pages)


@_command("users", "Customers, agents and administrators.")
def users(
    context: typer.Context,
    *,
    role: Annotated[str | None, _known(UserRole, "Only this role")] = None,
    search: Annotated[str | None, typer.Option(help="Only those this text finds.")] = None,
    email: Annotated[str | None, typer.Option(help="Only the one with this address.")] = None,
    sort: Annotated[str | None, _known(UserSort, "Order")] = None,
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
    source = _source(
        "users",
        User,
        options,
        lambda client: client.users.search,
        role=role,
        search=search,
        email=email,
        sort=sort,
    )
    run_export(source, options, server, context)


@_command("tickets", "Tickets of the help desk.")
def tickets(
    context: typer.Context,
    *,
    text: Annotated[str | None, typer.Option(help="Only those this text finds.")] = None,
    status: Annotated[str | None, _known(TicketStatus, "Only this status")] = None,
    date: Annotated[str | None, _known(TicketDate, "Only of these days")] = None,
    author_id: Annotated[int | None, typer.Option(min=1, help="Only of this user.")] = None,
    sort: Annotated[str | None, _known(TicketSort, "Order")] = None,
    property_: Annotated[
        list[str] | None,
        typer.Option(
            "--property", metavar="ID=VALUE", help="Only with this in a custom field; repeatable."
        ),
    ] = None,
    bbcode: Annotated[
        bool | None, typer.Option("--bbcode/--html", help="What the content comes as.")
    ] = None,
    options: ExportOptions,
    server: ServerOptions,
) -> None:
    """Export tickets.

    \b
    Examples:
      useresponse-async export tickets -o tickets.jsonl
      useresponse-async export tickets --status opened --date this_week -o open.csv
      useresponse-async export tickets --author-id 7 --property 12=EU -o tickets.parquet
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    source = _source(
        "tickets",
        Object,
        options,
        lambda client: client.tickets.search,
        text=text,
        status=status,
        date=date,
        author_id=author_id,
        sort=sort,
        properties=properties_of(property_),
        bbcode=bbcode,
    )
    run_export(source, options, server, context)


@_command("objects", "Tickets, topics, articles and announcements.")
def objects(
    context: typer.Context,
    *,
    text: Annotated[str | None, typer.Option(help="Only those this text finds.")] = None,
    ownership: Annotated[str | None, _known(Ownership, "Only this module")] = None,
    kind: Annotated[str | None, _known(ObjectKind, "Only this type", "--type")] = None,
    category_id: Annotated[int | None, typer.Option(min=1, help="Only of this category.")] = None,
    forum_id: Annotated[int | None, typer.Option(min=1, help="Only of this forum.")] = None,
    featured: Annotated[
        bool | None, typer.Option("--featured/--not-featured", help="Only such.")
    ] = None,
    status: Annotated[str | None, typer.Option(help="Only with this status.")] = None,
    sort: Annotated[str | None, typer.Option(help="Order.")] = None,
    options: ExportOptions,
    server: ServerOptions,
) -> None:
    """Export objects of every kind: what the search finds.

    \b
    Examples:
      useresponse-async export objects -o objects.jsonl
      useresponse-async export objects --ownership feedback --type idea -o ideas.csv
      useresponse-async export objects --text printer --fields id,title,url -o -
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    source = _source(
        "objects",
        Object,
        options,
        lambda client: client.objects.search,
        text=text,
        ownership=ownership,
        type=kind,
        category_id=category_id,
        forum_id=forum_id,
        featured=featured,
        status=status,
        sort=sort,
    )
    run_export(source, options, server, context)


@_command("comments", "Comments on all objects, or on one.")
def comments(
    context: typer.Context,
    *,
    object_id: Annotated[
        int | None, typer.Option(min=1, help="Only on this object; the rest needs it.")
    ] = None,
    is_private: Annotated[
        bool | None, typer.Option("--private/--public", help="Only such.")
    ] = None,
    sort: Annotated[str | None, _known(CommentSort, "Order by age")] = None,
    bbcode: Annotated[
        bool | None, typer.Option("--bbcode/--html", help="What the content comes as.")
    ] = None,
    options: ExportOptions,
    server: ServerOptions,
) -> None:
    """Export the comments on all objects, or on one.

    \b
    Examples:
      useresponse-async export comments -o comments.jsonl
      useresponse-async export comments --object-id 42 --sort asc -o comments.csv
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    filters = {"is_private": is_private, "sort": sort, "bbcode": bbcode}
    if object_id is None:
        if any(value is not None for value in filters.values()):
            raise MisuseError(
                "--private, --public, --sort, --bbcode and --html need --object-id: the API's list "
                "of all comments has no filters"
            )
        source = _source("comments", Comment, options, lambda client: client.comments.list)
    else:
        source = _source(
            "comments",
            Comment,
            options,
            lambda client: client.objects.comments,
            object_id=object_id,
            **filters,
        )
    run_export(source, options, server, context)


@_command("chats", "Chats with customers.")
def chats(
    context: typer.Context,
    *,
    author_id: Annotated[int | None, typer.Option(min=1, help="Only of this user.")] = None,
    options: ExportOptions,
    server: ServerOptions,
) -> None:
    """Export chats, each with its last message.

    \b
    Examples:
      useresponse-async export chats -o chats.jsonl
      useresponse-async export chats --author-id 7 -o chats.csv
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    source = _source("chats", Chat, options, lambda client: client.chats.list, author_id=author_id)
    run_export(source, options, server, context)
