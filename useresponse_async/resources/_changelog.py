"""Changelogs of objects and users."""

from __future__ import annotations

from useresponse_async._arguments import Params, positive_id, query_of
from useresponse_async._decode import list_of
from useresponse_async.models import Changelog
from useresponse_async.resources._resource import Resource

__all__ = ["Changelogs"]


class Changelogs(Resource):
    """The changes to objects and users.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    async def for_object(self, object_id: int, *, params: Params | None = None) -> list[Changelog]:
        """List the changes to an object.

        Args:
            object_id: The object's id.
            params: Query parameters, sent unchanged.

        Returns:
            The changes.

        Raises:
            NotFoundError: The object does not exist, or this key has no access to it.

        Endpoint: ``GET changelog/object/{id}.json``.
        """
        path = f"changelog/object/{positive_id('object_id', object_id)}.json"
        query = query_of({}, params)
        return await self._call("GET", path, list_of(Changelog), query=query)

    async def for_user(self, user_id: int, *, params: Params | None = None) -> list[Changelog]:
        """List the changes to a user.

        Args:
            user_id: The user's id.
            params: Query parameters, sent unchanged.

        Returns:
            The changes.

        Raises:
            NotFoundError: The user does not exist, or this key has no access to it.

        Endpoint: ``GET changelog/user/{id}.json``.
        """
        path = f"changelog/user/{positive_id('user_id', user_id)}.json"
        query = query_of({}, params)
        return await self._call("GET", path, list_of(Changelog), query=query)
