"""How is a response made again with another body?"""

from __future__ import annotations

from contextlib import suppress

import httpx

__all__ = ["with_content", "with_plain_content"]

_ABOUT_THE_BODY = ("Content-Encoding", "Content-Length", "Transfer-Encoding")


def with_content(
    response: httpx.Response,
    content: bytes,
    *,
    headers: httpx.Headers | None = None,
    request: httpx.Request | None = None,
) -> httpx.Response:
    """Return ``response`` with ``content``, as it came over the wire, for its body.

    Args:
        response: What everything else is taken from.
        content: The new body, decompressed if the headers say that it is compressed.
        headers: Other headers than the response's own.
        request: Another request than the response's own.

    Raises:
        httpx.DecodingError: It is not compressed as the headers say.
    """
    made = httpx.Response(
        response.status_code,
        headers=response.headers if headers is None else headers,
        content=content,
        request=response.request if request is None else request,
        extensions=response.extensions,
    )
    made.next_request = response.next_request
    with suppress(RuntimeError):  # httpx knows it only of a response that it closed
        made.elapsed = response.elapsed
    return made


def with_plain_content(
    response: httpx.Response,
    content: bytes,
    *,
    headers: httpx.Headers | None = None,
    request: httpx.Request | None = None,
) -> httpx.Response:
    """Return ``response`` with ``content``, which is not compressed, for its body."""
    kept = (response.headers if headers is None else headers).copy()
    for name in _ABOUT_THE_BODY:
        kept.pop(name, None)
    return with_content(response, content, headers=kept, request=request)
