"""Tickets: the objects of the help desk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from useresponse_async._arguments import (
    Params,
    Properties,
    Tags,
    flag,
    optional_id,
    optional_text,
    property_keys,
)
from useresponse_async._files import Attachment
from useresponse_async._pagination import Pages
from useresponse_async.models import Object
from useresponse_async.resources._changes import changed_since
from useresponse_async.resources._objects import ObjectsOfModule

__all__ = ["TicketDate", "TicketSort", "TicketStatus", "Tickets"]

TicketStatus: TypeAlias = (
    Literal["all", "opened", "on_hold", "in_progress", "awaiting_reply", "all-active", "completed"]
    | str
)
"""A ticket status; values other than those listed are sent unchanged."""

TicketDate: TypeAlias = (
    Literal["today", "yesterday", "this_week", "last_week", "this_month", "last_month"] | str
)
"""A period; values other than those listed are sent unchanged."""

TicketSort: TypeAlias = Literal["new", "updated", "new_updated"] | str
"""A sort order of tickets; values other than those listed are sent unchanged."""


class Tickets(ObjectsOfModule):
    """Tickets. To read or change a single ticket, pass its id to a method of ``client.objects``.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    def search(
        self,
        *,
        text: str | None = None,
        status: TicketStatus | None = None,
        date: TicketDate | None = None,
        author_id: int | None = None,
        sort: TicketSort | None = None,
        properties: Properties | None = None,
        bbcode: bool | None = None,
        page: int | None = None,
        count: int = 50,
        params: Params | None = None,
    ) -> Pages[Object]:
        """Search tickets, or list all of them.

        Args:
            text: Only tickets that contain this text.
            status: Only tickets with this status: ``all``, ``opened``, ``on_hold``,
                ``in_progress``, ``awaiting_reply``, ``all-active`` or ``completed``.
            date: Only tickets of this period: ``today``, ``yesterday``, ``this_week``,
                ``last_week``, ``this_month`` or ``last_month``.
            author_id: Only tickets of the author with this id.
            sort: The server's sort order: ``new``, ``updated`` or ``new_updated``.
            properties: Only tickets with these values of custom fields: a mapping of field ids to
                values.
            bbcode: Return the content as BBCode rather than HTML.
            page: Number of the first page; default: 1.
            count: Number of tickets per page; servers may ignore values above 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            A paginated list: await it for one page, or use ``async for`` to get all tickets.

        Raises:
            ArgumentError: An argument is invalid, or is repeated in ``params``.

        Endpoint: ``GET tickets.json``.
        """
        return Pages(
            self._session,
            "tickets.json",
            Object,
            query={
                "text": optional_text("text", text),
                "status": optional_text("status", status),
                "date": optional_text("date", date),
                "author_id": optional_id("author_id", author_id),
                "sort": optional_text("sort", sort),
                **property_keys(properties),
                "bbcode": flag("bbcode", bbcode),
            },
            params=params,
            page=page,
            count=count,
        )

    def changed_since(
        self, moment: datetime, *, count: int = 50, params: Params | None = None
    ) -> AsyncGenerator[Object, None]:
        """Iterate over the tickets with activity at or after ``moment``.

        The server sends the most recently active tickets first. Iteration ends at the first page
        that reaches beyond ``moment``: if nothing has changed, there is one request. It fetches
        one page, then two concurrently, then four, and so on up to ``max_in_flight``.

        Tickets can move between pages during the iteration:

        - One that changes moves to the top. It is yielded in its old state if it was read before
          the change, and otherwise not at all.
        - If one is deleted, those below it move up. One of them can be missed, unless the server
          sends totals: then the pages in question are read again.

        To catch these in the next call, let the periods overlap: set ``moment`` to more than one
        polling interval before the start of the previous call, and skip tickets whose ``id`` and
        ``latest_activity`` you have already seen.

        If you may leave the loop early, close the iterator with :func:`contextlib.aclosing`.

        Args:
            moment: An aware ``datetime``. Tickets with activity in the same second are
                included, and so are tickets without ``latest_activity``.
            count: Number of tickets per page; servers may ignore values above 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            An asynchronous iterator over the tickets, most recently active first.

        Raises:
            ArgumentError: ``moment`` has no time zone, or another argument is invalid.

        Endpoint: ``GET tickets.json``.
        """
        pages = self.search(status="all", sort="updated", count=count, params=params)
        return changed_since(pages, moment, is_sorted=True)

    async def create(
        self,
        title: str,
        content: str | None = None,
        *,
        category_id: int | None = None,
        responsible_id: int | None = None,
        team_id: int | None = None,
        tags: Tags | None = None,
        attachments: Sequence[Attachment] | None = None,
        force_author: int | str | None = None,
        notify_email: str | None = None,
        notify_name: str | None = None,
        treat_as_html: bool | None = None,
        properties: Properties | None = None,
    ) -> Object:
        """Create a ticket.

        Not idempotent: retried only after a 503, a 429 or a failure to connect.

        Args:
            title: The title; servers may reject more than 100 characters.
            content: The text, as BBCode; servers may reject more than 12000 characters.
            category_id: The id of the category; 0 for none.
            responsible_id: The id of the assigned agent; 0 for none.
            team_id: The id of the assigned team.
            tags: The tags, as a sequence or as one comma-separated string.
            attachments: The files to attach; each is read and encoded while it is sent.
            force_author: The id or email address of the user who is to be the author.
            notify_email: The email address of a person to notify.
            notify_name: The name of the person to notify.
            treat_as_html: Treat the content as HTML rather than BBCode.
            properties: The values of custom fields: a mapping of field ids to values.

        Returns:
            The new ticket.

        Raises:
            ArgumentError: An argument is invalid, or a file cannot be read or is too large.
            BadRequestError: The server reports a missing or invalid value.

        Endpoint: ``POST objects.json``.
        """
        return await self._objects.create(
            ownership="helpdesk",
            object_type="ticket",
            title=title,
            content=content,
            category_id=category_id,
            responsible_id=responsible_id,
            team_id=team_id,
            tags=tags,
            attachments=attachments,
            force_author=force_author,
            notify_email=notify_email,
            notify_name=notify_name,
            treat_as_html=treat_as_html,
            properties=properties,
        )
