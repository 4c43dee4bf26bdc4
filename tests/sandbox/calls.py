"""Calls to a sandbox by each role, and what their responses contain."""

from collections.abc import Iterable
from typing import Any

import httpx

from useresponse_async.sandbox import Sandbox

TICKET = {"ownership": "helpdesk", "object_type": "ticket", "title": "Printer", "content": "Help!"}
IDEA = {"ownership": "feedback", "object_type": "idea", "title": "Wings", "content": "For cars"}
NEWS = {**TICKET, "ownership": "announcements", "object_type": "announcement"}
NEW_USER = {"email": "new.one@example.com", "full_name": "New One"}

# A test's first object has the id 39, its first comment 61 and its first user 121.


class Has:
    """Equal to each collection that contains an item, or with `present=False` to the others."""

    def __init__(self, item: Any, *, present: bool = True) -> None:
        self.item, self.present = item, present

    def __eq__(self, other: object) -> bool:
        return (self.item in other) is self.present

    __hash__ = None


def lacks(item: object) -> Has:
    return Has(item, present=False)


def find(value: Any, path: str) -> Any:
    """Return what is at a path such as `author.id`; `*` is every row, `#` the number of rows."""
    if not path:
        return value
    head, _, rest = path.partition(".")
    if head == "*":
        return [find(item, rest) for item in value]
    if head == "#":
        return len(value)
    return find(value[int(head)] if isinstance(value, list) else value[head], rest)


def content(response: httpx.Response, path: str) -> Any:
    """Return what is at a path in the envelope of a response."""
    value = response.json() if response.content else []
    if isinstance(value, dict):
        value = value.get("success", value)
    if isinstance(value, dict) and path[:1] in ("*", "#"):
        value = value["data"]
    return find(value, path)


class Calls:
    """Calls to a sandbox, such as `agent GET /me.json`; `9` is user 9, `old` calls version 4.0."""

    def __init__(self, sandbox: Sandbox, http: httpx.Client) -> None:
        self.sandbox, self.http = sandbox, http

    def __call__(self, line: str, body: Any = None, **options: Any) -> httpx.Response:
        role, method, path = line.split(maxsplit=2)
        version, role = ("4.0", "admin") if role == "old" else ("3.0", role)
        key = self.sandbox.key_of(int(role)) if role.isdigit() else self.sandbox.keys.get(role)
        headers = ({"Authorization": key} if key else {}) | options.pop("headers", {})
        url = f"{self.sandbox.url}/api/{version}{path}"
        return self.http.request(method, url, headers=headers, json=body, **options)

    def value(self, line: str, body: Any = None, path: str = "") -> Any:
        """Return what a successful response contains."""
        response = self(line, body)
        assert response.status_code in (200, 204), f"{line}: {response.text}"
        return content(response, path)

    def ids(self, line: str) -> list[int]:
        return self.value(line, path="*.id")

    def play(self, steps: Iterable[tuple[Any, ...]]) -> None:
        """Check the response to each call: its status, or values by their paths."""
        for line, *body, expected in steps:
            response = self(line, *body)
            status = expected if isinstance(expected, int) else 200
            assert response.status_code == status, f"{line}: {response.text}"
            if status >= 400:
                assert response.json()["error"]["code"] == status
            elif status != expected:
                seen = {path: content(response, path) for path in expected}
                assert seen == expected, line
