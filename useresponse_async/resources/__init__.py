"""The resources of a client: one class for each part of the API."""

from useresponse_async.resources._auth import Auth, AvatarType
from useresponse_async.resources._categories import Categories
from useresponse_async.resources._changelog import Changelogs
from useresponse_async.resources._chats import Chats
from useresponse_async.resources._comments import Comments
from useresponse_async.resources._custom_fields import CustomFields, CustomFieldType
from useresponse_async.resources._files import Files
from useresponse_async.resources._forums import Forums
from useresponse_async.resources._moderation import Moderation
from useresponse_async.resources._notes import Notes
from useresponse_async.resources._objects import (
    CommentSort,
    ExpireSelect,
    ObjectKind,
    Objects,
    Ownership,
)
from useresponse_async.resources._reports import ReportPages, Reports
from useresponse_async.resources._resource import Resource
from useresponse_async.resources._statuses import Statuses
from useresponse_async.resources._tickets import TicketDate, Tickets, TicketSort, TicketStatus
from useresponse_async.resources._topics import TopicKind, Topics
from useresponse_async.resources._users import UserRole, Users, UserSort

__all__ = [
    "Auth",
    "AvatarType",
    "Categories",
    "Changelogs",
    "Chats",
    "CommentSort",
    "Comments",
    "CustomFieldType",
    "CustomFields",
    "ExpireSelect",
    "Files",
    "Forums",
    "Moderation",
    "Notes",
    "ObjectKind",
    "Objects",
    "Ownership",
    "ReportPages",
    "Reports",
    "Resource",
    "Statuses",
    "TicketDate",
    "TicketSort",
    "TicketStatus",
    "Tickets",
    "TopicKind",
    "Topics",
    "UserRole",
    "UserSort",
    "Users",
]
