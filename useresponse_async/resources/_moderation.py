"""Moderation of topics and comments."""

from __future__ import annotations

from useresponse_async._arguments import body_of, optional_text, positive_id
from useresponse_async._decode import entity_or_none
from useresponse_async.models import Comment, Object
from useresponse_async.resources._resource import Resource

__all__ = ["Moderation"]


class Moderation(Resource):
    """Topics and comments that are waiting for approval.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    async def approve_topic(self, topic_id: int) -> Object | None:
        """Approve a topic.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            topic_id: The topic's id (an object id).

        Returns:
            The topic; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The topic does not exist, or this key has no access to it.

        Endpoint: ``POST topic/{id}/approve.json``.
        """
        path = f"topic/{positive_id('topic_id', topic_id)}/approve.json"
        return await self._call("POST", path, entity_or_none(Object))

    async def decline_topic(self, topic_id: int, reason: str | None = None) -> Object | None:
        """Decline a topic.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            topic_id: The topic's id (an object id).
            reason: The reason for declining it.

        Returns:
            The topic; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The topic does not exist, or this key has no access to it.

        Endpoint: ``POST topic/{id}/decline.json``.
        """
        path = f"topic/{positive_id('topic_id', topic_id)}/decline.json"
        body = body_of({"reason": optional_text("reason", reason)})
        return await self._call("POST", path, entity_or_none(Object), body=body)

    async def approve_comment(self, comment_id: int) -> Comment | None:
        """Approve a comment.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            comment_id: The comment's id.

        Returns:
            The comment; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The comment does not exist, or this key has no access to it.

        Endpoint: ``POST comment/{id}/approve.json``.
        """
        path = f"comment/{positive_id('comment_id', comment_id)}/approve.json"
        return await self._call("POST", path, entity_or_none(Comment))

    async def decline_comment(self, comment_id: int, reason: str | None = None) -> Comment | None:
        """Decline a comment.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            comment_id: The comment's id.
            reason: The reason for declining it.

        Returns:
            The comment; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The comment does not exist, or this key has no access to it.

        Endpoint: ``POST comment/{id}/decline.json``.
        """
        path = f"comment/{positive_id('comment_id', comment_id)}/decline.json"
        body = body_of({"reason": optional_text("reason", reason)})
        return await self._call("POST", path, entity_or_none(Comment), body=body)
