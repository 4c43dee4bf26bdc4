"""How are topics and comments let through or turned down?"""

from __future__ import annotations

from useresponse_async._decode import entity_or_none
from useresponse_async.models import Comment, Object
from useresponse_async.resources._arguments import body_of, optional_text, positive_id
from useresponse_async.resources._resource import Resource

__all__ = ["Moderation"]


class Moderation(Resource):
    """Topics and comments that wait for an agent to let them through.

    Every method raises, besides what it names itself, what
    :class:`~useresponse_async.resources.Resource` names.
    """

    async def approve_topic(self, topic_id: int) -> Object | None:
        """Let a topic through.

        Args:
            topic_id: The topic's id, which is an object's.

        Returns:
            The topic; ``None`` where the server says no more than that it is done.

        Raises:
            NotFoundError: There is no such topic, or this key may not see it.

        Endpoint: ``POST topic/{id}/approve.json``.
        """
        path = f"topic/{positive_id('topic_id', topic_id)}/approve.json"
        return await self._call("POST", path, entity_or_none(Object))

    async def decline_topic(self, topic_id: int, reason: str | None = None) -> Object | None:
        """Turn a topic down.

        Args:
            topic_id: The topic's id, which is an object's.
            reason: Why.

        Returns:
            The topic; ``None`` where the server says no more than that it is done.

        Raises:
            NotFoundError: There is no such topic, or this key may not see it.

        Endpoint: ``POST topic/{id}/decline.json``.
        """
        path = f"topic/{positive_id('topic_id', topic_id)}/decline.json"
        body = body_of({"reason": optional_text("reason", reason)})
        return await self._call("POST", path, entity_or_none(Object), body=body)

    async def approve_comment(self, comment_id: int) -> Comment | None:
        """Let a comment through.

        Args:
            comment_id: The comment's id.

        Returns:
            The comment; ``None`` where the server says no more than that it is done.

        Raises:
            NotFoundError: There is no such comment, or this key may not see it.

        Endpoint: ``POST comment/{id}/approve.json``.
        """
        path = f"comment/{positive_id('comment_id', comment_id)}/approve.json"
        return await self._call("POST", path, entity_or_none(Comment))

    async def decline_comment(self, comment_id: int, reason: str | None = None) -> Comment | None:
        """Turn a comment down.

        Args:
            comment_id: The comment's id.
            reason: Why.

        Returns:
            The comment; ``None`` where the server says no more than that it is done.

        Raises:
            NotFoundError: There is no such comment, or this key may not see it.

        Endpoint: ``POST comment/{id}/decline.json``.
        """
        path = f"comment/{positive_id('comment_id', comment_id)}/decline.json"
        body = body_of({"reason": optional_text("reason", reason)})
        return await self._call("POST", path, entity_or_none(Comment), body=body)
