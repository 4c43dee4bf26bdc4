"""What does the API speak of? Plain data, one file per resource, each loaded on first use.

Names are the wire's in snake_case; where the wire differs, the name stands beside the field.
What the server leaves out is ``None`` or an empty list, what it sends beyond is in ``extra``.

Times have one rule. Where the wire has Unix seconds (``createdAtPosix``) the field is an aware
UTC ``datetime`` under the plain name (``created_at``), and the local text that comes beside it
(``createdAt``) has ``_text`` added (``created_at_text``). Where the wire has local text alone
(``lastVisitAt``) it stays text under the plain name (``last_visit_at``), since the API does not
give the zone. The type says which: text is never turned into a ``datetime``.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from useresponse_async.models.attached_file import AttachedFile, FileName
    from useresponse_async.models.category import Category, CategoryImage
    from useresponse_async.models.changelog import Changelog, ChangelogAction
    from useresponse_async.models.chat import Chat, Message
    from useresponse_async.models.comment import Comment, CommentVotes
    from useresponse_async.models.custom_field import CustomField, FieldOption
    from useresponse_async.models.forum import Forum
    from useresponse_async.models.note import UserNote
    from useresponse_async.models.object import (
        Link,
        Object,
        ObjectType,
        ObjectVotes,
        Source,
        State,
        TypeIcon,
        TypeSupport,
        TypeTitle,
    )
    from useresponse_async.models.page import Page
    from useresponse_async.models.report import Report, ReportGroup, ReportPage
    from useresponse_async.models.status import Status, StatusColor
    from useresponse_async.models.uploaded_file import UploadedFile
    from useresponse_async.models.user import Avatar, FieldValue, Role, Team, User

__all__ = [
    "AttachedFile",
    "Avatar",
    "Category",
    "CategoryImage",
    "Changelog",
    "ChangelogAction",
    "Chat",
    "Comment",
    "CommentVotes",
    "CustomField",
    "FieldOption",
    "FieldValue",
    "FileName",
    "Forum",
    "Link",
    "Message",
    "Object",
    "ObjectType",
    "ObjectVotes",
    "Page",
    "Report",
    "ReportGroup",
    "ReportPage",
    "Role",
    "Source",
    "State",
    "Status",
    "StatusColor",
    "Team",
    "TypeIcon",
    "TypeSupport",
    "TypeTitle",
    "UploadedFile",
    "User",
    "UserNote",
]

_HOMES = {
    "attached_file": "AttachedFile FileName",
    "category": "Category CategoryImage",
    "changelog": "Changelog ChangelogAction",
    "chat": "Chat Message",
    "comment": "Comment CommentVotes",
    "custom_field": "CustomField FieldOption",
    "forum": "Forum",
    "note": "UserNote",
    "object": ("Link Object ObjectType ObjectVotes Source State TypeIcon TypeSupport TypeTitle"),
    "page": "Page",
    "report": "Report ReportGroup ReportPage",
    "status": "Status StatusColor",
    "uploaded_file": "UploadedFile",
    "user": "Avatar FieldValue Role Team User",
}


def __getattr__(name: str) -> object:
    """Load a model when it is first asked for."""
    for home, names in _HOMES.items():
        if name in names.split():
            value: object = getattr(import_module(f"{__name__}.{home}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
