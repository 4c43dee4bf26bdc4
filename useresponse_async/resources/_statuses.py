"""Statuses of objects."""

from __future__ import annotations

from useresponse_async._arguments import Params, optional_text, query_of
from useresponse_async._decode import list_of
from useresponse_async.models import Status
from useresponse_async.resources._objects import ObjectKind
from useresponse_async.resources._resource import Resource

__all__ = ["Statuses"]


class Statuses(Resource):
    """The statuses that objects can have.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    async def list(
        self, *, object_type: ObjectKind | None = None, params: Params | None = None
    ) -> list[Status]:
        """List the statuses.

        Args:
            object_type: Only statuses of objects of this type: ``idea``, ``problem``, ``question``,
                ``thanks``, ``ticket``, ``announcement``, ``article``, ``faq`` or a custom type.
            params: Additional query parameters, sent unchanged.

        Returns:
            The statuses.

        Raises:
            PermissionDeniedError: The API key's owner is not permitted to read statuses.

        Endpoint: ``GET statuses.json``.
        """
        query = query_of({"object_type": optional_text("object_type", object_type)}, params)
        return await self._call("GET", "statuses.json", list_of(Status), query=query)
