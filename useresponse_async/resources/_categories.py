"""Categories."""

from __future__ import annotations

from useresponse_async._arguments import Params, optional_text, positive_id, query_of
from useresponse_async._decode import entity, list_of
from useresponse_async.models import Category
from useresponse_async.resources._objects import ObjectKind, Ownership
from useresponse_async.resources._resource import Resource

__all__ = ["Categories"]


class Categories(Resource):
    """Categories of objects.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    async def list(
        self,
        *,
        ownership: Ownership | None = None,
        type: ObjectKind | None = None,  # noqa: A002 - the API's own name
        params: Params | None = None,
    ) -> list[Category]:
        """List the categories.

        Args:
            ownership: Only categories of this module: ``feedback``, ``helpdesk``, ``announcements``
                or ``knowledge-base``.
            type: Only categories of objects of this type: ``idea``, ``problem``, ``question``,
                ``thanks``, ``ticket``, ``announcement``, ``article``, ``faq`` or a custom type.
            params: Additional query parameters, sent unchanged.

        Returns:
            The categories.

        Raises:
            NotFoundError: The server's API version does not have this endpoint.

        Endpoint: ``GET categories.json``.
        """
        named = {
            "ownership": optional_text("ownership", ownership),
            "type": optional_text("type", type),
        }
        query = query_of(named, params)
        return await self._call("GET", "categories.json", list_of(Category), query=query)

    async def get(self, category_id: int) -> Category:
        """Return a category.

        Args:
            category_id: The category's id.

        Returns:
            The category.

        Raises:
            NotFoundError: The category does not exist, or this key has no access to it.

        Endpoint: ``GET categories/{id}.json``.
        """
        path = f"categories/{positive_id('category_id', category_id)}.json"
        return await self._call("GET", path, entity(Category))
