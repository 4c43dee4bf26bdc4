"""Secrets, and their redaction from text, bytes and log records."""

from __future__ import annotations

import json
import logging
import re
import sys
import weakref
from collections.abc import Iterable
from operator import attrgetter
from typing import Final
from urllib.parse import quote, quote_plus

from useresponse_async._exceptions import ArgumentError

_MASK: Final = "***"
_ANY: Final = "surrogatepass"  # any text can be redacted, also one that cannot be sent

RETRY_LOGGER: Final = "useresponse_async.retry"

# They log parts of responses, in which a server may repeat a secret.
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
    """A string that is not displayed: its ``repr`` and ``str`` are ``***``.

    Pickling drops the string: the unpickled secret is not equal to any other, and
    :meth:`reveal` raises :class:`~useresponse_async.ArgumentError`.

    Args:
        text: The secret string.
    """

    __slots__ = ("__weakref__", "_spellings", "_text")

    def __init__(self, text: str) -> None:
        self._text: str | None = text
        self._spellings: list[bytes] = _spellings_of(text)

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
        return self.redact_bytes(text.encode(errors=_ANY)).decode(errors=_ANY)

    def redact_bytes(self, data: bytes) -> bytes:
        """Return ``data`` with the secret replaced by ``***``: plain, URL-quoted or in JSON.

        Args:
            data: The bytes that may contain the secret.
        """
        for spelling in self._spellings:
            data = data.replace(spelling, _MASK.encode())
        return data

    @property
    def longest_spelling(self) -> int:
        """The size of the longest spelling, in bytes."""
        return len(self._spellings[0]) if self._spellings else 0

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
        return (Secret, ("",), (None, {"_text": None}))


def _spellings_of(text: str) -> list[bytes]:
    """Return ``text`` as in a URL, a form, JSON and PHP's JSON, the longest form first."""
    quoted = [quote(text, safe=safe, errors=_ANY) for safe in ("", "/")]
    quoted.append(quote_plus(text, safe="", errors=_ANY))
    in_json = [json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]]
    forms = {text, *quoted, *in_json, *(form.replace("/", "\\/") for form in in_json)}
    forms |= {re.sub("%..", lambda escape: escape[0].lower(), form) for form in quoted}
    return sorted((form.encode(errors=_ANY) for form in forms if form), key=len, reverse=True)


def redact(text: str, secrets: Iterable[Secret]) -> str:
    """Return ``text`` without ``secrets``."""
    return redact_bytes(text.encode(errors=_ANY), secrets).decode(errors=_ANY)


def redact_bytes(data: bytes, secrets: Iterable[Secret], max_bytes: int | None = None) -> bytes:
    """Return ``data`` without ``secrets``, cut to ``max_bytes``; the rest is not searched."""
    # The longest first, since a secret can contain another.
    ordered = sorted(secrets, key=attrgetter("longest_spelling"), reverse=True)
    margin = ordered[0].longest_spelling if ordered else 0
    limit = sys.maxsize if max_bytes is None else max_bytes
    cut = len(data) > limit + margin
    data = data[: limit + margin]
    for secret in ordered:
        data = secret.redact_bytes(data)
    # The start of a secret may be at the end of the data that was cut off.
    return data[: len(data) - margin if cut else None][:limit]


_watched: Final[weakref.WeakValueDictionary[int, Secret]] = weakref.WeakValueDictionary()
"""The secrets in use, by their ``id()``, since equal ones exist for different times."""


def _redact_record(record: logging.LogRecord) -> bool:
    """Redact the secrets in use in a log record, before any handler receives it."""
    message = record.getMessage()
    redacted = redact(message, list(_watched.values()))
    if redacted != message:
        record.msg, record.args = redacted, ()
    return not message.startswith(_HUFFMAN_CODED)  # secrets in such data cannot be recognized


def keep_out_of_logs(secret: Secret) -> None:
    """Redact ``secret``, as long as it exists, in the loggers that may log it."""
    _watched[id(secret)] = secret
    for name in _ECHOING_LOGGERS:
        logging.getLogger(name).addFilter(_redact_record)
