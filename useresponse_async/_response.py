"""How is a response made again with another body, and how large is a body, decompressed?"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

import httpx

__all__ = ["Inflater", "expands_beyond", "with_body", "with_plain_content"]

_WINDOW_BITS: Final = {
    "gzip": (zlib.MAX_WBITS | 16,),
    "deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS),  # with the zlib header, and without
}
"""How the encodings that are asked for are told to zlib."""

_HIGHEST_EXPANSION: Final = 1032
_INFLATED_AT_ONCE: Final = 1024 * 1024
_ABOUT_THE_BODY = ("Content-Encoding", "Content-Length", "Transfer-Encoding")


def with_body(response: httpx.Response, body: bytes) -> httpx.Response:
    """Return ``response`` with its body, decompressed if it is compressed as it says.

    httpx would decompress while it reads, and for a body that cannot be lose the status too.

    Args:
        response: What everything else is taken from.
        body: The body as it came over the wire.
    """
    if _encoding_of(response) not in ("", "identity", *_WINDOW_BITS):
        return with_plain_content(response, body)  # which was not asked for
    # Into the response itself: every call would pay for a second one.
    response.stream = httpx.ByteStream(body)
    try:
        response.read()
    except httpx.DecodingError:
        return with_plain_content(response, body)
    return response


def expands_beyond(response: httpx.Response, body: bytes, max_bytes: int) -> bool:
    """Return whether ``body`` holds more than ``max_bytes`` bytes when decompressed.

    Args:
        response: Says how the body is compressed.
        body: The body as it came over the wire.
        max_bytes: The most that it may hold, in bytes.
    """
    if len(body) * _HIGHEST_EXPANSION <= max_bytes:
        return False
    for window_bits in _WINDOW_BITS.get(_encoding_of(response), ()):
        with suppress(zlib.error):
            return _inflates_beyond(body, window_bits, max_bytes)
    return False


def _inflates_beyond(body: bytes, window_bits: int, max_bytes: int) -> bool:
    inflater = zlib.decompressobj(window_bits)
    size = 0
    while body and size <= max_bytes:
        size += len(inflater.decompress(body, _INFLATED_AT_ONCE))
        body = inflater.unconsumed_tail
    return size > max_bytes


class Inflater:
    """Decompresses a body while it comes, in pieces that no server can blow up.

    httpx would make one piece of whatever a chunk holds, which may be a thousand times as much,
    and would take a body that was cut short for whole.

    Args:
        response: Says how the body is compressed.

    Attributes:
        needed: Whether the body is compressed, so that its length is not the file's.
    """

    def __init__(self, response: httpx.Response) -> None:
        self._window_bits = _WINDOW_BITS.get(_encoding_of(response), ())
        self._inflaters = [zlib.decompressobj(bits) for bits in self._window_bits]
        self.needed: bool = bool(self._window_bits)

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what the next bytes of the body hold.

        Raises:
            httpx.DecodingError: They are not compressed as the response says.
        """
        if not self.needed:
            yield chunk
            return
        while chunk:
            piece = self._inflate(chunk)
            inflater = self._inflaters[0]
            chunk = inflater.unconsumed_tail or inflater.unused_data
            if inflater.eof and chunk:  # one more member follows
                self._inflaters = [zlib.decompressobj(bits) for bits in self._window_bits]
            yield piece

    def rest(self) -> Iterator[bytes]:
        """Yield what is left at the end of the body.

        Raises:
            httpx.DecodingError: The body was cut short.
        """
        if not self.needed:
            return
        yield self._inflaters[0].flush()
        if not self._inflaters[0].eof:
            raise httpx.DecodingError("the compressed body was cut short")

    def _inflate(self, chunk: bytes) -> bytes:
        try:
            piece = self._inflaters[0].decompress(chunk, _INFLATED_AT_ONCE)
        except zlib.error as error:
            if len(self._inflaters) == 1:
                raise httpx.DecodingError(str(error)) from error
            del self._inflaters[0]
            return self._inflate(chunk)
        del self._inflaters[1:]  # the body has begun, so this is what it is
        return piece


def _encoding_of(response: httpx.Response) -> str:
    return str(response.headers.get("Content-Encoding", "")).strip().lower()


def with_plain_content(
    response: httpx.Response,
    content: bytes,
    *,
    headers: httpx.Headers | None = None,
    request: httpx.Request | None = None,
) -> httpx.Response:
    """Return another response with ``content``, which is not compressed, for its body.

    Args:
        response: What everything else is taken from.
        content: The new body.
        headers: Other headers than the response's own.
        request: Another request than the response's own.
    """
    kept = (response.headers if headers is None else headers).copy()
    for name in _ABOUT_THE_BODY:
        kept.pop(name, None)
    made = httpx.Response(
        response.status_code,
        headers=kept,
        content=content,
        request=response.request if request is None else request,
        extensions=response.extensions,
    )
    made.next_request = response.next_request
    with suppress(RuntimeError):  # httpx knows it only of a response that it closed
        made.elapsed = response.elapsed
    return made
