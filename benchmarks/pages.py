"""Responses of the benchmark server: the sandbox's own users, rendered beforehand."""

import json
import re
from typing import Final
from urllib.parse import parse_qs, urlsplit

from benchmarks.control import get
from useresponse_async.sandbox import Sandbox

__all__ = ["PAGE_SIZE", "REFUSED", "UserPages", "response"]

PAGE_SIZE: Final = 50
"""Default and maximum number of users on a page."""

_SEED: Final = 1


def response(status: bytes, body: bytes) -> bytes:
    """Return a complete HTTP response with a JSON body."""
    return b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
        status,
        len(body),
        body,
    )


REFUSED: Final = response(
    b"503 Service Unavailable",
    b'{"error":{"code":503,"message":"API interface unavailable or disabled"}}',
)
_NOT_FOUND: Final = response(
    b"404 Not Found", b'{"error":{"code":404,"message":"Resource is not found"}}'
)


class UserPages:
    """The responses of an installation with a number of users, ids from 1.

    Every full page is rendered when the number is set; pages of another size when they are
    first asked for.
    """

    def __init__(self) -> None:
        self._rows: list[bytes] = []
        self._total = 0
        self._rendered: dict[tuple[int, int], bytes] = {}
        self._responses: dict[bytes, bytes] = {}

    def resize(self, total: int) -> None:
        """Change the number of users to ``total``."""
        if total == self._total:
            return
        self._total = total
        self._rendered.clear()
        self._responses.clear()
        pages = -(-total // PAGE_SIZE)
        if total > len(self._rows):
            self._fetch_rows(total, range(len(self._rows) // PAGE_SIZE + 1, pages + 1))
        for number in range(1, pages + 1):
            self._page(number, PAGE_SIZE)

    def response(self, target: bytes) -> bytes:
        """Return the response to a ``GET`` of ``target``."""
        found = self._responses.get(target)
        if found is None:
            found = self._responses[target] = self._response(target)
        return found

    def _fetch_rows(self, total: int, pages: range) -> None:
        with Sandbox(users=total, seed=_SEED, record=False) as sandbox:
            for number in pages:
                query = f"page={number}&count={PAGE_SIZE}&apiKey={sandbox.api_key}"
                page = json.loads(get(sandbox.url, f"/api/3.0/users/search.json?{query}"))
                self._rows[(number - 1) * PAGE_SIZE :] = [
                    json.dumps(user, ensure_ascii=False, separators=(",", ":")).encode()
                    for user in page["data"]
                ]

    def _response(self, target: bytes) -> bytes:
        url = urlsplit(target.decode())
        if url.path.endswith("/me.json") and self._rows:
            return response(b"200 OK", self._rows[0])
        user = re.search(r"/users/(\d+)\.json$", url.path)
        if user and 0 < int(user[1]) <= self._total:
            return response(b"200 OK", self._rows[int(user[1]) - 1])
        if not url.path.endswith("/users/search.json"):
            return _NOT_FOUND
        query = parse_qs(url.query)
        size = min(int(query.get("count", [str(PAGE_SIZE)])[0]), PAGE_SIZE)
        return self._page(int(query.get("page", ["1"])[0]), size)

    def _page(self, number: int, size: int) -> bytes:
        found = self._rendered.get((number, size))
        if found is None:
            found = self._rendered[number, size] = self._render(number, size)
        return found

    def _render(self, number: int, size: int) -> bytes:
        pages = -(-self._total // size)
        if number > pages:
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        rows = self._rows[(number - 1) * size : min(number * size, self._total)]
        following = b"%d" % (number + 1) if number < pages else b"null"
        return response(
            b"200 OK",
            b'{"currentPage":%d,"firstPage":1,"lastPage":%d,"nextPage":%b,"objectsPerPage":%d,'
            b'"totalObjects":%d,"totalPages":%d,"data":[%b]}'
            % (number, pages, following, size, self._total, pages, b",".join(rows)),
        )
