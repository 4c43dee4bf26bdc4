"""Comments on objects."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from starlette.responses import Response

from useresponse_async.sandbox._calls import Call, Routes, Viewer
from useresponse_async.sandbox._catalog import HELPDESK, KEY_HOLDERS, LONGEST_CONTENT
from useresponse_async.sandbox._changelog import Action
from useresponse_async.sandbox._files import attachments_json, read_uploads
from useresponse_async.sandbox._object_records import ObjectRecord, sees_object
from useresponse_async.sandbox._responses import Refusal, success, to_json
from useresponse_async.sandbox._seeding import Seeding
from useresponse_async.sandbox._text import ago, local_text, optional_text

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


def seeded_comment(seeding: Seeding, number: int) -> CommentRecord:
    """Return comment `number`; the same seed and number always give the same comment."""
    dice = seeding.dice("comment", number)
    target = seeding.commented_object(number)
    earlier = number - seeding.objects
    return CommentRecord(
        id=number,
        object=target,
        content=_CONTENTS[dice[0] % len(_CONTENTS)],
        author=KEY_HOLDERS["agent"] if dice[1] % 3 == 0 else seeding.somebody(dice[2:4]),
        created=seeding.commented(number),
        private=seeding.ownership_of(target) == HELPDESK and dice[4] % 5 == 0,
        reply_to=earlier if earlier > 0 and dice[5] % 4 == 0 else 0,
        votes=dice[6] % 12,
    )


class Comments:
    """The comments of one sandbox: computed from the seed until a call changes them."""

    def __init__(self, seeding: Seeding) -> None:
        self._seeding = seeding
        self.next_id: int = seeding.comments + 1
        self._changed: dict[int, CommentRecord] = {}
        self._added: dict[int, list[int]] = {}
        self._removed: set[int] = set()
        self._unlisted: set[int] = set()

    def get(self, number: int) -> CommentRecord | None:
        """Return a comment by id, in whatever state."""
        if not 0 < number < self.next_id or number in self._removed:
            return None
        return self._changed.get(number) or seeded_comment(self._seeding, number)

    def find(self, call: Call, number: int) -> CommentRecord:
        """Return a comment that the caller may see, or refuse it as not found."""
        comment = self.get(number)
        if comment is None or not _sees_comment(call.viewer, comment):
            raise Refusal(404)
        call.state.objects.find(call, comment.object)
        return comment

    def find_own(self, call: Call, number: int) -> CommentRecord:
        """Return a comment that the caller may change: staff any, a user their own."""
        call.require_key()
        comment = self.find(call, number)
        call.require_own(comment.author)
        return comment

    def add(self, comment: CommentRecord) -> None:
        """Add a comment with the next free id."""
        self.next_id = comment.id + 1
        self._added.setdefault(comment.object, []).append(comment.id)
        self.change(comment)

    def change(self, comment: CommentRecord) -> None:
        """Replace the record of a comment."""
        self._changed[comment.id] = comment
        if comment.state in _UNLISTED:
            self._unlisted.add(comment.id)
        else:
            self._unlisted.discard(comment.id)

    def remove_all_on(self, number: int) -> None:
        """Delete the comments on an object permanently."""
        for comment in self._on(number):
            self._removed.add(comment)
            self._changed.pop(comment, None)
        self._added.pop(number, None)

    def by(self, author: int) -> Sequence[CommentRecord]:
        """Return the listed comments of one user."""
        comments = (self._existing(number) for number in self.newest())
        return [comment for comment in comments if comment.author == author]

    def newest(self) -> Sequence[int]:
        """Return the ids of all listed comments, newest first."""
        gone = self._removed | self._unlisted
        return [number for number in range(self.next_id - 1, 0, -1) if number not in gone]

    def seen_on(self, number: int, viewer: Viewer) -> Sequence[int]:
        """Return the ids of an object's comments that a viewer sees, oldest first."""
        listed = [comment for comment in self._on(number) if comment not in self._unlisted]
        if viewer.is_staff:
            return listed
        return [comment for comment in listed if _sees_comment(viewer, self._existing(comment))]

    def best_json(self, call: Call, record: ObjectRecord) -> dict[str, object] | None:
        """Return the best comment of an object as JSON, or None."""
        best = self.get(record.best) if record.best else None
        if best is None or best.state == "trashed" or not _sees_comment(call.viewer, best):
            return None
        return comment_json(call, best, record)

    def _on(self, number: int) -> list[int]:
        # The seed has no comments on objects that were created later, whatever their id.
        if number > self._seeding.objects:
            return self._added.get(number, [])
        seeded = [n for n in self._seeding.comments_on(number) if n not in self._removed]
        return seeded + self._added.get(number, [])

    def _existing(self, number: int) -> CommentRecord:
        comment = self.get(number)
        if comment is None:
            raise LookupError(f"the sandbox has no comment {number}")
        return comment


