"""Secrets, and their redaction from text, bytes and log records."""

from __future__ import annotations

import json
import logging
import re
import sys
import weakref
from collections.abc import Collection, Iterable
from typing import Final
from urllib.parse import quote, quote_plus

from useresponse_async._exceptions import ArgumentError

_MASK: Final = "***"

RETRY_LOGGER: Final = "useresponse_async.retry"

# These see a response's head or message, in which a server may echo a secret.
_ECHOING_LOGGERS: Final = (
    "httpx",
    "httpcore.connection",
    "httpcore.http11",
    "httpcore.http2",
    "httpcore.proxy",
    "httpcore.socks",
    "hpack.hpack",
    "hpack.table",
    RETRY_LOGGER,
)
_HUFFMAN_CODED: Final = "Encoded header block"


class Secret:
    """A string that is not shown: its ``repr`` and ``str`` are ``***``.

    Pickling drops the string: the unpickled secret is not equal to any other, and
    :meth:`reveal` raises :class:`~useresponse_async.ArgumentError`.

    Args:
        text: The secret string.
    """

    __slots__ = ("__weakref__", "_byte_spellings", "_spellings", "_text")

    def __init__(self, text: str) -> None:
        self._text: str | None = text
        self._spellings = _spellings_of(text)
        self._byte_spellings = [it.encode(errors="surrogatepass") for it in self._spellings]

    def reveal(self) -> str:
        """Return the string.

        Raises:
            ArgumentError: The secret was unpickled, which drops the string.
        """
        if self._text is None:
            raise ArgumentError("secret", "was pickled, which drops its value; create it again")
        return self._text

    def redact(self, text: str) -> str:
        """Return ``text`` with the secret replaced by ``***``: plain, URL-quoted or in JSON.

        Args:
            text: The text that may contain the secret.
        """
        for spelling in self._spellings:
            text = text.replace(spelling, _MASK)
        return text

    def redact_bytes(self, data: bytes) -> bytes:
        """Return ``data`` with the secret replaced by ``***``: plain, URL-quoted or in JSON.

        Args:
            data: The bytes that may contain the secret.
        """
        for spelling in self._byte_spellings:
            data = data.replace(spelling, _MASK.encode())
        return data

    @property
    def longest_spelling(self) -> int:
        """The size of the longest spelling, in bytes."""
        return max(map(len, self._byte_spellings), default=0)

    @classmethod
    def _without_text(cls) -> Secret:
        secret = cls("")
        secret._text = None
        return secret

    def __repr__(self) -> str:
        return _MASK

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return self is other or (self._text is not None and self._text == other._text)

    def __hash__(self) -> int:
        return hash(self._text)

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self

    def __reduce__(self) -> tuple[object, ...]:
        return (Secret._without_text, ())


def _spellings_of(text: str) -> list[str]:
    """Return the text as it stands in a URL, a form, JSON and PHP's JSON, the longest first."""
    quoted = [
        quote_text(text, safe="", errors="surrogatepass") for quote_text in (quote, quote_plus)
    ]
    in_json = [json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]]
    ways = {text, *quoted, *in_json, *(way.replace("/", "\\/") for way in in_json)}
    ways |= {re.sub("%..", lambda escape: escape[0].lower(), way) for way in quoted}
    return sorted(filter(None, ways), key=len, reverse=True)


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """Return ``text`` without ``secrets``."""
    for secret in secrets:
        text = secret.redact(text)
    return text


def redact_bytes(data: bytes, secrets: Collection[Secret], max_bytes: int | None = None) -> bytes:
    """Return ``data`` without ``secrets``, cut to ``max_bytes``; the rest is not searched."""
    margin = max((secret.longest_spelling for secret in secrets), default=0)
    limit = sys.maxsize if max_bytes is None else max_bytes
    cut = len(data) > limit + margin
    data = data[: limit + margin]
    for secret in secrets:
        data = secret.redact_bytes(data)
    # The beginning of a secret may be at the end of what was cut.
    return data[: len(data) - margin if cut else None][:limit]


class _RedactingFilter(logging.Filter):
    """Redacts the secrets in use in a record before any handler sees it."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets: weakref.WeakValueDictionary[int, Secret] = weakref.WeakValueDictionary()

    def watch(self, secret: Secret) -> None:
        self._secrets[id(secret)] = secret

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if message.startswith(_HUFFMAN_CODED):
            return False  # secrets in it cannot be found
        redacted = redact(message, list(self._secrets.values()))
        if redacted != message:
            record.msg, record.args = redacted, ()
        return True


_redacting_filter = _RedactingFilter()


def keep_out_of_logs(secret: Secret) -> None:
    """Redact ``secret``, while it exists, in records of the loggers that may contain it."""
    _redacting_filter.watch(secret)
    for name in _ECHOING_LOGGERS:
        logging.getLogger(name).addFilter(_redacting_filter)
