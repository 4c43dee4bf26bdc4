"""The models: plain data whose fields have the API's names in snake_case.

A field that the server does not send is ``None`` or an empty list. Fields that the model does not
have are in ``extra``, under the API's names, and so is the value of an optional field that does not
have the field's type. Models that methods return by id have an id. A nested model without its id is
``None``, and what the server sent is in ``extra`` of the outer model.

Points in time are aware UTC ``datetime`` objects, made from the API's Unix seconds
(``createdAtPosix`` is ``created_at``). A time that the API sends only as text, in the site's local
time and without a time zone, is a ``str``, and its name ends in ``_text``.
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
