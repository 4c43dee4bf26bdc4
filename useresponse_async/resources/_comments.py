"""Comments."""

from __future__ import annotations

from collections.abc import Sequence

from useresponse_async._decode import entity, entity_or_none
from useresponse_async._exceptions import ArgumentError
from useresponse_async._pagination import Pages
from useresponse_async.models import Comment, UploadedFile
from useresponse_async.resources._arguments import (
    Params,
    body_of,
    flag,
    optional_id,
    optional_text,
    positive_id,
    text,
)
from useresponse_async.resources._attachments import uploads_of
from useresponse_async.resources._resource import Resource

__all__ = ["Comments"]


class Comments(Resource):
    """Comments on objects. Those on one object are listed by ``client.objects.comments``.

    Besides the errors that it lists, every method raises those of
    :class:`~useresponse_async.resources.Resource`.
    """

    def list(
        self, *, page: int | None = None, count: int = 50, params: Params | None = None
    ) -> Pages[Comment]:
        """List the comments on all objects. Servers without pagination return them as one page.

        Args:
            page: First page to return, from 1.
            count: Number of comments per page; servers are known to honour up to 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            The pages: await them for the first page, iterate over them for all comments.

        Raises:
            ArgumentError: An argument is invalid, or is also in ``params``.

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

        Not retried, unless the server refused the request or was not reached.

        Args:
            object_id: The object's id.
            content: The text, as BBCode; servers are known to accept up to 12000 characters.
            is_private: Show it to agents only.
            reply_to: The id of the comment to reply to.
            treat_as_html: Treat the content as HTML rather than BBCode.
            attachments: Uploaded files to attach, as ``client.files.upload`` returns them.

        Returns:
            The new comment.

        Raises:
            ArgumentError: An argument is invalid, e.g. an attachment without a token.
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
        """Update a comment. At least one argument is required.

        Args:
            comment_id: The comment's id.
            content: The new text, as BBCode; servers are known to accept up to 12000 characters.
            treat_as_html: Treat the content as HTML rather than BBCode.

        Returns:
            The updated comment; ``None`` if the server sends only a confirmation.

        Raises:
            ArgumentError: No change was given, or an argument is invalid.
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
        """Mark a comment as the best one of its object, or remove the mark.

        Not retried, unless the server refused the request or was not reached.

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

        Not retried, unless the server refused the request or was not reached.

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
        # Not repeated, as no POST is: a second toggle would undo the first.
        return await self._call("POST", path, entity_or_none(Comment))


def _path(comment_id: int, action: str) -> str:
    return f"comments/{positive_id('comment_id', comment_id)}/{action}.json"
