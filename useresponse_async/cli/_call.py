"""``useresponse-async call``: calls any endpoint and shows its JSON."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import parse_qsl

import attrs
import httpx
import typer
from rich.console import Console
from rich.highlighter import JSONHighlighter

from useresponse_async._exceptions import APIStatusError, DecodeError
from useresponse_async.cli._errors import CommandError, MisuseError, Reporter, one_line
from useresponse_async.cli._key import without_key
from useresponse_async.cli._options import Connection, ServerOptions, pairs_of, with_options
from useresponse_async.cli._output import STANDARD_STREAM, harmless_json, say
from useresponse_async.cli._signals import run_async

_METHODS: Final = ["GET", "POST", "PUT", "DELETE"]
_BODY_OPTIONS: Final = ("--json", "--data", "-d")
_API_PATH: Final = re.compile(r"/?api/(\d[\w.-]*)/(.*)", re.DOTALL)


@with_options
def call(
    context: typer.Context,
    method: Annotated[
        str, typer.Argument(help="GET, POST, PUT or DELETE.", autocompletion=lambda: _METHODS)
    ],
    path: Annotated[
        str, typer.Argument(help="Path below /api/VERSION, e.g. /me.json, or the full URL.")
    ],
    *,
    param: Annotated[
        list[str] | None,
        typer.Option("--param", "-p", metavar="NAME=VALUE", help="A query parameter; repeatable."),
    ] = None,
    body: Annotated[
        str | None,
        typer.Option(
            *_BODY_OPTIONS,
            metavar="JSON",
            help="Request body: JSON, @FILE, or @- for standard input.",
        ),
    ] = None,
    include: Annotated[
        bool, typer.Option("--include", "-i", help="Also show the status and the headers.")
    ] = False,
    server: ServerOptions,
) -> None:
    """Call any endpoint of the API and show its JSON.

    On a terminal, the JSON is indented and coloured (NO_COLOR=1 disables colours). Otherwise it
    is printed as the server sent it. Your own API key is shown as ***.

    \b
    Examples:
      useresponse-async call GET /me.json
      useresponse-async call GET /users/search.json -p role=agent -p page=2
      useresponse-async call POST /comments.json -d '{"object_id": 42, "content": "Done"}'
      useresponse-async call PUT /objects/42.json -d @changes.json -i
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    reporter = context.ensure_object(Reporter)
    if body == "@-" and server.api_key_file == STANDARD_STREAM:
        raise MisuseError("--api-key-file - and @- cannot both read standard input")
    path, _, query = path.partition("?")
    pasted = [f"{name}={value}" for name, value in parse_qsl(query, keep_blank_values=True)]
    params = pairs_of([*pasted, *(param or ())])
    typed = (name for word in reporter.arguments for name in _BODY_OPTIONS if word.startswith(name))
    content = None if body is None else _json_of(body, next(typed, "--json"))
    path, version = _below_api(path, server)
    connection = attrs.evolve(server, api_version=version).connect(reporter)

    async def send() -> httpx.Response:
        async with connection.client as client:
            with client.capture_responses() as responses:
                await client.request(method.upper(), path, params=params, json=content)
        return responses[-1]

    try:
        response = run_async(send)
    except (APIStatusError, DecodeError) as error:
        if include:
            _show(error.response, connection, include=True)
        raise
    _show(response, connection, include=include)


def _below_api(path: str, server: ServerOptions) -> tuple[str, str]:
    """Return the path below ``/api/VERSION`` and the version, of a path or a full URL."""
    if "://" in path:
        base = f"{server.base_url()}".rstrip("/")
        if not path.lower().startswith(f"{base}/api/".lower()):
            raise MisuseError(f"the URL does not begin with {base}/api/, as --url requires")
        path = path[len(base) :]
    found = _API_PATH.fullmatch(path)
    return (found[2], found[1]) if found else (path, server.api_version)


def _json_of(text: str, option: str) -> Any:
    """Return the JSON in ``text``, in the file ``@name``, or with ``@-`` in standard input."""
    try:
        if text == "@-":
            return json.loads(sys.stdin.buffer.read())
        return json.loads(Path(text[1:]).read_bytes() if text.startswith("@") else text)
    except OSError as error:
        raise CommandError(f"{option}: {text[1:]}: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise MisuseError(f"{option}: not valid JSON: {error}") from None


def _show(response: httpx.Response, connection: Connection, *, include: bool) -> None:
    on_terminal = sys.stdout.isatty()
    if include:
        status = f"{response.http_version} {response.status_code} {response.reason_phrase}"
        headers = [f"{name}: {value}" for name, value in response.headers.items()]
        lines = [without_key(line, connection.key) for line in (status, *headers)]
        say("\n".join([*(map(one_line, lines) if on_terminal else lines), ""]))
    if not response.content:
        return
    text = without_key(response.content.decode("utf-8-sig", "backslashreplace"), connection.key)
    if not on_terminal:
        say(text.rstrip("\n"))
        return
    try:
        payload = json.loads(text)
    except (ValueError, RecursionError):
        say(text.rstrip("\n").encode("unicode_escape").decode())  # it could steer the terminal
        return
    console = Console()
    shown = harmless_json(json.dumps(payload, indent=2, ensure_ascii=False))
    try:
        shown.encode(console.encoding)
    except UnicodeEncodeError:
        shown = json.dumps(payload, indent=2)
    console.print(JSONHighlighter()(shown), soft_wrap=True)
