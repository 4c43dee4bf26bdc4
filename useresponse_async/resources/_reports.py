"""Reports."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Generator
from typing import Any, cast

from useresponse_async._arguments import Params, optional_text, positive_id, query_of
from useresponse_async._decode import Decoder, list_of, page_of, structure
from useresponse_async._pagination import Pages
from useresponse_async.models import Object, Report, ReportPage
from useresponse_async.models._report import ReportGrouping
from useresponse_async.resources._resource import Resource

__all__ = ["ReportPages", "Reports"]


class ReportPages(Pages[Object]):
    """The objects of a report, in pages that also contain the groups of the report."""

    def __await__(self) -> Generator[Any, Any, ReportPage]:
        return cast("Generator[Any, Any, ReportPage]", super().__await__())

    def by_page(
        self,
        *,
        start: int | None = None,
        stop: int | None = None,
        concurrency: int | None = None,
        ordered: bool = True,
        ramp: bool = False,
    ) -> AsyncGenerator[ReportPage, None]:
        """Iterate over pages, as :meth:`Pages.by_page` does.

        Args:
            start: As for :meth:`Pages.by_page`.
            stop: As for :meth:`Pages.by_page`.
            concurrency: As for :meth:`Pages.by_page`.
            ordered: As for :meth:`Pages.by_page`.
            ramp: As for :meth:`Pages.by_page`.

        Returns:
            An asynchronous generator of the pages.

        Raises:
            ArgumentError: A number is out of range.

        Endpoint: ``GET report/{id}/objects.json``.
        """
        pages = super().by_page(
            start=start, stop=stop, concurrency=concurrency, ordered=ordered, ramp=ramp
        )
        return cast("AsyncGenerator[ReportPage, None]", pages)


class Reports(Resource):
    """Reports: saved selections of objects, such as an inbox.

    Every method can also raise the exceptions that
    :class:`~useresponse_async.resources.Resource` lists.
    """

    async def list(self, *, params: Params | None = None) -> list[Report]:
        """List the reports.

        Args:
            params: Query parameters, sent unchanged.

        Returns:
            The reports.

        Raises:
            PermissionDeniedError: The API key's owner is not permitted to read reports.

        Endpoint: ``GET reports/list.json``.
        """
        query = query_of({}, params)
        return await self._call("GET", "reports/list.json", list_of(Report), query=query)

    def objects(
        self,
        report_id: int,
        *,
        group: str | None = None,
        page: int | None = None,
        count: int = 50,
        params: Params | None = None,
    ) -> ReportPages:
        """List the objects in a report.

        Args:
            report_id: The report's id.
            group: Only objects of the group with this id.
            page: Number of the first page; default: 1.
            count: Number of objects per page; servers may ignore values above 50.
            params: Additional query parameters, sent unchanged.

        Returns:
            A paginated list: await it for one page, or use ``async for`` to get all objects. Each
            page has ``groups`` and ``active_group``.

        Raises:
            ArgumentError: An argument is invalid, or is repeated in ``params``.

        Endpoint: ``GET report/{id}/objects.json``.
        """
        return ReportPages(
            self._session,
            f"report/{positive_id('report_id', report_id)}/objects.json",
            Object,
            query={"group": optional_text("group", group)},
            params=params,
            page=page,
            count=count,
            decoder=_report_page,
        )


def _report_page(model: type[Object], *, number: int, size: int) -> Decoder[ReportPage]:
    decode_page = page_of(model, number=number, size=size)

    def decode(payload: Any) -> ReportPage:
        page = decode_page(payload)
        grouping = structure(page.extra, ReportGrouping)
        return ReportPage(
            items=page.items,
            number=page.number,
            size=page.size,
            total_items=page.total_items,
            total_pages=page.total_pages,
            next_number=page.next_number,
            groups=grouping.groups,
            active_group=grouping.active_group,
            extra=grouping.extra,
        )

    return decode
