"""Which custom fields are there, as version 4.0 lists them?"""

from __future__ import annotations

from typing import Literal, TypeAlias

from useresponse_async._decode import list_of
from useresponse_async.models import CustomField
from useresponse_async.resources._arguments import Params, query_of, slug
from useresponse_async.resources._resource import Resource

__all__ = ["CustomFieldType", "CustomFields"]

CustomFieldType: TypeAlias = Literal["tickets"] | str
"""What the fields belong to; the known word is spelled out, any other is sent as given."""


class CustomFields(Resource):
    """Custom fields by what they belong to.

    ``client.users.custom_fields`` and ``client.objects.custom_fields`` are what version 7.0 has
    in place of this. Every method raises, besides what it names itself, what
    :class:`~useresponse_async.resources.Resource` names.
    """

    async def list(
        self,
        type: CustomFieldType,  # noqa: A002 - the API's own name
        *,
        params: Params | None = None,
    ) -> list[CustomField]:
        """List the custom fields of what a word names.

        Args:
            type: The word, e.g. ``tickets``.
            params: Query parameters, sent as given.

        Returns:
            The fields.

        Raises:
            NotFoundError: The server does not know the word, or its API lacks the call.

        Endpoint: ``GET custom-fields/{type}.json``.
        """
        path = f"custom-fields/{slug('type', type)}.json"
        query = query_of({}, params)
        return await self._call("GET", path, list_of(CustomField), query=query)
