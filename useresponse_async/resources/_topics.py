"""Topics: the objects of the feedback community."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from useresponse_async._arguments import Params, Properties, Tags
from useresponse_async._arguments import text as checked_text
from useresponse_async._files import Attachment
from useresponse_async._pagination import Pages
from useresponse_async.models import Object
from useresponse_async.resources._changes import changed_since
from useresponse_async.resources._objects import ObjectsOfModule

__all__ = ["TopicKind", "Topics"]

TopicKind: TypeAlias = Literal["idea", "problem", "question", "thanks"] | str
"""A topic type; values other than those listed are sent unchanged."""


class Topics(ObjectsOfModule):
    """Topics: ideas, problems, questions and thanks.

    To read or change a single topic, pass its id to a method of ``client.objects``.
    ``client.moderation`` approves and declines topics.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    def search(
        self,
        *,
        text: str | None = None,
        type: TopicKind | None = None,  # noqa: A002 - the API's own name
        category_id: int | None = None,
        forum_id: int | None = None,
        featured: bool | None = None,
        status: str | None = None,
        sort: str | None = None,
        page: int | None = None,
        count: int = 50,
        params: Params | None = None,
    ) -> Pages[Object]:
        """Search topics, or list all of them.

        Args:
            text: Only topics that contain this text.
            type: Only topics of this type: ``idea``, ``problem``, ``question``, ``thanks`` or
                a custom type.
            category_id: Only topics in the category with this id.
            forum_id: Only topics in the forum with this id.
            featured: Only featured topics (``True``), or only those that are not (``False``).
            status: Only topics with this status, by its name on the server.
            sort: The name of one of the server's sort orders.
            page: Number of the first page; default: 1.
            count: Number of topics per page; servers may ignore values above 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            A paginated list: await it for one page, or use ``async for`` to get all topics.

        Raises:
            ArgumentError: An argument is invalid, or is repeated in ``params``.

        Endpoint: ``GET search.json``.
        """
        return self._objects.search(
            text=text,
            ownership="feedback",
            type=type,
            category_id=category_id,
            forum_id=forum_id,
            featured=featured,
            status=status,
            sort=sort,
            page=page,
            count=count,
            params=params,
        )

    def changed_since(
        self, moment: datetime, *, count: int = 50, params: Params | None = None
    ) -> AsyncGenerator[Object, None]:
        """Iterate over the topics with activity at or after ``moment``.

        The API does not document a sort order of topics. The client requests the most recently
        active topics first, and checks the order of each page. If it is as requested, iteration
        ends at the first page that reaches beyond ``moment``; it fetches one page, then two
        concurrently, then four, and so on up to ``max_in_flight``. If the order is different, or
        could also be the order of creation, all topics are read. The client sorts the topics, so
        the first one is yielded after the last page has been read.

        Topics can move between pages during the iteration:

        - One that changes moves to the top. It is yielded in its old state if it was read before
          the change, and otherwise not at all.
        - If one is deleted, those below it move up. One of them can be missed, unless the server
          sends totals: then the pages in question are read again.

        To catch these in the next call, let the periods overlap: set ``moment`` to more than one
        polling interval before the start of the previous call, and skip topics whose ``id`` and
        ``latest_activity`` you have already seen.

        If you may leave the loop early, close the iterator with :func:`contextlib.aclosing`.

        Args:
            moment: An aware ``datetime``. Topics with activity in the same second are
                included, and so are topics without ``latest_activity``.
            count: Number of topics per page; servers may ignore values above 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            An asynchronous iterator over the topics, most recently active first.

        Raises:
            ArgumentError: ``moment`` has no time zone, or another argument is invalid.

        Endpoint: ``GET search.json``.
        """
        pages = self.search(sort="updated", count=count, params=params)
        return changed_since(pages, moment, is_sorted=False)

    async def create(
        self,
        title: str,
        content: str,
        *,
        object_type: TopicKind,
        category_id: int | None = None,
        responsible_id: int | None = None,
        team_id: int | None = None,
        tags: Tags | None = None,
        attachments: Sequence[Attachment] | None = None,
        is_private: bool | None = None,
        force_author: int | str | None = None,
        notify_email: str | None = None,
        notify_name: str | None = None,
        treat_as_html: bool | None = None,
        properties: Properties | None = None,
    ) -> Object:
        """Create a topic.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            title: The title; servers may reject more than 100 characters.
            content: The text, as BBCode; servers may reject more than 12000 characters.
            object_type: The topic's type: ``idea``, ``problem``, ``question``, ``thanks`` or
                a custom type.
            category_id: The id of the category; 0 for none.
            responsible_id: The id of the assigned agent; 0 for none.
            team_id: The id of the assigned team.
            tags: The tags, as a sequence or as one comma-separated string.
            attachments: The files to attach; each is read and encoded while it is sent.
            is_private: Make the topic visible only to its author and agents.
            force_author: The id or email address of the user who is to be the author.
            notify_email: The email address of a person to notify.
            notify_name: The name of the person to notify.
            treat_as_html: Treat the content as HTML rather than BBCode.
            properties: The values of custom fields: a mapping of field ids to values.

        Returns:
            The new topic.

        Raises:
            ArgumentError: An argument is invalid, or a file cannot be read or is too large.
            BadRequestError: The server reports a missing or invalid value.

        Endpoint: ``POST objects.json``.
        """
        return await self._objects.create(
            ownership="feedback",
            object_type=object_type,
            title=title,
            content=checked_text("content", content),
            category_id=category_id,
            responsible_id=responsible_id,
            team_id=team_id,
            tags=tags,
            attachments=attachments,
            is_private=is_private,
            force_author=force_author,
            notify_email=notify_email,
            notify_name=notify_name,
            treat_as_html=treat_as_html,
            properties=properties,
        )
