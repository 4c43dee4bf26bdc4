"""Chats and their messages."""

from __future__ import annotations

from useresponse_async._arguments import Params, optional_id, positive_id
from useresponse_async._decode import entity
from useresponse_async._pagination import Pages
from useresponse_async.models import Chat, Message
from useresponse_async.resources._resource import Resource

__all__ = ["Chats"]


class Chats(Resource):
    """Chats with customers. The API gives read-only access to them.

    A chat has an ``id`` and an ``external_id``. The API does not document which of them it
    expects: try ``external_id`` first, as the vendor's own apps do. The client sends the number
    unchanged.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    def list(
        self,
        *,
        author_id: int | None = None,
        page: int | None = None,
        count: int = 50,
        params: Params | None = None,
    ) -> Pages[Chat]:
        """List chats.

        Args:
            author_id: Only chats of the author with this id.
            page: Number of the first page; default: 1.
            count: Number of chats per page; servers may ignore values above 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            A paginated list: await it for one page, or use ``async for`` to get all chats.

        Raises:
            ArgumentError: An argument is invalid, or is repeated in ``params``.

        Endpoint: ``GET chats.json``.
        """
        return Pages(
            self._session,
            "chats.json",
            Chat,
            query={"authorId": optional_id("author_id", author_id)},
            params=params,
            page=page,
            count=count,
        )

    async def get(self, chat_id: int) -> Chat:
        """Return a chat.

        Args:
            chat_id: The chat's ``external_id``, or its ``id`` if the server expects that.

        Returns:
            The chat.

        Raises:
            NotFoundError: The chat does not exist, or this key has no access to it.

        Endpoint: ``GET chats/{id}.json``.
        """
        path = f"chats/{positive_id('chat_id', chat_id)}.json"
        return await self._call("GET", path, entity(Chat))

    def messages(
        self,
        chat_id: int,
        *,
        top_id: int | None = None,
        page: int | None = None,
        count: int = 50,
        params: Params | None = None,
    ) -> Pages[Message]:
        """List the messages of a chat. Servers without pagination return them as one page.

        Args:
            chat_id: The chat's ``external_id``, or its ``id`` if the server expects that.
            top_id: Only messages up to the one with this id, to page back through a chat.
            page: Number of the first page; default: 1.
            count: Number of messages per page; servers may ignore values above 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            A paginated list: await it for one page, or use ``async for`` to get all messages.

        Raises:
            ArgumentError: An argument is invalid, or is repeated in ``params``.

        Endpoint: ``GET chats/{id}/messages.json``.
        """
        return Pages(
            self._session,
            f"chats/{positive_id('chat_id', chat_id)}/messages.json",
            Message,
            query={"top_id": optional_id("top_id", top_id)},
            params=params,
            page=page,
            count=count,
        )
