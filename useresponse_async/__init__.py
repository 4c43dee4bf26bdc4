"""Async Python SDK for the UseResponse customer-support platform's REST API."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from useresponse_async.attachments import Attachment
    from useresponse_async.client import AsyncClient
    from useresponse_async.errors import (
        APIConnectionError,
        APIStatusError,
        APITimeoutError,
        ArgumentError,
        AuthenticationError,
        BadRequestError,
        ClientClosedError,
        ConfigurationError,
        ConflictError,
        DecodeError,
        InternalServerError,
        MethodNotAllowedError,
        NotFoundError,
        PermissionDeniedError,
        QueueTimeoutError,
        RateLimitError,
        ResponseTooLargeError,
        ServerError,
        ServiceUnavailableError,
        UseResponseError,
    )
    from useresponse_async.extras import MissingExtraError
    from useresponse_async.hooks import RetryEvent
    from useresponse_async.models import (
        AttachedFile,
        Avatar,
        Category,
        CategoryImage,
        Changelog,
        ChangelogAction,
        Chat,
        Comment,
        CommentVotes,
        CustomField,
        FieldOption,
        FieldValue,
        FileName,
        Forum,
        Link,
        Message,
        Object,
        ObjectType,
        ObjectVotes,
        Report,
        ReportGroup,
        ReportPage,
        Role,
        Source,
        State,
        Status,
        StatusColor,
        Team,
        TypeIcon,
        TypeSupport,
        TypeTitle,
        UploadedFile,
        User,
        UserNote,
    )
    from useresponse_async.paging import Page, Pages, WalkReport
    from useresponse_async.secret import Secret
    from useresponse_async.settings import KeyPlacement, RetryPolicy
    from useresponse_async.version import __version__

__all__ = [
    "APIConnectionError",
    "APIStatusError",
    "APITimeoutError",
    "ArgumentError",
    "AsyncClient",
    "AttachedFile",
    "Attachment",
    "AuthenticationError",
    "Avatar",
    "BadRequestError",
    "Category",
    "CategoryImage",
    "Changelog",
    "ChangelogAction",
    "Chat",
    "ClientClosedError",
    "Comment",
    "CommentVotes",
    "ConfigurationError",
    "ConflictError",
    "CustomField",
    "DecodeError",
    "FieldOption",
    "FieldValue",
    "FileName",
    "Forum",
    "InternalServerError",
    "KeyPlacement",
    "Link",
    "Message",
    "MethodNotAllowedError",
    "MissingExtraError",
    "NotFoundError",
    "Object",
    "ObjectType",
    "ObjectVotes",
    "Page",
    "Pages",
    "PermissionDeniedError",
    "QueueTimeoutError",
    "RateLimitError",
    "Report",
    "ReportGroup",
    "ReportPage",
    "ResponseTooLargeError",
    "RetryEvent",
    "RetryPolicy",
    "Role",
    "Secret",
    "ServerError",
    "ServiceUnavailableError",
    "Source",
    "State",
    "Status",
    "StatusColor",
    "Team",
    "TypeIcon",
    "TypeSupport",
    "TypeTitle",
    "UploadedFile",
    "UseResponseError",
    "User",
    "UserNote",
    "WalkReport",
    "__version__",
]

# Loaded on first use: the package's own tools, such as its pytest plugin, need little of it.
_HOMES = {
    "Attachment": ".attachments",
    "AsyncClient": ".client",
    "APIConnectionError": ".errors",
    "APIStatusError": ".errors",
    "APITimeoutError": ".errors",
    "ArgumentError": ".errors",
    "AuthenticationError": ".errors",
    "BadRequestError": ".errors",
    "ClientClosedError": ".errors",
    "ConfigurationError": ".errors",
    "ConflictError": ".errors",
    "DecodeError": ".errors",
    "InternalServerError": ".errors",
    "MethodNotAllowedError": ".errors",
    "NotFoundError": ".errors",
    "PermissionDeniedError": ".errors",
    "QueueTimeoutError": ".errors",
    "RateLimitError": ".errors",
    "ResponseTooLargeError": ".errors",
    "ServerError": ".errors",
    "ServiceUnavailableError": ".errors",
    "UseResponseError": ".errors",
    "MissingExtraError": ".extras",
    "RetryEvent": ".hooks",
    "Page": ".paging",
    "Pages": ".paging",
    "WalkReport": ".paging",
    "Secret": ".secret",
    "KeyPlacement": ".settings",
    "RetryPolicy": ".settings",
    "__version__": ".version",
}


def __getattr__(name: str) -> object:
    """Load a part of the package when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    home = import_module(_HOMES.get(name, ".models"), __name__)
    value: object = getattr(home, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