def _sees_comment(viewer: Viewer, comment: CommentRecord) -> bool:
    """Return whether a viewer who sees the object also sees the comment."""
    if viewer.is_staff:
        return True
    if comment.private or comment.state == "trashed":
        return False
    return comment.state == "active" or comment.author == viewer.user_id


def comment_json(call: Call, comment: CommentRecord, target: ObjectRecord) -> dict[str, object]:
    """Return a comment as JSON for a caller who may see it."""
    votes = comment.votes + len(comment.voters)
    return {
        "id": comment.id,
        "objectId": comment.object,
        "content": call.content_json(comment.content, is_html=comment.html),
        "author": call.state.users.person_json(call.viewer, comment.author),
        "createdAt": local_text(comment.created),
        "createdAtPosix": comment.created,
        "createdAgo": ago(comment.created, call.now),
        "updatedAt": optional_text(comment.updated),
        "is_best": int(target.best == comment.id),
        "ownership": target.ownership,
        "replyToId": comment.reply_to or None,
        "attachments": attachments_json(call, comment.files),
        "votes": {
            "amount": votes,
            "canVote": call.viewer.user_id is not None,
            "isVoted": call.viewer.user_id in comment.voters,
            "plural": "vote" if votes == 1 else "votes",
        },
    }


def list_on_object(call: Call) -> Response:
    """List one page of an object's comments, without a page around them."""
    record = call.state.objects.find(call, call.id)
    private = call.query.flag("is_private")
    sort = call.query.choice("sort", ("asc", "desc"))
    call.query.flag("bbcode")
    call.query.check()
    comments = call.state.comments
    found = comments.seen_on(record.id, call.viewer)
    if private is not None:
        records = (comments.get(number) for number in found)
        found = [comment.id for comment in records if comment and comment.private == private]
    return _list(call, call.cut(found[::-1] if sort == "desc" else found))


def list_all(call: Call) -> Response:
    """List the comments on everything the caller may see, newest first."""
    call.query.flag("bbcode")
    found = call.state.comments.newest()
    if not call.viewer.is_staff:
        found = [number for number in found if _is_visible(call, number)]
    return _list(call, call.cut(found))


def _is_visible(call: Call, number: int) -> bool:
    comment = call.state.comments.get(number)
    record = call.state.objects.get(comment.object) if comment else None
    return (
        comment is not None
        and record is not None
        and _sees_comment(call.viewer, comment)
        and sees_object(call.viewer, record, call.state.today)
    )


def _list(call: Call, numbers: Iterable[int]) -> Response:
    shown: list[bytes] = []
    for number in numbers:
        comment = call.state.comments.get(number)
        record = call.state.objects.get(comment.object) if comment else None
        if comment is not None and record is not None:
            shown.append(to_json(comment_json(call, comment, record)))
    return call.listed(shown, under_success=True)


