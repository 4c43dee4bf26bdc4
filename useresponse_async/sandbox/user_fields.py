"""Which fields of a user does a call set, and to what?"""

import re
from http import HTTPStatus

from useresponse_async.sandbox.answers import Refusal
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.catalog import TEAMS
from useresponse_async.sandbox.fields import Fields

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def read_email(body: Fields, name: str = "email", *, required: bool = False) -> str | None:
    """Read an address."""
    email = body.text(name, required=required, filled=True)
    if email is not None and not _EMAIL.fullmatch(email):
        body.wrong(name)
    return email


def read_team(body: Fields) -> int | None:
    """Read a team's id; 0 stands for none."""
    team = body.number("team_id")
    if team and team not in TEAMS:
        body.wrong("team_id")
    return team


def refuse_duplicate(call: Call, email: str, owner: int | None = None) -> None:
    """Refuse an address that somebody other than its owner has.

    Raises:
        Refusal: a 409.
    """
    if call.state.users.with_email(email) not in (None, owner):
        raise Refusal(HTTPStatus.CONFLICT)


def short_name(name: str) -> str:
    """Shorten a name as the installation does."""
    first, _, last = name.partition(" ")
    return f"{first} {last[0]}." if last else first
