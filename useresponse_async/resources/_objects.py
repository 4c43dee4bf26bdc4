"""Objects: tickets, topics, articles and announcements."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal, TypeAlias

from useresponse_async._arguments import (
    Params,
    Properties,
    Tags,
    body_of,
    day_text,
    flag,
    optional_id,
    optional_id_or_zero,
    optional_text,
    positive_id,
    query_of,
    text,
    text_list,
)
from useresponse_async._decode import entity, entity_or_none, list_of
from useresponse_async._exceptions import ArgumentError
from useresponse_async._files import Attachment
from useresponse_async._pagination import Pages
from useresponse_async._session import Session
from useresponse_async.models import Comment, CustomField, Object
from useresponse_async.resources._attachments import attachment_of, attachments_of
from useresponse_async.resources._resource import Resource

__all__ = ["CommentSort", "ExpireSelect", "ObjectKind", "Objects", "Ownership"]

Ownership: TypeAlias = Literal["feedback", "helpdesk", "announcements", "knowledge-base"] | str
"""The module that an object belongs to; values other than those listed are sent unchanged."""

ObjectKind: TypeAlias = (
    Literal["idea", "problem", "question", "thanks", "ticket", "announcement", "article", "faq"]
    | str
)
"""An object type's slug; values other than those listed are sent unchanged."""

ExpireSelect: TypeAlias = Literal["never", "on_date"] | str
"""When an announcement expires; values other than those listed are sent unchanged."""

CommentSort: TypeAlias = Literal["asc", "desc"] | str
"""A sort order of comments; values other than those listed are sent unchanged."""


