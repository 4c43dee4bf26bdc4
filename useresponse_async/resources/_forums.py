"""Forums."""

from __future__ import annotations

from useresponse_async._arguments import Params, query_of
from useresponse_async._decode import list_of
from useresponse_async.models import Forum
from useresponse_async.resources._resource import Resource

__all__ = ["Forums"]


class Forums(Resource):
    """The forums of the community.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    async def list(self, *, params: Params | None = None) -> list[Forum]:
        """List the forums.

        Args:
            params: Query parameters, sent unchanged.

        Returns:
            The forums.

        Raises:
            NotFoundError: The server's API version does not have this endpoint.

        Endpoint: ``GET forums.json``.
        """
        query = query_of({}, params)
        return await self._call("GET", "forums.json", list_of(Forum), query=query)
