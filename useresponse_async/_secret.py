"""How is a key kept out of logs, reprs, pickles and whatever a server echoes back?"""

from __future__ import annotations

import json
import logging
import re
import struct
import weakref
from typing import Final

__all__ = ["Secret"]

_MASK: Final = "***"
_NOTHING: Final = r"(?!)"

RETRY_LOGGER: Final = "useresponse_async.retry"

# The loggers that see a response's headers or message, which may carry a secret back.
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
    """A text that is used, but not shown: its ``repr`` and ``str`` are ``***``.

    Pickling leaves the text out: the unpickled secret is equal to no other, and
    :meth:`reveal` on it raises ``ValueError``.

    Args:
        text: The text to keep.
    """

    __slots__ = ("__weakref__", "_bytes_pattern", "_pattern", "_text")

    def __init__(self, text: str) -> None:
        self._text: str | None = text
        spellings = [_spellings_of(character) for character in text] or [_NOTHING]
        self._pattern = re.compile("".join(spellings))
        # In UTF-16 and UTF-32 there are zeros in between.
        in_bytes = r"\x00*".join(spellings)
        self._bytes_pattern = re.compile(in_bytes.encode(errors="surrogatepass"))

    def reveal(self) -> str:
        """Return the text itself.

        Raises:
            ValueError: The secret came out of a pickle, which never holds the text.
        """
        if self._text is None:
            raise ValueError("this secret was pickled, and a pickle never holds its text")
        return self._text

    def redact(self, text: str) -> str:
        """Return ``text`` with every spelling of the secret replaced by ``***``.

        Args:
            text: What may hold the secret.
        """
        return self._pattern.sub(_MASK, text)

    def redact_bytes(self, data: bytes) -> bytes:
        """Return ``data`` with every spelling of the secret replaced by ``***``.

        Args:
            data: What may hold the secret.
        """
        return self._bytes_pattern.sub(_MASK.encode(), data)

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


def _spellings_of(character: str) -> str:
    """Return the pattern of a character as it may stand in a URL, in a form, in JSON, PHP's too."""
    # Of a URL within a URL the escapes are escaped in turn.
    in_url = "".join(f"%(?:25)*{byte:02x}" for byte in character.encode(errors="surrogatepass"))
    in_json = json.dumps(character)[1:-1]
    by_number = "".join(
        f"\\u{unit:04x}"
        for (unit,) in struct.iter_unpack("<H", character.encode("utf-16-le", "surrogatepass"))
    )
    ways = [re.escape(character), f"(?i:{in_url})", f"(?i:{re.escape(by_number)})"]
    if in_json != character:
        ways.append(re.escape(in_json))
    if character == "/":
        ways.append(r"\\/")
    if character == " ":
        ways.append(r"\+")
    return f"(?:{'|'.join(ways)})"


def without_frames(error: BaseException) -> BaseException:
    """Return ``error`` without the frames it came through, whose variables hold secrets."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)


class _RedactingFilter(logging.Filter):
    """Takes the secrets in use out of a record before any handler sees it."""

    def __init__(self) -> None:
        super().__init__()
        self._secrets: weakref.WeakValueDictionary[int, Secret] = weakref.WeakValueDictionary()

    def watch(self, secret: Secret) -> None:
        self._secrets[id(secret)] = secret

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if message.startswith(_HUFFMAN_CODED):
            return False  # no redaction finds a secret in there
        redacted = message
        for secret in list(self._secrets.values()):
            redacted = secret.redact(redacted)
        if redacted != message:
            record.msg, record.args = redacted, ()
        return True


_redacting_filter = _RedactingFilter()


def keep_out_of_logs(secret: Secret) -> None:
    """Have the records that may echo ``secret`` redacted for as long as it lives."""
    _redacting_filter.watch(secret)
    for name in _ECHOING_LOGGERS:
        logging.getLogger(name).addFilter(_redacting_filter)
