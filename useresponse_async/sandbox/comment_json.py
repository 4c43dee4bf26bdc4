"""How does a comment look on the wire?"""

from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.clock import ago, local_text, optional_text
from useresponse_async.sandbox.comment_records import CommentRecord
from useresponse_async.sandbox.object_records import ObjectRecord
from useresponse_async.sandbox.shared_json import attachments_json, content_json, person_json


def comment_json(call: Call, comment: CommentRecord, target: ObjectRecord) -> dict[str, object]:
    """Show a comment to somebody who may see it."""
    votes = comment.votes + len(comment.voters)
    return {
        "id": comment.id,
        "objectId": comment.object,
        "content": content_json(call, comment.content, is_html=comment.html),
        "author": person_json(call, comment.author),
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
