"""The models: plain data, with the wire's names in snake_case.

Where the wire's name differs otherwise, it stands beside the field. What the server leaves out is
``None`` or an empty list. What it sends beyond the known fields is in ``extra``, under the wire's
name; so is the value of an optional field that cannot be read as the field's type. What a call
returns by id has an id; where such a thing is nested and has none, it is absent, and what the
server sent is in ``extra`` of the model around it.

Every attribute that is a moment is an aware UTC ``datetime``, made from the wire's Unix seconds
(``createdAtPosix`` is ``created_at``). A time that the API gives only as text, local to the
installation and without a zone, is a ``str``, and its name ends in ``_text``.
"""

from useresponse_async.models._chat import (
    Chat,
    Message,
)
from useresponse_async.models._object import (
    AttachedFile,
    Comment,
    CommentVotes,
    FileName,
    Link,
    Object,
    ObjectType,
    ObjectVotes,
    Source,
    State,
    TypeIcon,
    TypeSupport,
    TypeTitle,
    UploadedFile,
)
from useresponse_async.models._page import (
    Page,
)
from useresponse_async.models._report import (
    Changelog,
    ChangelogAction,
    Report,
    ReportGroup,
    ReportPage,
)
from useresponse_async.models._settings import (
    Category,
    CategoryImage,
    CustomField,
    FieldOption,
    Forum,
    Status,
    StatusColor,
)
from useresponse_async.models._user import (
    Avatar,
    FieldValue,
    Role,
    Team,
    User,
    UserNote,
)

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
