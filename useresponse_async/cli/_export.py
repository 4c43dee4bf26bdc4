"""``useresponse-async export``: a command for each kind of record, with its filters."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Callable
from datetime import datetime, timezone
from typing import Annotated, Any, Final, TypeAlias

import attrs
import typer

from useresponse_async._client import AsyncClient
from useresponse_async._pagination import Pages
from useresponse_async.cli._errors import CommandError, MisuseError, Reporter
from useresponse_async.cli._export_file import FileExport
from useresponse_async.cli._export_run import ExportOptions, Source, Summary, export_to_stream
from useresponse_async.cli._key import EPILOG
from useresponse_async.cli._options import ServerOptions, known_values, pairs_of, with_options
from useresponse_async.cli._signals import run_async
from useresponse_async.models import Chat, Comment, Object, User
from useresponse_async.models._wire import Model
from useresponse_async.resources._objects import CommentSort, ObjectKind, Ownership
from useresponse_async.resources._tickets import TicketDate, TicketSort, TicketStatus
from useresponse_async.resources._topics import TopicKind
from useresponse_async.resources._users import UserRole, UserSort

_Method: TypeAlias = Callable[..., Pages[Any]]


@attrs.frozen
class _Export:
    """A command that exports the list that a method of a client returns for ``filters``."""

    model: type[Model]
    method: Callable[[AsyncClient], _Method]
    filters: dict[str, Any]
    help: str
    examples: tuple[str, ...]


def _text(what: str) -> Any:
    return Annotated[str | None, typer.Option(metavar="TEXT", help=what)]


def _number(what: str) -> Any:
    return Annotated[int | None, typer.Option(metavar="ID", min=1, help=what)]


def _flag(names: str, what: str) -> Any:
    return Annotated[bool | None, typer.Option(names, help=what)]


def _comments(client: AsyncClient) -> _Method:
    def comments_of(*, object_id: int | None = None, **filters: Any) -> Pages[Comment]:
        if object_id is None:
            return client.comments.list(**filters)
        return client.objects.comments(object_id, **filters)

    return comments_of


_BBCODE: Final = _flag("--bbcode/--html", "Format of the content; default: the server's.")
_AUTHOR: Final = _number("Only those of the author with this id.")
_SINCE: Final = Annotated[
    str | None,
    typer.Option(
        metavar="DATE|DATETIME",
        help="Only those with activity since then, most recently active first; in UTC unless it "
        "has a UTC offset.",
    ),
]
_PROPERTIES: Final = Annotated[
    list[str] | None,
    typer.Option(
        "--property",
        metavar="ID=VALUE",
        help="Only those whose custom field ID has this value; repeatable.",
    ),
]
_IN_COMMUNITY: Final = {
    "category_id": _number("Only those in the category with this id."),
    "forum_id": _number("Only those in the forum with this id."),
    "featured": _flag("--featured/--not-featured", "Only those that are featured, or are not."),
    "status": _text("Only those with this status."),
    "sort": _text("Sort order, by its name on the server."),
}

_EXPORTS: Final = {
    "users": _Export(
        User,
        lambda client: client.users.search,
        {
            "role": known_values(UserRole, "Only users with this role"),
            "search": _text("Only users that contain this text."),
            "email": _text("Only the user with this email address."),
            "sort": known_values(UserSort, "The server's sort order"),
        },
        "Export users: customers, agents and administrators.",
        (
            "-o users.jsonl",
            "--role agent --fields id,name,email -o agents.csv",
            "-o users.jsonl --resume",
            "-o - | jq -r .email",
        ),
    ),
    "tickets": _Export(
        Object,
        lambda client: client.tickets.search,
        {
            "text": _text("Only those that contain this text."),
            "status": known_values(TicketStatus, "Only tickets with this status"),
            "date": known_values(TicketDate, "Only tickets of this period"),
            "author_id": _AUTHOR,
            "sort": known_values(TicketSort, "The server's sort order"),
            "properties": _PROPERTIES,
            "bbcode": _BBCODE,
            "since": _SINCE,
        },
        "Export help-desk tickets.",
        (
            "-o tickets.jsonl",
            "--since 2026-11-01 -o changed.jsonl",
            "--status opened --date this_week -o open.csv",
            "--author-id 7 --property 12=EU -o tickets.parquet",
        ),
    ),
    "topics": _Export(
        Object,
        lambda client: client.topics.search,
        {
            "text": _text("Only those that contain this text."),
            "type": known_values(TopicKind, "Only topics of this type"),
            **_IN_COMMUNITY,
            "since": _SINCE,
        },
        "Export topics: ideas, problems, questions and thanks.",
        (
            "-o topics.jsonl",
            "--type idea --status planned -o ideas.csv",
            "--since 2026-11-01T08:00:00+01:00 -o changed.jsonl",
        ),
    ),
    "objects": _Export(
        Object,
        lambda client: client.objects.search,
        {
            "text": _text("Only those that contain this text."),
            "ownership": known_values(Ownership, "Only objects in this module"),
            "type": known_values(ObjectKind, "Only objects of this type"),
            **_IN_COMMUNITY,
        },
        "Export objects: tickets, topics, articles, announcements.",
        (
            "-o objects.jsonl",
            "--ownership feedback --type idea -o ideas.csv",
            "--text printer --fields id,title,url -o -",
        ),
    ),
    "comments": _Export(
        Comment,
        _comments,
        {
            "object_id": _number(
                "Only comments on the object with this id; required by the other filters."
            ),
            "is_private": _flag("--private/--public", "Only private, or only public comments."),
            "sort": known_values(CommentSort, "asc for oldest first, desc for newest first"),
            "bbcode": _BBCODE,
        },
        "Export the comments on all objects, or on one.",
        ("-o comments.jsonl", "--object-id 42 --sort asc -o comments.csv"),
    ),
    "chats": _Export(
        Chat,
        lambda client: client.chats.list,
        {"author_id": _AUTHOR},
        "Export chats, each with its last message.",
        ("-o chats.jsonl", "--author-id 7 -o chats.csv"),
    ),
}

app: Final[typer.Typer] = typer.Typer(rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def export(context: typer.Context) -> None:
    """Export records to JSON Lines, CSV or Parquet.

    \b
    Examples:
      useresponse-async export users -o users.jsonl
      useresponse-async export tickets --status opened -o tickets.csv
      useresponse-async export objects --type idea -o ideas.parquet
      useresponse-async export users -o users.jsonl --resume
      useresponse-async export users -o - | jq .email

    \b
    Unfinished exports:
      Until a file is complete, its content is in FILE.part and its options are in FILE.resume;
      only you can read them. To continue, run the same command with --resume.
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


