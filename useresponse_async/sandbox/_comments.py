"""Comments on objects, and their moderation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Literal

from starlette.responses import Response

from useresponse_async.sandbox._calls import (
    Access,
    Call,
    Refusal,
    Routes,
    Viewer,
    bad_request,
    success,
)
from useresponse_async.sandbox._changelog import Action
from useresponse_async.sandbox._files import attachments_json
from useresponse_async.sandbox._installation import KEY_HOLDERS, LONGEST_CONTENT, Records, Seeding
from useresponse_async.sandbox._objects import ObjectRecord, read_reason, sees_object
from useresponse_async.sandbox._text import ago, local_text

CommentState = Literal["active", "trashed", "moderation", "declined"]

# States that no list shows.
_UNLISTED: tuple[CommentState, ...] = ("trashed", "declined")

_CONTENTS = (
    "Thank you, this helped.",
    "Could you send us a [b]screenshot[/b]?",
    "Same here.\nSince Monday.",
    "Fixed in the next release: see [url=https://example.com/news]the news[/url].",
    "Das hat geklappt, danke schön!",
    "1 < 2 & 3 > 2",
)


@dataclass(slots=True, kw_only=True)
class CommentRecord:
    """All data of one comment; an id of 0 means none.

    `votes` counts those from before the start, `voters` are the users who have voted since.
    `came_from` is the state from before the trash.
    """

    id: int
    object: int
    content: str
    author: int
    created: int
    html: bool = False
    updated: int | None = None
    private: bool = False
    state: CommentState = "active"
    came_from: CommentState = "active"
    reply_to: int = 0
    files: tuple[str, ...] = ()
    votes: int = 0
    voters: frozenset[int] = frozenset()


def _seeded(seeding: Seeding, number: int) -> CommentRecord:
    dice = seeding.dice("comment", number)
    target = (number - 1) % seeding.objects + 1
    earlier = number - seeding.objects
    return CommentRecord(
        id=number,
        object=target,
        content=_CONTENTS[dice[0] % len(_CONTENTS)],
        author=KEY_HOLDERS["agent"] if dice[1] % 3 == 0 else seeding.somebody(dice[2:4]),
        created=seeding.commented(number),
        private=seeding.ownership_of(target) == "helpdesk" and dice[4] % 5 == 0,
        reply_to=earlier if earlier > 0 and dice[5] % 4 == 0 else 0,
        votes=dice[6] % 12,
    )


class Comments(Records[CommentRecord]):
    what = "comment"

    def __init__(self, seeding: Seeding) -> None:
        super().__init__(partial(_seeded, seeding), seeding.comments)
        self._seeding = seeding
        self._added: dict[int, list[int]] = {}

    def find(self, call: Call, *, own: bool = False) -> CommentRecord:
        """Return the comment of a call if the caller may see it, and with `own` also change it."""
        comment = self.get(call.id)
        if comment is None or not _sees_comment(call.viewer, comment):
            raise Refusal(404)
        call.state.objects.find(call, comment.object)
        if own:
            call.require_own(comment.author)
        return comment

    def add(self, record: CommentRecord) -> None:
        self._added.setdefault(record.object, []).append(record.id)
        super().add(record)

    def remove_all_on(self, number: int) -> None:
        for comment in self._on(number):
            self.remove(comment)
        self._added.pop(number, None)

    def trash_all_by(self, author: int) -> None:
        for comment in map(self.existing, self.newest()):
            if comment.author == author:
                self.change(replace(comment, state="trashed", came_from=comment.state))

    def newest(self) -> Sequence[int]:
        """Return the ids of all listed comments, newest first."""
        return self._listed(range(self.next_id - 1, 0, -1))

    def seen_on(self, number: int, viewer: Viewer) -> Sequence[int]:
        """Return the ids of an object's comments that a viewer sees, oldest first."""
        listed = self._listed(self._on(number))
        if viewer.is_staff:
            return listed
        return [comment for comment in listed if _sees_comment(viewer, self.existing(comment))]

    def best_json(self, call: Call, record: ObjectRecord) -> dict[str, object] | None:
        best = self.get(record.best) if record.best else None
        if best is None or best.state == "trashed" or not _sees_comment(call.viewer, best):
            return None
        return _json(call, best, record)

    def _on(self, number: int) -> list[int]:
        # The seed has no comments on objects that were created later.
        is_seeded = number <= self._seeding.objects
        seeded = self._seeding.comments_on(number) if is_seeded else ()
        return [*seeded, *self._added.get(number, ())]

    def _listed(self, numbers: Iterable[int]) -> list[int]:
        changed, removed = self._changed, self._removed
        return [
            number
            for number in numbers
            if number not in removed
            and (number not in changed or changed[number].state not in _UNLISTED)
        ]


