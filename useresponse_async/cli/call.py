"""What does ``useresponse-async call`` do? It calls any endpoint, and shows the answer."""

from __future__ import annotations

import json
import sys
from typing import Annotated, Any, Final

import anyio
import attrs
import httpx
import typer
from rich.console import Console
from rich.highlighter import JSONHighlighter

from useresponse_async._exceptions import APIStatusError, DecodeError
from useresponse_async.cli.failures import Failures, MisuseError, one_line
from useresponse_async.cli.help_texts import KEY_HELP
from useresponse_async.cli.key import without_key
from useresponse_async.cli.option_groups import with_groups
from useresponse_async.cli.output import say
from useresponse_async.cli.params import json_of, pairs_of, path_and_query
from useresponse_async.cli.server import Connection, ServerOptions
from useresponse_async.cli.signals import termination_like_ctrl_c
from useresponse_async.cli.terminal import harmless_json

__all__ = ["EPILOG", "call"]

EPILOG: Final = f"""
\b
On a terminal the JSON is indented and coloured (NO_COLOR=1: not coloured); elsewhere it is as the
server sent it. Your own API key is shown as ***.
\b
Exit codes:
  0    done
  1    failed; one line on standard error says why
  2    wrong usage
  130  interrupted by Ctrl-C (143 by SIGTERM, 129 by SIGHUP)
  141  the reader of the pipe has gone
{KEY_HELP}"""

_METHODS: Final = ["GET", "POST", "PUT", "DELETE"]


@attrs.frozen(kw_only=True)
class _Request:
    method: str
    path: str
    params: dict[str, str]
    json: Any


@with_groups
def call(
    context: typer.Context,
    method: Annotated[
        str, typer.Argument(help="GET, POST, PUT or DELETE.", autocompletion=lambda: _METHODS)
    ],
    path: Annotated[str, typer.Argument(help="The path below /api/VERSION, e.g. /me.json.")],
    *,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="A query parameter; repeatable."),
    ] = None,
    body: Annotated[
        str | None,
        typer.Option(
            "--json",
            "--data",
            "-d",
            metavar="JSON",
            help="What to send: JSON, @FILE, or @- (stdin).",
        ),
    ] = None,
    include: Annotated[
        bool, typer.Option("--include", "-i", help="Show the status and the headers too.")
    ] = False,
    server: ServerOptions,
) -> None:
    """Call any endpoint of the API and show its JSON.

    \b
    Examples:
      useresponse-async call GET /me.json
      useresponse-async call GET /users/search.json -p role=agent -p page=2
      useresponse-async call POST /comments.json -d '{"object_id": 42, "content": "Done"}'
      useresponse-async call PUT /objects/42.json -d @changes.json -i
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    if body == "@-" and server.api_key_file == "-":
        raise MisuseError("standard input cannot be both the API key and the JSON")
    path, params = path_and_query(path, pairs_of(param))
    request = _Request(
        method=method.upper(),
        path=path,
        params=params,
        json=None if body is None else json_of(body),
    )
    connection = server.connect(context.ensure_object(Failures))
    with termination_like_ctrl_c():
        try:
            response = anyio.run(_answer, connection, request)
        except (APIStatusError, DecodeError) as error:
            if include:
                _show(error.response, connection, include=True)
            raise
    _show(response, connection, include=include)


async def _answer(connection: Connection, request: _Request) -> httpx.Response:
    async with connection.client as client:
        with client.capture_responses() as responses:
            await client.request(
                request.method, request.path, params=request.params, json=request.json
            )
    return responses[-1]


def _show(response: httpx.Response, connection: Connection, *, include: bool) -> None:
    if include:
        status = f"{response.http_version} {response.status_code} {response.reason_phrase}"
        headers = [f"{name}: {value}" for name, value in response.headers.items()]
        lines = [without_key(line, connection.key) for line in (status, *headers)]
        say("\n".join([*map(one_line, lines), ""] if sys.stdout.isatty() else [*lines, ""]))
    if not response.content:
        return
    text = without_key(response.content.decode("utf-8-sig", "backslashreplace"), connection.key)
    if sys.stdout.isatty():
        _show_on_terminal(text)
    else:
        say(text.rstrip("\n"))


def _show_on_terminal(text: str) -> None:
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        say(text.rstrip("\n").encode("unicode_escape").decode())  # it could steer the terminal
        return
    shown = harmless_json(json.dumps(payload, indent=2, ensure_ascii=False))
    Console().print(JSONHighlighter()(shown), soft_wrap=True)
