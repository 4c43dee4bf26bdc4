"""The resources of a client, each loaded on first use."""
# ruff: noqa: PLC0415 - importing all resources takes time that most programs do not need

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        from useresponse_async.resources._auth import Auth

        return Auth(self._session)

    @cached_property
    def users(self) -> Users:
        """Users: customers, agents and administrators, and the notes about them."""
        from useresponse_async.resources._users import Users

        return Users(self._session)

    @cached_property
    def objects(self) -> Objects:
        """Objects: tickets, topics, articles and announcements."""
        from useresponse_async.resources._objects import Objects

        return Objects(self._session)

    @cached_property
    def tickets(self) -> Tickets:
        """Tickets, the objects of the help desk."""
        from useresponse_async.resources._tickets import Tickets

        return Tickets(self._session)

    @cached_property
    def topics(self) -> Topics:
        """Topics, the objects of the feedback community."""
        from useresponse_async.resources._topics import Topics

        return Topics(self._session)

    @cached_property
    def comments(self) -> Comments:
        """Comments on objects."""
        from useresponse_async.resources._comments import Comments

        return Comments(self._session)

    @cached_property
    def moderation(self) -> Moderation:
        """Topics and comments that are waiting for approval."""
        from useresponse_async.resources._moderation import Moderation

        return Moderation(self._session)

    @cached_property
    def categories(self) -> Categories:
        """Categories of objects."""
        from useresponse_async.resources._categories import Categories

        return Categories(self._session)

    @cached_property
    def chats(self) -> Chats:
        """Chats with customers, and their messages."""
        from useresponse_async.resources._chats import Chats

        return Chats(self._session)

    @cached_property
    def changelog(self) -> Changelogs:
        """The changes to objects and users."""
        from useresponse_async.resources._changelog import Changelogs

        return Changelogs(self._session)

    @cached_property
    def reports(self) -> Reports:
        """Reports, and the objects in them."""
        from useresponse_async.resources._reports import Reports

        return Reports(self._session)

    @cached_property
    def custom_fields(self) -> CustomFields:
        """Custom fields, as API version 4.0 lists them."""
        from useresponse_async.resources._custom_fields import CustomFields

        return CustomFields(self._session)

    @cached_property
    def files(self) -> Files:
        """Files, to upload and to download."""
        from useresponse_async.resources._files import Files

        return Files(self._session)

    @cached_property
    def forums(self) -> Forums:
        """The forums of the community."""
        from useresponse_async.resources._forums import Forums

        return Forums(self._session)

    @cached_property
    def statuses(self) -> Statuses:
        """The statuses that objects can have."""
        from useresponse_async.resources._statuses import Statuses

        return Statuses(self._session)


NAMES = {name for name, value in vars(Resources).items() if isinstance(value, cached_property)}
"""The names of the resources."""