def _sees_comment(viewer: Viewer, comment: CommentRecord) -> bool:
    """Return whether a viewer who sees the object also sees the comment."""
    if viewer.is_staff:
        return True
    if comment.private or comment.state == "trashed":
        return False
    return comment.state == "active" or comment.author == viewer.user_id


def _json(call: Call, comment: CommentRecord, target: ObjectRecord) -> dict[str, object]:
    votes = comment.votes + len(comment.voters)
    return {
        "id": comment.id,
        "objectId": comment.object,
        "content": call.content_json(comment.content, is_html=comment.html),
        "author": call.state.users.person_json(call.viewer, comment.author),
        "createdAt": local_text(comment.created),
        "createdAtPosix": comment.created,
        "createdAgo": ago(comment.created, call.now),
        "updatedAt": comment.updated and local_text(comment.updated),
        "is_best": int(target.best == comment.id),
        "ownership": target.ownership,
        "replyToId": comment.reply_to or None,
        "attachments": attachments_json(call, comment.files),
        "votes": {
            "amount": votes,
            "canVote": call.caller != 0,
            "isVoted": call.caller in comment.voters,
            "plural": "vote" if votes == 1 else "votes",
        },
    }


def list_on_object(call: Call) -> Response:
    """List one page of an object's comments, bare."""
    record = call.state.objects.find(call, call.id)
    private = call.query.flag("is_private")
    sort = call.query.choice("sort", ("asc", "desc"))
    call.query.flag("bbcode")
    call.query.check()
    comments = call.state.comments
    found = comments.seen_on(record.id, call.viewer)
    if private is not None:
        found = [n for n in found if comments.existing(n).private == private]
    return _list(call, call.cut(found[::-1] if sort == "desc" else found))


def list_all(call: Call) -> Response:
    call.query.flag("bbcode")
    comments, objects = call.state.comments, call.state.objects
    found = comments.newest()
    if not call.viewer.is_staff:
        found = [
            comment.id
            for comment in map(comments.existing, found)
            if _sees_comment(call.viewer, comment)
            and sees_object(call.viewer, objects.existing(comment.object))
        ]
    return _list(call, call.cut(found))


def _list(call: Call, numbers: Iterable[int]) -> Response:
    shown = [
        _json(call, comment, call.state.objects.existing(comment.object))
        for comment in map(call.state.comments.existing, numbers)
    ]
    return call.listed(shown, under_success=True)


def create_comment(call: Call) -> Response:
    """Create a comment on an object, or a reply, which may omit the object."""
    body = call.body
    comments = call.state.comments
    reply_to = body.number("reply_to") or 0
    target = body.number("object_id", least=1, required=not reply_to)
    content = body.text("content", required=True, longest=LONGEST_CONTENT) or ""
    private = body.flag("is_private") or False
    html = body.flag("treat_as_html") or False
    files = _read_files(call)
    body.check()
    replied = comments.get(reply_to)
    if target is None and replied is None:
        raise bad_request("reply_to")
    record = call.state.objects.find(call, target or (replied.object if replied else 0))
    if record.closed or (private and not call.viewer.is_staff):
        raise Refusal(403)
    if reply_to and reply_to not in comments.seen_on(record.id, call.viewer):
        raise bad_request("reply_to")
    waits = not call.viewer.is_staff and record.ownership != "helpdesk"
    comment = CommentRecord(
        id=comments.next_id,
        object=record.id,
        content=content,
        html=html,
        author=call.caller,
        created=call.now,
        private=private,
        state="moderation" if waits else "active",
        reply_to=reply_to,
        files=files,
    )
    comments.add(comment)
    after = replace(record, commented=call.now, activity=call.now)
    call.state.objects.change(after)
    call.state.changes.log(call, "object", record.id, Action("comment", None, str(comment.id)))
    return success(_json(call, comment, after))


