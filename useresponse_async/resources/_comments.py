"""Comments."""

from __future__ import annotations

from collections.abc import Sequence

from useresponse_async._arguments import (
    Params,
    body_of,
    flag,
    optional_id,
    optional_text,
    positive_id,
    text,
)
from useresponse_async._decode import entity, entity_or_none
from useresponse_async._exceptions import ArgumentError
from useresponse_async._pagination import Pages
from useresponse_async.models import Comment, UploadedFile
from useresponse_async.resources._attachments import uploads_of
from useresponse_async.resources._resource import Resource

__all__ = ["Comments"]


class Comments(Resource):
    """Comments on objects. To list those on one object, use ``client.objects.comments``.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    def list(
        self, *, page: int | None = None, count: int = 50, params: Params | None = None
    ) -> Pages[Comment]:
        """List the comments on all objects. Servers without pagination return them as one page.

        Args:
            page: Number of the first page; default: 1.
            count: Number of comments per page; servers may ignore values above 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            A paginated list: await it for one page, or use ``async for`` to get all comments.

        Raises:
            ArgumentError: An argument is invalid, or is repeated in ``params``.

        Endpoint: ``GET comments.json``.
        """
        return Pages(
            self._session,
            "comments.json",
            Comment,
            query={},
            params=params,
            page=page,
            count=count,
        )

    async def create(
        self,
        object_id: int,
        content: str,
        *,
        is_private: bool | None = None,
        reply_to: int | None = None,
        treat_as_html: bool | None = None,
        attachments: Sequence[UploadedFile] | None = None,
    ) -> Comment:
        """Comment on an object.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            object_id: The object's id.
            content: The text, as BBCode; servers may reject more than 12000 characters.
            is_private: Make the comment visible only to agents.
            reply_to: The id of the comment to reply to.
            treat_as_html: Treat the content as HTML rather than BBCode.
            attachments: The files to attach, as ``client.files.upload`` returned them: the API
                takes only uploaded files here.

        Returns:
            The new comment.

        Raises:
            ArgumentError: An argument is invalid, e.g. an attachment that was not uploaded.
            NotFoundError: The object does not exist, or this key has no access to it.

        Endpoint: ``POST comments.json``.
        """
        body = body_of(
            {
                "object_id": positive_id("object_id", object_id),
                "content": text("content", content),
                "is_private": flag("is_private", is_private),
                "reply_to": optional_id("reply_to", reply_to),
                "treat_as_html": flag("treat_as_html", treat_as_html),
                "attachments": uploads_of("attachments", attachments),
            }
        )
        return await self._call("POST", "comments.json", entity(Comment), body=body)

    async def update(
        self, comment_id: int, *, content: str | None = None, treat_as_html: bool | None = None
    ) -> Comment | None:
        """Update a comment. Pass at least one field; the others stay unchanged.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            comment_id: The comment's id.
            content: The new text, as BBCode; servers may reject more than 12000 characters.
            treat_as_html: Treat the content as HTML rather than BBCode.

        Returns:
            The updated comment; ``None`` if the server sends only a confirmation.

        Raises:
            ArgumentError: No field was passed, or an argument is invalid.
            NotFoundError: The comment does not exist, or this key has no access to it.

        Endpoint: ``POST comments/{id}/edit.json``.
        """
        body = body_of(
            {
                "content": optional_text("content", content),
                "treat_as_html": flag("treat_as_html", treat_as_html),
            }
        )
        path = _path(comment_id, "edit")
        if not body:
            raise ArgumentError("update", "nothing to change; pass an argument, e.g. content")
        return await self._call("POST", path, entity_or_none(Comment), body=body)

    async def trash(self, comment_id: int) -> Comment | None:
        """Move a comment to the trash.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            comment_id: The comment's id.

        Returns:
            The comment; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The comment does not exist, or this key has no access to it.

        Endpoint: ``POST comments/{id}/trash.json``.
        """
        return await self._post(_path(comment_id, "trash"))

    async def restore(self, comment_id: int) -> Comment | None:
        """Restore a comment from the trash.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            comment_id: The comment's id.

        Returns:
            The comment; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The comment does not exist, or this key has no access to it.

        Endpoint: ``POST comments/{id}/recovery.json``.
        """
        return await self._post(_path(comment_id, "recovery"))

    async def toggle_best(self, comment_id: int) -> Comment | None:
        """Mark a comment as the best on its object, or unmark it.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            comment_id: The comment's id.

        Returns:
            The comment; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The comment does not exist, or this key has no access to it.

        Endpoint: ``POST comments/{id}/best/toggle.json``.
        """
        return await self._post(_path(comment_id, "best/toggle"))

    async def toggle_vote(self, comment_id: int) -> Comment | None:
        """Add the API key owner's vote to a comment, or withdraw it.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            comment_id: The comment's id.

        Returns:
            The comment; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The comment does not exist, or this key has no access to it.

        Endpoint: ``POST comments/{id}/votes/toggle.json``.
        """
        return await self._post(_path(comment_id, "votes/toggle"))

    async def _post(self, path: str) -> Comment | None:
        # Not idempotent, like every POST: a second toggle would undo the first.
        return await self._call("POST", path, entity_or_none(Comment))


def _path(comment_id: int, action: str) -> str:
    return f"comments/{positive_id('comment_id', comment_id)}/{action}.json"