def create_comment(call: Call) -> Response:
    """Write a comment on an object, or a reply, which may leave the object out."""
    caller = call.require_key()
    body = call.body
    comments = call.state.comments
    reply_to = body.number("reply_to") or 0
    target = body.number("object_id", least=1, required=not reply_to)
    content = body.text("content", required=True, longest=LONGEST_CONTENT) or ""
    private = body.flag("is_private") or False
    html = body.flag("treat_as_html") or False
    files = read_uploads(call)
    body.check()
    replied = comments.get(reply_to)
    if target is None and replied is None:
        body.wrong("reply_to")
        body.check()
    record = call.state.objects.find(call, target or (replied.object if replied else 0))
    if record.closed or (private and not call.viewer.is_staff):
        raise Refusal(403)
    if reply_to and reply_to not in comments.seen_on(record.id, call.viewer):
        body.wrong("reply_to")
        body.check()
    waits = not call.viewer.is_staff and record.ownership != HELPDESK
    comment = CommentRecord(
        id=comments.next_id,
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
    comments.add(comment)
    after = replace(record, commented=call.now, activity=call.now)
    call.state.objects.change(after)
    call.state.changes.log(call, "object", record.id, Action("comment", None, str(comment.id)))
    return success(comment_json(call, comment, after))


def edit_comment(call: Call) -> Response:
    """Change the content of a comment."""
    comment = call.state.comments.find_own(call, call.id)
    body = call.body
    content = body.text("content", filled=True, longest=LONGEST_CONTENT)
    html = body.flag("treat_as_html") or False
    body.check()
    if content is None:
        return save_comment(call, comment)
    action = Action("comment", str(comment.id), content)
    return save_comment(call, comment, action, content=content, html=html, updated=call.now)


def trash(call: Call) -> Response:
    """Put a comment into the trash."""
    comment = call.state.comments.find_own(call, call.id)
    if comment.state == "trashed":
        return save_comment(call, comment)
    return save_comment(call, comment, state="trashed", came_from=comment.state)


def recover(call: Call) -> Response:
    """Take a comment out of the trash."""
    call.require_staff()
    comment = call.state.comments.find(call, call.id)
    if comment.state != "trashed":
        return save_comment(call, comment)
    return save_comment(call, comment, state=comment.came_from)


def toggle_best(call: Call) -> Response:
    """Make a comment the only best one of its object, or no longer."""
    call.require_key()
    comment = call.state.comments.find(call, call.id)
    record = call.state.objects.find(call, comment.object)
    call.require_own(record.author)
    best = 0 if record.best == comment.id else comment.id
    call.state.objects.save(call, record, best=best)
    return save_comment(call, comment)


def toggle_vote(call: Call) -> Response:
    """Add the caller's vote, or take it back."""
    caller = call.require_key()
    comment = call.state.comments.find(call, call.id)
    return save_comment(call, comment, voters=comment.voters ^ {caller})


def save_comment(call: Call, comment: CommentRecord, *actions: Action, **changes: Any) -> Response:
    """Store a comment with some fields changed, log a new state, and return the comment."""
    if changes:
        after = replace(comment, **changes)
        call.state.comments.change(after)
        if "state" in changes:
            actions = (Action("comment_state", comment.state, after.state), *actions)
        call.state.changes.log(call, "object", comment.object, *actions)
        comment = after
    record = call.state.objects.find(call, comment.object)
    return success(comment_json(call, comment, record))


COMMENT_ROUTES: Routes = {
    "/comments.json": {"GET": list_all, "POST": create_comment},
    "/objects/{id:int}/comments.json": {"GET": list_on_object},
    "/comments/{id:int}/edit.json": {"POST": edit_comment},
    "/comments/{id:int}/trash.json": {"POST": trash, "DELETE": trash},
    "/comments/{id:int}/recovery.json": {"POST": recover},
    "/comments/{id:int}/best/toggle.json": {"POST": toggle_best},
    "/comments/{id:int}/votes/toggle.json": {"POST": toggle_vote},
}
