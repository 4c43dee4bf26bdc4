"""Reports, and logs of changes."""

from __future__ import annotations

from datetime import datetime

import attrs

from useresponse_async.models._object import Object
from useresponse_async.models._page import Page
from useresponse_async.models._user import User
from useresponse_async.models._wire import Model, listed, wire

__all__ = [
    "Changelog",
    "ChangelogAction",
    "Report",
    "ReportGroup",
    "ReportGrouping",
    "ReportPage",
]


@attrs.define(kw_only=True, repr=False)
class Report(Model):
    """A report: a saved selection of objects, such as an inbox."""

    id: int
    name: str | None = None


@attrs.define(kw_only=True, repr=False)
class ReportGroup(Model):
    """One of the groups that a report sorts its objects into; its ``id`` is a string."""

    id: str | None = None
    name: str | None = None
    count: int | None = None


@attrs.define(kw_only=True, repr=False)
class ReportGrouping(Model):
    """The grouping on a page of a report."""

    groups: list[ReportGroup] = listed()
    active_group: str | None = wire("activeGroup")


@attrs.define(kw_only=True, repr=False)
class ReportPage(Page[Object]):
    """One page of a report's objects.

    Attributes:
        groups: The groups that the report sorts its objects into.
        active_group: The id of the group that the objects belong to, if they belong to one.
    """

    groups: list[ReportGroup] = listed()
    active_group: str | None = None


@attrs.define(kw_only=True, repr=False)
class ChangelogAction(Model):
    """One field that changed, from ``previous`` to ``value``; ``change_id`` is a string."""

    change_id: str | None = None
    field: str | None = None
    previous: str | None = None
    value: str | None = None


@attrs.define(kw_only=True, repr=False)
class Changelog(Model):
    """What somebody changed at one time."""

    created_at: datetime | None = wire("createdAtPosix")
    created_by: User | None = wire("createdBy")
    source: str | None = None
    actions: list[ChangelogAction] = listed()
