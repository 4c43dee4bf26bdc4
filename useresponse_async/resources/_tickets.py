"""Tickets: the objects of the help desk."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from datetime import datetime
from typing import Literal, TypeAlias

from useresponse_async._files import Attachment
from useresponse_async._pagination import Pages
from useresponse_async.models import Object
from useresponse_async.resources._arguments import (
    Params,
    Properties,
    Tags,
    flag,
    optional_id,
    optional_text,
    property_keys,
)
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
"""A range of days; values other than those listed are sent unchanged."""

TicketSort: TypeAlias = Literal["new", "updated", "new_updated"] | str
"""An order of tickets; values other than those listed are sent unchanged."""


class Tickets(ObjectsOfModule):
    """Tickets. Calls for a single ticket are in ``client.objects`` and take its id.

    Besides the errors that it lists, every method raises those of
    :class:`~useresponse_async.resources.Resource`.
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
            text: Search text for tickets.
            status: Only tickets with this status: ``all``, ``opened``, ``on_hold``,
                ``in_progress``, ``awaiting_reply``, ``all-active`` or ``completed``.
            date: Only tickets of these days: ``today``, ``yesterday``, ``this_week``,
                ``last_week``, ``this_month`` or ``last_month``.
            author_id: Only tickets of the user with this id.
            sort: The order of the tickets: ``new``, ``updated`` or ``new_updated``.
            properties: Only tickets with these values in custom fields, by field id.
            bbcode: Return the content as BBCode rather than rendered.
            page: First page to return, from 1.
            count: Number of tickets per page; servers are known to honour up to 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            The pages: await them for the first page, iterate over them for all tickets.

        Raises:
            ArgumentError: An argument is invalid, or is also in ``params``.

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
        """Iterate over the tickets whose latest activity is not older than ``moment``.

        The server sorts the tickets, and no more pages are requested once ``moment`` has been
        passed: if nothing is new, that is one request. Iteration begins with one page in flight,
        then two, four, and so on.

        Rows can move while they are read. A ticket that changes during the iteration moves to the
        top; it is yielded only if it was read before that, in its earlier state. If a ticket is
        deleted during the iteration, those below it move up and one of them may be missed, unless
        the server's totals show it. To cover that, let calls overlap: choose ``moment`` earlier
        than the start of the previous call, by more than the time between two calls, and skip
        tickets whose ``id`` and ``latest_activity`` were seen before.

        Close the iterator, with :func:`contextlib.aclosing`, if the loop may be left early.

        Args:
            moment: An aware ``datetime``. A ticket with activity in the same second counts as
                changed, and so does one without a time of latest activity.
            count: Number of tickets per page; servers are known to honour up to 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            An asynchronous iterator over the tickets, newest first.

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

        Not retried, unless the server refused the request or was not reached.

        Args:
            title: The title; servers are known to accept up to 100 characters.
            content: The text, as BBCode; servers are known to accept up to 12000 characters.
            category_id: The id of the category; 0 for none.
            responsible_id: The id of the agent who is responsible; 0 for nobody.
            team_id: The id of the team that is responsible.
            tags: The tags, as a sequence or as one comma-separated string.
            attachments: The files to attach; each is read and encoded while it is sent.
            force_author: The id or e-mail address of the user to create it for.
            notify_email: The e-mail address of a person to notify.
            notify_name: The name of the person to notify.
            treat_as_html: Treat the content as HTML rather than BBCode.
            properties: Values of custom fields by field id.

        Returns:
            The new ticket.

        Raises:
            ArgumentError: An argument is invalid, or a file cannot be read or is too large.
            BadRequestError: A value is missing, or the server rejects one.

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
