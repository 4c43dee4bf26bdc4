"""``useresponse-async whoami``: shows the owner of the API key."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final

import anyio
import typer

from useresponse_async.cli._errors import Reporter, one_line
from useresponse_async.cli._key import KEY_HELP
from useresponse_async.cli._options import Connection, ServerOptions, with_groups
from useresponse_async.cli._output import harmless_json, say
from useresponse_async.cli._signals import termination_like_ctrl_c
from useresponse_async.models import User

EPILOG: Final = f"""
\b
Exit codes:
  0    the key is valid
  1    the key is invalid or the request failed; one line on standard error says why
  2    wrong usage
  130  interrupted by Ctrl-C (143 by SIGTERM, 129 by SIGHUP)
{KEY_HELP}"""


@with_groups
def whoami(
    context: typer.Context,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    server: ServerOptions,
) -> None:
    """Show the user that the API key belongs to.

    \b
    Examples:
      useresponse-async whoami
      useresponse-async whoami --json | jq -r .email
      useresponse-async whoami --api-key-file ~/.useresponse-key
    """  # noqa: D301 - \b is click's mark for a paragraph to leave as it is
    connection = server.connect(context.ensure_object(Reporter))
    with termination_like_ctrl_c():
        user = anyio.run(_me, connection)
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


async def _me(connection: Connection) -> User:
    async with connection.client as client:
        return await client.users.me()
