"""The resources of a client."""

from __future__ import annotations

from functools import cached_property

from useresponse_async._session import Session
from useresponse_async.resources._auth import Auth
from useresponse_async.resources._categories import Categories
from useresponse_async.resources._changelog import Changelogs
from useresponse_async.resources._chats import Chats
from useresponse_async.resources._comments import Comments
from useresponse_async.resources._custom_fields import CustomFields
from useresponse_async.resources._files import Files
from useresponse_async.resources._forums import Forums
from useresponse_async.resources._moderation import Moderation
from useresponse_async.resources._objects import Objects
from useresponse_async.resources._reports import Reports
from useresponse_async.resources._statuses import Statuses
from useresponse_async.resources._tickets import Tickets
from useresponse_async.resources._topics import Topics
from useresponse_async.resources._users import Users

__all__ = ["NAMES", "Resources"]


class Resources:
    """The resources of the API, as attributes of a client."""

    _session: Session

    @cached_property
    def auth(self) -> Auth:
        """Login, registration and identity."""
        return Auth(self._session)

    @cached_property
    def users(self) -> Users:
        """Users: customers, agents and administrators, and the notes about them."""
        return Users(self._session)

    @cached_property
    def objects(self) -> Objects:
        """Objects: tickets, topics, articles and announcements."""
        return Objects(self._session)

    @cached_property
    def tickets(self) -> Tickets:
        """Tickets, the objects of the help desk."""
        return Tickets(self._session)

    @cached_property
    def topics(self) -> Topics:
        """Topics, the objects of the feedback community."""
        return Topics(self._session)

    @cached_property
    def comments(self) -> Comments:
        """Comments on objects."""
        return Comments(self._session)

    @cached_property
    def moderation(self) -> Moderation:
        """Topics and comments that are waiting for approval."""
        return Moderation(self._session)

    @cached_property
    def categories(self) -> Categories:
        """Categories of objects."""
        return Categories(self._session)

    @cached_property
    def chats(self) -> Chats:
        """Chats with customers, and their messages."""
        return Chats(self._session)

    @cached_property
    def changelog(self) -> Changelogs:
        """The changes to objects and users."""
        return Changelogs(self._session)

    @cached_property
    def reports(self) -> Reports:
        """Reports, and the objects in them."""
        return Reports(self._session)

    @cached_property
    def custom_fields(self) -> CustomFields:
        """Custom fields, as API version 4.0 lists them."""
        return CustomFields(self._session)

    @cached_property
    def files(self) -> Files:
        """Files, to upload and to download."""
        return Files(self._session)

    @cached_property
    def forums(self) -> Forums:
        """The forums of the community."""
        return Forums(self._session)

    @cached_property
    def statuses(self) -> Statuses:
        """The statuses that objects can have."""
        return Statuses(self._session)


NAMES = {name for name, value in vars(Resources).items() if isinstance(value, cached_property)}
"""The names of the resources."""
