"""What do the calls do that list, write and edit comments?"""

from collections.abc import Iterable
from dataclasses import replace
from http import HTTPStatus

from starlette.responses import Response

from useresponse_async.sandbox.answers import Refusal, success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.changes import Action
from useresponse_async.sandbox.comment_json import comment_json
from useresponse_async.sandbox.comment_records import CommentRecord
from useresponse_async.sandbox.editing import log_object
from useresponse_async.sandbox.kinds import HELPDESK
from useresponse_async.sandbox.lookups import find_object, find_own_comment
from useresponse_async.sandbox.object_fields import LONGEST_CONTENT
from useresponse_async.sandbox.object_records import ObjectRecord
from useresponse_async.sandbox.pages import cut, listed
from useresponse_async.sandbox.routing import Routes
from useresponse_async.sandbox.visibility import sees_comment, sees_object
from useresponse_async.sandbox.wire import to_json


def list_on_object(call: Call) -> Response:
    """List an object's comments, a page's worth of them but without a page around."""
    record = find_object(call, call.id)
    private = call.query.flag("is_private")
    sort = call.query.choice("sort", ("asc", "desc"))
    call.query.flag("bbcode")
    call.query.check()
    found = call.state.comments.seen_on(record.id, call.eyes)
    if private is not None:
        found = [number for number in found if _is_private(call, number) == private]
    if sort == "desc":
        found = found[::-1]
    return _list(call, cut(call, found))


def list_all(call: Call) -> Response:
    """List the comments on everything the caller may see, newest first."""
    call.query.flag("bbcode")
    found = call.state.comments.newest()
    if not call.eyes.staff:
        found = [number for number in found if _shows(call, number)]
    return _list(call, cut(call, found))


def create_comment(call: Call) -> Response:
    """Write a comment."""
    caller = call.require_key()
    body = call.body
    target = body.number("object_id", least=1, required=True)
    content = body.text("content", required=True, longest=LONGEST_CONTENT) or ""
    private = body.flag("is_private") or False
    reply_to = body.number("reply_to") or 0
    html = body.flag("treat_as_html") or False
    files = _read_uploads(call)
    body.check()
    record = find_object(call, target or 0)
    if record.closed or (private and not call.viewer.is_staff):
        raise Refusal(HTTPStatus.FORBIDDEN)
    if reply_to and reply_to not in call.state.comments.seen_on(record.id, call.eyes):
        body.wrong("reply_to")
    body.check()
    waits = not call.viewer.is_staff and record.ownership != HELPDESK
    comment = call.state.comments.create(
        lambda number: CommentRecord(
            id=number,
            object=record.id,
            content=content,
            html=html,
            author=caller,
            created=call.now,
            private=private,
            state="moderation" if waits else "active",
            reply_to=reply_to,
            files=files,
        )
    )
    after = replace(record, commented=call.now, activity=call.now)
    call.state.objects.change(after)
    log_object(call, record.id, Action("comment", None, str(comment.id)))
    return success(to_json(comment_json(call, comment, after)))


def edit_comment(call: Call) -> Response:
    """Change what a comment says."""
    comment = find_own_comment(call, call.id)
    body = call.body
    content = body.text("content", filled=True, longest=LONGEST_CONTENT)
    html = body.flag("treat_as_html") or False
    body.check()
    if content is not None:
        comment = replace(comment, content=content, html=html, updated=call.now)
        call.state.comments.change(comment)
        log_object(call, comment.object, Action("comment", str(comment.id), content))
    return success(to_json(comment_json(call, comment, find_object(call, comment.object))))


COMMENT_ROUTES: Routes = {
    "/comments.json": {"GET": list_all, "POST": create_comment},
    "/objects/{id:int}/comments.json": {"GET": list_on_object},
    "/comments/{id:int}/edit.json": {"POST": edit_comment},
}


def _list(call: Call, numbers: Iterable[int]) -> Response:
    shown: list[bytes] = []
    for number in numbers:
        comment, record = _with_object(call, number)
        if comment is not None and record is not None:
            shown.append(to_json(comment_json(call, comment, record)))
    return listed(call, shown, under_success=True)


def _with_object(call: Call, number: int) -> tuple[CommentRecord | None, ObjectRecord | None]:
    comment = call.state.comments.get(number)
    return comment, call.state.objects.get(comment.object) if comment else None


def _shows(call: Call, number: int) -> bool:
    comment, record = _with_object(call, number)
    return (
        comment is not None
        and record is not None
        and sees_comment(call.eyes, comment)
        and sees_object(call.eyes, record, call.state.today)
    )


def _is_private(call: Call, number: int) -> bool:
    comment = call.state.comments.get(number)
    return comment is not None and comment.private


def _read_uploads(call: Call) -> tuple[str, ...]:
    tokens: list[str] = []
    for entry in call.body.entries("attachments") or ():
        file = call.state.files.get(entry.text("token", required=True) or "")
        name = entry.text("name")
        if file is None:
            call.body.wrong("attachments")
        else:
            tokens.append(call.state.files.renamed(file, name or file.name).token)
    return tuple(tokens)
