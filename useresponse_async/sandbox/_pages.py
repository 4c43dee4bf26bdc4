"""Lists: with a page around them, or without."""

from collections.abc import Callable, Sequence

from starlette.responses import Response

from useresponse_async.sandbox._calls import Call
from useresponse_async.sandbox._responses import json_response, no_content, success

#: Default and maximum number of rows on a page.
MOST_ROWS = 50


def paginate(
    call: Call,
    rows: Sequence[int],
    write: Callable[[int], bytes],
    *,
    under_success: bool = False,
    extra: bytes = b"",
) -> Response:
    """Return the page of `rows` that the query's `page` and `count` ask for.

    `extra` holds more fields of the page, each with a comma behind it.

    Raises:
        Refusal: `page` or `count` is not a positive integer.
    """
    options = call.state.options
    number, size = _asked(call)
    pages = -(-len(rows) // size)
    if number > pages:
        if options.empty == "204":
            return no_content()
        if options.empty == "last-page" and pages:
            number = pages
    if number < pages:
        next_page = b'"nextPage":%d,' % (number + 1)
    elif options.next_page == "repeats":
        next_page = b'"nextPage":%d,' % max(pages, 1)
    else:
        next_page = b"" if options.next_page == "absent" else b'"nextPage":null,'
    shown = rows[(number - 1) * size : number * size]
    respond = success if under_success else json_response
    return respond(
        b'{%b"currentPage":%d,"firstPage":1,"lastPage":%d,%b"objectsPerPage":%d,'
        b'"totalObjects":%d,"totalPages":%d,"data":[%b]}'
        % (
            extra,
            number,
            pages,
            next_page,
            size,
            len(rows),
            pages,
            b",".join([write(row) for row in shown]),
        )
    )


def cut(call: Call, rows: Sequence[int]) -> Sequence[int]:
    """Return the rows of the page asked for, for a list without a page around it.

    Raises:
        Refusal: `page` or `count` is not a positive integer.
    """
    number, size = _asked(call)
    return rows[(number - 1) * size : number * size]


def listed(call: Call, items: Sequence[bytes], *, under_success: bool) -> Response:
    """Return a list that does not page."""
    if not items and call.state.options.empty == "204":
        return no_content()
    body = b"[%b]" % b",".join(items)
    return success(body) if under_success else json_response(body)


def _asked(call: Call) -> tuple[int, int]:
    number = call.query.number("page", least=1)
    count = call.query.number("count", least=1)
    call.query.check()
    return number or 1, min(count or MOST_ROWS, MOST_ROWS)
