"""Async Python SDK for the UseResponse customer-support platform's REST API."""

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
    RateLimitError,
    ServerError,
    ServiceUnavailableError,
    UseResponseError,
)
from useresponse_async.models import Avatar, FieldValue, Role, Team, User
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
    "AuthenticationError",
    "Avatar",
    "BadRequestError",
    "ClientClosedError",
    "ConfigurationError",
    "ConflictError",
    "DecodeError",
    "FieldValue",
    "InternalServerError",
    "KeyPlacement",
    "MethodNotAllowedError",
    "NotFoundError",
    "Page",
    "Pages",
    "PermissionDeniedError",
    "RateLimitError",
    "RetryPolicy",
    "Role",
    "Secret",
    "ServerError",
    "ServiceUnavailableError",
    "Team",
    "UseResponseError",
    "User",
    "WalkReport",
    "__version__",
]
