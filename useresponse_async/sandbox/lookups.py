"""Which user, object or comment does a call mean, and may the caller know of it?"""

from http import HTTPStatus

from useresponse_async.sandbox.answers import Refusal
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.comment_records import CommentRecord
from useresponse_async.sandbox.object_records import ObjectRecord
from useresponse_async.sandbox.people import UserRecord
from useresponse_async.sandbox.visibility import sees_comment, sees_object


def find_user(call: Call, number: int) -> UserRecord:
    """Find a user.

    Raises:
        Refusal: a 404.
    """
    user = call.state.users.get(number)
    if user is None:
        raise Refusal(HTTPStatus.NOT_FOUND)
    return user


def find_object(call: Call, number: int) -> ObjectRecord:
    """Find an object that the caller may see.

    Raises:
        Refusal: a 404, also for what is only hidden.
    """
    record = call.state.objects.get(number)
    if record is None or not sees_object(call.eyes, record, call.state.today):
        raise Refusal(HTTPStatus.NOT_FOUND)
    return record


def find_own_object(call: Call, number: int) -> ObjectRecord:
    """Find an object that the caller may change: staff any, a user their own.

    Raises:
        Refusal: a 401 for a guest, a 404 for what the caller does not see, else a 403.
    """
    caller = call.require_key()
    record = find_object(call, number)
    if not call.viewer.is_staff and record.author != caller:
        raise Refusal(HTTPStatus.FORBIDDEN)
    return record


def find_comment(call: Call, number: int) -> CommentRecord:
    """Find a comment that the caller may see.

    Raises:
        Refusal: a 404, also for what is only hidden.
    """
    comment = call.state.comments.get(number)
    if comment is None or not sees_comment(call.eyes, comment):
        raise Refusal(HTTPStatus.NOT_FOUND)
    find_object(call, comment.object)
    return comment


def find_own_comment(call: Call, number: int) -> CommentRecord:
    """Find a comment that the caller may change: staff any, a user their own.

    Raises:
        Refusal: a 401 for a guest, a 404 for what the caller does not see, else a 403.
    """
    caller = call.require_key()
    comment = find_comment(call, number)
    if not call.viewer.is_staff and comment.author != caller:
        raise Refusal(HTTPStatus.FORBIDDEN)
    return comment