def _read_files(call: Call) -> tuple[str, ...]:
    files = call.state.files
    tokens: list[str] = []
    for entry in call.body.entries("attachments"):
        file = files.get(entry.text("token", required=True) or "")
        name = entry.text("name")
        if file is None:
            call.body.wrong("attachments")
        elif name in (None, "", file.name):
            tokens.append(file.token)
        else:
            tokens.append(files.add(name or "", file.content).token)
    return tuple(tokens)


def edit_comment(call: Call) -> Response:
    comment = call.state.comments.find(call, own=True)
    body = call.body
    content = body.text("content", filled=True, longest=LONGEST_CONTENT)
    html = body.flag("treat_as_html") or False
    body.check()
    if content is None:
        return _save(call, comment)
    action = Action("comment", str(comment.id), content)
    return _save(call, comment, action, content=content, html=html, updated=call.now)


def trash(call: Call) -> Response:
    comment = call.state.comments.find(call, own=True)
    if comment.state == "trashed":
        return _save(call, comment)
    return _save(call, comment, state="trashed", came_from=comment.state)


def recover(call: Call) -> Response:
    comment = call.state.comments.find(call)
    if comment.state != "trashed":
        return _save(call, comment)
    return _save(call, comment, state=comment.came_from)


def toggle_best(call: Call) -> Response:
    """Make a comment the best one of its object, or undo that."""
    comment = call.state.comments.find(call)
    record = call.state.objects.find(call, comment.object)
    call.require_own(record.author)
    best = 0 if record.best == comment.id else comment.id
    call.state.objects.save(call, record, best=best)
    return _save(call, comment)


def toggle_vote(call: Call) -> Response:
    comment = call.state.comments.find(call)
    return _save(call, comment, voters=comment.voters ^ {call.caller})


def approve(call: Call) -> Response:
    return _save(call, call.state.comments.find(call), state="active")


def decline(call: Call) -> Response:
    comment = call.state.comments.find(call)
    return _save(call, comment, *read_reason(call), state="declined")


def _save(call: Call, comment: CommentRecord, *actions: Action, **changes: Any) -> Response:
    """Store a comment with some fields changed, log a new state, and return the comment."""
    if changes:
        after = replace(comment, **changes)
        call.state.comments.change(after)
        if "state" in changes:
            actions = (Action("comment_state", comment.state, after.state), *actions)
        call.state.changes.log(call, "object", comment.object, *actions)
        comment = after
    record = call.state.objects.find(call, comment.object)
    return success(_json(call, comment, record))


COMMENT_ROUTES: Routes = {
    "GET /comments.json": (Access.GUEST, list_all),
    "POST /comments.json": (Access.USER, create_comment),
    "GET /objects/{id}/comments.json": (Access.GUEST, list_on_object),
    "POST /comments/{id}/edit.json": (Access.USER, edit_comment),
    "POST /comments/{id}/trash.json": (Access.USER, trash),
    "DELETE /comments/{id}/trash.json": (Access.USER, trash),
    "POST /comments/{id}/recovery.json": (Access.STAFF, recover),
    "POST /comments/{id}/best/toggle.json": (Access.USER, toggle_best),
    "POST /comments/{id}/votes/toggle.json": (Access.USER, toggle_vote),
    "POST /comment/{id}/approve.json": (Access.STAFF, approve),
    "POST /comment/{id}/decline.json": (Access.STAFF, decline),
}
