"""What does the API speak of? Plain data, one file per resource, each loaded on first use.

Names are the wire's in snake_case; where the wire differs, the name stands beside the field.
What the server leaves out is ``None`` or an empty list, what it sends beyond is in ``extra``.

Times have one rule. Where the wire has Unix seconds (``createdAtPosix``) the field is an aware
UTC ``datetime`` under the plain name (``created_at``), and the local text that comes beside it
(``createdAt``) has ``_text`` added (``created_at_text``). Where the wire has local text alone
(``lastVisitAt``) it stays text under the plain name (``last_visit_at``), since the API does not
give the zone. The type says which: text is never turned into a ``datetime``.
"""

from useresponse_async.models._attached_file import AttachedFile, FileName
from useresponse_async.models._category import Category, CategoryImage
from useresponse_async.models._changelog import Changelog, ChangelogAction
from useresponse_async.models._chat import Chat, Message
from useresponse_async.models._comment import Comment, CommentVotes
from useresponse_async.models._custom_field import CustomField, FieldOption
from useresponse_async.models._forum import Forum
from useresponse_async.models._note import UserNote
from useresponse_async.models._object import (
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
from useresponse_async.models._page import Page
from useresponse_async.models._report import Report, ReportGroup, ReportPage
from useresponse_async.models._status import Status, StatusColor
from useresponse_async.models._uploaded_file import UploadedFile
from useresponse_async.models._user import Avatar, FieldValue, Role, Team, User

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