class Objects(Resource):
    """Objects: tickets, topics (ideas, problems, questions, thanks), articles and announcements.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    def search(
        self,
        *,
        text: str | None = None,
        ownership: Ownership | None = None,
        type: ObjectKind | None = None,  # noqa: A002 - the API's own name
        category_id: int | None = None,
        forum_id: int | None = None,
        featured: bool | None = None,
        status: str | None = None,
        sort: str | None = None,
        page: int | None = None,
        count: int = 50,
        params: Params | None = None,
    ) -> Pages[Object]:
        """Search objects, or list all of them.

        Args:
            text: Only objects that contain this text.
            ownership: Only objects of this module: ``feedback``, ``helpdesk``, ``announcements``
                or ``knowledge-base``.
            type: Only objects of this type: ``idea``, ``problem``, ``question``,
                ``thanks``, ``ticket``, ``announcement``, ``article``, ``faq`` or a custom type.
            category_id: Only objects in the category with this id.
            forum_id: Only objects in the forum with this id.
            featured: Only featured objects (``True``), or only those that are not (``False``).
            status: Only objects with this status, by its name on the server.
            sort: The name of one of the server's sort orders.
            page: Number of the first page; default: 1.
            count: Number of objects per page; servers may ignore values above 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            A paginated list: await it for one page, or use ``async for`` to get all objects.

        Raises:
            ArgumentError: An argument is invalid, or is repeated in ``params``.

        Endpoint: ``GET search.json``.
        """
        return Pages(
            self._session,
            "search.json",
            Object,
            query={
                "text": optional_text("text", text),
                "ownership": optional_text("ownership", ownership),
                "type": optional_text("type", type),
                "category_id": optional_id("category_id", category_id),
                "forum_id": optional_id("forum_id", forum_id),
                "featured": flag("featured", featured),
                "status": optional_text("status", status),
                "sort": optional_text("sort", sort),
            },
            params=params,
            page=page,
            count=count,
        )

    async def get(self, object_id: int, *, bbcode: bool | None = None) -> Object:
        """Return an object.

        Args:
            object_id: The object's id.
            bbcode: Return the content as BBCode rather than HTML.

        Returns:
            The object.

        Raises:
            NotFoundError: The object does not exist, or this key has no access to it.

        Endpoint: ``GET objects/{id}.json``.
        """
        query = query_of({"bbcode": flag("bbcode", bbcode)})
        return await self._call("GET", _path(object_id), entity(Object), query=query)

    async def create(
        self,
        *,
        ownership: Ownership,
        object_type: ObjectKind,
        title: str,
        content: str | None = None,
        category_id: int | None = None,
        responsible_id: int | None = None,
        team_id: int | None = None,
        tags: Tags | None = None,
        attachments: Sequence[Attachment] | None = None,
        is_private: bool | None = None,
        force_author: int | str | None = None,
        expire_select: ExpireSelect | None = None,
        expires_at: date | None = None,
        notify_email: str | None = None,
        notify_name: str | None = None,
        treat_as_html: bool | None = None,
        properties: Properties | None = None,
    ) -> Object:
        """Create an object.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            ownership: The module that the object belongs to: ``feedback``, ``helpdesk``,
                ``announcements`` or ``knowledge-base``.
            object_type: The object's type: ``idea``, ``problem``, ``question``,
                ``thanks``, ``ticket``, ``announcement``, ``article``, ``faq`` or a custom type.
            title: The title; servers may reject more than 100 characters.
            content: The text, as BBCode, which feedback and announcements must have; servers
                are known to accept up to 12000 characters.
            category_id: The id of the category; 0 for none.
            responsible_id: The id of the assigned agent; 0 for none.
            team_id: The id of the assigned team.
            tags: The tags, as a sequence or as one comma-separated string.
            attachments: The files to attach; each is read and encoded while it is sent.
            is_private: Make the object visible only to its author and agents.
            force_author: The id or email address of the user who is to be the author.
            expire_select: When an announcement expires: ``never`` or ``on_date`` (the default with
                ``expires_at``).
            expires_at: The day on which the announcement expires.
            notify_email: The email address of a person to notify.
            notify_name: The name of the person to notify.
            treat_as_html: Treat the content as HTML rather than BBCode.
            properties: The values of custom fields: a mapping of field ids to values.

        Returns:
            The new object.

        Raises:
            ArgumentError: An argument is invalid, or a file cannot be read or is too large.
            BadRequestError: The server reports a missing or invalid value.

        Endpoint: ``POST objects.json``.
        """
        body = _body(
            properties,
            ownership=text("ownership", ownership),
            object_type=text("object_type", object_type),
            title=text("title", title),
            content=content,
            category_id=category_id,
            responsible_id=responsible_id,
            team_id=team_id,
            tags=tags,
            attachments=attachments,
            is_private=is_private,
            force_author=force_author,
            expire_select=expire_select,
            expires_at=expires_at,
            notify_email=notify_email,
            notify_name=notify_name,
            treat_as_html=treat_as_html,
        )
        return await self._call("POST", "objects.json", entity(Object), body=body)

    async def update(
        self,
        object_id: int,
        *,
        object_type: ObjectKind | None = None,
        title: str | None = None,
        content: str | None = None,
        status_id: int | None = None,
        category_id: int | None = None,
        responsible_id: int | None = None,
        team_id: int | None = None,
        tags: Tags | None = None,
        attachments: Sequence[Attachment] | None = None,
        is_private: bool | None = None,
        force_author: int | str | None = None,
        expire_select: ExpireSelect | None = None,
        expires_at: date | None = None,
        notify_email: str | None = None,
        notify_name: str | None = None,
        treat_as_html: bool | None = None,
        properties: Properties | None = None,
    ) -> Object | None:
        """Update an object. Pass at least one field; the others stay unchanged.

        Args:
            object_id: The object's id.
            object_type: The new type: ``idea``, ``problem``, ``question``,
                ``thanks``, ``ticket``, ``announcement``, ``article``, ``faq`` or a custom type.
            title: The new title; servers may reject more than 100 characters.
            content: The new text, as BBCode; servers may reject more than 12000 characters.
            status_id: The id of the new status.
            category_id: The id of the new category; 0 for none.
            responsible_id: The id of the newly assigned agent; 0 for none.
            team_id: The id of the newly assigned team.
            tags: The tags that replace the old ones, as a sequence or as one comma-separated
                string; an empty list removes all.
            attachments: Files to attach in addition to the object's own. A call with attachments is
                not idempotent: it is retried only after a 503, a 429 or a failure to connect.
            is_private: Make the object visible only to its author and agents.
            force_author: The id or email address of the user who is to be the new author.
            expire_select: When an announcement expires: ``never`` or ``on_date`` (the default with
                ``expires_at``).
            expires_at: The day on which the announcement expires.
            notify_email: The email address of a person to notify.
            notify_name: The name of the person to notify.
            treat_as_html: Treat the content as HTML rather than BBCode.
            properties: The new values of custom fields: a mapping of field ids to values.

        Returns:
            The updated object; ``None`` if the server sends only a confirmation.

        Raises:
            ArgumentError: No field was passed, an argument is invalid, or a file cannot
                be read or is too large.
            NotFoundError: The object does not exist, or this key has no access to it.

        Endpoint: ``PUT objects/{id}.json``.
        """
        body = _body(
            properties,
            object_type=object_type,
            title=title,
            content=content,
            status_id=status_id,
            category_id=category_id,
            responsible_id=responsible_id,
            team_id=team_id,
            tags=tags,
            attachments=attachments,
            is_private=is_private,
            force_author=force_author,
            expire_select=expire_select,
            expires_at=expires_at,
            notify_email=notify_email,
            notify_name=notify_name,
            treat_as_html=treat_as_html,
        )
        path = _path(object_id)
        if not body:
            raise ArgumentError("update", "nothing to change; pass an argument, e.g. title")
        # A second attempt would attach the same files once more.
        repeatable = False if "attachments" in body else None
        decode = entity_or_none(Object)
        return await self._call("PUT", path, decode, body=body, idempotent=repeatable)

    async def delete(self, object_id: int) -> Object | None:
        """Delete an object permanently.

        Args:
            object_id: The object's id.

        Returns:
            The deleted object; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The object does not exist, or this key has no access to it.

        Endpoint: ``DELETE objects/{id}.json``.
        """
        decode = entity_or_none(Object)
        return await self._call("DELETE", _path(object_id), decode, absent_is_done=True)

    async def archive(self, object_id: int) -> Object | None:
        """Archive an object.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            object_id: The object's id.

        Returns:
            The object; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The object does not exist, or this key has no access to it.

        Endpoint: ``GET objects/{id}/archive.json``.
        """
        return await self._put_away(_path(object_id, "archive"))

    async def trash(self, object_id: int) -> Object | None:
        """Move an object to the trash.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            object_id: The object's id.

        Returns:
            The object; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The object does not exist, or this key has no access to it.

        Endpoint: ``GET objects/{id}/trash.json``.
        """
        return await self._put_away(_path(object_id, "trash"))

    async def _put_away(self, path: str) -> Object | None:
        # A GET that changes state; nothing guarantees that repeating it has no further effect.
        decode = entity_or_none(Object)
        return await self._call("GET", path, decode, idempotent=False)

    async def subscribe(self, object_id: int) -> Object | None:
        """Subscribe the API key's owner to notifications about an object.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            object_id: The object's id.

        Returns:
            The object; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The object does not exist, or this key has no access to it.

        Endpoint: ``POST objects/{id}/subscribe.json``.
        """
        return await self._post(_path(object_id, "subscribe"))

    async def unsubscribe(self, object_id: int) -> Object | None:
        """Unsubscribe the API key's owner from notifications about an object.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            object_id: The object's id.

        Returns:
            The object; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The object does not exist, or this key has no access to it.

        Endpoint: ``POST objects/{id}/unsubscribe.json``.
        """
        return await self._post(_path(object_id, "unsubscribe"))

    async def toggle_vote(self, object_id: int) -> Object | None:
        """Add the API key owner's vote to an object, or withdraw it.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            object_id: The object's id.

        Returns:
            The object; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The object does not exist, or this key has no access to it.

        Endpoint: ``POST objects/{id}/votes/toggle.json``.
        """
        return await self._post(_path(object_id, "votes/toggle"))

    async def toggle_comments(self, object_id: int) -> Object | None:
        """Enable comments on an object, or disable them if they are enabled.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            object_id: The object's id.

        Returns:
            The object; ``None`` if the server sends only a confirmation.

        Raises:
            NotFoundError: The object does not exist, or this key has no access to it.

        Endpoint: ``POST objects/{id}/comments/toggle.json``.
        """
        return await self._post(_path(object_id, "comments/toggle"))

    async def attach(self, object_id: int, attachment: Attachment) -> Object | None:
        """Attach a file to an object.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            object_id: The object's id.
            attachment: The file; it is read and encoded while it is sent.

        Returns:
            The object; ``None`` if the server sends only a confirmation.

        Raises:
            ArgumentError: The file cannot be read, or is too large; nothing was sent.
            NotFoundError: The object does not exist, or this key has no access to it.

        Endpoint: ``POST objects/{id}/attach-file.json``.
        """
        path = _path(object_id, "attach-file")
        return await self._post(path, attachment_of("attachment", attachment))

    async def _post(self, path: str, body: Mapping[str, Any] | None = None) -> Object | None:
        # Not idempotent, like every POST: a second toggle would undo the first.
        return await self._call("POST", path, entity_or_none(Object), body=body)

    def comments(
        self,
        object_id: int,
        *,
        is_private: bool | None = None,
        sort: CommentSort | None = None,
        bbcode: bool | None = None,
        page: int | None = None,
        count: int = 50,
        params: Params | None = None,
    ) -> Pages[Comment]:
        """List the comments on an object. Servers without pagination return them as one page.

        Args:
            object_id: The object's id.
            is_private: Only private comments (``True``), or only public ones (``False``).
            sort: ``asc`` for oldest first, ``desc`` for newest first.
            bbcode: Return the content as BBCode rather than HTML.
            page: Number of the first page; default: 1.
            count: Number of comments per page; servers may ignore values above 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            A paginated list: await it for one page, or use ``async for`` to get all comments.

        Raises:
            ArgumentError: An argument is invalid, or is repeated in ``params``.

        Endpoint: ``GET objects/{id}/comments.json``.
        """
        return Pages(
            self._session,
            _path(object_id, "comments"),
            Comment,
            query={
                "is_private": flag("is_private", is_private),
                "sort": optional_text("sort", sort),
                "bbcode": flag("bbcode", bbcode),
            },
            params=params,
            page=page,
            count=count,
        )

    async def custom_fields(self, *, params: Params | None = None) -> list[CustomField]:
        """List the custom fields of objects.

        Args:
            params: Query parameters, sent unchanged.

        Returns:
            The fields.

        Raises:
            NotFoundError: The server's API version does not have this endpoint.

        Endpoint: ``GET objects/custom-fields/list.json``.
        """
        path = "objects/custom-fields/list.json"
        query = query_of({}, params)
        return await self._call("GET", path, list_of(CustomField), query=query)


class ObjectsOfModule(Resource):
    """Objects of one module, for which :class:`Objects` makes the calls."""

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._objects = Objects(session)


def _path(object_id: int, action: str = "") -> str:
    below = f"/{action}" if action else ""
    return f"objects/{positive_id('object_id', object_id)}{below}.json"


def _id_or_email(name: str, value: int | str | None) -> int | str | None:
    return optional_text(name, value) if isinstance(value, str) else optional_id(name, value)


_CHECKS: Final[Mapping[str, Callable[[str, Any], Any]]] = {
    "ownership": optional_text,
    "object_type": optional_text,
    "title": optional_text,
    "content": optional_text,
    "status_id": optional_id,
    "category_id": optional_id_or_zero,
    "responsible_id": optional_id_or_zero,
    "team_id": optional_id,
    "tags": text_list,
    "attachments": attachments_of,
    "is_private": flag,
    "force_author": _id_or_email,
    "expire_select": optional_text,
    "expires_at": day_text,
    "notify_email": optional_text,
    "notify_name": optional_text,
    "treat_as_html": flag,
}


def _body(properties: Properties | None, **given: Any) -> dict[str, Any]:
    """Return the body for an object's fields and custom fields, after checking each."""
    named = {name: _CHECKS[name](name, value) for name, value in given.items()}
    select, day = named["expire_select"], named["expires_at"]
    if day is not None and select is None:
        named["expire_select"] = "on_date"
    elif (day is not None and select == "never") or (day is None and select == "on_date"):
        raise ArgumentError("expire_select", f"{select!r} contradicts expires_at={day!r}")
    return body_of(named, properties)
