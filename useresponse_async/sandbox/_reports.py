"""Reports: saved lists of objects, grouped by status."""

from dataclasses import dataclass, replace
from typing import Literal

from starlette.responses import Response

from useresponse_async.sandbox._calls import Call, Routes
from useresponse_async.sandbox._catalog import FEEDBACK, HELPDESK
from useresponse_async.sandbox._object_records import ObjectSearch, ObjectState
from useresponse_async.sandbox._objects import object_writer
from useresponse_async.sandbox._responses import Refusal, to_json
from useresponse_async.sandbox._statuses import STATUSES, statuses_called

_ALL = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Report:
    name: str
    ownership: str | None = HELPDESK
    status: str = _ALL
    responsible: Literal["anybody", "me", "nobody"] = "anybody"
    state: ObjectState | None = None


_REPORTS = {
    4: _Report(name="Inbox", status="all-active"),
    5: _Report(name="My Tickets", status="all-active", responsible="me"),
    6: _Report(name="Unassigned", status="all-active", responsible="nobody"),
    7: _Report(name="Completed", status="completed"),
    8: _Report(name="Community", ownership=FEEDBACK),
    9: _Report(name="Archive", ownership=None, state="archived"),
    10: _Report(name="Trash", ownership=None, state="trashed"),
}


def list_reports(call: Call) -> Response:
    """List the reports."""
    call.require_staff()
    shown = [{"id": number, "name": report.name} for number, report in _REPORTS.items()]
    return call.listed(shown)


def list_report(call: Call) -> Response:
    """List the objects in a report, or in one of its groups."""
    caller = call.require_staff()
    report = _REPORTS.get(call.id)
    if report is None:
        raise Refusal(404)
    group = call.query.text("group") or _ALL
    if group != _ALL and group not in {"0", *map(str, STATUSES)}:
        call.query.wrong("group")
    call.query.flag("bbcode")
    call.query.check()
    search = ObjectSearch(
        viewer=call.viewer,
        today=call.state.today,
        ownership=report.ownership,
        statuses=statuses_called(report.status),
        responsible={"anybody": None, "me": caller, "nobody": 0}[report.responsible],
        state=report.state,
        sort="updated",
    )
    counts = call.state.objects.count_by_status(search)
    if group != _ALL:
        search = replace(search, statuses=frozenset({int(group)} & set(counts)))
    groups: list[dict[str, object]] = [{"id": _ALL, "name": "All", "count": sum(counts.values())}]
    for status, count in sorted(counts.items()):
        name = STATUSES[status].title if status else "Without a status"
        groups.append({"id": str(status), "name": name, "count": count})
    extra = b'"groups":%b,"activeGroup":%b,' % (to_json(groups), to_json(group))
    return call.page(call.state.objects.search(search), object_writer(call), extra=extra)


REPORT_ROUTES: Routes = {
    "/reports/list.json": {"GET": list_reports},
    "/report/{id:int}/objects.json": {"GET": list_report},
}