def _add_command(things: str, export: _Export) -> None:
    def command(
        context: typer.Context, *, options: ExportOptions, server: ServerOptions, **filters: Any
    ) -> None:
        reporter = context.ensure_object(Reporter)
        source = _source(things, export, options, **filters)
        options.check(source.model)
        connection = server.connect(reporter, quiet=options.quiet)

        async def run() -> Summary | None:
            if options.is_stream:
                return await export_to_stream(source, options, connection)
            return await FileExport(source, options, connection, reporter).run()

        try:
            summary = run_async(run)
        except OSError as error:
            where = error.filename or options.output_name
            raise CommandError(f"{where}: {error.strerror or error}") from error
        if summary and not options.quiet:
            summary.tell(reporter, options.output_name)

    examples = "\n".join(f"  useresponse-async export {things} {it}" for it in export.examples)
    text = f"{export.help}\n\n\b\nExamples:\n{examples}"
    app.command(things, help=text, epilog=EPILOG)(with_options(command, export.filters))


for _things, _export in _EXPORTS.items():
    _add_command(_things, _export)


def _source(
    things: str,
    export: _Export,
    options: ExportOptions,
    *,
    since: str | None = None,
    properties: list[str] | None = None,
    **filters: Any,
) -> Source:
    """Return the list to export, with the filters of the command."""
    params = pairs_of(options.param)
    named = {name: value for name, value in filters.items() if value is not None}
    if properties:
        pairs = pairs_of(properties, option="--property")
        if not all(map(str.isdecimal, pairs)):
            raise MisuseError("--property: the id of a custom field is a number, as in 12=EU")
        named["properties"] = {int(field_id): value for field_id, value in pairs.items()}
    if things == "comments" and named and "object_id" not in named:
        raise MisuseError(
            "--private, --public, --sort, --bbcode and --html need --object-id: the API does not "
            "filter the list of all comments"
        )

    def pages(client: AsyncClient, page: int) -> Pages[Any]:
        return export.method(client)(page=page, count=options.page_size, params=params, **named)

    # All filters, because a resumed export must have the same ones.
    asked = {**dict.fromkeys(export.filters), **named, "param": params}
    source = Source(things=things, model=export.model, filters=asked, pages=pages)
    if since is None:
        return source
    if named:
        raise MisuseError("--since can be combined only with the filter --param")
    moment = _moment_of(since)

    def changes(client: AsyncClient) -> AsyncGenerator[Object, None]:
        resource = client.tickets if things == "tickets" else client.topics
        return resource.changed_since(moment, count=options.page_size, params=params)

    return attrs.evolve(source, changes=changes, filters=asked | {"since": moment.isoformat()})


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
