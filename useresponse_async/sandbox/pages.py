"""Which rows are on the page a call asks for, and how is a page written?"""

from collections.abc import Callable, Sequence

from starlette.responses import Response

from useresponse_async.sandbox.answers import json_answer, no_content, success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.options import NextPage

#: Rows on a page when the call does not say, and the most it can ask for.
MOST_ROWS = 50


def paginate(call: Call, rows: Sequence[int], write: Callable[[int], bytes]) -> Response:
    """Answer with the page of `rows` that the query's `page` and `count` ask for.

    Raises:
        Refusal: `page` or `count` is no number from 1.
    """
    options = call.state.options
    asked = call.query.number("page", least=1)
    count = call.query.number("count", least=1)
    call.query.check()
    size = min(count or MOST_ROWS, MOST_ROWS)
    pages = -(-len(rows) // size)
    number = asked or 1
    if number > pages:
        if options.empty == "204":
            return no_content()
        if options.empty == "last-page" and pages:
            number = pages
    shown = rows[(number - 1) * size : number * size]
    return json_answer(
        b'{"currentPage":%d,"firstPage":1,"lastPage":%d,%b"objectsPerPage":%d,'
        b'"totalObjects":%d,"totalPages":%d,"data":[%b]}'
        % (
            number,
            pages,
            _next_page(number, pages, options.next_page),
            size,
            len(rows),
            pages,
            b",".join([write(row) for row in shown]),
        )
    )


def paginate_one(call: Call, rows: Sequence[int], write: Callable[[int], bytes]) -> Response:
    """Answer a look-up that finds one row or none, as version 4.0 does: no page around it."""
    if rows:
        return success(write(rows[0]))
    return no_content() if call.state.options.empty == "204" else success(b"[]")


def _next_page(number: int, pages: int, style: NextPage) -> bytes:
    if number < pages:
        return b'"nextPage":%d,' % (number + 1)
    if style == "absent":
        return b""
    return b'"nextPage":%d,' % max(pages, 1) if style == "repeats" else b'"nextPage":null,'
