"""Which forums are there?"""

from __future__ import annotations

from useresponse_async._decode import list_of
from useresponse_async.models import Forum
from useresponse_async.resources._arguments import Params, query_of
from useresponse_async.resources._resource import Resource

__all__ = ["Forums"]


class Forums(Resource):
    """The forums of the community.

    Every method raises, besides what it names itself, what
    :class:`~useresponse_async.resources.Resource` names.
    """

    async def list(self, *, params: Params | None = None) -> list[Forum]:
        """List the forums.

        Args:
            params: Query parameters, sent as given.

        Returns:
            The forums.

        Raises:
            NotFoundError: The server's API is too old to have the call.

        Endpoint: ``GET forums.json``.
        """
        query = query_of({}, params)
        return await self._call("GET", "forums.json", list_of(Forum), query=query)
