"""Which fields of an object does a call set, and to what?"""

from typing import Any

from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.categories import CATEGORIES
from useresponse_async.sandbox.custom_fields import OBJECT_FIELDS, fields_for
from useresponse_async.sandbox.fields import Fields
from useresponse_async.sandbox.user_fields import read_email, read_team

LONGEST_TITLE = 100
LONGEST_CONTENT = 12_000

#: What only staff may decide about an object.
FOR_STAFF = ("force_author", "responsible_id", "team_id", "status_id")

#: A file's name and what is in it.
NewFile = tuple[str, bytes]


def read_object_fields(call: Call, ownership: str | None) -> dict[str, Any]:
    """Read what creating and editing have in common, as fields of an object's record.

    What was not sent is not in it; what was wrong is remembered by the call's body.
    """
    body = call.body
    sent = {
        "title": body.text("title", filled=True, longest=LONGEST_TITLE),
        "content": body.text("content", longest=LONGEST_CONTENT),
        "category": _category(body, ownership),
        "responsible": _responsible(call),
        "team": read_team(body),
        "tags": body.texts("tags"),
        "private": body.flag("is_private"),
        "author": _author(call),
        "html": body.flag("treat_as_html"),
        "expires": _expires(body),
    }
    changes = {name: value for name, value in sent.items() if value is not None}
    if "content" in changes:
        changes.setdefault("html", False)
    elif "html" in changes:
        del changes["html"]
    return changes


def read_properties(call: Call) -> dict[int, tuple[str, ...]]:
    """Read an object's custom fields, of those the caller may see."""
    known = [custom.id for custom in fields_for("tickets", staff=call.viewer.is_staff)]
    return call.body.properties(known)


def merged(
    old: dict[int, tuple[str, ...]], new: dict[int, tuple[str, ...]]
) -> dict[int, tuple[str, ...]]:
    """Put new values of custom fields over old ones; an empty one takes its field away."""
    return {number: values for number, values in (old | new).items() if values}


def read_filter(call: Call) -> tuple[tuple[int, tuple[str, ...]], ...]:
    """Read the custom fields that a list is filtered by."""
    return tuple(call.query.properties(OBJECT_FIELDS).items())


def read_new_files(body: Fields) -> list[NewFile]:
    """Read the files that come inside of a call, with a name and a content each."""
    files: list[NewFile] = []
    for entry in body.entries("attachments") or ():
        name = entry.text("name", required=True)
        content = entry.content("body")
        if name is None or content is None:
            body.wrong("attachments")
        else:
            files.append((name, content))
    return files


def keep_files(call: Call, files: list[NewFile]) -> tuple[str, ...]:
    """Keep files; give their tokens."""
    return tuple(call.state.files.add(name, content).token for name, content in files)


def _category(body: Fields, ownership: str | None) -> int | None:
    number = body.number("category_id")
    if number:
        category = CATEGORIES.get(number)
        if category is None or category.ownership not in (None, ownership or category.ownership):
            body.wrong("category_id")
    return number


def _responsible(call: Call) -> int | None:
    number = call.body.number("responsible_id")
    if number:
        user = call.state.users.get(number)
        if user is None or user.role == "user":
            call.body.wrong("responsible_id")
    return number


def _author(call: Call) -> int | None:
    text = call.body.text("force_author", filled=True)
    if text is None:
        return None
    users = call.state.users
    if text.isascii() and text.isdigit():
        number = call.body.number("force_author", least=1)
        user = users.get(number) if number else None
        found = user.id if user else None
    else:
        found = users.with_email(text)
    if found is None:
        call.body.wrong("force_author")
    return found


def _expires(body: Fields) -> int | None:
    select = body.choice("expire_select", ("never", "on_date"))
    day = body.day("expires_at")
    if select == "on_date" and day is None:
        body.wrong("expires_at")
    return 0 if select == "never" else day


def read_recipient(body: Fields) -> tuple[str, ...]:
    """Read who else is told about a new object."""
    email = read_email(body, "notify_email")
    body.text("notify_name")
    return (email,) if email else ()
