"""Custom fields, as API version 4.0 lists them."""

from __future__ import annotations

from typing import Literal, TypeAlias

from useresponse_async._arguments import Params, query_of, slug
from useresponse_async._decode import list_of
from useresponse_async.models import CustomField
from useresponse_async.resources._resource import Resource

__all__ = ["CustomFieldType", "CustomFields"]

CustomFieldType: TypeAlias = Literal["tickets"] | str
"""A type of record with custom fields; values other than those listed are sent unchanged."""


class CustomFields(Resource):
    """Custom fields, by type of record.

    API version 7.0 does not have this endpoint: use ``client.users.custom_fields`` and
    ``client.objects.custom_fields``.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    async def list(
        self,
        type: CustomFieldType,  # noqa: A002 - the API's own name
        *,
        params: Params | None = None,
    ) -> list[CustomField]:
        """List the custom fields of one type of record.

        Args:
            type: The type of record, e.g. ``tickets``.
            params: Query parameters, sent unchanged.

        Returns:
            The fields.

        Raises:
            NotFoundError: The server does not know the type, or its API version does not have this
                endpoint.

        Endpoint: ``GET custom-fields/{type}.json``.
        """
        path = f"custom-fields/{slug('type', type)}.json"
        query = query_of({}, params)
        return await self._call("GET", path, list_of(CustomField), query=query)
