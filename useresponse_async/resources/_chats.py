"""Chats and their messages."""

from __future__ import annotations

from useresponse_async._decode import entity
from useresponse_async._pagination import Pages
from useresponse_async.models import Chat, Message
from useresponse_async.resources._arguments import Params, optional_id, positive_id
from useresponse_async.resources._resource import Resource

__all__ = ["Chats"]


class Chats(Resource):
    """Chats with customers; the API can only read them.

    Which of a chat's two numbers the API takes for its id is not documented: the vendor's own
    apps give ``external_id``. Either is sent as given.

    Besides the errors that it lists, every method raises those of
    :class:`~useresponse_async.resources.Resource`.
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
            author_id: Only chats of the user with this id.
            page: First page to return, from 1.
            count: Number of chats per page; servers are known to honour up to 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            The pages: await them for the first page, iterate over them for all chats.

        Raises:
            ArgumentError: An argument is invalid, or is also in ``params``.

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
            chat_id: The chat's ``external_id`` or ``id``, depending on the server.

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
            chat_id: The chat's ``external_id`` or ``id``, depending on the server.
            top_id: The id of the message from which to go back.
            page: First page to return, from 1.
            count: Number of messages per page; servers are known to honour up to 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            The pages: await them for the first page, iterate over them for all messages.

        Raises:
            ArgumentError: An argument is invalid, or is also in ``params``.

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
