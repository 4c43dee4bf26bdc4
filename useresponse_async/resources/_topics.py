"""Topics: the objects of the feedback community."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from useresponse_async._files import Attachment
from useresponse_async._pagination import Pages
from useresponse_async.models import Object
from useresponse_async.resources._arguments import Params, Properties, Tags
from useresponse_async.resources._arguments import text as checked_text
from useresponse_async.resources._changes import changed_since
from useresponse_async.resources._objects import ObjectsOfModule

__all__ = ["TopicKind", "Topics"]

TopicKind: TypeAlias = Literal["idea", "problem", "question", "thanks"] | str
"""A topic type; values other than those listed are sent unchanged."""


class Topics(ObjectsOfModule):
    """Topics: ideas, problems, questions and thanks.

    Calls about a single topic are in ``client.objects``, and take its id;
    ``client.moderation`` approves and declines topics.

    Besides the errors that it lists, every method raises those of
    :class:`~useresponse_async.resources.Resource`.
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
            text: Search text for topics.
            type: Only topics of this type: ``idea``, ``problem``, ``question`` or ``thanks``,
                or a custom one.
            category_id: Only topics of this category.
            forum_id: Only topics of this forum.
            featured: Only featured topics (``True``), or only others (``False``).
            status: Only topics with this status.
            sort: The order of the topics.
            page: First page to return, from 1.
            count: Number of topics per page; servers are known to honour up to 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            The pages: await them for the first page, iterate over them for all topics.

        Raises:
            ArgumentError: An argument is invalid, or is also in ``params``.

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
        """Iterate over the topics whose latest activity is not older than ``moment``.

        The API documents no order of topics. Like tickets, they are requested in the order of
        their latest activity, and the order of the response is checked page by page. If it is
        as requested, no more pages are requested once ``moment`` has been passed; iteration
        begins with one page in flight, then two, four, and so on. If it is not, or if it could
        also be the order of creation, all topics are read. The client sorts the topics, so the
        first is yielded after the last page was read.

        Rows can move while they are read. A topic that changes during the iteration moves to the
        top; it is yielded only if it was read before that, in its earlier state. If a topic is
        deleted during the iteration, those below it move up and one of them may be missed, unless
        the server's totals show it. To cover that, let calls overlap: choose ``moment`` earlier
        than the start of the previous call, by more than the time between two calls, and skip
        topics whose ``id`` and ``latest_activity`` were seen before.

        Close the iterator, with :func:`contextlib.aclosing`, if the loop may be left early.

        Args:
            moment: An aware ``datetime``. A topic with activity in the same second counts as
                changed, and so does one without a time of latest activity.
            count: Number of topics per page; servers are known to honour up to 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            An asynchronous iterator over the topics, newest first.

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

        Not retried, unless the server refused the request or was not reached.

        Args:
            title: The title; servers are known to accept up to 100 characters.
            content: The text, as BBCode; servers are known to accept up to 12000 characters.
            object_type: The topic's type: ``idea``, ``problem``, ``question`` or ``thanks``,
                or a custom one.
            category_id: The id of the category; 0 for none.
            responsible_id: The id of the agent who is responsible; 0 for nobody.
            team_id: The id of the team that is responsible.
            tags: The tags, as a sequence or as one comma-separated string.
            attachments: The files to attach; each is read and encoded while it is sent.
            is_private: Show it to the author and agents only.
            force_author: The id or e-mail address of the user to create it for.
            notify_email: The e-mail address of a person to notify.
            notify_name: The name of the person to notify.
            treat_as_html: Treat the content as HTML rather than BBCode.
            properties: Values of custom fields by field id.

        Returns:
            The new topic.

        Raises:
            ArgumentError: An argument is invalid, or a file cannot be read or is too large.
            BadRequestError: A value is missing, or the server rejects one.

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
