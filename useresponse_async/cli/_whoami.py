"""``useresponse-async whoami``: shows the API key's owner."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer

from useresponse_async.cli._errors import Reporter, one_line
from useresponse_async.cli._options import ServerOptions, with_options
from useresponse_async.cli._output import harmless_json, say
from useresponse_async.cli._signals import run_async
from useresponse_async.models import User


@with_options
def whoami(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print the user as JSON.")] = False,
    server: ServerOptions,
) -> None:
    """Show the API key's owner.

    \b
    Examples:
      useresponse-async whoami
      useresponse-async whoami --json | jq -r .email
      useresponse-async whoami --api-key-file ~/.useresponse-key
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    connection = server.connect(context.ensure_object(Reporter))

    async def me() -> User:
        async with connection.client as client:
            return await client.users.me()

    user = run_async(me)
    facts: dict[str, Any] = {
        "name": user.name,
        "email": user.email,
        "role": user.role.alias if user.role else None,
        "id": user.id,
        "url": connection.url,
    }
    if as_json:
        say(harmless_json(json.dumps(facts, ensure_ascii=False)))
        return
    for name, value in facts.items():
        say(f"{name:<6} {'-' if value is None else one_line(str(value))}")
