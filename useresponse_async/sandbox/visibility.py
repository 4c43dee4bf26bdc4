"""Who may see which object and which comment?"""

from typing import NamedTuple

from useresponse_async.sandbox.comment_records import CommentRecord
from useresponse_async.sandbox.kinds import ANNOUNCEMENTS, HELPDESK
from useresponse_async.sandbox.object_records import ObjectRecord

_WAITING = ("moderation", "declined")


class Eyes(NamedTuple):
    """Whose eyes: staff see everything, a user also what is theirs, a guest what is public."""

    staff: bool
    user: int | None


def sees_object(eyes: Eyes, record: ObjectRecord, today: int) -> bool:
    """Tell whether an object shows; `today` is when the day began."""
    if eyes.staff:
        return True
    if record.state == "trashed":
        return False
    if record.author == eyes.user:
        return True
    expired = record.ownership == ANNOUNCEMENTS and 0 < record.expires <= today
    return not (
        record.ownership == HELPDESK or record.private or record.state in _WAITING or expired
    )


def sees_comment(eyes: Eyes, comment: CommentRecord) -> bool:
    """Tell whether a comment shows to somebody who sees the object it is on."""
    if eyes.staff:
        return True
    if comment.private or comment.state == "trashed":
        return False
    return comment.state == "active" or comment.author == eyes.user
