"""What does the API speak of? Plain data, one file per resource."""

from useresponse_async.models.page import Page
from useresponse_async.models.user import Avatar, FieldValue, Role, Team, User

__all__ = ["Avatar", "FieldValue", "Page", "Role", "Team", "User"]
