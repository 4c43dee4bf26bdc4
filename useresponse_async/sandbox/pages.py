"""Which rows are on the page a call asks for, and how is a page written?"""

from collections.abc import Callable, Sequence

from starlette.responses import Response

from useresponse_async.sandbox.answers import json_answer, no_content, success
from useresponse_async.sandbox.calls import Call
from useresponse_async.sandbox.options import NextPage

#: Rows on a page when the call does not say, and the most it can ask for.
MOST_ROWS = 50


def paginate(
    call: Call,
    rows: Sequence[int],
    write: Callable[[int], bytes],
    *,
    under_success: bool = False,
    extra: bytes = b"",
) -> Response:
    """Answer with the page of `rows` that the query's `page` and `count` ask for.

    `extra` are more of the page's own fields, each with a comma behind it.

    Raises:
        Refusal: `page` or `count` is no number from 1.
    """
    options = call.state.options
    number, size = _asked(call)
    pages = -(-len(rows) // size)
    if number > pages:
        if options.empty == "204":
            return no_content()
        if options.empty == "last-page" and pages:
            number = pages
    shown = rows[(number - 1) * size : number * size]
    answer = success if under_success else json_answer
    return answer(
        b'{%b"currentPage":%d,"firstPage":1,"lastPage":%d,%b"objectsPerPage":%d,'
        b'"totalObjects":%d,"totalPages":%d,"data":[%b]}'
        % (
            extra,
            number,
            pages,
            _next_page(number, pages, options.next_page),
            size,
            len(rows),
            pages,
            b",".join([write(row) for row in shown]),
        )
    )


def cut(call: Call, rows: Sequence[int]) -> Sequence[int]:
    """Take the rows of the page asked for, where an answer is a list without a page around it.

    Raises:
        Refusal: `page` or `count` is no number from 1.
    """
    number, size = _asked(call)
    return rows[(number - 1) * size : number * size]


def listed(call: Call, items: Sequence[bytes], *, under_success: bool) -> Response:
    """Answer a list that does not page."""
    if not items and call.state.options.empty == "204":
        return no_content()
    body = b"[%b]" % b",".join(items)
    return success(body) if under_success else json_answer(body)


def paginate_one(call: Call, rows: Sequence[int], write: Callable[[int], bytes]) -> Response:
    """Answer a look-up that finds one row or none, as version 4.0 does: no page around it."""
    if rows:
        return success(write(rows[0]))
    return no_content() if call.state.options.empty == "204" else success(b"[]")


def _asked(call: Call) -> tuple[int, int]:
    number = call.query.number("page", least=1)
    count = call.query.number("count", least=1)
    call.query.check()
    return number or 1, min(count or MOST_ROWS, MOST_ROWS)


def _next_page(number: int, pages: int, style: NextPage) -> bytes:
    if number < pages:
        return b'"nextPage":%d,' % (number + 1)
    if style == "absent":
        return b""
    return b'"nextPage":%d,' % max(pages, 1) if style == "repeats" else b'"nextPage":null,'
